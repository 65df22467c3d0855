#!/bin/sh
# Make .venv and install a lock file into it, unless a stamp says that exactly this was done before.
#
#     sh scripts/install.sh requirements.lock
#
# The stamp is written last: whatever was interrupted is done again. POSIX sh; BSD and GNU tools.
set -eu
lock=$1
venv=.venv
stamp=$venv/.installed-${lock%.lock}
venv_packages=python3-venv

say() { printf '%s\n' "$*" >&2; }

# A virtual environment holds absolute paths, so its place belongs to the key; so does the Python version.
key() {
    "$venv/bin/python" - "$lock" <<'PYTHON'
import hashlib, pathlib, sys
lock = pathlib.Path(sys.argv[1])
print(hashlib.sha256(f"{sys.prefix} {sys.version} ".encode() + lock.read_bytes()).hexdigest())
PYTHON
}

is_complete() {
    [ -f "$stamp" ] && found=$(key 2>/dev/null) && [ "$found" = "$(cat "$stamp")" ]
}

# Print the first Python from 3.11 on. With "venv": the first that can also make virtual environments. Of one version the
# system's comes first: it is built with optimisation, and an eighth faster than one built at home mostly is.
find_python() {
    wanted='import sys; sys.exit(sys.version_info < (3, 11))'
    [ "${1:-}" != venv ] || wanted="import ensurepip, venv; $wanted"
    for name in python3.14 python3.13 python3.12 python3.11 python3; do
        for python in "/usr/bin/$name" "$name"; do
            # Asked to run, since a name on the PATH may be a shim without a Python behind it.
            if "$python" -c "$wanted" >/dev/null 2>&1; then
                command -v "$python"
                return
            fi
        done
    done
    return 1
}

has_apt() { command -v apt-get >/dev/null 2>&1; }

install_venv_package() {
    if ! find_python >/dev/null; then
        say "Releval needs Python 3.11 or later; none of python3.14 ... python3.11, python3 is one."
        has_apt && say "Install it with: apt-get install -y python3 python3-venv"
        exit 1
    fi
    if ! has_apt; then
        say "$(find_python) cannot make virtual environments: install its venv and ensurepip modules."
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        say "Python's venv module is missing. Install it with: sudo apt-get install -y $venv_packages"
        exit 1
    fi
    say "Installing $venv_packages ..."
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq --no-install-recommends $venv_packages >/dev/null 2>&1 || {
        apt-get update -qq >&2 && apt-get install -y -qq --no-install-recommends $venv_packages >&2
    }
}

make_venv() {
    python=$(find_python venv) || {
        install_venv_package
        python=$(find_python venv) || {
            say "$(find_python) still cannot make virtual environments; install its venv and ensurepip modules."
            exit 1
        }
    }
    say "Making $venv with $python ..."
    rm -rf "$venv"
    "$python" -m venv "$venv" || {
        rm -rf "$venv"
        say "$python -m venv failed."
        exit 1
    }
}

# Two makes at once would install into each other's half-made environment. mkdir is atomic everywhere.
acquire_lock() {
    tries=0
    until mkdir "$mutex" 2>/dev/null; do
        holder=$(cat "$mutex/pid" 2>/dev/null || true)
        tries=$((tries + 1))
        if [ -n "$holder" ] && ! kill -0 "$holder" 2>/dev/null || [ "$tries" -gt 600 ]; then
            rm -rf "$mutex"
        else
            [ "$tries" != 1 ] || say "Waiting for another installation in this directory ..."
            sleep 1
        fi
    done
    trap 'rm -rf "$mutex"' EXIT
    trap 'exit 130' INT TERM HUP
    echo $$ >"$mutex/pid"
}

is_complete && exit 0
mutex=$venv-lock
acquire_lock
is_complete && exit 0

if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1 || ! grep -q . "$venv/.made" 2>/dev/null; then
    make_venv
    echo made >"$venv/.made"
fi
say "Installing $lock ..."
rm -f "$stamp"
# The lock is complete and hashed: nothing is resolved, nothing unknown gets in.
"$venv/bin/python" -m pip install --quiet --progress-bar off --require-hashes --no-deps -r "$lock" || {
    say "The installation of $lock failed; 'make' goes on from here when run again."
    exit 1
}
key >"$stamp.new"
mv "$stamp.new" "$stamp"
