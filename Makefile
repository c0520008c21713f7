# Two commands to begin with: `make demo` shows the warehouse at work, `make test` proves it.
PYTHON ?= python3
BIN := .venv/bin

# Nothing here waits for a network beyond the package index.
export DO_NOT_TRACK := 1
export DBT_SEND_ANONYMOUS_USAGE_STATS := false

.PHONY: help setup demo test test-all simulate lint hooks audit bench clean
.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

setup: .venv/.installed profiles.yml  ## make .venv from the lock file

.venv/.installed: requirements.lock pyproject.toml
	@echo "making .venv from requirements.lock (about half a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.8"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

profiles.yml:
	@cp profiles.example.yml profiles.yml

demo: setup  ## simulated vendors -> ledger -> revenue, in about two minutes
	@$(BIN)/ledgerhouse demo

test: setup  ## every rule, every worked scenario
	@$(BIN)/pytest -m "not all"

test-all: setup  ## also what takes long: each scenario at once, kills, towns, Redshift
	@$(BIN)/pytest

simulate: setup  ## a simulated town for ten minutes: kills, hands, bad vendors (SECONDS=600 FIRST=1)
	@$(BIN)/python -m tests.simulation --seconds $(or $(SECONDS),600) --first $(or $(FIRST),1)

lint: setup  ## ruff, mypy and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/sqlfluff lint --nocolor --processes 2 models tests/ledger

hooks: setup  ## run the checks before each commit (git hooks of .pre-commit-config.yaml)
	@$(BIN)/uv tool run pre-commit install

# They bring a dbt of their own, so they live beside .venv. Neither asks a warehouse anything.
.venv-audit/.installed: pyproject.toml | setup
	@echo "making .venv-audit (about half a minute)"
	@$(BIN)/uv venv --quiet --clear .venv-audit
	@$(BIN)/uv pip install --quiet --python .venv-audit/bin/python --group audit
	@touch $@

audit: .venv-audit/.installed  ## what public linters say of the models: dbt-score, dbt-bouncer
	@.venv-audit/bin/dbt --quiet parse --profiles-dir . --target-path target/audit
	@.venv-audit/bin/dbt-score lint --manifest target/audit/manifest.json
	@.venv-audit/bin/dbt-bouncer run

bench: setup  ## timings at full size (tens of minutes); see docs/operations.md
	@$(BIN)/python -m tests.bench

clean: setup  ## stop the embedded Postgres and drop everything that was made
	@$(BIN)/ledgerhouse down && rm -rf "$$(readlink -f .warehouse)" .warehouse target logs
