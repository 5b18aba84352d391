# `make` lists the targets. Each installs the packages it misses first (.ci/setup).
SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

KERNEL ?=
KERNELS ?=
FILTER ?=
BENCH ?= all
ALSO ?=
PROOF ?=
PREFIX ?= /usr/local
DESTDIR ?=
SANITIZER ?=
SOAK_SECONDS ?= 600
export KERNELS FILTER PROOF

.PHONY: help run test test-unit test-live test-kernels proof shell bench fuzz soak prove-unit sanitize check docs setup install clean

help: ## what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

run: ## the examples, on this machine or in a target kernel; KERNEL=6.1 takes that one
	@.ci/setup build kernels
	@.ci/examples

test: ## everything: check, test-unit, test-live, test-kernels, proof
	@.ci/setup build kernels
	@.ci/test check unit live kernels proof $(ALSO)

test-unit: ## tests that need nothing; FILTER=REGEX takes some
	@.ci/setup build
	@.ci/test unit

test-live: ## tests that touch this machine's kernel; FILTER=REGEX
	@.ci/setup build
	@.ci/test live

test-kernels: ## the same in target kernels; KERNELS="5.10 6.12" FILTER=REGEX
	@.ci/setup build kernels
	@.ci/test kernels

proof: ## memory protection measured in target kernels, as tables; PROOF=thorough takes minutes a kernel
	@.ci/setup build kernels
	@.ci/test proof; status=$$?; .ci/proof-tables; exit $$status

shell: ## a shell in a target kernel, with the tool and the tests; KERNEL=6.12
	@.ci/setup build kernels
	@.ci/shell $(KERNEL)

bench: ## measurements beside peers; BENCH=idmap|launch|cgroup|agent, KERNEL=6.12 for a target kernel
	@.ci/setup build $(if $(KERNEL),kernels)
	@.ci/bench "$(BENCH)" $(KERNEL)

fuzz: ## made-up input for the parsers; FUZZ_SECONDS=60 for each of them
	@.ci/setup build
	@.ci/fuzz $(FUZZ_SECONDS)

soak: ## an agent with 200 pods under random edits and kills; SOAK_SECONDS=600
	@.ci/setup build
	@BULKHEAD_SOAK=$(SOAK_SECONDS) FILTER=AgentSoak .ci/test live

prove-unit: ## the agent's unit under systemd itself, in target kernel KERNEL=6.12; takes debootstrap
	@.ci/setup build kernels
	@swift build -c release --product bulkheadd
	@Tests/Systemd/prove $(or $(SUITE),trixie) $(or $(KERNEL),6.12)

sanitize: ## tests under SANITIZER=address, thread or both; FILTER=REGEX
	@.ci/setup build
	@.ci/sanitize $(SANITIZER)

check: ## format, lint, layers, symbols, licences
	@.ci/setup build
	@.ci/check

docs: ## the libraries' documentation, into .build/docs
	@.ci/setup build
	@.ci/docs

setup: ## installs missing system packages, or says which
	@.ci/setup build kernels

install: ## tool and agent with man pages, completions and unit, into DESTDIR/PREFIX (/usr/local)
	@.ci/setup build
	@.ci/install "$(PREFIX)" "$(DESTDIR)"

clean: ## removes what was built; target kernels stay in the cache
	rm -rf .build
