# The commands of the project: make setup demo test coverage check bench soak docs audit update deb lab-up lab-down

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
LAB := $(BIN)/python -m tests.lab
SCALE ?= 0
LOCK := requirements.lock
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
COMPILE := $(BIN)/pip-compile --quiet --all-extras --all-build-deps --allow-unsafe --generate-hashes --strip-extras \
	--no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header --annotation-style line -o $(LOCK) pyproject.toml

.PHONY: setup demo test coverage check bench soak docs audit update deb lab-up lab-down

setup: $(VENV)/.ready
	@sh tests/lab/packages.sh

$(VENV)/.ready: pyproject.toml $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(PIP) --require-hashes -r $(LOCK)
	$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup
	@$(LAB) demo

test: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal

coverage: setup
	$(BIN)/python -m pytest -n 2 --dist worksteal --cov --cov-report=term

check: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

bench: setup
	$(BIN)/python -m tests.bench

soak: setup
	$(BIN)/python -m tests.bench soak disturbed parts_killed parts_large
	$(BIN)/python -m tests.differential --cases 10000
	$(BIN)/python -m tests.parity --random 2000
	$(BIN)/python -m pytest -m soak tests/packaging
	$(BIN)/python -m tests.hostile all
	$(BIN)/python -m tests.fuzz --minutes 10

docs: setup
	$(BIN)/python -m results.schema.docs docs
	$(BIN)/python -m tests.bench.sizing

deb: setup
	@sh packaging/deb.sh dist

audit: setup
	$(BIN)/pip-audit --require-hashes --disable-pip -r $(LOCK)

update: setup
	$(COMPILE) --upgrade

lab-up: setup
	@$(LAB) up --scale $(SCALE)

lab-down:
	@$(LAB) down
