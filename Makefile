# What a person types. Everything here only spares typing: the product is site.yml.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

INVENTORY ?= inventories/lab
CACHE := $(or $(MILLRACE_CACHE),$(HOME)/.cache/millrace)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export MOLECULE_COMMAND_BORDERS := 0

# How a part of the tests begins: .ci/run, which names the file, says the minutes of each.
BEGINS = @[[ -z $${MILLRACE_PARTS-} ]] || echo "$@ $$(date +%s)" >> "$$MILLRACE_PARTS"

.PHONY: help
help: ## Show this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: lab
lab: bootstrap ## Bring up the lab: machines, services, checks, smoke, receipt
	ansible-playbook -i $(INVENTORY) site.yml

.PHONY: plan
plan: bootstrap ## Say what make lab would do, machine by machine, and do nothing (OPTIONS: --diff)
	ansible-playbook -i $(INVENTORY) site.yml --tags plan --check $(OPTIONS)

.PHONY: show
show: bootstrap ## The final value of a variable: HOST=millrace-1 VAR=kafka_service
	@ansible-playbook -i $(INVENTORY) playbooks/show.yml -e host='$(HOST)' -e variable='$(VAR)'

.PHONY: status
status: bootstrap ## Every daemon: its state, who leads, since when, what differs (OPTIONS: --watch, --json)
	@python -m smoke status --inventory $(INVENTORY) $(OPTIONS)

.PHONY: smoke
smoke: bootstrap ## Prove the running cluster with real data
	ansible-playbook -i $(INVENTORY) playbooks/smoke.yml -e smoke_mode=full

.PHONY: down
down: bootstrap ## Remove the lab's machines; caches stay
	ansible-playbook -i $(INVENTORY) playbooks/lab_down.yml

.PHONY: teardown
teardown: bootstrap ## Remove what the kit installed on the machines (REMOVE_DATA=name of the cluster: its data, too; OPTIONS: --check)
	ansible-playbook -i $(INVENTORY) playbooks/teardown.yml -e remove_data='$(REMOVE_DATA)' $(OPTIONS)

# Of one of several students: STUDENT=2. Their machines have the same names, so commands run where these are that student's.
COURSE = python -m course
COURSE_OF = $(ONE_STUDENT)$(COURSE) $(if $(STUDENT),in '$(STUDENT)' -- $(COURSE))
COURSE_CLUSTER = --cluster 'out/course$(if $(STUDENT),-$(STUDENT))/cluster.json'
THIS_STUDENT = $(ONE_STUDENT)$(if $(STUDENT),--student '$(STUDENT)')
# STUDENTS is how many there are. One taken for the other would reach a cluster that is not meant.
ONE_STUDENT = $(if $(STUDENTS),$(error make $@ takes STUDENT, the number of one: did you mean STUDENT=$(STUDENTS)?))
ALL_STUDENTS = $(if $(STUDENT),$(error make $@ takes STUDENTS, how many there are: did you mean STUDENTS=$(STUDENT)?))
THIS_EXERCISE = '$(or $(EXERCISE),$(error say which: make $@ EXERCISE=1 (to 6)))'

.PHONY: course
course: bootstrap ## Bring up the course's cluster (STUDENTS=3: one for each; OPTIONS: of ansible-playbook)
	$(ALL_STUDENTS)$(COURSE) up $(if $(STUDENTS),--students '$(STUDENTS)') $${OPTIONS+--options="$$OPTIONS"}

.PHONY: course-shell
course-shell: bootstrap ## A terminal on hadoop-master (STUDENT=2: that student's)
	@$(COURSE) shell $(THIS_STUDENT)

.PHONY: course-exercise
course-exercise: bootstrap ## Begin an exercise: EXERCISE=1 to 6 (COURSE_LANGUAGE=fr, STUDENT)
	@$(COURSE_OF) exercise $(THIS_EXERCISE) $(COURSE_CLUSTER) $(if $(COURSE_LANGUAGE),--language '$(COURSE_LANGUAGE)')

.PHONY: course-check
course-check: bootstrap ## What is still wrong in an exercise: EXERCISE=1 to 6 (HINT=1, STUDENT)
	@$(COURSE_OF) check $(THIS_EXERCISE) $(COURSE_CLUSTER) $(if $(HINT),--hint)

.PHONY: course-reset
course-reset: bootstrap ## A fresh cluster in the place of the course's (STUDENT)
	$(COURSE) reset $(THIS_STUDENT)

.PHONY: course-down
course-down: bootstrap ## Remove the course's cluster (STUDENT=2: that student's; STUDENTS=all: all)
	$(COURSE) down $(if $(filter-out all,$(STUDENTS)),$(ONE_STUDENT))$(if $(STUDENTS),--all) $(if $(STUDENT),--student '$(STUDENT)')

# Not on a cluster that somebody works on: the test would leave nothing of it. What remains of a failure is said by the
# services and, in out/course, by every journal.
.PHONY: course-test
course-test: bootstrap-test ## The whole course on a cluster of its own: guide and exercises, typed and checked
	$(BEGINS)
	@! podman container exists hadoop-master || { echo "a course's cluster is up: make course-down first" >&2; exit 1; }
	evidence() { \
	  python -m smoke check --timeout 10 --cluster out/course/cluster.json || :; \
	  for host in hadoop-{master,slave1,slave2}; do ssh -F out/course/ssh_config $$host journalctl --no-pager > out/course/$$host.journal || :; done; \
	}; trap evidence ERR; trap '$(COURSE) down' EXIT; \
	$(COURSE) up --options '-e course_broker_0_10=true'; pytest tests/course

# Of the scenarios those that every change has to pass; make molecule has all.
.PHONY: test
test: SCENARIO ?= default kafka
test: lint unit molecule ## Test: lint, unit tests, a whole cluster, a role alone

.PHONY: lint
lint: bootstrap-test ## ansible-lint, yamllint, ruff, mypy, shellcheck
	$(BEGINS)
	yamllint --strict .
	ansible-lint
	ruff check .
	ruff format --check .
	mypy
	.ci/shellcheck

.PHONY: unit
unit: bootstrap-test ## Tests that need no machine
	$(BEGINS)
	pytest --numprocesses auto --dist loadfile

.PHONY: molecule
molecule: bootstrap-test ## Roles alone, and a whole cluster, on machines of their own (SCENARIO="kafka hdfs", CHANGED=1 or a commit, KEEP=1)
	$(BEGINS)
	python -m tests.scenarios $(SCENARIO) $(if $(CHANGED),--changed $(CHANGED:1=origin/main)) $(if $(KEEP),--keep)

# It ends at the first that fails, and leaves the cluster as it is found.
.PHONY: drill
drill: bootstrap-test ## Break the lab on purpose, under load, a row of figures each (NAME="power disk-kafka", SEED=1, LIST=1, PAGE=1)
	python -m tests.drills --seed $(or $(SEED),1) $(if $(LIST),--list) $(if $(PAGE),--page docs/drills.md) $(NAME)

.PHONY: bench-deploy
bench-deploy: bootstrap ## Seconds of a cold deployment, against a bare shell script (ROUNDS=3): removes the lab in the end
	bench/deploy.sh $(ROUNDS)

.PHONY: bench-preflight
bench-preflight: bootstrap ## Seconds of the preflight for 3, 10, 30 and 100 machines (ROUNDS=3)
	python bench/preflight.py $(ROUNDS)

.PHONY: vm-test
vm-test: ## A machine with a kernel of its own, in QEMU: deployed, rebooted, all is back
	./bootstrap vm
	python -m tests.vm

.PHONY: newest-test
newest-test: bootstrap-test ## The tests on Debian 13, its Python and the newest ansible-core, in a container of its own (SCENARIO=zookeeper)
	PYTHONPATH=roles/lab/library python -m tests.newest $(SCENARIO)

# Of the cache only what the kit made there: a user may have named any directory.
.PHONY: clean
clean: bootstrap ## Remove all the kit made here: machines, image, network, caches, .venv, out
	ansible-playbook -i $(INVENTORY) playbooks/lab_clean.yml
	rm -rf $(addprefix '$(CACHE)'/,tarballs jars work lock verified.json)
	[[ ! -d '$(CACHE)' ]] || rmdir --ignore-fail-on-non-empty '$(CACHE)'
	rm -rf out .venv .ansible .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: docs
docs: bootstrap ## Renew the pages of the roles from what these declare
	python docs/generate.py

.PHONY: lock
lock: bootstrap-test ## Renew the locks of the Python requirements
	for file in requirements requirements-dev; do \
	  pip-compile --quiet --upgrade --allow-unsafe --generate-hashes --strip-extras --no-header --no-emit-index-url \
	    --no-emit-find-links --no-emit-trusted-host --output-file $$file.txt $$file.in; \
	done

.PHONY: lock-artifacts
lock-artifacts: bootstrap ## Renew the digests of the tarballs whose launchers, files or builder changed
	python -m artifacts pack --cache '$(CACHE)'

.PHONY: bootstrap
bootstrap:
	@./bootstrap

.PHONY: bootstrap-test
bootstrap-test:
	$(BEGINS)
	@./bootstrap test

# Lint, unit and molecule one after the other: a machine has few cores, and a cluster is not to share them.
.NOTPARALLEL:
