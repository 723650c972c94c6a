# Every target has one sentence; `make` alone lists them. Tools are called from .venv, never through `uv run` (it rewrites uv.lock).
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
MEMBERS := rules contracts intake kit upkeep engines demo clients/region-cli services/catalog-sync services/agreements services/search services/gateway
PACKAGES := bench rules contracts intake kit upkeep engines demo region_cli catalog_sync agreements search gateway
STAMP := .venv/.installed

.PHONY: help
help:  ## List the targets.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  %-16s %s\n", $$1, $$2}'

$(STAMP): requirements.lock $(addsuffix /pyproject.toml,$(MEMBERS)) pyproject.toml
	@command -v python3 >/dev/null || { echo "python3 is missing: install Python 3.11 or newer"; exit 1; }
	@python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed, this is $$(python3 --version)"; exit 1; }
	@echo "[install] creating .venv from requirements.lock" >&2
	@test -x $(PY) || python3 -m venv .venv
	@.venv/bin/python -m uv --version >/dev/null 2>&1 || .venv/bin/pip install -q "$$(grep -oE '^uv==[0-9.]+' requirements.lock)"
	@.venv/bin/uv pip sync -q --compile-bytecode requirements.lock
	@.venv/bin/uv pip install -q --no-deps $(addprefix -e ,$(MEMBERS))
	@touch $(STAMP)

.PHONY: setup
setup: $(STAMP)  ## Install everything into .venv (every other target does it by itself).

.PHONY: check
check: $(STAMP)  ## Lint, types, import rules, contracts, generated files. Changes nothing.
	@.venv/bin/ruff check -q . && .venv/bin/ruff format -q --check . && echo "ruff: fine"
	@.venv/bin/mypy $(foreach package,$(PACKAGES),-p $(package))
	@.venv/bin/lint-imports --no-logo
	@lines=$$(cat kit/src/kit/*.py | wc -l); echo "kit: $$lines of 1500 lines"; test "$$lines" -le 1500 || \
		{ echo "kit is too large: what only one service uses, or an operator does, lives elsewhere" >&2; exit 1; }
	@$(PY) -m contracts check
	@$(PY) docs/api/generate.py --check && echo "docs/api: fine"

.PHONY: fix
fix: $(STAMP)  ## Format and mend what ruff can mend.
	@.venv/bin/ruff check -q --fix . ; .venv/bin/ruff format -q .

.PHONY: generate
generate: $(STAMP)  ## Write what is generated: schemas, asyncapi.yaml, topics.yaml, docs/api.
	@$(PY) -m contracts generate
	@$(PY) docs/api/generate.py

.PHONY: contract-diff
contract-diff: $(STAMP)  ## Tell what changed in the contracts since BASE and whom it breaks: make contract-diff BASE=main.
	@$(PY) -m contracts compare --base "$(or $(BASE),main)" $(if $(STRICT),--strict)

.PHONY: test
test: $(STAMP)  ## Run all tests, on real engines, by two workers: make test WORKERS=0 for none.
	@.venv/bin/pytest -q -n $(or $(WORKERS),$(if $(KAFKA_BOOTSTRAP),0,2)) --no-loadscope-reorder

.PHONY: test-fast
test-fast: $(STAMP)  ## Run the tests that need no engine.
	@.venv/bin/pytest -q -m "not engine and not flow"

.PHONY: faults
faults: $(STAMP)  ## Kill, stop and confuse every part, and print what it cost; FAULTS_JSON=file keeps it for machines.
	@.venv/bin/pytest -q tests/faults

.PHONY: lock
lock: $(STAMP)  ## Resolve dependencies anew into requirements.lock.
	@.venv/bin/uv lock -q --upgrade && .venv/bin/uv export -q --all-packages --all-groups --no-emit-workspace --no-header -o requirements.lock

.PHONY: real-data
real-data: $(STAMP)  ## Hold our rules and adapters against real files you have: make real-data DIR=folder JSON=1.
	@$(PY) -m demo.real_data $(or $(DIR),$(error DIR is missing: make real-data DIR=folder)) $(if $(JSON),--json)

.PHONY: demo
demo: $(STAMP)  ## Start the whole system with a synthetic small Sweden in it, show a search, stay until Ctrl-C.
	@exec $(PY) -m demo run

.PHONY: up
up: $(STAMP)  ## The same in the background.
	@$(PY) -m demo up

.PHONY: down
down: $(STAMP)  ## Stop what `make demo` or `make up` started; its data is kept.
	@$(PY) -m demo down

.PHONY: env
env: $(STAMP)  ## Print what a shell needs to run a service's commands on the demo: eval "$(make -s env SERVICE=search)".
	@$(PY) -m demo env --service "$(subst -,_,$(or $(SERVICE),$(error SERVICE is missing: make env SERVICE=search)))"

.PHONY: token
token: $(STAMP)  ## Print a bearer token of the running demo: make token ROLE=navigator REGION=14.
	@$(PY) -m engines token --home .run/engines --role $(or $(ROLE),navigator) --region "$(REGION)" --unit "$(UNIT)" --user $(or $(USER_NAME),demo)

.PHONY: bench-visible
bench-visible: $(STAMP)  ## Measure how soon an approved agreement is found by search; prints JSON.
	@$(PY) -m bench.visible

.PHONY: bench-plumbing
bench-plumbing: $(STAMP)  ## Measure relay, consumer and projection beside the bare engines; prints JSON: ONLY=relay,latency SMALL=1 GROWTH=1 PEER=debezium.
	@$(PY) -m bench.plumbing $(if $(ONLY),--only "$(ONLY)") $(if $(SMALL),--small) $(if $(GROWTH),--growth) $(if $(PEER),--peer "$(PEER)")

.PHONY: bench-codes
bench-codes: $(STAMP)  ## Measure validation, text search and translation of codes beside a bare lookup; prints JSON.
	@$(PY) -m bench.codes

.PHONY: bench-agreements
bench-agreements: $(STAMP)  ## Measure 2,000 agreements x 5 services as XLSX, from upload to search, beside bare reading; prints JSON: AGREEMENTS=200.
	@$(PY) -m bench.agreements_file $(if $(AGREEMENTS),--agreements $(AGREEMENTS))

.PHONY: bench-agreements-list
bench-agreements-list: $(STAMP)  ## Measure a filtered and sorted page of 42,000 agreements beside a page by primary key; prints JSON.
	@$(PY) -m bench.agreements_list

.PHONY: bench-catalogue
bench-catalogue: $(STAMP)  ## Measure the sync of 20,000 units and 60,000 offerings beside bare reading and sending; prints JSON: UNITS=2000.
	@$(PY) -m bench.catalogue $(if $(UNITS),--units $(UNITS))

.PHONY: bench-agreements-push
bench-agreements-push: $(STAMP)  ## Measure how fast agreements pushed on Kafka are taken, beside a bare consumer and insert; prints JSON.
	@$(PY) -m bench.agreements_push

.PHONY: bench-suggest
bench-suggest: $(STAMP)  ## Measure type-ahead over 20,000 units and 60,000 offers beside the bare engine; prints JSON.
	@$(PY) -m bench.suggest

.PHONY: bench-search
bench-search: $(STAMP)  ## Measure search at national size beside the bare engine; prints JSON: ONLY=answers,growth,visible,rebuild SMALL=1.
	@$(PY) -m bench.search $(if $(ONLY),--only "$(ONLY)") $(if $(SMALL),--small)

.PHONY: relevance
relevance: $(STAMP)  ## How well plain words find what is meant, and what changed: make relevance JSON=1 WORDS=folder RECORD=1.
	@PYTHONPATH=tests $(PY) -m relevance $(if $(JSON),--json) $(if $(WORDS),--words "$(WORDS)") $(if $(RECORD),--record)

.PHONY: questions
questions: $(STAMP)  ## Ask the running demo five questions, and print the answers with every reason: make questions JSON=1.
	@$(PY) -m demo questions $(if $(JSON),--json)

.PHONY: sample
sample: $(STAMP)  ## Write 20 new agreements of a region as a spreadsheet to send, .run/avtal-14.xlsx: make sample REGION=14.
	@$(PY) -m demo sample --region "$(or $(REGION),14)"

.PHONY: wheel
wheel: $(STAMP)  ## Build the one wheel of vf-region that a region installs, into dist/.
	@$(PY) clients/region-cli/build_wheel.py dist

.PHONY: clean
clean:  ## Stop the demo and remove its data, caches and .venv.
	@test ! -x $(PY) || $(PY) -m demo down
	@rm -rf .run .venv dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
