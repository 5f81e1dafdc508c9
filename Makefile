# What one types to build, test and try Freshet; `make` alone lists it.

SHELL := /bin/bash

# The C libraries that Freshet links, and what its tests call (Debian and Ubuntu names).
DEBIAN_PACKAGES := \
	librdkafka-dev libsqlite3-dev libopenblas-dev libssl-dev \
	zlib1g-dev liblz4-dev libzstd-dev libsnappy-dev \
	libpng-dev libjpeg-dev libfreetype-dev \
	fonts-dejavu-core fonts-liberation fonts-freefont-ttf fonts-noto-mono fonts-hack \
	fonts-inconsolata fonts-jetbrains-mono fonts-roboto-unhinted fonts-open-sans \
	fonts-crosextra-carlito fonts-ocr-a fonts-ocr-b \
	pkg-config kcat python3 python3-venv

# Installing needs root: sudo for everyone else.
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

# What `swift format` reads: everything written in Swift.
SWIFT_SOURCES := Package.swift Sources Tests Fuzz $(wildcard Benchmarks)

# The program that is killed, how often, and what decides when.
FRESHET ?= .build/release/freshet
KILLS ?= 200
SEED ?= 1

# How many tests run at a time. Without a limit all begin at once and take turns: on a slow machine
# each is then away for longer than what it tests waits for it.
TEST_WIDTH ?= $(shell echo $$((2 * $$(nproc))))

# How many cases the fuzz target makes of the seed, how many requests it sends to a broker, and how
# many damaged pictures it decodes.
CASES ?= 1000000
FRAMES ?= 100000
IMAGES ?= 100000

# A test that traps shows where, as the last thing that is printed.
BACKTRACE := threads=crashed,registers=none,images=none,color=no

.PHONY: help deps build test lint format quickstart examples crash-loop fuzz bench bench-checkpoint \
	bench-recovery bench-scoring bench-reading bench-broker bench-memory bench-recognizer \
	bench-tesseract soak prove prove-quick clean conformance conformance-quick \
	conformance-environments

help:
	@echo "make quickstart   install what is missing, build, and watch the loop run"
	@echo "make deps         install the Debian packages that are missing"
	@echo "make build        build .build/release/freshet"
	@echo "make test         install what is missing, build, and run every test"
	@echo "make lint         check the formatting and the rules of .swift-format"
	@echo "make format       put the formatting right"
	@echo "make examples     run Examples/ against what was built last: kcat and Python clients"
	@echo "make crash-loop   kill -9 the broker 200 times under load and compare (10 minutes)"
	@echo "make prove        kill -9 everything 200 times and compare (2 minutes); KILLS, SEED"
	@echo "make prove-quick  the same 50 times with what was built last, as the CI runs it"
	@echo "make fuzz         a million damaged streams, requests and batches, and 100,000 pictures"
	@echo "                  (4 minutes); CASES, FRAMES, IMAGES, SEED"
	@echo "make conformance  check the broker with raw requests and nine versions of client libraries"
	@echo "make conformance-quick   the part of it that takes minutes, as the CI runs it"
	@echo "make bench        measure: kernels, learner, the whole loop"
	@echo "make bench-checkpoint  measure a checkpoint of a million users, and loading it"
	@echo "make bench-recovery  kill -9 a trainer of a million users; how soon it learns again (5 minutes)"
	@echo "make bench-scoring measure exactly-once answers beside at-least-once ones (3 minutes)"
	@echo "make bench-reading measure how soon corrections are served, and reading meanwhile (4 minutes)"
	@echo "make bench-broker measure the broker beside the bare disk (15 minutes)"
	@echo "make bench-memory measure what a limit on memory costs and whether it holds (5 minutes)"
	@echo "make bench-recognizer measure the recognizer of lines beside PyTorch (2 minutes; 5 GB once)"
	@echo "make bench-tesseract measure the recognizer of lines beside Tesseract (3 minutes)"
	@echo "make soak         30 minutes with ten times the users that fit into memory"
	@echo "make clean        remove everything that was built"

deps:
	@command -v swift > /dev/null || { \
		echo "deps: no swift: install Swift 6.3 from https://www.swift.org/install"; exit 1; }
	@command -v dpkg > /dev/null || { \
		echo "deps: not a Debian system: install what these packages hold, then go on with" \
			"'swift build -c release': $(DEBIAN_PACKAGES)"; exit 1; }
	@missing=""; \
	for package in $(DEBIAN_PACKAGES); do \
		dpkg -s $$package 2> /dev/null | grep -q "^Status: install ok installed" \
			|| missing="$$missing $$package"; \
	done; \
	if [ -z "$$missing" ]; then \
		echo "deps: every package is installed"; \
	else \
		echo "deps: installing$$missing"; \
		$(SUDO) apt-get update -qq \
			&& $(SUDO) env DEBIAN_FRONTEND=noninteractive \
				apt-get install -y -qq --no-install-recommends $$missing \
			&& echo "deps: installed$$missing"; \
	fi

build: deps
	swift build -c release --product freshet

# The Python clients that tests and examples run against Freshet.
.venv/installed: Tests/Reference/requirements.txt
	python3 -m venv .venv
	.venv/bin/pip install --quiet --requirement Tests/Reference/requirements.txt
	touch .venv/installed

test: deps
	$(MAKE) .venv/installed
	PATH="$(CURDIR)/.venv/bin:$$PATH" SWIFT_BACKTRACE=$(BACKTRACE) \
		SWT_EXPERIMENTAL_MAXIMUM_PARALLELIZATION_WIDTH=$(TEST_WIDTH) swift test

lint:
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)

format:
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

quickstart: build
	.build/release/freshet quickstart

examples: deps
	$(MAKE) .venv/installed
	PATH="$(CURDIR)/.venv/bin:$$PATH" Examples/run.sh

crash-loop: .venv/installed
	.venv/bin/python Tests/Conformance/crash/crash_loop.py \
		--freshet $(FRESHET) --kills $(KILLS) --seed $(SEED)

prove: build
	.build/release/freshet prove --kills $(KILLS) --seed $(SEED)

prove-quick:
	.build/debug/freshet prove --kills 50 --seed $(SEED)

fuzz: deps
	swift build -c release --product freshet-fuzz
	.build/release/freshet-fuzz --cases $(CASES) --seed $(SEED)
	.build/release/freshet-fuzz --frames $(FRAMES) --seed $(SEED)
	.build/release/freshet-fuzz --images $(IMAGES) --seed $(SEED)

# Releases that cannot share an environment: old.txt, middle.txt and new.txt name them. They are
# pinned to what PyPI has for Python 3.11; what cannot be installed is an error.
CONFORMANCE_PYTHON ?= python3.11
CLIENT_ENVIRONMENTS := $(notdir $(basename $(wildcard Tests/Conformance/clients/environments/*.txt)))
CONFORMANCE_ENVIRONMENTS := $(patsubst %,.venv-conformance/%/installed,pytest $(CLIENT_ENVIRONMENTS))

.venv-conformance/%/installed: Tests/Conformance/clients/environments/%.txt
	$(CONFORMANCE_PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

.venv-conformance/pytest/installed: Tests/Conformance/requirements.txt
	$(CONFORMANCE_PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --requirement $<
	touch $@

conformance-environments: $(CONFORMANCE_ENVIRONMENTS)

# Both run what was built last. More options for pytest: make conformance OPTIONS="-k c16".
conformance: conformance-environments
	cd Tests/Conformance && $(CURDIR)/.venv-conformance/pytest/bin/pytest $(OPTIONS)

conformance-quick: conformance-environments
	cd Tests/Conformance && $(CURDIR)/.venv-conformance/pytest/bin/pytest -m quick $(OPTIONS)

bench: build
	swift build -c release --product freshet-benchmarks
	Benchmarks/run

bench-memory:
	swift build -c release --product freshet-benchmarks
	Benchmarks/memory

# Only what is measured beside it needs PyTorch.
.venv-torch/installed:
	python3 -m venv .venv-torch
	.venv-torch/bin/pip install --quiet torch==2.6.0 numpy
	touch $@

bench-recognizer: .venv-torch/installed
	swift build -c release --product freshet-benchmarks
	Benchmarks/recognizer

.venv-tesseract/installed:
	python3 -m venv .venv-tesseract
	.venv-tesseract/bin/pip install --quiet pillow==11.1.0
	touch $@

bench-tesseract: build .venv-tesseract/installed
	@command -v tesseract > /dev/null || { \
		echo "bench-tesseract: no tesseract: install the package tesseract-ocr"; exit 1; }
	.venv-tesseract/bin/python Benchmarks/tesseract

soak: build
	$(MAKE) .venv/installed
	.venv/bin/python Benchmarks/soak

bench-checkpoint:
	swift build -c release --product freshet-benchmarks
	Benchmarks/checkpoint

bench-recovery: build
	Benchmarks/recovery

bench-scoring: build
	$(MAKE) .venv/installed
	.venv/bin/python Benchmarks/scoring

bench-reading: build
	$(MAKE) .venv/installed
	.venv/bin/python Benchmarks/reading

bench-broker: build
	swift build -c release --product broker-load
	Benchmarks/broker

clean:
	rm -rf .build .venv .venv-conformance .venv-tesseract .venv-torch
