# One door to the project. `make help` tells what is behind it.
PYTHON ?= python3.11
ifeq ($(shell command -v $(PYTHON) 2>/dev/null),)
PYTHON := python3
endif
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?=
BACKLOG ?=
UV_VERSION := 0.13.9

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-unit faults fuzz check format bench docs lock clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## Install Gardu and its tools into .venv (the other targets do it when it is needed)

$(READY): pyproject.toml requirements/dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Gardu needs Python 3.11 or newer; \
	this is " + sys.version.split()[0] + ". Name another one with: make PYTHON=/path/to/python3.11")'
	@echo "[setup] creating $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[setup] installing uv $(UV_VERSION) and the locked packages of requirements/dev.txt (about a minute)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes requirements/dev.txt
	@VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)
	@echo "[setup] ready"

demo: $(READY) ## Run a campus of two buildings on this machine, cut a line, and prove that nothing is lost
	@$(BIN)/gardu-sim demo $(ARGS)

test: $(READY) ## Run all tests but the endurance runs; ARGS is handed to pytest
	@$(BIN)/python -m tests.peers.npm_packages
	@echo "[test] unit tests first, then real processes, databases and faults (about 25 minutes on two cores)"
	@$(BIN)/pytest -n 2 --dist loadgroup $(ARGS)

test-unit: $(READY) ## Run the unit tests alone (seconds)
	@$(BIN)/pytest tests/unit tests/architecture $(ARGS)

faults: $(READY) ## Run every fault in its full size (hours; ARGS="-k clock" for some), and write what was measured
	@rm -f build/figures.jsonl; mkdir -p build
	@GARDU_FAULTS=full GARDU_FAULT_CUTS=1000 GARDU_FAULT_SAMPLE_S=60 GARDU_FIGURES=$(CURDIR)/build/figures.jsonl \
	  $(BIN)/pytest -s tests/faults tests/conformance/test_k_power_cuts.py $(ARGS); failed=$$?; \
	  touch build/figures.jsonl; $(BIN)/python -m tests.faults build/figures.jsonl; exit $$failed

fuzz: $(READY) ## Throw 1,000,000 odd inputs at the edge (ten minutes on two cores; ARGS="--inputs 20000" for a short look)
	@$(BIN)/python -m tests.fuzz $(ARGS)

check: $(READY) ## Lint, types, imports, format
	@echo "[check] ruff"; $(BIN)/ruff check .
	@echo "[check] format"; $(BIN)/ruff format --check .
	@echo "[check] mypy"; $(BIN)/mypy
	@echo "[check] import-linter"; $(BIN)/lint-imports

format: $(READY) ## Put the code into its form
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: $(READY) ## Measure the edge and the cloud beside their peers, and the drain of a backlog (BACKLOG="--events 1700000": a month)
	@$(BIN)/python -m tests.benchmarks $(ARGS)
	@$(BIN)/python -m tests.benchmarks.ingest
	@$(BIN)/python -m tests.benchmarks.backlog $(BACKLOG)

docs: $(READY) ## Write the generated reference again
	@$(BIN)/python -m docs.generate

lock: $(READY) ## Resolve the requirements again (hashes included)
	@for extra in edge cloud simulator; do \
	  $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	    --extra $$extra pyproject.toml --output-file requirements/$$extra.txt $(ARGS); done
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-annotate --no-header --python-version 3.11 \
	  --extra edge --extra cloud --extra simulator --extra dev requirements/build.in pyproject.toml \
	  --output-file requirements/dev.txt $(ARGS)

clean: ## Remove what the other targets made
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
