#!/bin/sh
# Run a command with DATABASE_URL leading to a PostgreSQL server of its own, which is gone when the command ends:
#
#     sh scripts/with_postgresql.sh .venv/bin/pytest tests/work
#
# The server listens on a free port of the loopback, keeps its data in a temporary directory, and is no system service.
# PostgreSQL refuses to run as root: root runs it as the user postgres. Exits 69 when no server is installed.
set -u
bin=""
for candidate in /usr/lib/postgresql/*/bin /opt/homebrew/opt/postgresql*/bin /usr/local/opt/postgresql*/bin; do
    # The newest comes last.
    [ -x "$candidate/initdb" ] && bin=$candidate
done
if [ -z "$bin" ] && command -v initdb >/dev/null 2>&1; then
    bin=$(dirname "$(command -v initdb)")
fi
as_owner() { "$@"; }
if [ "$(id -u)" = 0 ]; then
    if id postgres >/dev/null 2>&1 && command -v runuser >/dev/null 2>&1; then
        as_owner() { runuser -u postgres -- "$@"; }
    else
        bin=""
    fi
fi
[ -n "$bin" ] || { echo "No PostgreSQL server is installed here." >&2; exit 69; }

# A directory of the system's own, whatever TMPDIR says: the server's user must reach it, and a socket's path be short.
home=$(mktemp -d /tmp/releval-postgresql.XXXXXX) || exit 70
[ "$(id -u)" != 0 ] || chown postgres "$home"
# From a directory that its user may enter.
cd_home() { (cd "$home" && as_owner "$@"); }
stop() {
    [ ! -f "$home/data/postmaster.pid" ] || cd_home "$bin/pg_ctl" -D "$home/data" -m immediate stop >/dev/null 2>&1
    rm -rf "$home"
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

fail() {
    printf '%s\n' "$1" >&2
    tail -n 20 "$home"/*.log >&2
    exit 70
}

cd_home "$bin/initdb" -D "$home/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >"$home/initdb.log" 2>&1 ||
    fail "initdb failed:"
started=no
for attempt in 1 2 3; do
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    # Nothing of it outlives the tests, so nothing of it has to reach a disk.
    if cd_home "$bin/pg_ctl" -D "$home/data" -l "$home/data/server.log" -w -t 30 \
        -o "-p $port -k $home -c listen_addresses=127.0.0.1 -c fsync=off -c synchronous_commit=off \
            -c full_page_writes=off -c max_connections=200" start >"$home/start.log" 2>&1; then
        started=yes
        break
    fi
done
[ $started = yes ] || fail "PostgreSQL did not start after $attempt attempts:"

DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" "$@"
