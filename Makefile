# Everything a newcomer needs: `make demo` and `make test` set the machine up by themselves.
SHELL := /bin/sh
BIN := .venv/bin
# The checkout itself, even when a shell has sourced an older copy in ros2_ws/install.
ENTER := . .venv/local_setup.sh && export PYTHONPATH="$(CURDIR)/src:$$PYTHONPATH" &&
# Newer than every file with compiled loops, once `denseba compile` has filled numba's cache.
COMPILED := .venv/denseba-compiled

# Files of tests go to two processes; what several tests of a file share is made once.
WORKERS := -n 2 --dist loadfile
UNIT_TESTS := $(addprefix tests/,geometry solvers matching frontend backend slam sequences evaluation)

.DEFAULT_GOAL := help
.PHONY: help setup demo test quick lint docs faults gpu build clean distclean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12
	@echo "PYTHON=/path/to/python3.12 chooses the interpreter at the first set-up."

setup: ## create or update .venv, compile (seconds when nothing changed)
	@PYTHON="$(PYTHON)" sh scripts/setup.sh
	@$(MAKE) --no-print-directory $(COMPILED)

$(COMPILED): $(shell grep -rl '@numba_jit' src)
	@$(ENTER) $(BIN)/denseba compile
	@touch $@

demo: setup ## a camera stream through the ROS 2 nodes, compared with ground truth
	@$(ENTER) $(BIN)/denseba demo $(DEMO_ARGS)

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

test: lint ## lint, then all tests
	$(ENTER) $(BIN)/python -m pytest $(WORKERS) $(PYTEST_ARGS)

quick: setup ## unit tests alone, in at most two minutes
	$(ENTER) $(BIN)/python -m pytest $(WORKERS) -m "not slow" $(UNIT_TESTS) $(PYTEST_ARGS)

docs: setup ## build the documents into docs/_build/html; warnings and broken links are errors
	$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

faults: setup ## faults of camera, clock and processes, fuzz and long runs (50 minutes)
	@$(ENTER) $(BIN)/denseba faults
	@$(ENTER) $(BIN)/denseba faults fuzz lifecycle loop $(FAULTS_ARGS)

gpu: setup ## on a GPU: kernels, adjustment, networks, system and tests against their bars (8 minutes)
	@$(ENTER) $(BIN)/denseba benchmark gpu $(GPU_ARGS)

build: setup ## build the colcon workspace into ros2_ws/install
	@. .venv/local_setup.sh && cd ros2_ws && ../$(BIN)/python -m colcon build $(COLCON_ARGS)
	@. ./env.sh && $(BIN)/python -m denseba_ros.cli.main compile

clean: ## remove what was built and measured, keep .venv
	rm -rf build dist src/*.egg-info ros2_ws/build ros2_ws/install ros2_ws/log demo faults gpu docs/_build
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis $(COMPILED)
	find . -name __pycache__ -not -path "./.venv/*" -prune -exec rm -rf {} +

distclean: clean ## also remove .venv and env.sh
	rm -rf .venv env.sh
