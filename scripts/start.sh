#!/usr/bin/env bash
# Starts the service: environment, Ray, the models. Ctrl-C stops what this started.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment requirements.lock
exec .venv/bin/python -m scripts.serve "$@"
