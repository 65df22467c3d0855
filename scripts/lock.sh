#!/bin/sh
# Renew both lock files from pyproject.toml, for every platform, with hashes; uv lives in a throw-away environment.
# Versions that are already locked stay unless pyproject.toml forbids them; UPGRADE=1 takes the newest of everything.
set -eu
scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-lock.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet uv

compile() {
    # Registry addresses are left out: the files must install from any mirror.
    UV_CACHE_DIR="$scratch/cache" "$scratch/venv/bin/uv" pip compile pyproject.toml --quiet --universal \
        --generate-hashes --python-version 3.11 --no-header --no-emit-index-url --no-emit-find-links \
        ${UPGRADE:+--upgrade} "$@" >/dev/null
}

compile --extra aws --extra local --extra postgres --output-file requirements.lock
compile --all-extras -c requirements.lock --output-file requirements-test.lock
if grep -n '://' requirements.lock requirements-test.lock; then
    echo "An address got into a lock file, see above." >&2
    exit 1
fi
