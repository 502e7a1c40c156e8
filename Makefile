# Two commands: `make demo` and `make test`. Each installs what it needs into .venv first (about 1.5 minutes, 6 GB: the
# default torch wheel brings the CUDA libraries). Needs Python 3.11 or later with venv; the tests and
# `ccit demo --broker local` also need a JDK 17 and Maven. What is missing is named, and installed where apt allows it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

# Kills every consumer again and again on three brokers that go down, and counts what was lost or done twice.
RECORDS ?= 100000
KILLS ?= 1000
SEED ?= 0

# Processes that share the tests among them, file by file. Three on two cores: a test with a broker often waits.
WORKERS ?= 3
SHARED = -n $(WORKERS) --dist loadfile --no-loadscope-reorder

# The tests of everything that touches a model library, in an environment of the lowest versions that pyproject.toml
# declares: about 10 minutes and 6 GB the first time.
LOWEST := .venv-lowest
LOWEST_TESTS := tests/unit/models tests/unit/scoring tests/unit/training tests/unit/evaluation tests/unit/serving \
	tests/contract/test_scorers.py tests/contract/test_training.py tests/contract/test_embedders.py tests/golden

# A client of the server that would bring 35 packages and 400 MB into the tests' environment: a minute and 760 MB the
# first time, in one of its own.
LM_EVAL := .venv-lm-eval

.PHONY: demo test test-fast test-lowest test-lm-eval lint bench crash-matrix docs schemas clean prerequisites

demo: $(INSTALLED)
	$(BIN)/ccit demo --out runs/demo

test: prerequisites $(INSTALLED)
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SHARED) --doctest-modules tests ccit consumers

test-lowest: $(LOWEST)/.installed
	@deploy/prerequisites.sh curl
	$(LOWEST)/bin/python -m pytest $(SHARED) $(LOWEST_TESTS)

test-lm-eval: $(INSTALLED) $(LM_EVAL)/.installed
	PATH="$(CURDIR)/$(LM_EVAL)/bin:$$PATH" $(BIN)/python -m pytest tests/unit/serving/with_lm_eval.py

# What needs no broker of its own, and trains and compiles no model: for the minutes between two changes. Some of it waits for the
# embedded broker and for servers that stop.
test-fast: $(INSTALLED)
	@deploy/prerequisites.sh curl
	$(MAKE) --no-print-directory lint
	$(BIN)/python -m pytest $(SHARED) -m "not trains" \
		tests/architecture tests/unit tests/contract tests/golden tests/property

lint: $(INSTALLED)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

bench: $(INSTALLED)
	$(BIN)/python -m benchmarks

crash-matrix: prerequisites $(INSTALLED)
	$(BIN)/python -m tests.crash --records $(RECORDS) --kills $(KILLS) --seed $(SEED) --write-docs

docs: $(INSTALLED)
	$(BIN)/ccit config --markdown > docs/configuration.md

schemas: $(INSTALLED)
	$(BIN)/python -m ccit.events

clean:
	rm -rf $(VENV) $(LOWEST) $(LM_EVAL) runs build *.egg-info

prerequisites:
	@deploy/prerequisites.sh java mvn curl

$(INSTALLED): pyproject.toml constraints.txt
	@deploy/prerequisites.sh venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

$(LOWEST)/.installed: pyproject.toml deploy/lowest.py
	@deploy/prerequisites.sh venv
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python deploy/lowest.py > $(LOWEST)/lowest.txt
	$(LOWEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(LOWEST)/lowest.txt --editable '.[test]'
	@touch $@

$(LM_EVAL)/.installed: deploy/lm-eval.txt constraints.txt
	@deploy/prerequisites.sh venv
	$(PYTHON) -m venv $(LM_EVAL)
	$(LM_EVAL)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --requirement deploy/lm-eval.txt
	@touch $@
