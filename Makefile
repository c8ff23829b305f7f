# What a maintainer does every day. `make` alone lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo shop test check format rewrite equivalence crash explain spark spark-setup spark-examples integration bench bench-compare soak clean

RUN := .venv/bin/
SPARK_RUN := .spark-venv/bin/
SECONDS := 20
RATE := 1000
DATA := demo-data
N := 100
STRIDE := 1
SEEDS := 1000
SEED :=
REF :=
BATCHES := 86400
ARGS :=

help: ## this list
	@grep -hE '^[a-z%-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([^:]+):.*## (.*)/\1\t\2/' | expand -t 16

setup: ## create .venv with cauce and its development tools (instant when up to date)
	@tools/venv.sh .venv -e . --group dev
	@$(RUN)cauce install delta-client >/dev/null

test: setup ## every test that needs no Java and no service (ARGS="-x -k name")
	$(RUN)python -m pytest $(ARGS)

test-%: setup ## one folder of tests/, or the tests whose name contains this
	@if [ -e tests/$* ]; then $(RUN)python -m pytest tests/$* $(ARGS); else $(RUN)python -m pytest -k $* $(ARGS); fi

demo: setup ## the shop: generator, bronze, silver, gold, live view, proof (SECONDS=20 RATE=1000 DATA=demo-data)
	@$(RUN)cauce run examples/shop/demo.py --data $(DATA) --seconds $(SECONDS) --rate $(RATE)

shop: setup ## the shop's analytics platform: streams, batches and the generator's truth must agree
	@$(RUN)cauce run examples/shop/analytics/run.py

check: setup ## style, types, layers, tidiness
	$(RUN)ruff check .
	$(RUN)ruff format --check .
	$(RUN)pyright
	$(RUN)lint-imports
	$(RUN)python -m pytest tests/tidy

format: setup ## format the code and apply the safe fixes of the linter
	$(RUN)ruff check --fix .
	$(RUN)ruff format .

rewrite: setup ## record the goldens anew, to be reviewed with git diff (make spark CAUCE_REWRITE=1: Spark's)
	CAUCE_REWRITE=1 $(RUN)python -m pytest tests/plan $(ARGS)

equivalence: setup ## streams against the same query as a batch, on N random cases each (N=100)
	$(RUN)python -m pytest tests/equivalence --examples $(N) $(ARGS)

crash: setup ## all of the recovery tests: every operation, 1,000 histories (STRIDE=11 SEEDS=50: fewer; SEED=7: that one)
	$(RUN)python -m pytest tests/recovery $(if $(SEED),-k random_history --crash-seed $(SEED) --crash-seeds 1,\
	  tests/object_storage --crash-stride $(STRIDE) --crash-seeds $(SEEDS)) $(ARGS)

explain: setup ## run SCRIPT="program.py args" and print the plan of each streaming query it starts
	@$(RUN)cauce run tools/explain.py $(SCRIPT)

spark-setup: setup
	@command -v java >/dev/null || { \
	  echo 'Apache Spark needs Java 17 and java is not on PATH.' >&2; \
	  echo 'On Debian or Ubuntu: apt-get install openjdk-17-jre-headless' >&2; exit 1; }
	@tools/venv.sh .spark-venv 'pyspark[connect]==4.2.0' 'pandas>=2.2,<3' 'delta-spark==4.4.0' 'rich>=13'

spark: spark-setup ## the differential tests: the same programs on cauce and on Apache Spark (needs Java 17)
	CAUCE_SPARK_PYTHON=$(CURDIR)/$(SPARK_RUN)python $(RUN)python -m pytest tests/spark $(ARGS)

spark-examples: spark-setup ## the leads platform and the shop's analytics on real servers and on Apache Spark (needs Java 17)
	@for script in tools/install_*.sh; do $$script; done
	CAUCE_SPARK_PYTHON=$(CURDIR)/$(SPARK_RUN)python $(RUN)python -m pytest tests/integration/examples $(ARGS)

integration: spark-setup ## the tests on real servers, which tools/install_*.sh install (needs Java 17)
	@for script in tools/install_*.sh; do $$script; done
	CAUCE_SPARK_PYTHON=$(CURDIR)/$(SPARK_RUN)python $(RUN)python -m pytest tests/integration --ignore tests/integration/examples $(ARGS)

# CAUCE_SPARK_PYTHON names an interpreter with full PySpark; otherwise one is set up if Java is there.
bench: setup ## durations, rows a second, start-up and memory beside Apache Spark's (ARGS="--out docs", --quick)
	@if [ -z "$${CAUCE_SPARK_PYTHON:-}" ] && command -v java >/dev/null; then $(MAKE) --no-print-directory spark-setup; fi
	@CAUCE_SPARK_PYTHON=$${CAUCE_SPARK_PYTHON:-$(CURDIR)/$(SPARK_RUN)python} $(RUN)python benchmarks/run.py $(ARGS)

bench-compare: setup ## the same measurements on this tree and on another commit, in turns (REF=main)
	@git rev-parse --verify --quiet '$(REF)^{commit}' >/dev/null || { echo 'Which commit? make bench-compare REF=main' >&2; exit 1; }
	@rm -rf build/bench-compare && mkdir -p build/bench-compare
	@git archive '$(REF)' src | tar -x -C build/bench-compare
	@$(RUN)python benchmarks/run.py --compare build/bench-compare/src --compare-name '$(REF)' $(ARGS)

soak: setup ## a day of one-second batches under a hurried clock: what grows? (BATCHES=86400)
	$(RUN)python benchmarks/soak.py --batches $(BATCHES) $(ARGS)

clean: ## remove what the targets above created
	rm -rf .venv .spark-venv demo-data build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
