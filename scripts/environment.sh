# shellcheck shell=bash
# Sourced by start.sh and test.sh: makes .venv, once, with what a lock file names.
# Usage: prepare_environment LOCK

fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3.11 python3 python; do
        if [ -n "$candidate" ] && "$candidate" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "Python 3.11 is needed and was not found: install it, or name it, as in PYTHON=/path/to/python3.11 $0"
}

prepare_environment() {
    local lock=$1 python free_mb needed_mb=3000 cuda_mb=10000 stamp wanted
    stamp=.venv/.installed-$(basename "$lock")
    wanted=$(cat "$lock" pyproject.toml | sha256sum)
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then
        return
    fi
    python=$(find_python)
    free_mb=$(df -Pm . | awk 'NR == 2 { print $4 }')
    if [ "$free_mb" -lt "$needed_mb" ]; then
        fail "The disk has $free_mb MB free, and the environment needs about $needed_mb MB: make room in $PWD."
    elif [ "$free_mb" -lt "$cuda_mb" ]; then
        echo "The disk has $free_mb MB free: PyTorch with CUDA, if pip finds that, needs about $cuda_mb MB." >&2
    fi
    if [ ! -x .venv/bin/python ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        echo "Creating the environment in .venv"
        "$python" -m venv --clear .venv ||
            fail "The environment could not be made: on Debian and Ubuntu, apt install python3.11-venv."
    fi
    echo "Installing $lock; the first time takes some minutes"
    {
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement "$lock" &&
            .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
    } ||
        fail "The installation failed; see the lines above. Fix the error and run this again."
    printf '%s\n' "$wanted" >"$stamp"
}

# The tests of the page need a browser; without one they are skipped, and say so.
prepare_chromium() {
    if command -v chromium || command -v chromium-browser || command -v google-chrome; then
        return
    fi >/dev/null
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing Chromium for the tests of the page"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium; } >/dev/null 2>&1 ||
            echo "Chromium could not be installed; the tests of the page are skipped." >&2
    else
        echo "There is no Chromium: the tests of the page are skipped. On Debian, apt install chromium." >&2
    fi
}

# scripts.chaos makes files with these; without them its tests are skipped, and say so.
prepare_chaos() {
    if command -v ffmpeg && command -v espeak-ng && command -v zzuf; then
        return
    fi >/dev/null
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "Installing ffmpeg, espeak-ng and zzuf for the tests of scripts.chaos"
        { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq ffmpeg espeak-ng zzuf; } \
            >/dev/null 2>&1 || echo "They could not be installed: the tests of scripts.chaos are skipped." >&2
    else
        echo "The tests of scripts.chaos are skipped. On Debian, apt install ffmpeg espeak-ng zzuf." >&2
    fi
}

# The tests of k8s/ build its overlays; without kubectl or kustomize they are skipped, and say so. In CI they fail.
prepare_kubectl() {
    if command -v kubectl || command -v kustomize; then
        return
    fi >/dev/null
    local candidate=""
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        apt-get update -qq >/dev/null 2>&1 || true
        candidate=$(apt-cache policy kubernetes-client | awk '$1 == "Candidate:" { print $2 }')
    fi
    # Debian 12 has 1.20, which knows no components.
    if [ -n "$candidate" ] && dpkg --compare-versions "$candidate" ge 1.21; then
        echo "Installing kubectl for the tests of k8s/"
        DEBIAN_FRONTEND=noninteractive apt-get install -y -qq kubernetes-client >/dev/null 2>&1 && return
    fi
    echo "There is no kubectl: the tests of k8s/ are skipped. See kubernetes.io/docs/tasks/tools; 1.21 or newer." >&2
}

# Clients that others publish, in .venv-clients and tests/clients/node_modules: their versions would conflict with ours.
# Without a Python that they support the slow tests of tests/clients are skipped, and say so. In CI they fail.
prepare_clients() {
    local candidate python="" home=.venv-clients wanted
    wanted=$(cat tests/clients/requirements.lock tests/clients/package-lock.json | sha256sum)
    if [ -f $home/.installed ] && [ "$(cat $home/.installed)" = "$wanted" ]; then
        return
    fi
    for candidate in python3.12 python3.13 "$HOME"/.pyenv/versions/3.1[23]*/bin/python; do
        if "$candidate" -c "" 2>/dev/null; then
            python=$candidate
            break
        fi
    done
    if [ -z "$python" ]; then
        echo "The tests of other people's clients are skipped: they need Python 3.12 or 3.13." >&2
        return
    fi
    echo "Installing other people's clients in $home"
    # uv is faster than pip by minutes here.
    { "$python" -m venv --clear --without-pip $home &&
        .venv/bin/python -m pip --python $home/bin/python install --quiet --disable-pip-version-check \
            "$(grep '^uv==' tests/clients/requirements.lock)" &&
        $home/bin/uv pip install --quiet --no-deps --python $home/bin/python \
            --requirement tests/clients/requirements.lock &&
        PATH="$PWD/$home/bin:$PATH" npm ci --silent --ignore-scripts --prefix tests/clients &&
        printf '%s\n' "$wanted" >$home/.installed; } ||
        echo "They could not be installed: their tests are skipped." >&2
}
