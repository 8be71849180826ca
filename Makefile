# tidal: everything that a developer types. `make` alone shows the list.

VENV   := .venv
BIN    := $(VENV)/bin
PYTEST ?= $(BIN)/python -m pytest
# Tests with real processes mostly wait: twice as many at once as a small machine has cores.
JOBS   ?= 4
# Random schedules of faults that `make chaos` tries, and the seed of the first.
SEEDS  ?= 3
FIRST  ?= 1
# pyenv's shims exist for versions that do not run here, so each candidate is asked.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP     = $(BIN)/python -m pip --disable-pip-version-check --no-input
RUNTIME := $(VENV)/.runtime
DEV     := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help install demo test chaos explore deep fuzz check bench lock clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(RUNTIME) ## make .venv with tidal and what it needs

demo: $(RUNTIME) ## a load test of the bundled shop, in this terminal
	@# the shop declines some checkouts on purpose, so the run's own exit code is 1
	@$(BIN)/tidal demo || [ $$? = 1 ]

test: $(DEV) ## run the tests (ARGS="-k codec" picks some, JOBS=1 takes one after the other)
	@bash .ci/redis-server
	@bash .ci/servers
	@bash .ci/chromium
	$(PYTEST) -n $(JOBS) --dist worksteal $(ARGS)

chaos: $(DEV) ## every fault in the middle of real runs, then random ones (SEEDS=3, FIRST=1, ARGS=…)
	@bash .ci/redis-server
	$(PYTEST) tests/chaos tests/e2e -m chaos -n 0 --seeds $(SEEDS) --first-seed $(FIRST) $(ARGS)

N ?= 2000
explore: $(DEV) ## run the protocol under random schedules (N=200000)
	$(BIN)/python tests/explore/explore.py $(N)

deep: $(DEV) ## the laws of the model on examples that no run has drawn before (ARGS="-k fold" picks some)
	HYPOTHESIS_PROFILE=deep $(PYTEST) tests/unit tests/explore -n $(JOBS) --dist worksteal $(ARGS)

SECONDS ?= 30
fuzz: $(DEV) ## feed hostile bytes to whatever reads them (SECONDS=600 for each reader)
	$(BIN)/python fuzz/run.py "" $(SECONDS)

check: $(DEV) ## formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(DEV) ## measure tidal beside Locust on this machine (ARGS="--rows http" picks rows)
	$(BIN)/python bench/run.py --write docs/speed.md $(ARGS)

# One lock serves every platform and Python; it names no index, so a mirror of your own works as well.
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" pyproject.toml

lock: $(DEV) ## write both lock files anew from pyproject.toml
	$(PIP) install --quiet uv
	$(LOCK) --upgrade --output-file requirements.lock
	$(LOCK) --upgrade --extra dev --constraint requirements.lock --output-file requirements-dev.lock

clean: ## remove .venv, caches and build results
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis snapshot_report.html
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "tidal needs Python 3.11 or newer with venv; none was found" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml requirements.lock | $(BIN)/python
	$(PIP) install --quiet --require-hashes -r requirements.lock
	$(PIP) install --quiet --no-deps -e .
	@touch $@

$(DEV): requirements-dev.lock $(RUNTIME)
	$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@
