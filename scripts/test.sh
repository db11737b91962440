#!/usr/bin/env bash
# Checks everything: style, types, tests. Arguments go to pytest.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment requirements-test.lock
export PATH="$PWD/.venv/bin:$PATH"
prepare_chromium
ruff check .
ruff format --check .
mypy
exec pytest "$@"
