#!/bin/sh
# Everything that can be said about the code without running its tests. Runs every check, then tells what failed.
set -u
bin=.venv/bin
scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-check.XXXXXX") || exit 1
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
# The checks see the project's own settings, not those of whoever runs them, and never touch ./var.
unset DATABASE_URL DJANGO_SETTINGS_MODULE
for name in $(env | sed -n 's/^\(RELEVAL_[A-Z_]*\)=.*/\1/p'); do unset "$name"; done
export RELEVAL_DATA_DIR="$scratch"
failed=""

check() {
    title=$1
    shift
    if "$@" >"$scratch/output" 2>&1; then
        printf 'ok      %s\n' "$title"
    else
        printf 'FAILED  %s\n' "$title"
        cat "$scratch/output"
        failed="$failed, $title"
    fi
}

check "format" $bin/ruff format --check .
check "templates" $bin/djangofmt --check templates
check "styles and scripts" $bin/oxfmt --check static/css static/js
check "lint" $bin/ruff check .
check "types" $bin/mypy
check "import contract" $bin/lint-imports
check "migrations" $bin/python manage.py makemigrations --check --dry-run
check "production settings" env RELEVAL_ENV=production RELEVAL_ALLOWED_HOSTS=releval.example \
    RELEVAL_SECRET_KEY=0123456789abcdefghijklmnopqrstuvwxyz-ABCDEFGHIJKLMNOPQRSTUVWXYZ \
    RELEVAL_ENCRYPTION_KEYS=MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= \
    $bin/python manage.py check --deploy --fail-level WARNING

if [ -n "$failed" ]; then
    printf 'make check failed: %s\n' "${failed#, }" >&2
    exit 1
fi
