#!/bin/sh
# Run make check and every test, with a data directory and a HOME of their own: ./var is never touched.
#
# In CI or in a container, as root on Debian, Chromium and PostgreSQL are installed when they are missing; elsewhere
# the one line that installs them is printed. What was skipped, and why, is printed last (tests/skips.py).
set -u
packages=""
command -v chromium >/dev/null 2>&1 || [ -x /usr/bin/chromium ] || packages="$packages chromium fonts-dejavu-core"
set -- /usr/lib/postgresql/*/bin/initdb
[ -x "$1" ] || command -v initdb >/dev/null 2>&1 || packages="$packages postgresql"
install="apt-get install -y --no-install-recommends$packages"

is_container() {
    [ -f /.dockerenv ] || [ -f /run/.containerenv ] || [ -n "${KUBERNETES_SERVICE_HOST:-}" ] ||
        grep -qE 'docker|containerd|kubepods|lxc' /proc/1/cgroup 2>/dev/null
}

if [ -n "$packages" ]; then
    if { [ "${CI:-}" = true ] || is_container; } && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
        printf 'Installing%s ...\n' "$packages"
        # policy-rc.d keeps Debian from starting PostgreSQL as a service: the tests start their own.
        [ -e /usr/sbin/policy-rc.d ] || {
            printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d && chmod +x /usr/sbin/policy-rc.d
            made_policy=yes
        }
        export DEBIAN_FRONTEND=noninteractive
        $install >/dev/null 2>&1 || { apt-get update -qq && $install >/dev/null; } ||
            printf 'The installation failed; the tests that need it will be skipped.\n' >&2
        [ "${made_policy:-}" != yes ] || rm -f /usr/sbin/policy-rc.d
    else
        missing_hint="To run the skipped tests, install$packages: sudo $install"
        printf '%s\n' "$missing_hint" >&2
    fi
fi

sh scripts/check.sh
check=$?

scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-test.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
mkdir "$scratch/home" "$scratch/data"
unset DATABASE_URL DJANGO_SETTINGS_MODULE HOST PORT LOCAL_JUDGE_PORT LOCAL_JUDGE_URL
for name in $(env | sed -n 's/^\(RELEVAL_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export HOME="$scratch/home"

# What talks to the database, on PostgreSQL. The rest runs on SQLite alone: the SDK over HTTP, and what is about
# SQLite's files, which tests say of themselves.
printf '\nOn PostgreSQL:\n'
RELEVAL_DATA_DIR="$scratch/postgresql" sh scripts/with_postgresql.sh \
    .venv/bin/python -m pytest -n 2 -q --ignore=tests/responses/test_sdk.py \
    --ignore=tests/operations/test_backup.py --ignore=tests/browser --ignore=tests/asking --ignore=tests/metrics \
    --ignore=tests/providers --ignore=tests/local_judge --ignore=tests/releval --ignore=tests/stub --ignore=tests/bench \
    ${PYTEST_ARGS:-}
postgresql=$?
on_sqlite=""
case $postgresql in
0) on_sqlite="not postgresql" ;;
69)
    not_run='NOT RUN ON POSTGRESQL: no server is installed.'
    printf '%s\n' "$not_run" >&2
    postgresql=0
    ;;
esac

printf '\nOn SQLite:\n'
RELEVAL_DATA_DIR="$scratch/data" RELEVAL_TEST_HINT="${missing_hint:-}" \
    .venv/bin/python -m pytest -n 2 -p tests.skips -m "$on_sqlite" ${PYTEST_ARGS:-}
tests=$?

[ $postgresql = 0 ] || printf 'Tests failed on PostgreSQL, see above.\n' >&2
[ $check = 0 ] || printf 'make check failed, see above.\n' >&2
# Again at the end, where it is seen.
[ -z "${not_run:-}" ] || printf '%s\n' "$not_run" >&2
[ $check = 0 ] && [ $postgresql = 0 ] && [ $tests = 0 ]
