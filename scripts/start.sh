#!/usr/bin/env bash
# Makes the environment and starts the service, with the options of `llasa-serve serve`. Ctrl-C stops it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment requirements.lock
exec .venv/bin/llasa-serve serve "$@"
