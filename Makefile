# make run   sets up, starts the laptop stack, opens for uploads
# make demo  the same, with the demo debate: exits with its result
# make test  sets up, passes every test
# make test-invoke  sam local invoke of every function; wants Docker, or podman and root
# make test-pyannote  the GPU image's packages and its diarization, on this machine's processor; 7 GB
# make cost  what the template costs a month, and beside hosted services: docs/cost.md
# make deploy ENV=dev|prod   to AWS: checks, stack, images, page; make preflight only checks
# make destroy ENV=dev|prod  deletes the stack, keeps the data
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
PORT ?= 8080
MODELS_DIR ?= .models
export MODELS_DIR

.PHONY: help setup setup-test run demo lint check test test-units test-stacks test-pages test-invoke test-pyannote bench cost preflight deploy images site destroy lock clean

help:
	@grep -E '^# make' Makefile | cut -c3-

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; say which with: make PYTHON=python3.12 ..."; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "Python cannot make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install -q --disable-pip-version-check uv==0.13.8

$(VENV)/.run: requirements/run.txt pyproject.toml | $(UV)
	@echo "Installing what the laptop stack needs (about 450 MB) ..."
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/run.txt
	@$(UV) pip install -q --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.run
	@echo "Installing what the tests need ..."
	@$(UV) pip install -q --python $(BIN)/python --require-hashes -r requirements/dev.txt
	@touch $@

# The SAM CLI pins a boto3 of its own, so it has an environment of its own.
$(VENV)/.sam: requirements/sam.txt | $(UV)
	@echo "Installing the AWS SAM CLI ..."
	@$(UV) venv -q --allow-existing --python $(BIN)/python $(VENV)/sam
	@$(UV) pip install -q --python $(VENV)/sam/bin/python --require-hashes -r requirements/sam.txt
	@touch $@

# So does checkov.
$(VENV)/.checkov: requirements/checkov.txt | $(UV)
	@echo "Installing checkov ..."
	@$(UV) venv -q --allow-existing --python $(BIN)/python $(VENV)/checkov
	@$(UV) pip install -q --python $(VENV)/checkov/bin/python --require-hashes -r requirements/checkov.txt
	@touch $@

# What benchmarks/speech and benchmarks/statistics compare with: senko brings torch, on Linux with CUDA.
$(VENV)/.bench: requirements/bench.txt | $(UV)
	@echo "Installing senko and sherpa-onnx (on Linux about 5 GB) ..."
	@$(UV) venv -q --allow-existing --python $(BIN)/python $(VENV)/bench
	@$(UV) pip install -q --python $(VENV)/bench/bin/python --require-hashes -r requirements/bench.txt
	@touch $@

# What the transcribe image installs: on Linux with CUDA, which is not used here.
$(VENV)/.pyannote: batch_images/transcribe/requirements.txt | $(UV)
	@echo "Installing pyannote.audio and torch (on Linux about 7 GB) ..."
	@$(UV) venv -q --allow-existing --python $(BIN)/python $(VENV)/pyannote
	@$(UV) pip install -q --compile-bytecode --python $(VENV)/pyannote/bin/python --require-hashes -r batch_images/transcribe/requirements.txt
	@touch $@

$(MODELS_DIR)/.ready: batch_images/transcribe/weights.txt $(VENV)/.run
	@$(BIN)/python -m batch_images.transcribe.weights --models-dir $(MODELS_DIR)
	@touch $@

setup: $(VENV)/.run $(MODELS_DIR)/.ready

setup-test: setup $(VENV)/.dev $(VENV)/.sam $(VENV)/.checkov
	@$(BIN)/python -m tests.ensure_browser

run: setup
	@exec $(BIN)/python -m local run --port $(PORT)

demo: setup
	@$(BIN)/python -m local demo --port $(PORT)

lint: $(VENV)/.dev $(VENV)/.sam $(VENV)/.checkov
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/cfn-lint template.yaml stacks/*.yaml
	$(VENV)/sam/bin/sam validate --lint

# With what can be said of the templates without deploying them.
check: lint
	$(BIN)/python -m pytest -q -p no:cacheprovider -m "not emulator" tests/test_template.py tests/template

# A file of tests is one process's; processes must agree on the names of tests that come of sets. Playwright
# leaves a loop running in its process, so pages come apart from what starts a loop; and they come after
# whatever starts stacks, which idle until their process ends, where the longest files come first
# (tests/conftest.py). More processes than processors, since each waits for others half of its time.
PYTEST = MAKEFLAGS= PYTHONHASHSEED=0 $(BIN)/python -m pytest -q --dist loadfile
STACKS = e2e or emulator or models
test: setup-test lint
	@$(MAKE) --no-print-directory test-units
	@$(MAKE) --no-print-directory test-stacks
	@$(MAKE) --no-print-directory test-pages

test-units: setup-test
	$(PYTEST) -n 4 -m "not ($(STACKS) or browser)"

test-stacks: setup-test
	$(PYTEST) -n 3 --no-loadscope-reorder -m "$(STACKS)"

test-pages: setup-test
	$(PYTEST) -n 3 -m "browser and not ($(STACKS))"

test-invoke: $(VENV)/.dev $(VENV)/.sam
	MAKEFLAGS= $(BIN)/python -m pytest tests/invoke

test-pyannote: setup $(VENV)/.dev $(VENV)/.pyannote
	MAKEFLAGS= $(BIN)/python -m pytest tests/pyannote

bench: setup $(VENV)/.dev $(VENV)/.bench $(VENV)/.sam
	$(BIN)/python -m benchmarks.speech
	$(BIN)/python -m benchmarks.chain
	$(BIN)/python -m benchmarks.functions
	$(BIN)/python -m benchmarks.api.upload
	$(BIN)/python -m benchmarks.statistics
	$(BIN)/python -m benchmarks.frontend

# To AWS: deploy/. SAM and uv, which SAM runs for the layer, are on the PATH there.
ENV = dev
DATA = keep
PARAMETERS =
DEPLOY = PATH="$(CURDIR)/$(BIN):$(CURDIR)/$(VENV)/sam/bin:$$PATH" $(BIN)/python -m deploy

preflight deploy images site destroy: $(VENV)/.run $(VENV)/.sam
preflight:
	@$(DEPLOY) check --env $(ENV) --parameters '$(PARAMETERS)'
deploy:
	@$(DEPLOY) deploy --env $(ENV) --parameters '$(PARAMETERS)'
images:
	@$(DEPLOY) images --env $(ENV) --parameters '$(PARAMETERS)'
site:
	@$(DEPLOY) site --env $(ENV) --parameters '$(PARAMETERS)'
destroy:
	@$(DEPLOY) destroy --env $(ENV) --data $(DATA)

cost: $(VENV)/.run
	@$(BIN)/python -m cost

lock: $(UV)
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml -o requirements/run.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --extra dev -c requirements/run.txt pyproject.toml -o requirements/dev.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/sam.in -o requirements/sam.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/checkov.in -o requirements/checkov.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate requirements/bench.in -o requirements/bench.txt
	$(UV) pip compile -q --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/run.txt layers/shared/requirements.in -o layers/shared/requirements.txt
	$(UV) pip compile -q --universal --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/run.txt layers/search/requirements.in -o layers/search/requirements.txt
	$(UV) pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/dev.txt batch_images/transcribe/requirements.in -o batch_images/transcribe/requirements.txt
	for image in download stats; do \
	  $(UV) pip compile -q --python-platform x86_64-manylinux_2_28 --python-version 3.13 --generate-hashes --no-emit-index-url --no-header --no-annotate -c requirements/dev.txt batch_images/$$image/requirements.in -o batch_images/$$image/requirements.txt; \
	done

clean:
	rm -rf $(VENV) .aws-sam .pytest_cache .mypy_cache .ruff_cache .hypothesis
