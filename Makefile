# Every command a developer needs. `make demo` and `make test` work on a fresh machine.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: setup demo test faults check lint explore fuzz fuzz-api bench docs proto lock clean help

help: ## what there is
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 10

setup: $(STAMP) ## make .venv with everything in it

$(STAMP): requirements-dev.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "Python 3.11 is missing: install it (Debian: apt-get install python3.11 python3.11-venv), or name yours: make PYTHON=python3 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$(PYTHON) is older than 3.11: name a newer one, make PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup ## start the servers, a small fleet, ingest, analysis and the pages
	$(BIN)/telemetry demo

test: lint ## everything, with a real Kafka and PostgreSQL; in two lanes side by side
	$(BIN)/python -m tests

faults: setup ## servers and workers killed, cut off, filled up at random: SEED=1 FAULTS=50
	$(BIN)/python -m tests.faults $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

check: lint ## format, lint, types, unit tests (layers among them): under a minute
	$(BIN)/python -m tests --fast

lint: setup ## format, lint and types alone
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

ROUNDS := 5

explore: setup ## try every property of the tests on new examples, ROUNDS times; `make test` has the same ones always
	for round in $$(seq $(ROUNDS)); do $(BIN)/python -m pytest -q -m hypothesis --hypothesis-profile=explore || exit; done

FUZZ_SECONDS := 600

fuzz: setup ## look for input that breaks the way from bytes to rows, for FUZZ_SECONDS
	mkdir -p .telemetry/fuzz
	$(BIN)/python -m tests.fuzz.harness .telemetry/fuzz/corpus -max_total_time=$(FUZZ_SECONDS) -max_len=8192 -timeout=20 -artifact_prefix=.telemetry/fuzz/

FUZZ_EXAMPLES := 300

fuzz-api: setup ## ask every address of the API, as everybody, FUZZ_EXAMPLES times each way
	TELEMETRY_FUZZ_EXAMPLES=$(FUZZ_EXAMPLES) $(BIN)/python -m pytest tests/api/test_api_conformance.py

bench: setup ## how fast it is here, as ratios taken in one run
	$(BIN)/python -m benchmarks

docs: setup ## write what is derived from the catalogue
	$(BIN)/telemetry catalogue docs --output docs/signals.md

proto: setup ## generate the Python of schemas/frame.proto
	$(BIN)/python -m grpc_tools.protoc -I. --python_out=. --pyi_out=. schemas/frame.proto

COMPILE := $(BIN)/pip-compile --quiet --allow-unsafe --generate-hashes --strip-extras --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --no-header

# (What is developed with is compiled first: some of it knows no newest version of what is shipped, and
# what is shipped is what is tested.)
lock: ## compile both requirements files from pyproject.toml
	$(COMPILE) --extra embedded --extra dev --extra dashboard --extra training --all-build-deps --output-file requirements-dev.txt pyproject.toml
	$(COMPILE) --extra dashboard --constraint requirements-dev.txt --output-file requirements.txt pyproject.toml

clean: ## stop the servers and remove what was made here
	-$(BIN)/telemetry down
	rm -rf $(VENV) .telemetry benchmarks/out .mypy_cache .ruff_cache .pytest_cache .hypothesis
