# Everything a newcomer needs is `make demo` and `make test`; `make help` lists the rest.
# Needs Python 3.11 or newer, make, and Java 17 or newer.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV_VERSION := 0.13.8
SHELL := /bin/bash
.DEFAULT_GOAL := help

.PHONY: help install install-dev demo ui stop jars test lint format lock docs screenshots bench clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Python 3.11 or newer is missing: install it, or say make PYTHON=/path/to/python3.11"; \
	  exit 1; }
	@$(PYTHON) -m venv $(VENV) || { \
	  echo "The venv module is missing: on Debian, apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.installed: $(BIN)/uv requirements.txt pyproject.toml setup.py
	@echo "Installing the locked packages into $(VENV) (the first time, about 700 MB are fetched)"
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

install: $(VENV)/.installed  ## make the environment

install-dev: $(VENV)/.installed-dev  ## make the environment with all that the tests need

demo: install  ## make 8 days with embedded sources, and serve them in the background
	@$(BIN)/userprofile demo

ui: install  ## dashboard, API and Dagster UI on the demo's days with a warm Spark, until Ctrl-C
	@$(BIN)/userprofile up

stop:  ## end what `make demo` (or `make ui` elsewhere) runs
	@if [ -x $(BIN)/userprofile ]; then $(BIN)/userprofile down; else echo "Nothing is installed"; fi

jars: install  ## fetch what Spark needs to read s3a:// or oss:// (once)
	@$(BIN)/userprofile spark jars

test: install-dev  ## run all tests; what a test lacks on this machine is said
	$(BIN)/python -m pytest -n 3 --dist loadgroup --no-loadscope-reorder

lint: install-dev  ## ruff, mypy, sqlfluff, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/sqlfluff lint --disable-progress-bar sql
	$(BIN)/lint-imports

format: install-dev  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/sqlfluff fix --disable-progress-bar sql

lock: $(BIN)/uv  ## write requirements*.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --custom-compile-command "make lock" --extra dev -c requirements.txt \
	  pyproject.toml -o requirements-dev.txt

docs: install  ## write the generated pages anew
	$(BIN)/python -m userprofile_assets.settings_page --write docs/configuration.md
	$(BIN)/python -m userprofile_assets.settings_page --env --write .env.example

screenshots: install-dev  ## draw the pictures of docs/images anew; needs Chromium
	$(BIN)/python -m userprofile_assets_tests.e2e.screenshots

bench: install-dev  ## measure; docs/performance.md has the figures
	$(BIN)/python -m benchmarks

clean: stop  ## remove the environment, the demo's data and caches
	rm -rf $(VENV) .userprofile build dist *.egg-info .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
