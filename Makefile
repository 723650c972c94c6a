# Every target has one sentence; `make` alone lists them. Tools are called from .venv, never through `uv run` (it rewrites uv.lock).
SHELL := /bin/bash
.DEFAULT_GOAL := help
PY := .venv/bin/python
MEMBERS := rules contracts kit engines demo services/catalog-sync services/agreements services/search services/gateway
STAMP := .venv/.installed

.PHONY: help
help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS)) pyproject.toml
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or newer"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$(python3 --version)"; exit 1; }
	@echo "[install] creating .venv from requirements.lock"
	@test -x $(PY) || python3 -m venv .venv
	@.venv/bin/python -m uv --version >/dev/null 2>&1 || .venv/bin/pip install -q "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@.venv/bin/uv pip sync -q --compile-bytecode requirements.lock
	@.venv/bin/uv pip install -q --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $(STAMP)

.PHONY: setup
setup: $(STAMP)  ## Install everything into .venv (every other target does it by itself).

.PHONY: demo
demo: $(STAMP)  ## Start the whole system with a synthetic small Sweden in it, show a search, stay until Ctrl-C.
	@exec $(PY) -m demo run

.PHONY: up
up: $(STAMP)  ## The same in the background.
	@$(PY) -m demo up

.PHONY: down
down: $(STAMP)  ## Stop what `make demo` or `make up` started; its data is kept.
	@$(PY) -m demo down

.PHONY: token
token: $(STAMP)  ## Print a bearer token of the running demo: make token ROLE=navigator REGION=14.
	@$(PY) -m engines token --home .run/engines --role $(or $(ROLE),navigator) --region "$(REGION)" --unit "$(UNIT)" --user $(or $(USER_NAME),demo)
