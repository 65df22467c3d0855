#!/bin/sh
# Run the chaos tests some times and stop at the first failure: sh scripts/chaos.sh 10
#
# Each round draws its moments from its number; FIRST=7 begins with round 7, to see a failure of it again.
set -u
rounds=$1
round=${FIRST:-1}
last=$((round + rounds - 1))
scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-chaos.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
unset DATABASE_URL DJANGO_SETTINGS_MODULE HOST PORT
for name in $(env | sed -n 's/^\(RELEVAL_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
while [ "$round" -le "$last" ]; do
    printf 'Round %s of %s\n' "$round" "$last"
    CHAOS_ROUND=$round RELEVAL_DATA_DIR="$scratch" .venv/bin/python -m pytest -n 2 -q -x \
        tests/work/processes/test_chaos.py tests/work/processes/test_chaos_storage.py tests/search/runs/test_chaos.py ${PYTEST_ARGS:-} || {
        printf 'Round %s failed; again with: make chaos FIRST=%s\n' "$round" "$round" >&2
        exit 1
    }
    round=$((round + 1))
done
