#!/bin/sh
# Everything that can be said about the code without running its tests: all checks side by side, then what they found.
set -u
bin=.venv/bin
scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-check.XXXXXX") || exit 1
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
# The checks see the project's own settings, not those of whoever runs them, and never touch ./var.
unset DATABASE_URL DJANGO_SETTINGS_MODULE PYTHONDONTWRITEBYTECODE
for name in $(env | sed -n 's/^\(RELEVAL_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export RELEVAL_DATA_DIR="$scratch"
number=0

# Start a check; the longest come first.
check() {
    number=$((number + 1))
    printf '%s\n' "$1" >"$scratch/$number.title"
    shift
    { "$@" >"$scratch/$number.output" 2>&1; echo $? >"$scratch/$number.code"; } &
}

check "types" $bin/python scripts/check_types.py
check "migrations and production settings" env RELEVAL_ENV=production RELEVAL_ALLOWED_HOSTS=releval.example \
    RELEVAL_SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
    RELEVAL_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
    $bin/python scripts/check_django.py
check "import contract" $bin/lint-imports
check "format" $bin/ruff format --check .
check "lint" $bin/ruff check .
check "templates" $bin/djangofmt --check templates
check "styles and scripts" $bin/oxfmt --check static/css static/js
wait

failed=""
for title in "$scratch"/*.title; do
    result=${title%.title}
    if [ "$(cat "$result.code")" = 0 ]; then
        printf 'ok      %s\n' "$(cat "$title")"
    else
        printf 'FAILED  %s\n' "$(cat "$title")"
        cat "$result.output"
        failed="$failed, $(cat "$title")"
    fi
done

if [ -n "$failed" ]; then
    printf 'make check failed: %s\n' "${failed#, }" >&2
    exit 1
fi
