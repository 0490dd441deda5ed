# Every target sets up what it needs: Python 3.11 and git are enough.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
# Another torch build (CUDA): make setup STILTS_TORCH=torch==2.13.0+cu130
STILTS_TORCH ?= $(shell grep '^torch==' constraints.txt)
WORKSPACE ?= outputs

.PHONY: help setup run test check bench chaos

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

run: setup  ## SQuAD -> TyDiQA with a tiny model on sample data, then its table
	$(BIN)/stilts run intermediate=none target=tydiqa data=sample model=scratch protocol=smoke --workspace '$(WORKSPACE)'
	$(BIN)/stilts run intermediate=squad target=tydiqa data=sample model=scratch protocol=smoke --workspace '$(WORKSPACE)'
	@echo 'Next: $(BIN)/stilts run intermediate=mnli target=xnli data=sample model=scratch protocol=smoke'

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
