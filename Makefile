# Everything is made from Python 3.11+ and make: each target first brings the environment that it needs up to date.

PYTHON ?= python3
WORKERS ?= auto
ARGS ?=

BIN := .venv/bin
ENVIRONMENT := $(PYTHON) .ci/environment.py
export PATH := $(CURDIR)/.venv-node/tools:$(PATH)

PROTOC := $(BIN)/python -m grpc_tools.protoc -I proto -I .venv/lib/python3*/site-packages
PROTOS := $$(find proto -name '*.proto')
PLUGINS := $(foreach name,mypy mypy_grpc,--plugin=protoc-gen-$(name)=$(BIN)/protoc-gen-$(name))
GENERATE = $(PROTOC) $(PLUGINS) --python_out=$(1) --grpc_python_out=$(1) \
	--mypy_out=quiet:$(1) --mypy_grpc_out=quiet:$(1) $(PROTOS)

RESOLVE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: mutants help run demo test lint format proto lock bench clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## Start the register with sample data: gRPC on 127.0.0.1:50051, HTTP on localhost:8080 (ARGS="--public-url ...")
	@$(ENVIRONMENT) run
	@exec $(BIN)/certsvc run $(ARGS)

demo: ## Tour through a license's life, every step asserted (KEEP=dir keeps the files, CSV=file takes a real register)
	@$(ENVIRONMENT) dev
	@CSV='$(CSV)' KEEP='$(KEEP)' exec $(BIN)/python -m tests.demo

test: ## Run all tests, with a real PostgreSQL, independent clients and a real browser (ARGS="tests/unit -k qr")
	@$(ENVIRONMENT) dev cwt node postgresql
	@exec $(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile $(ARGS)

lint: ## Check style, types, layers, proto, generated code and scripts
	@$(ENVIRONMENT) dev node
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	@echo "buf lint; certsvc/v1 is what proto/ generates"
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && image="$$fresh/image.binpb" \
		&& $(PROTOC) --include_imports --include_source_info --descriptor_set_out="$$image" $(PROTOS) \
		&& $(BIN)/buf lint "$$image" --path certsvc && $(call GENERATE,"$$fresh") \
		&& diff -r -x __init__.py -x __pycache__ "$$fresh/certsvc/v1" certsvc/v1
	@echo "node --check"
	@for script in $$(find certsvc tests -name node_modules -prune -o \( -name '*.js' -o -name '*.mjs' \) -print); do \
		node --input-type=module --check < "$$script" || { echo "in $$script"; exit 1; }; done

format: ## Format the code and mend what can be mended by machine
	@$(ENVIRONMENT) dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

proto: ## Generate certsvc/v1 from proto/
	@$(ENVIRONMENT) dev
	rm -f certsvc/v1/*_pb2*.py certsvc/v1/*_pb2*.pyi
	$(call GENERATE,.)

lock: ## Write the locks anew from what pyproject.toml and the *.in files ask for (UPGRADE=1 takes newer versions)
	@$(ENVIRONMENT) run
	$(RESOLVE) pyproject.toml requirements/bootstrap.in --extra cli --extra server --group dev -o requirements/dev.lock
	$(RESOLVE) pyproject.toml --extra cli --extra server -c requirements/dev.lock -o requirements/run.lock
	$(RESOLVE) requirements/bootstrap.in -c requirements/dev.lock -o requirements/bootstrap.lock
	$(RESOLVE) --no-deps requirements/node.in -o requirements/node.lock
	$(RESOLVE) --no-deps requirements/postgresql.in -o requirements/postgresql.lock
	$(RESOLVE) tests/oracles/cwt/requirements.in -o tests/oracles/cwt/requirements.lock
	cd tests/oracles/node && npm install --package-lock-only

bench: ## Measure issuing and verifying (ARGS=...)
	@$(ENVIRONMENT) dev
	@exec $(BIN)/python -m bench $(ARGS)

mutants: ## Make ten faults, one at a time, and see that the tests notice each
	@$(ENVIRONMENT) dev
	@exec $(BIN)/python -m tests.mutants

clean: ## Remove what was made, but not var/, which holds the register
	rm -rf .venv .venv-* build dist *.egg-info tests/oracles/node/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -prune -exec rm -rf {} +
