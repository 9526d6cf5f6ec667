.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help setup run test fuzz check bench bench-quick bench-sign-ins bench-lag soak lock schema clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

# The stamp names the lock it was made from: a changed lock, a moved folder or another Python makes a new environment.
STAMP := .venv/.made-from
WANTED := $(shell { pwd; $(PYTHON) -V; cat requirements/dev.txt; } 2>&1 | cksum | tr -d ' ')

setup: ## make .venv from the hashed lock, with the headcount command in it
	@if [ "$$(cat $(STAMP) 2>/dev/null)" != "$(WANTED)" ]; then \
		$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Headcount needs Python 3.11 or newer; set PYTHON=...")' && \
		echo "Making .venv (once; about a minute)" && rm -rf .venv && $(PYTHON) -m venv .venv && \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r requirements/dev.txt && \
		$(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation --editable . && \
		echo "$(WANTED)" > $(STAMP); \
	fi

run: setup ## serve on http://localhost:8000 with an embedded database in var/ and a sample workspace
	@[ -f headcount.env ] || echo HEADCOUNT_ENVIRONMENT=development > headcount.env
	@$(BIN)/headcount serve --sample

test: setup ## run all tests (under 10 minutes on 2 cores)
	@$(BIN)/pytest -n 2 --dist worksteal -q

fuzz: setup ## what the tests search at random, thirty times as far and elsewhere each time
	@$(BIN)/pytest -n 2 --dist worksteal -q --hypothesis-profile=fuzz $(FUZZED)
FUZZED = $(shell grep -rlE "^@given" tests)

check: setup ## ruff, mypy --strict, pyright, import-linter
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/pyright --warnings && $(BIN)/lint-imports

bench: setup ## what a request costs, beside the least it could cost (20 minutes)
	@$(BIN)/python -m benchmarks $(OPTIONS)

bench-quick: setup ## the same in two minutes, less exactly; what has grown since the first time
	@$(BIN)/python -m benchmarks --users 1000 --variant sqlite-1 --variant postgresql-1 --rounds 2 --seconds 1 \
		--baseline .cache/bench-quick.json $(OPTIONS)

bench-sign-ins: setup ## whether a hundred parallel sign-ins delay others
	@$(BIN)/python -m benchmarks.sign_ins $(OPTIONS)

bench-lag: setup ## how long one request keeps the others of its process waiting
	@$(BIN)/python -m benchmarks.lag $(OPTIONS)

soak: setup ## half an hour of everything at once: do memory or open files grow?
	@$(BIN)/python -m benchmarks.soak $(OPTIONS)

schema: setup ## print graphql/schema.graphql anew
	@$(BIN)/headcount print-schema > graphql/schema.graphql

lock: setup ## resolve requirements/*.txt anew from pyproject.toml
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) -o requirements/run.txt >/dev/null
	@$(BIN)/uv pip compile pyproject.toml --group dev $(LOCK) -o requirements/dev.txt >/dev/null
LOCK := --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate --no-header --universal --python-version 3.11

clean: ## remove .venv, caches and var/
	@rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache var
