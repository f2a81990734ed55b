# A few targets, the same for developers and for CI; each does its own set-up.
.DEFAULT_GOAL := help
SHELL := /bin/bash
run := .venv/bin/
# Most tests wait for something, so more processes than cores are faster.
PROCESSES ?= 3
python := PYTHONPATH=operator:deploy/local .venv/bin/python

# Byte code is kept whatever the environment says: each of the tests' many processes would compile all libraries again.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test test-long agents chaos bench check fix generate cluster cluster-down venv

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: venv ## a cluster with Taskyard, and the life of a Task step by step
	@$(python) -m localcluster demo

test: venv ## every test tier: unit, integration (real API server), e2e (real kubelet)
	@deploy/local/bootstrap.sh valgrind less vim jq clang+libclang-rt-dev
	@$(MAKE) --no-print-directory -C operator/init
	@$(run)pytest -n $(PROCESSES) --dist loadscope --no-loadscope-reorder $(ARGS)

# One after the other: fifty Pods at once leave nothing to tests with a time limit.
test-long: venv ## the tests that take minutes each, which make test leaves out (20 minutes)
	@$(MAKE) --no-print-directory -C operator/init
	@$(run)pytest -m long $(ARGS)

agents: venv ## build the examples' images and run each agent on the local cluster, with a scripted model
	@$(run)pytest tests/agents -n 2 --dist loadscope $(ARGS)

chaos: venv ## SEEDS runs (20) of the chaos test with TASKS Tasks (200); SEED=n runs a single one
	@TASKYARD_CHAOS_SEEDS=$(or $(SEEDS),20) TASKYARD_CHAOS_TASKS=$(or $(TASKS),200) \
	    $(if $(SEED),TASKYARD_CHAOS_SEED=$(SEED)) $(run)pytest tests/integration/chaos -x -s $(ARGS)

bench: venv ## measured figures beside their goals (20 minutes, on an idle machine): SCENARIO=operator,… COMPARE=file
	@PYTHONPATH=operator:deploy/local:tests $(run)python -m bench "$(SCENARIO)" --compare "$(COMPARE)"

check: venv ## ruff, mypy strict, import-linter, generated files
	$(run)ruff check
	$(run)ruff format --check
	$(run)mypy
	$(run)lint-imports --no-cache
	$(run)python -m taskyard.api.crd --check crds charts/taskyard/files/crds
	$(run)python -m taskyard.api.reference --check docs/reference.md
	$(run)python -m taskyard.environment_reference --check docs/contracts.md
	$(run)python -m taskyard.gateway.rest.openapi_file --check docs/openapi.json
	$(run)python -m taskyard.api.notification_schema --check docs/notification.schema.json
	$(run)python -m taskyard.gateway.audit.schema_file --check docs/audit.schema.json
	PYTHONPATH=tests $(run)python -m compatibility --check docs/compatibility.md

fix: venv ## format, and fix what ruff can
	$(run)ruff check --fix
	$(run)ruff format

generate: venv ## regenerate the generated files
	$(run)python -m taskyard.api.crd crds charts/taskyard/files/crds
	$(run)python -m taskyard.api.reference docs/reference.md
	$(run)python -m taskyard.environment_reference docs/contracts.md
	$(run)python -m taskyard.gateway.rest.openapi_file docs/openapi.json
	$(run)python -m taskyard.api.notification_schema docs/notification.schema.json
	$(run)python -m taskyard.gateway.audit.schema_file docs/audit.schema.json
	PYTHONPATH=tests $(run)python -m compatibility docs/compatibility.md

cluster: venv ## a local cluster with Taskyard installed; its kubeconfig is .cluster/kubeconfig
	@$(python) -m localcluster up --install

cluster-down: venv ## remove the local cluster and everything it left behind
	@$(python) -m localcluster down

venv:
	@deploy/local/bootstrap.sh
