# Everything runs in a virtual environment that the targets make themselves.
#   PYTHON  the Python to make it from      VENV     where it goes
#   PORT    of the explorer                 ARGS     more arguments for the command that is run
#   ADDRESS it listens on, this machine alone unless another is given: see docs/serving.md
#   WORKERS processes of `make data`        CONSTRAINTS  .ci/constraints.txt for the tested versions
PYTHON  ?= python3
VENV    ?= .venv
PORT    ?= 5006
ADDRESS ?= 127.0.0.1
WORKERS ?= $(shell nproc 2>/dev/null || echo 2)
ARGS    ?=
CONSTRAINTS ?=

PY   := $(VENV)/bin/python
MAPS := runs/synthetic-64
# Those with an `init` go on from what is shipped. CONFIGS=train/configs/gpu has those of the shipped
# weights, for a GPU.
CONFIGS ?= train/configs
RECIPES ?= $(basename $(notdir $(filter-out %/points.yaml %/observed.yaml,$(wildcard $(CONFIGS)/*.yaml))))
# A browser window is opened only where there is a screen to open it on.
SCREEN := $(DISPLAY)$(WAYLAND_DISPLAY)$(filter Darwin,$(shell uname -s))
SHOW   := $(if $(CI),,$(if $(SCREEN),--show))
# The progress of pip for people, silence for logs.
QUIET  := $(if $(CI),-qq,$(shell test -t 2 || echo -qq))
PIP    := $(PY) -m pip install $(QUIET) --disable-pip-version-check --no-input \
    $(if $(CONSTRAINTS),--constraint $(CONSTRAINTS))
# Compile the projection once here, not in front of the first person who opens the page.
WARM   := $(PY) -c "import numpy as np; from data.projection import project; \
    project(np.zeros((1, 3)), np.ones(1), np.ones(1), extent_kpc=1.0, grid_size=8)"

.DEFAULT_GOAL := help
.PHONY: help explore test check format audit constraints data train evaluate clean

help:  ## Show this help
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' \
	    | awk -F'|' '{printf "  make %-10s %s\n", $$1, $$2}'

explore: $(VENV)/.installed  ## Install where needed and serve the explorer
	@echo "Galactic Alchemy: http://localhost:$(PORT)/app (Ctrl-C stops it)"
	@exec $(PY) -m panel serve explorer/app.py --address $(ADDRESS) --port $(PORT) \
	    $(SHOW) $(ARGS) </dev/null

test: $(VENV)/.installed-dev  ## Run the tests, the browser's included
	@CHROMIUM="$$($(PY) tests/install_browser.py)" $(PY) -m pytest $(ARGS) </dev/null

check: $(VENV)/.installed-dev  ## Lint, formatting, types and layers
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.installed-dev  ## Put the code into the form that check asks for
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

audit: $(VENV)/.installed-dev  ## Look for known vulnerabilities in what is installed
	@$(PY) tests/audit.py

constraints: $(VENV)/.installed-dev  ## Write down the installed versions as those that CI takes
	@$(PY) -m pip freeze --exclude-editable | sed 's/+cpu$$//' > .ci/constraints.txt

data: $(VENV)/.installed  ## Make the maps of 2,000 synthetic galaxies (goes on where it stopped)
	@mkdir -p $(dir $(MAPS))
	$(PY) -m data build $(MAPS) --synthetic 0:2000 --rotations 5 --grid-size 64 \
	    --workers $(WORKERS) $(ARGS)

train: $(VENV)/.installed  ## Train translators like the shipped ones on these maps (goes on likewise)
	@test -e $(MAPS) || { echo "There is no $(MAPS): run make data first." >&2; exit 1; }
	@set -e; for name in $(RECIPES); do \
	    test -e runs/$$name/checkpoint/card.json && continue; \
	    $(PY) -m train fit --config $(CONFIGS)/$$name.yaml --data $(MAPS) \
	        $$(test -e runs/$$name/state.pt && echo --resume) $(ARGS); \
	done

evaluate: $(VENV)/.installed  ## Judge the shipped translators on hold-out galaxies
	@test -e $(MAPS) || { echo "There is no $(MAPS): run make data first." >&2; exit 1; }
	$(PY) -m train evaluate --baselines --checkpoint all --data $(MAPS) --galaxies 24 $(ARGS)

clean:  ## Remove caches and builds (keeps the environment and runs/)
	rm -rf build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +

# pip is the last thing that venv writes, so its presence means that venv came to its end.
$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "Python 3.11 or newer is needed, and $(PYTHON) is" \
	         "$$($(PYTHON) --version 2>/dev/null | head -n 1 | grep . || echo not there):" \
	         "name one, as in make PYTHON=python3.12 explore" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) >/dev/null || { \
	    echo "$(PYTHON) cannot make a virtual environment in $(VENV);" \
	         "on Debian and Ubuntu the package python3-venv is missing." >&2; exit 1; }

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV): some minutes the first time, nothing later."
	@$(PIP) -e . </dev/null
	@$(WARM)
	@touch $@

$(VENV)/.installed-dev: pyproject.toml | $(VENV)/bin/pip
	@echo "Installing into $(VENV), with the tools for tests: some minutes the first time."
	@$(PIP) -e '.[dev]' </dev/null
	@$(WARM)
	@touch $(VENV)/.installed $@
