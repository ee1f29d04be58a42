# Each target sets up what it needs: a virtual environment in .venv, filled from the lock files. Nothing else is
# expected but GNU make, sh and Python 3.11 or newer; uv is used when it is there.

SHELL = /bin/sh
.DEFAULT_GOAL = help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

BIN = .venv/bin
TESTS = tests
PYTEST_ARGS =
BENCH_ARGS =
FUZZ_ARGS =

# That Python may not keep what it compiled is not inherited: each of many processes would compile the house anew.
KEEPING = env -u PYTHONDONTWRITEBYTECODE
# What a test run of this repository must not inherit either: the settings of whoever calls it.
CLEAN = $(KEEPING) -u APP_ENV -u DATABASE_URL -u REDIS_URL -u SECRET_KEY -u ENCRYPTION_KEYS -u BASE_URL

.PHONY: help
help: ## say what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile

.PHONY: demo
demo: .venv/.runtime ## try it: everything embedded, with sample data, in var/demo
	@exec $(KEEPING) $(BIN)/python -m app.commands.demo

.PHONY: run
run: .venv/.runtime ## web, worker and scheduler on the settings of the environment
	@exec $(KEEPING) $(BIN)/python -m flask --app wsgi serve

.PHONY: test
test: .venv/.dev ## all tests, with a real PostgreSQL, queue, mail server and browser
	@$(BIN)/python -m tests.servers.chromium
	@$(CLEAN) $(BIN)/python -m pytest -n 3 --dist worksteal $(PYTEST_ARGS) $(TESTS)

.PHONY: check
check: .venv/.dev ## format, lint, types and import rules
	@$(BIN)/ruff format --check --quiet --diff .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(CLEAN) $(BIN)/python -m pytest -q tests/test_architecture.py

.PHONY: bench
bench: .venv/.dev ## measure the product against floors; BENCH_ARGS="--requests 10000,1000000 --surfaces list"
	@$(CLEAN) $(BIN)/python -m tests.benchmarks $(BENCH_ARGS)

.PHONY: many
many: .venv/.dev ## how throughput grows with web processes behind nginx; MANY_ARGS="--requests 100000 --seconds 20"
	@$(CLEAN) $(BIN)/python -m tests.benchmarks.many $(MANY_ARGS)

.PHONY: soak
soak: .venv/.dev ## half an hour of mixed load: memory, answers and connections stay as they are; SOAK_ARGS="--minutes 60"
	@$(CLEAN) $(BIN)/python -m tests.benchmarks.soak $(SOAK_ARGS)

.PHONY: fuzz
fuzz: .venv/.dev ## call the API in all ways its document allows, and others; FUZZ_ARGS="--cases 20000 --seed 1"
	@$(CLEAN) $(BIN)/python -m tests.fuzz $(FUZZ_ARGS)

.PHONY: chaos
chaos: .venv/.dev ## sell while everything dies at random; CHAOS_REQUESTS=300 CHAOS_SEED=7
	@$(CLEAN) CHAOS_REQUESTS=$${CHAOS_REQUESTS:-2000} $(BIN)/python -m pytest -q -s tests/jobs/test_chaos.py

.PHONY: audit
audit: .venv/.dev ## what is installed: as locked, unaltered, its licences, known holes
	@$(BIN)/python -m tests.supply_chain

.PHONY: format
format: .venv/.dev ## put the code into its usual form
	@$(BIN)/ruff check --quiet --fix . || true
	@$(BIN)/ruff format --quiet .

COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--custom-compile-command "make lock" pyproject.toml $(LOCK_ARGS)

.PHONY: lock
lock: .venv/.dev ## write the lock files anew (LOCK_ARGS=--upgrade takes newer versions)
	@PATH="$(CURDIR)/$(BIN):$$PATH"; $(COMPILE) --output-file requirements.txt
	@PATH="$(CURDIR)/$(BIN):$$PATH"; $(COMPILE) --group dev --constraint requirements.txt --output-file requirements-dev.txt

.PHONY: clean
clean: ## remove what make made, the demo's data too
	rm -rf .venv var .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# A stamp is newer than its lock file once that is installed, so a second run starts at once, and needs no network.
.venv/.runtime: requirements.txt | .venv/bin/python
	@$(call install,requirements.txt)

.venv/.dev: requirements-dev.txt | .venv/bin/python
	@$(call install,requirements-dev.txt)

define install
echo "Installing $(1) into .venv (the first time takes a minute) ..."; \
if command -v uv >/dev/null 2>&1; \
then uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1); \
else $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input --require-hashes -r $(1); \
fi && touch $@
endef

.venv/bin/python:
	@rm -rf .venv; \
	for python in $(PYTHON) python3 python3.14 python3.13 python3.12 python3.11; do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && break; \
		python=; \
	done; \
	if [ -z "$$python" ]; then \
		echo "Error: Python 3.11 or newer is needed; name it with: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	if command -v uv >/dev/null 2>&1; \
	then uv venv --quiet --python "$$python" .venv; \
	else "$$python" -m venv .venv >.venv.log 2>&1 || { \
		rm -rf .venv .venv.log; \
		echo "Error: $$python cannot make a virtual environment; install its venv module (Debian: python3-venv) or uv" >&2; \
		exit 1; }; \
	fi; rm -f .venv.log
