# Every target sets up what it needs: Python 3.11 and git are enough.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Another torch build (CUDA): make setup STILTS_TORCH=torch==2.13.0+cu130
STILTS_TORCH ?= $(shell grep '^torch==' constraints.txt)
WORKSPACE ?= outputs
# One thread: other programs do not slow it down, and other machines give nearly the same.
SMALL := model=mini data=sample protocol=sample compute=cpu compute.threads=1

.PHONY: help setup run grid test check bench chaos

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## */\t/' | expand -t 10

setup: $(VENV)/ready  ## a .venv with torch, the package and what its tests need

$(VENV)/ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	grep -v '^torch==' constraints.txt > $(VENV)/constraints.txt
	echo '$(STILTS_TORCH)' >> $(VENV)/constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check '$(STILTS_TORCH)'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(VENV)/constraints.txt --editable '.[dev]'
	touch $@

run: setup  ## TyDiQA without and with SQuAD first, by the bundled model on sample data: two tables
	$(BIN)/stilts run intermediate=none target=tydiqa $(SMALL) --workspace '$(WORKSPACE)'
	$(BIN)/stilts run intermediate=squad target=tydiqa $(SMALL) --workspace '$(WORKSPACE)'
	@echo 'next: make grid, for every intermediate task and target, or your own: $(BIN)/stilts run --help'

grid: setup  ## nine intermediate tasks and none, nine targets, by the bundled model on sample data, and a picture
	$(BIN)/stilts sweep study=xtreme $(SMALL) compute.workers=2 $(GRID) \
	    --plot '$(WORKSPACE)/gains.png' --workspace '$(WORKSPACE)'

test: setup  ## the tests, offline
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: setup  ## format, lint, types, architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy --strict src
	$(BIN)/python -m pytest tests/test_architecture.py

bench: setup  ## throughput beside transformers.Trainer, as ratios
	$(BIN)/python scripts/bench_throughput.py

KILLS ?= 200
chaos: setup  ## a grid whose processes are killed KILLS times, and its bytes beside an undisturbed one's
	STILTS_CHAOS_KILLS=$(KILLS) $(BIN)/python -m pytest -s tests/run/test_chaos.py
