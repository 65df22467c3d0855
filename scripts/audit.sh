#!/bin/sh
# Look for known vulnerabilities of everything that a lock file installs (requirements.lock when none is named).
#
# pip-audit lives in a throw-away environment. Exits with 1 when something is found, and when pip-audit itself fails.
# Where the database can't be reached nothing was looked at: that is said loudly, and exits with 0.
set -eu
lock=${1:-requirements.lock}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/releval-audit.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP
.venv/bin/python -m venv "$scratch/venv"
"$scratch/venv/bin/python" -m pip install --quiet pip-audit==2.10.1
"$scratch/venv/bin/pip-audit" --require-hashes --disable-pip --cache-dir "$scratch/cache" --progress-spinner off \
    --format json --output "$scratch/found.json" -r "$lock" 2>"$scratch/errors" || true

# By what it found and not by its exit code: packages that the database did not answer for count as clean there.
.venv/bin/python - "$lock" "$scratch/found.json" "$scratch/errors" <<'PYTHON'
import json, pathlib, re, sys

lock, found, errors = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]).read_text()
OUT_OF_REACH = r"ConnectionError|ConnectTimeout|ReadTimeout|ProxyError|SSLError|Max retries|Failed to upgrade|HTTPError"


def not_audited(why):
    print(f"NOT AUDITED: {why}. Nothing is known about {lock}; run this where PyPI and its database answer.")
    raise SystemExit(0)


if not found.exists() or not found.stat().st_size:
    if re.search(OUT_OF_REACH, errors):
        not_audited("the database of vulnerabilities can't be reached")
    sys.exit(f"{errors}\npip-audit failed, see above.")
packages = json.loads(found.read_text())["dependencies"]
skipped = [package["name"] for package in packages if "skip_reason" in package]
bad = [(package, each) for package in packages for each in package.get("vulns", [])]
for package, each in bad:
    fixed = ", ".join(each["fix_versions"]) or "no version yet"
    print(f"{package['name']} {package['version']}: {each['id']} {' '.join(each['aliases'])} (fixed in {fixed})")
if bad:
    sys.exit(f"{len(bad)} known vulnerabilities in {lock}, see above.")
if len(skipped) == len(packages):
    not_audited("the database of vulnerabilities knows none of the packages, so it was not the public one")
print(f"{len(packages) - len(skipped)} packages of {lock} have no known vulnerability.")
if skipped:
    print(f"NOT AUDITED: {', '.join(skipped)}")
PYTHON
