# What a person types. Everything here only spares typing: the product is site.yml.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

INVENTORY ?= inventories/lab
CACHE := $(or $(MILLRACE_CACHE),$(HOME)/.cache/millrace)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MOLECULE_COMMAND_BORDERS := 0

.PHONY: help
help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: lab
lab: bootstrap ## Bring up the lab: machines, services, checks, smoke, receipt
	ansible-playbook -i $(INVENTORY) site.yml

.PHONY: smoke
smoke: bootstrap ## Prove the running cluster with real data
	ansible-playbook -i $(INVENTORY) playbooks/smoke.yml -e proof_mode=full

.PHONY: down
down: bootstrap ## Remove the lab's machines; caches stay
	ansible-playbook -i $(INVENTORY) playbooks/lab_down.yml

.PHONY: test
test: lint unit molecule ## Test everything

.PHONY: lint
lint: bootstrap-test ## ansible-lint, yamllint, ruff, mypy
	yamllint --strict .
	ansible-lint
	ruff check .
	mypy

.PHONY: unit
unit: bootstrap-test ## Tests that need no machine
	pytest

.PHONY: molecule
molecule: bootstrap-test ## A whole cluster on machines of its own, tested and destroyed
	molecule test

# Of the cache only what the kit made there: a user may have named any directory.
.PHONY: clean
clean: bootstrap ## Remove all the kit made here: machines, image, network, caches, .venv, out
	ansible-playbook -i $(INVENTORY) playbooks/lab_clean.yml
	rm -rf $(addprefix '$(CACHE)'/,tarballs jars work lock)
	[[ ! -d '$(CACHE)' ]] || rmdir --ignore-fail-on-non-empty '$(CACHE)'
	rm -rf out .venv .ansible .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: lock
lock: bootstrap-test ## Renew the locks of the Python requirements
	for file in requirements requirements-dev; do \
	  pip-compile --quiet --upgrade --allow-unsafe --generate-hashes --strip-extras --no-header --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --output-file $$file.txt $$file.in; \
	done

.PHONY: bootstrap
bootstrap:
	@./bootstrap

.PHONY: bootstrap-test
bootstrap-test:
	@./bootstrap test

# Lint, unit and molecule one after the other: a machine has few cores, and a cluster is not to share them.
.NOTPARALLEL:
