#!/usr/bin/env bash
# Checks everything: style, dependencies, types, tests. With arguments, which go to pytest, only the tests that they name.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
prepare_environment requirements-test.lock
export PATH="$PWD/.venv/bin:$PATH"
prepare_chromium
prepare_chaos
prepare_kubectl
case " $* " in *" slow "*) prepare_clients ;; esac
ruff check .
ruff format --check .
deptry .
mypy
if [ $# -gt 0 ]; then
    exec pytest "$@"
fi
# Those that have a Ray of their own use more than one core already, and come after the others.
pytest -n auto --maxprocesses 4 -m "not slow and not cluster"
pytest -m "cluster and not slow"
