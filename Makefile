# `make demo` and `make test` create .venv if there is none.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: setup demo test faults fuzz docs bench rehearsal ablation lint format clean help

help:
	@echo "make demo    run the whole pipeline on the embedded world and show the result"
	@echo "make test    run the tests"
	@echo "make faults  let every request of the disk fail, in every stage, and run again"
	@echo "make fuzz    read 10,000 damaged inputs"
	@echo "make bench   measure speed, size and memory and print a table"
	@echo "make rehearsal run the bookkeeping on data sets as large as COCO and LVIS"
	@echo "make ablation train what is missing of the comparison, over five seeds"
	@echo "make lint    ruff and mypy"
	@echo "make docs    build the docs site, build/docs/index.html"
	@echo "make setup   only create .venv"
	@echo "make clean   remove artifacts, caches and .venv"

setup: $(INSTALLED)

# torch first; the constraints pin everything else to tested versions
$(INSTALLED): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch torchvision
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	test -e .git || printf '[core]\n    no_scm = true\n' > .dvc/config.local
	touch $@

demo: setup
	ezsd-cli init --preset demo
	dvc repro
	ezsd-cli result
	@echo "open artifacts/report/index.html"

# a process per core; files in folder order, so that the longest do not come last
test: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder

faults: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.reliability faults

fuzz: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.reliability fuzz

# strict: a broken link fails; a test does the same
docs: setup
	$(BIN)/python -m mkdocs build --quiet

bench: setup
	$(BIN)/python -m benchmarks

# not in `bench`: it takes an hour, 24 GB of memory and 20 GB of disk
rehearsal: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.rehearsal

ablation: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m benchmarks.ablation

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf artifacts benchmarks/work .dvc/cache .dvc/tmp .venv build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
