# Works with GNU make 3.81 (macOS) and later. The recipes that need more than a line are in scripts/.

SHELL := /bin/sh
PYTHON := .venv/bin/python
# Files are UTF-8 whatever the locale says, and nothing is written outside this directory and the data directory.
export PYTHONUTF8 := 1
export PIP_NO_CACHE_DIR := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help demo serve test quick chaos check format bench screenshots lock audit installed test-installed

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: installed ## Install, load the sample data, judge it with the local judge, serve (ONESHOT=1: stop after the summary)
	@exec $(PYTHON) manage.py demo

serve: installed ## Install and serve web, worker and local judge, without sample data
	@exec $(PYTHON) manage.py serve

test: test-installed ## Run make check and every test, on SQLite and PostgreSQL, side by side
	@exec sh scripts/test.sh

quick: test-installed ## Run make check and the tests of every day, on SQLite alone
	@exec $(PYTHON) scripts/run_tests.py --quick $(PYTEST_ARGS)

chaos: test-installed ## Kill every part of a running stack at seeded moments; N=10: ten rounds, until one fails
	@exec sh scripts/chaos.sh $(or $(N),1)

check: test-installed ## Check format, lint, types, import contract, migrations and production settings
	@exec sh scripts/check.sh

format: test-installed ## Format Python, templates, styles and scripts
	@.venv/bin/ruff format . && .venv/bin/djangofmt templates && .venv/bin/oxfmt static/css static/js

bench: test-installed ## Measure speed, memory and faults beside their marks, 10 minutes (PEERS=1, BENCH_ARGS=--full)
	@exec $(PYTHON) -m tests.bench $(if $(PEERS),--peers) $(BENCH_ARGS)

screenshots: test-installed ## Make pictures of every page, light and dark, wide and narrow, in screenshots/
	@exec $(PYTHON) scripts/screenshots.py

lock: installed ## Renew requirements.lock and requirements-test.lock from pyproject.toml
	@exec sh scripts/lock.sh

audit: installed ## Look for known vulnerabilities of what requirements.lock installs
	@exec sh scripts/audit.sh

installed:
	@sh scripts/install.sh requirements.lock

test-installed:
	@sh scripts/install.sh requirements-test.lock
