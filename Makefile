# `make demo` runs the benchmark and writes its report; `make test` runs every test.
# Both create .venv and install what they need; PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin
SUITE ?= smoke
OUT ?= results/$(if $(POOL),$(firstword $(subst ., ,$(notdir $(POOL)))),$(SUITE))

.PHONY: demo test check clean

demo: .venv/bench
	$(BIN)/python -m bench run $(SUITE) --out "$(OUT)" $(if $(POOL),--pool "$(POOL)") $(ARGS)
	$(BIN)/python -m bench report "$(OUT)"

test: .venv/dev
	$(BIN)/python -m pytest $(ARGS)

check: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright --pythonpath $(BIN)/python

.venv/%: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --editable '.[$*]'
	touch $@

clean:
	rm -rf .venv build dist
