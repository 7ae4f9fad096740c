# `make play` and `make test` need Python 3.11 or newer, git and make; everything else they set up
# themselves in .venv.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV ?= .venv
BIN = $(VENV)/bin

.PHONY: help play test test-full lint bench clean

help:
	@echo 'make play       set up and open the game beside a shipped SRPO partner (ARGS="--layout ...")'
	@echo 'make test       set up and run the tests (under 15 minutes on two cores)'
	@echo 'make test-full  the longer checks too'
	@echo 'make lint       ruff and mypy'
	@echo 'make bench      measure against pinned peers (makes its own environment)'
	@echo 'make clean      remove the virtual environment and caches'

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo 'Python 3.11 or newer was not found: install it, or run make PYTHON=/path/to/python'; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo '$(PYTHON) is older than Python 3.11: run make PYTHON=/path/to/python3.11'; exit 2; }
	@echo 'Setting up $(VENV); this takes a minute or two, once'
	$(PYTHON) -m venv $(VENV)

# The oracle of tag asks for pygame-ce, which would overwrite the files of pygame, a requirement of
# ours and of overcooked-ai's; it works with either. All else that it needs is in the extra "dev".
MPE2 = mpe2==1.1.1

# A stamp per set of dependencies: the second `make play` starts at once.
$(VENV)/.play: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps $(MPE2)
	@touch $@ $(VENV)/.play

play: $(VENV)/.play
	$(BIN)/understudy play $(ARGS)

test: $(VENV)/.dev
	$(BIN)/python -m pytest -m 'not full' -n 2 --dist loadfile $(ARGS)

test-full: $(VENV)/.dev
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks $(ARGS)

clean:
	rm -rf $(VENV) .venv-bench .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
