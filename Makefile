# Every target starts from a bare machine with python3, pip, make and a C++ compiler.
PYTHON ?= python3
VENV   ?= .venv
JOBS   ?= 2
TESTS  ?= tests
PYTEST_ARGS ?=
BENCH_ARGS ?=

# Tests start many processes, each of which would compile the Python of the package anew.
unexport PYTHONDONTWRITEBYTECODE

PIP    = $(VENV)/bin/python -m pip --disable-pip-version-check
PYTEST = $(VENV)/bin/python -m pytest
SPREAD = --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help demo test slow full claims examples rest faults bad-input lint bench clean check

help:           ## show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18
	@echo "  Variables: PYTHON=$(PYTHON) VENV=$(VENV) JOBS=$(JOBS) TESTS=$(TESTS) PYTEST_ARGS=... BENCH_ARGS=..."

demo: $(VENV)/.installed-data       ## learn and recall in both variants; writes demo/index.html and results
	$(VENV)/bin/brainmem demo --output demo

test: $(VENV)/.installed-test       ## run the tests
	$(PYTEST) -n $(JOBS) $(SPREAD) $(PYTEST_ARGS) $(TESTS)

slow: $(VENV)/.installed-test       ## run the tests that take longest (as long as all others together)
	$(PYTEST) -n $(JOBS) $(SPREAD) -m "slow and not full and not cython and not bench and not faults" \
		$(PYTEST_ARGS) $(TESTS)

full: $(VENV)/.installed-test       ## also further devices, samples and drawn networks (hours)
	$(PYTEST) -n $(JOBS) $(SPREAD) -m "not claims and not cython and not bench and not faults and not examples" \
		$(PYTEST_ARGS) $(TESTS)

claims: $(VENV)/.installed-test     ## check the papers' claims at quick size (minutes)
	$(PYTEST) -n $(JOBS) -m "claims and not full" $(PYTEST_ARGS) tests/papers/test_claims.py

examples: $(VENV)/.installed-test   ## run the scripts in examples/ and on the pages, and check what they promise
	$(PYTEST) -n $(JOBS) -m examples $(PYTEST_ARGS) tests/test_examples.py tests/test_readme.py

rest: $(VENV)/.installed-test       ## slow tests, claims at quick size and examples in one run, as CI has them
	$(PYTEST) -n $(JOBS) $(SPREAD) -m "(slow or claims or examples) and not full and not cython and not bench and not faults" \
		$(PYTEST_ARGS) $(TESTS)

faults: $(VENV)/.installed-test     ## kill, damage and fill disks in great number (half an hour)
	$(PYTEST) -m "faults or not faults" $(PYTEST_ARGS) tests/storage/test_faults.py

bad-input: $(VENV)/.installed-test  ## give every argument of every public function all kinds of odd values (minutes)
	$(PYTEST) -n $(JOBS) -m "full or not full" $(PYTEST_ARGS) tests/intake \
		tests/model/test_fields.py tests/model/test_mutants.py

lint: $(VENV)/.installed-dev        ## check style, formatting and types
	@failed=0; \
	$(VENV)/bin/ruff check . || failed=1; \
	$(VENV)/bin/ruff format --check . || failed=1; \
	$(VENV)/bin/pyright --pythonpath $(VENV)/bin/python || failed=1; \
	exit $$failed

bench: $(VENV)/.installed-bench     ## measure the time per step beside its peers (half an hour)
	$(VENV)/bin/brainmem bench $(BENCH_ARGS)

clean:          ## remove the environment and everything written by these targets
	rm -rf $(VENV) .venv-3.* demo build dist .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

check:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
	  found=$$($(PYTHON) --version 2>/dev/null); \
	  echo "brainmem needs Python 3.11, 3.12 or 3.13, and '$(PYTHON)' is $${found:-missing}." \
	    "Name another: make PYTHON=python3.11 ..." >&2; exit 1; }
	@command -v $${CXX:-g++} >/dev/null 2>&1 || command -v clang++ >/dev/null 2>&1 || { \
	  echo "brainmem compiles C++ and found no compiler. Install one (apt install g++), or set CXX." >&2; exit 1; }

# Debian's python3 comes without ensurepip: there, a virtualenv fetched by pip makes the environment.
$(VENV)/bin/python: | check
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 || { rm -rf $(VENV); \
	  $(PYTHON) -m pip install -q --disable-pip-version-check --target $(VENV)-maker virtualenv && \
	  PYTHONPATH=$(VENV)-maker $(PYTHON) -m virtualenv -q $(VENV); }  || { \
	  rm -rf $(VENV) $(VENV)-maker; \
	  echo "Python's venv module does not work here. Install it (apt install python3-venv)." >&2; exit 1; }
	@rm -rf $(VENV)-maker

# Python compiles what is imported; pip would compile all, which takes longer than all else that it does.
$(VENV)/.installed-%: pyproject.toml $(VENV)/bin/python
	@echo "Installing brainmem[$*] into $(VENV) (the first time takes a minute or two)"
	@$(PIP) install -q --no-compile -e '.[$*]'
	@touch $@
