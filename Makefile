# Everything bootstraps itself: needs Python 3.11 with pip, and make. Nothing is installed outside this directory but
# the package client's own cache.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
UV := .tools/bin/uv
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
# Tests and the first run keep their models here, beside the clone; `voxpersona` itself uses the user's cache.
export VOXPERSONA_MODELS ?= $(CURDIR)/.cache/models
export HF_HUB_OFFLINE := 1
export ORT_DISABLE_TELEMETRY := 1

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 14

$(UV): locks/uv.txt
	@echo "Setting up, the first time only: fetches about 600 MB of packages ..."
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes --upgrade --target .tools -r locks/uv.txt

.venv/run: $(UV) locks/run.txt pyproject.toml
	@test -x $(BIN)/python || $(UV) venv --quiet --python $(PYTHON) .venv
	@$(UV) pip install --quiet --require-hashes --python $(BIN)/python -r locks/run.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

.venv/dev: .venv/run locks/dev.txt
	@$(UV) pip install --quiet --require-hashes --python $(BIN)/python -r locks/dev.txt
	@touch $@

setup: .venv/run ## Install the program into .venv

run: .venv/run ## Set up everything and take the sample interview through the whole way
	@scripts/first-run $(BIN)/voxpersona

test: .venv/dev ## Set up everything and pass every test: lint, types, contracts between rooms, all rings
	@scripts/build-minio & $(MAKE) --no-print-directory lint && { wait $$! || true; } # built or not, the tests say what they lack
	$(BIN)/pytest tests -n auto --dist loadfile --no-loadscope-reorder # the long ones first: a short tail

lint: .venv/dev ## Format, lint, types on source and tests, floors
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: .venv/dev ## The unit ring only: seconds
	$(BIN)/pytest tests/unit

acceptance: .venv/dev ## The real program as a subprocess, kills included
	$(BIN)/pytest tests/acceptance -n auto --dist loadfile --no-loadscope-reorder

contracts: .venv/dev ## One suite per port, over every adapter
	$(BIN)/pytest tests/contracts

torture: .venv/dev ## Kill and starve the real program for about half an hour (KILLS=40 SEED=7 for less)
	@scripts/build-minio
	$(BIN)/python -m tests.torture

bench: .venv/dev ## Pipeline against the bare engines on the same audio; writes benchmarks/results
	$(BIN)/python -m benchmarks.pipeline

bench-storage: .venv/dev ## The store against other clients on a real server (SERVER=minio or seaweedfs)
	@scripts/build-minio
	$(BIN)/python -m benchmarks.storage

bench-receive: .venv/dev ## From the last byte received to "received and safe", against the bare put
	@scripts/build-minio
	$(BIN)/python -m benchmarks.receiving

bench-engine: .venv/dev ## What the engine costs for each recording, and 1, 2 and 4 workers on PostgreSQL
	$(BIN)/python -m benchmarks.engine

bench-long: .venv/dev ## Two hours of sound: peak memory, progress (SPEECH=ru KILLS=3 for read Russian, killed on the way)
	$(BIN)/python -m benchmarks.long

bench-speech: .venv/dev ## Word errors of the whole way against the bare engine, over two hours of known speech
	$(BIN)/python -m benchmarks.speech

bench-invented: .venv/dev ## What the built-in engine writes for ten minutes each of silence, music, noise, applause
	$(BIN)/python -m benchmarks.invented

lock: $(UV) ## Resolve the dependencies anew
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build --extra models -o locks/run.txt pyproject.toml
	$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --group build --group dev --extra models -c locks/run.txt -o locks/dev.txt pyproject.toml

.PHONY: help setup run test lint unit acceptance contracts torture bench bench-storage bench-receive bench-engine bench-long bench-speech bench-invented lock
