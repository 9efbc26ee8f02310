# Everything a person types. `make help` lists it; the two that matter first are `make demo` and `make test`.
SHELL := /bin/sh
.SHELLFLAGS := -eu -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
BIN := $(VENV)/bin
LOCK := requirements/dev.lock
CACHE := $(or $(SEMANTIC_ROUTER_CACHE),$(HOME)/.cache/semantic-router-operator)
export SEMANTIC_ROUTER_CACHE := $(CACHE)
# Collections are found beside ansible-core in site-packages; a user's own ~/.ansible does not change what is tested.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PYTHONDONTWRITEBYTECODE := 1

include Makefile.d/*.mk

##@ Start here

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^##@/ {printf "\n%s\n", substr($$0, 5)} /^[a-zA-Z_-]+:.*## / {printf "  %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: test
test: env lint test-unit test-integration molecule campaign-short bench-short ## Set everything up, check the code, run all tests, guard the ratios

##@ Environment

.PHONY: env
env: $(VENV)/.ready ## Make .venv with everything pinned in requirements/dev.lock

$(VENV)/.ready: $(LOCK) pyproject.toml tools/env/install_collections.py tools/env/find-python requirements/collections.txt
	@python=$$(tools/env/find-python); \
	echo "==> making $(VENV) with $$($$python --version) (about a minute on a fresh machine)"; \
	test -x $(BIN)/python || $$python -m venv $(VENV)
	@echo "==> installing the packages of $(LOCK)"
	@$(BIN)/python -m pip install --quiet --require-hashes --requirement $(LOCK)
	@# xds-protos brings older copies of some of its files, and which package comes last is chance.
	@sed -n '/^opentelemetry-proto==/,/[^\\]$$/p' $(LOCK) >$(VENV)/last.txt
	@$(BIN)/python -m pip install --quiet --require-hashes --no-deps --force-reinstall --requirement $(VENV)/last.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@echo "==> installing the collections"
	@$(BIN)/python tools/env/install_collections.py
	@touch $@

.PHONY: lock
lock: env ## Pin the dependencies of pyproject.toml anew
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --extra traces --output-file requirements/runtime.lock pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --extra traces --extra dev --constraint requirements/runtime.lock --output-file $(LOCK) pyproject.toml
	CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --build-deps-for wheel --only-build-deps --constraint $(LOCK) --output-file requirements/build.lock pyproject.toml
	echo cyclonedx-bom | CUSTOM_COMPILE_COMMAND="make lock" $(BIN)/pip-compile $(LOCK_FLAGS) --constraint $(LOCK) --output-file requirements/sbom.lock -

LOCK_FLAGS := --quiet --upgrade --generate-hashes --no-emit-index-url --no-emit-find-links --no-emit-trusted-host --strip-extras --allow-unsafe

.PHONY: clean
clean: ## Remove the environment and the tools' caches from the checkout
	rm -rf $(VENV) .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist

##@ Code

.PHONY: generate manifests
generate: env ## Write what is made from other files: CRD, argument specs, READMEs, references, bundle and catalog
	$(BIN)/python -m tools.generate
manifests: generate ## The same as generate

.PHONY: format
format: env ## Format the Python code
	$(BIN)/ruff check --fix --quiet . || true
	$(BIN)/ruff format .

.PHONY: lint
lint: env ## Check format, style, types, layers, roles and that generated files are fresh
	@echo "==> ruff"; $(BIN)/ruff check . && $(BIN)/ruff format --check --quiet .
	@echo "==> mypy"; $(BIN)/mypy
	@echo "==> import-linter"; $(BIN)/lint-imports --no-cache
	@echo "==> generated files"; $(BIN)/python -m tools.generate --check
	@echo "==> ansible-lint"; $(BIN)/ansible-lint --offline -q roles playbooks molecule/*/*.yml

##@ Tests

# Files of tests are shared among so many processes, each with a control plane of its own (1.2 GB) where one is needed.
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || echo 2); test $$n -gt 4 && echo 4 || echo $$n)
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

# Tests that take long or need more than this machine has by itself; each kind has a command of its own.
APART := campaign or image or gateway or monitoring or dropin or upgrade or pages

.PHONY: test-unit
test-unit: env ## Run the tests that need no control plane
	@echo "==> unit, contract and architecture tests"
	$(PYTEST) -m "not cluster and not ($(APART))" tests

.PHONY: test-integration
test-integration: env cluster-build ## Run the tests on a real control plane (devcluster, built when needed)
	@echo "==> tests on a real control plane"
	$(PYTEST) -m "cluster and not ($(APART))" tests
	@echo "==> the CRD on the oldest supported API server"
	cd devcluster/crdcheck && go test ./...
	@echo "==> the bundle, by the validators of the Operator Framework"
	$(BIN)/python -m tools.olm.check --bundle

.PHONY: test-traffic
test-traffic: env cluster-build ## Send requests through the real Envoy (a part of the tests above)
	@echo "==> traffic"
	$(BIN)/python -m pytest tests/traffic
