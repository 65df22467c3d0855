#!/bin/sh
# Run make check and every test (scripts/run_tests.py), with data directories and a HOME of their own: ./var is never
# touched.
#
# In CI or in a container, as root on Debian, Chromium, PostgreSQL and Groonga are installed when they are missing;
# elsewhere the one line that installs them is printed. What was skipped, and why, is printed last (tests/skips.py).
set -u
packages=""
# The shell takes two thirds of the time of a whole Chromium, which the tests use where that is there alone.
command -v chromium-headless-shell >/dev/null 2>&1 || packages="$packages chromium-headless-shell fonts-dejavu-core"
set -- /usr/lib/postgresql/*/bin/initdb
[ -x "$1" ] || command -v initdb >/dev/null 2>&1 || packages="$packages postgresql"
command -v groonga >/dev/null 2>&1 || packages="$packages groonga-bin"
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
        missing_hint="To run the tests that are skipped, or faster, install$packages: sudo $install"
        printf '%s\n' "$missing_hint" >&2
    fi
fi

exec .venv/bin/python scripts/run_tests.py --hint "${missing_hint:-}" ${PYTEST_ARGS:-}
