# Fristwerk's commands. Everything they make lies in this folder: `.venv` (packages) and `var` (data).
# They work in a folder with spaces in its path, so every path below is relative.

VAR ?= ./var
PORT ?= 8001
DATABASE ?= sqlite
PY := .venv/bin/python
PACKAGES := shared/language shared/proof shared/platform shared/client services/ticket-service services/sla-service services/billing-service services/verifier tools/cases deploy/local
ORDER_OF_ARRIVAL := \
	tests/sla_service/test_order_of_arrival.py::test_shuffled_repeated_and_delayed_histories_give_the_same_timers \
	tests/billing_service/test_properties.py::test_shuffled_and_repeated_events_change_nothing
PYTEST := $(PY) -m pytest -n 2 --dist worksteal
# A test that comes to no end is named, with what every thread did, and the run goes on.
BOUNDED := -o faulthandler_timeout=480 -o faulthandler_exit_on_timeout=true
IN_PROCESS := not process and not faults and not postgres and not exhaustive
QUICK := --hypothesis-profile=quick -m "$(IN_PROCESS) and not services"
MEASURED := fristwerk_language,fristwerk_proof,fristwerk_platform,fristwerk_client,ticket_service,sla_service,billing_service,fristwerk_verify,fristwerk_local
DOMAINS := ticket_service.domain,sla_service.domain,billing_service.domain
DOMAIN_TESTS := tests/ticket_service tests/sla_service tests/billing_service
LOCK := $(PY) -m uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet

# Without kept bytecode every start would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: welcome help setup run serve test quick nightly coverage lint check docs bench compare faults attack proof validators image lock clean

welcome: setup help

help:
	@echo "make run      starts Fristwerk, plays a recorded day of support and shows what came out; data in ./var"
	@echo "make serve    starts the three services alone: make serve VAR=folder PORT=8001"
	@echo "              with DATABASE=postgres both run on a PostgreSQL in that folder"
	@echo "make test     runs the whole test suite"
	@echo "make quick    runs the tests that need no process, no PostgreSQL and not all three services: a minute and a half"
	@echo "make coverage runs the whole test suite and prints which lines and branches it reaches"
	@echo "make lint     style, types and who may import whom"
	@echo "make check    lint and test: what CI runs"
	@echo "make docs     builds the documentation into docs/_site, and fails on a broken link"
	@echo "make bench    measures, and prints the figures"
	@echo "make compare  measures this checkout and another in turn: make compare OTHER=../other"
	@echo "make faults   breaks things at length and compares what is left with what was promised"
	@echo "make attack   sends what nobody should send to every operation, and prints what came of it"
	@echo "make validators  installs into .venv what checks the files in deploy/"
	@echo "make image    builds the container image with buildah: make image TAG=name BASE=image"
	@echo "make proof    verifies a year of five providers and 10,000 changes of a bundle; what proofs take"
	@echo "make nightly  the whole test suite with many more examples of every property, then make faults;"
	@echo "              with OLDER=folder also 2,000 stories through that checkout of an older version"
	@echo "make setup    makes .venv ready, which every command above does by itself"
	@echo "make lock     renews the pinned requirements"
	@echo "make clean    removes .venv and caches, never your data"

setup: .venv/ready .venv/client-ready

.venv/ready: requirements.txt requirements-uv.txt deploy/local/set-up.sh $(PACKAGES:=/pyproject.toml)
	@deploy/local/set-up.sh

# The client's operations, made anew where a description has changed.
.venv/client-ready: .venv/ready shared/client/generate.py $(wildcard tests/contracts/openapi/*.json)
	@$(PY) shared/client/generate.py
	@touch $@

run: setup
	@exec $(PY) -m fristwerk_local run --var "$(VAR)" --port "$(PORT)" --database "$(DATABASE)" --stop-with-parent

serve: setup
	@exec $(PY) -m fristwerk_local serve --var "$(VAR)" --port "$(PORT)" --database "$(DATABASE)" --stop-with-parent

test: setup
	$(PYTEST) $(BOUNDED) --durations=25

quick: setup
	$(PYTEST) $(BOUNDED) $(QUICK) --durations=5

# Everything again, slower: what the tests and the processes that they start execute. LANE=domains: the services' own tests
# that start no process, and of what they execute the domains alone, as nothing else has a floor.
coverage: setup
	rm -f .coverage .coverage.*
	@status=0; \
	$(PY) -m coverage run --source=$(if $(filter domains,$(LANE)),$(DOMAINS),$(MEASURED)) -m pytest -n 2 --dist worksteal $(BOUNDED) \
		$(if $(filter domains,$(LANE)),$(DOMAIN_TESTS) --hypothesis-profile=quick -m "$(IN_PROCESS)") || status=1; \
	$(PY) -m coverage combine --quiet && $(PY) -m coverage report && $(PY) tests/branches.py || status=1; \
	exit $$status

lint: setup
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m bandit --quiet --severity-level medium --configfile pyproject.toml --recursive services shared tools deploy

check: lint test

# The tools that check the files in deploy/; tests/deploy skips what is not there, and says so.
validators: setup .venv/deploy-ready

.venv/deploy-ready: .venv/ready requirements-deploy.txt requirements-otel.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-deploy.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-otel.txt
	@touch $@

# The container image, twice over if asked: make image TAG=fristwerk BASE=an-image-with-python
image:
	@deploy/containers/build.sh

# The long versions of the fault tests, with a table of promises and figures at the end.
faults: setup
	$(PYTEST) tests/faults $(ORDER_OF_ARRIVAL) --faults=long

# Every field of every operation with every extreme value, every identity at everything, and schemathesis; prints its table.
attack: setup .venv/attack-ready
	$(PY) -m pytest tests/attack --faults=long

# A year of five providers exported and verified, 10,000 mutations of a bundle, and what hash trees take of commands.
proof: setup .venv/bench-ready
	$(PY) -m pytest -s --faults=long tests/verifier/test_year.py tests/verifier/test_mutations.py
	$(PY) tests/benchmarks/hash_trees.py

.venv/attack-ready: .venv/ready requirements-attack.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-attack.txt
	@touch $@

nightly: setup
	$(PYTEST) --hypothesis-profile=nightly $(if $(OLDER),--older=$(OLDER))
	$(MAKE) faults
	$(PYTEST) tests/deploy --faults=long

# Every page anew each time, as only a page that is read can complain.
docs: setup .venv/docs-ready
	$(PY) -m sphinx --fail-on-warning --keep-going --quiet --fresh-env -d .venv/doctrees docs docs/_site
	$(PY) docs/check_site.py docs/_site

.venv/docs-ready: .venv/ready requirements-docs.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-docs.txt
	@touch $@

bench: setup .venv/bench-ready
	@for bench in tests/benchmarks/*.py; do echo "== $$bench"; $(PY) "$$bench" || exit 1; done

# Two checkouts in turn, row by row: make compare OTHER=../another-checkout
BENCHMARKS ?= event_log over_http catching_up
compare: setup .venv/bench-ready
	cd tests/benchmarks && ../../$(PY) -m measuring.compare "$(abspath $(OTHER))" $(BENCHMARKS)

.venv/bench-ready: .venv/ready requirements-bench.txt
	@$(PY) -m uv pip install --quiet --python $(PY) --require-hashes --requirement requirements-bench.txt
	@touch $@

# Renews the pins. No index or mirror address gets into them: a test checks it.
lock: setup
	$(LOCK) requirements.in --upgrade --output-file requirements.txt
	$(LOCK) requirements-run.in --constraint requirements.txt --output-file requirements-run.txt
	$(LOCK) requirements-otel.in --upgrade --output-file requirements-otel.txt
	$(LOCK) requirements-image.in --upgrade --output-file requirements-image.txt
	$(LOCK) requirements-deploy.in --upgrade --output-file requirements-deploy.txt
	$(LOCK) requirements-bench.in --upgrade --output-file requirements-bench.txt
	$(LOCK) requirements-attack.in --upgrade --output-file requirements-attack.txt
	$(LOCK) requirements-docs.in --upgrade --output-file requirements-docs.txt
	$(LOCK) requirements-uv.in --upgrade --output-file requirements-uv.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* docs/_site docs/reference/http
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
