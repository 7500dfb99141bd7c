# All that is needed beforehand: Python 3.11 or newer, and make. The first target that needs it creates .venv.
#
#   make demo      a study of the embedded influenza cohort, from expression to a report
#   make test      lint, types and every test
#   make lint      formatting, style and types
#   make oldest    the tests under the oldest releases that pyproject.toml declares
#   make strings   the tests with text kept as pandas 3 keeps it
#   make audit     known vulnerabilities of the versions in constraints.txt (asks a database on the network)
#   make reliability  faults, kills, fuzzing and mutations, into docs/reliability.md
#   make bench     speed and memory beside named peers, into benchmarks/RESULTS.md
#   make studies   the science beside its null and baselines, into studies/LOG.md
#   make docs      the site, its notebooks executed, into build/docs
#   make clean     remove what the targets above made
#
# Another Python: make demo PYTHON=python3.12

PYTHON ?= python3
VENV   ?= .venv
RUN    := $(VENV)/bin/python
PIP    := $(RUN) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
OLDEST := tests/_core tests/io tests/pp tests/nouns tests/models tests/evidence tests/stats tests/test_cli.py

.PHONY: demo test lint oldest strings audit reliability bench studies docs clean
.DELETE_ON_ERROR:

demo: $(VENV)/.package
	$(VENV)/bin/genelight demo --out runs/demo

# Two workers with one thread each are quicker on two cores than one with two.
test: lint
	OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses 2 --dist loadfile

lint: $(VENV)/.dev
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	$(RUN) scripts/licences.py

# KEEP=torch==2.13.0 takes another release of one of them, where the oldest cannot be had.
oldest:
	$(PYTHON) -m venv build/oldest
	$(PYTHON) scripts/oldest.py attribution cluster survival $(addprefix --keep ,$(KEEP)) > build/oldest.txt
	build/oldest/bin/python -m pip install --quiet -r build/oldest.txt pytest hypothesis statsmodels openpyxl --editable .
	OMP_NUM_THREADS=1 build/oldest/bin/python -m pytest -o filterwarnings= $(OLDEST)

strings: $(VENV)/.dev
	GENELIGHT_TEST_STRINGS=1 OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses 2 --dist loadfile

audit: $(VENV)/.dev
	$(PIP) pip-audit
	$(RUN) -m pip_audit --requirement constraints.txt --no-deps --disable-pip

# Without a wheel of atheris for the system at hand, the guided trial says that it was not tried.
reliability: $(VENV)/.dev
	-$(PIP) atheris
	OMP_NUM_THREADS=1 nice $(RUN) -m reliability

bench: $(VENV)/.peers
	$(RUN) -m benchmarks all

studies: $(VENV)/.peers
	$(RUN) -m studies all

docs: $(VENV)/.docs
	$(RUN) scripts/links.py
	$(RUN) -m sphinx --fail-on-warning --keep-going --builder html docs build/docs
	@echo 'open build/docs/index.html'

clean:
	rm -rf $(VENV) runs build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis

# A stamp per set of packages: made again only when what it is made from changes.
$(VENV)/.package: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "genelight needs Python 3.11 or newer; $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.package
	$(PIP) --editable '.[dev]'
	@touch $@

$(VENV)/.peers: $(VENV)/.dev
	$(PIP) --editable '.[dev,peers]'
	@touch $@

$(VENV)/.docs: $(VENV)/.package
	$(PIP) --editable '.[docs]'
	@touch $@
