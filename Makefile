# Everything a developer does, from a bare Debian with Python: `make demo`, `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MATRIX := $(BIN)/matrix
LAB := inventories/lab.toml

# The short demo: four columns of one host each, three rows. The long one is everything.
DEMO_HOSTS := qa production customer-1
DEMO_SERVICES := -s queue -s web -s api
DEMO_COLUMNS := -i inventories/demo.toml
EXPECTED := --expected inventories/lab.expected.toml

# What the base images, the lab and the tests need beside Python.
BUILD_PACKAGES := mmdebstrap arch-test zstd ca-certificates iproute2
TEST_PACKAGES := $(BUILD_PACKAGES) openssh-server openssh-client chromium fonts-dejavu-core fish tcsh sudo iptables busybox-static docker-registry poppler-utils faketime

.PHONY: help demo demo-full allowed test test-full lint types unit bench bench-demo setup engine packages images lab clean wheel

help: ## List what can be made
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

demo: allowed setup packages engine ## Fill in a real grid of 12 cells on hosts started here: one command
	@echo "== images"
	@$(MATRIX) image build $(DEMO_SERVICES)
	@echo "== lab"
	@$(MATRIX) lab up $(DEMO_HOSTS) $(DEMO_SERVICES)
	@echo "== grid"
	@$(MATRIX) run $(DEMO_COLUMNS) $(DEMO_SERVICES) $(EXPECTED)

demo-full: allowed setup packages engine images lab ## The same for every service on every kind of machine
	@echo "== grid"
	@$(MATRIX) run $(EXPECTED)

allowed:
	@./.ci/check $(BUILD_PACKAGES)

setup: $(VENV)/.ready ## Make the virtual environment

$(VENV)/.ready: pyproject.toml
	@echo "== virtual environment"
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { ./.ci/packages python3-venv && $(PYTHON) -m venv $(VENV); }
	@$(BIN)/pip install --quiet --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

packages:
	@echo "== Debian packages"
	@./.ci/packages $(BUILD_PACKAGES)

engine: ## Make sure a container engine runs
	@echo "== container engine"
	@./.ci/engine

images: setup engine ## Build the images of the catalogue
	@echo "== images"
	@$(MATRIX) image build

lab: setup engine ## Start all hosts of the lab
	@echo "== lab"
	@$(MATRIX) lab up

lint: setup ## Style, types, floors
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: setup ## The instant tests
	$(BIN)/pytest tests/unit

test: setup engine ## The CI lane
	@./.ci/packages $(TEST_PACKAGES)
	$(MAKE) lint
	$(MATRIX) image build $(DEMO_SERVICES) --base trixie
	@./.ci/lane $(BIN)/pytest

test-full: setup engine ## Everything, and the page that says so
	@./.ci/packages $(TEST_PACKAGES)
	$(MAKE) lint
	$(MATRIX) image build
	@status=0; \
	./.ci/lane $(BIN)/pytest || status=1; \
	$(BIN)/pytest -m full --durations=25 --junitxml=.matrix/test-more.xml || status=1; \
	$(BIN)/python bench/write_test_page.py .matrix/test-quick.xml .matrix/test-lane.xml .matrix/test-more.xml; \
	exit $$status

bench: setup engine ## Measure, and write docs/reference/performance.md
	@./.ci/packages $(TEST_PACKAGES)
	$(MATRIX) image build
	$(MATRIX) lab up $(DEMO_HOSTS)
	$(BIN)/python bench/run.py

bench-demo: setup engine ## Measure demo-full step by step
	$(BIN)/python bench/demo_full.py

wheel: setup ## Build the wheel
	$(BIN)/python -m build --wheel

clean: ## Stop the lab and remove what a run made here
	@if [ -x $(MATRIX) ]; then $(MATRIX) lab down; $(MATRIX) sweep --keep-images; fi
	rm -rf .matrix/run .mypy_cache .ruff_cache .pytest_cache dist build
