# The whole interface: make setup demo test check bench soak lab-up lab-down

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LAB := $(BIN)/python -m tests.lab
SCALE ?= 0

.PHONY: setup demo test check bench soak lab-up lab-down

setup: $(VENV)/.ready
	@sh tests/lab/packages.sh

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: setup
	@$(LAB) demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.bench

soak: setup
	$(BIN)/python -m tests.bench soak disturbed

lab-up: setup
	@$(LAB) up --scale $(SCALE)

lab-down:
	@$(LAB) down
