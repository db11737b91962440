#!/usr/bin/env bash
# Writes the lock files anew: the newest releases that pyproject.toml allows.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/environment.sh
fresh=$(mktemp -d)
trap 'rm -rf "$fresh"' EXIT
"$(find_python)" -m venv "$fresh"
freeze() {
    # A local build's suffix (torch's +cpu) and CUDA's packages, which torch itself asks for, are of the machine.
    "$fresh/bin/pip" freeze --exclude llasa-serve | sed 's/+[a-z0-9.]*$//' | grep -viE '^(nvidia-[^m]|cuda-|triton=)'
}
"$fresh/bin/pip" install --quiet "torch==2.13.0"
"$fresh/bin/pip" install --quiet .
freeze >requirements.lock
"$fresh/bin/pip" install --quiet '.[test]'
freeze >requirements-test.lock
