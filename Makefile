# TwinLab.  `make serve` starts both apps, `make test` checks everything, `make clean` starts afresh.
# Needs Python 3.11 or newer and make; everything else goes into .venv.
# Another Python: `make serve PYTHON=/path/to/python3`.  Another port: `make serve PORT=5007`.

SHELL := /bin/bash
PYTHON ?=
PORT ?= 5006
# Files of tests are shared out among the cores.
PYTEST_OPTIONS ?= -n auto --dist loadfile
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.DEFAULT_GOAL := help
.PHONY: help install serve test lint browser clean

help:
	@sed -n '1,3s/^# //p' Makefile

install: $(VENV)/.installed

serve: $(VENV)/.installed
	@echo "TwinLab starts on http://127.0.0.1:$(PORT) (workbench at /workbench, clinic at /clinic); Ctrl-C stops it."
	@exec $(BIN)/twinlab serve --port $(PORT)

test: lint browser
	$(BIN)/python -m pytest $(PYTEST_OPTIONS)

lint: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The browser tests drive the system's Chromium; on Debian and its kin it is one package away.
browser:
	@for name in chromium chromium-browser google-chrome google-chrome-stable; do \
	  if command -v "$$name" >/dev/null; then exit 0; fi; \
	done; \
	if ! command -v apt-get >/dev/null; then \
	  echo "The browser tests need Chromium on the PATH, and there is no apt-get here to install it with." >&2; exit 1; \
	fi; \
	root=; \
	if [ "$$(id -u)" != 0 ]; then \
	  command -v sudo >/dev/null || { echo "The browser tests need Chromium; as root: apt-get install chromium" >&2; exit 1; }; \
	  root=sudo; \
	fi; \
	echo "Installing Debian's chromium for the browser tests"; \
	$$root apt-get update -qq && \
	$$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core || \
	  { echo "Chromium could not be installed; install it by hand and run make test again." >&2; exit 1; }

$(VENV)/.created:
	@found=; python="$(PYTHON)"; \
	for name in $${python:-python3.11 python3 python3.12 python3.13}; do \
	  if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then found="$$name"; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
	  echo "TwinLab needs Python 3.11 or newer; none was found. Install one, or say where: make PYTHON=/path/to/python3" >&2; exit 1; \
	fi; \
	echo "Making $(VENV) with $$("$$found" --version)"; \
	"$$found" -m venv $(VENV) || \
	  { echo "Python's venv module does not work here; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@touch $@

$(VENV)/.installed: $(VENV)/.created pyproject.toml
	$(PIP) install --quiet --editable .
	@touch $@

$(VENV)/.installed-test: $(VENV)/.installed
	$(PIP) install --quiet --editable '.[test,bench]'
	@touch $@

clean:
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
