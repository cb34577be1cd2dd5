# Two commands do everything from a bare clone: `make demo` and `make test`. The rest are habits beside them.
PYTHON ?= python3
SEEDS ?= 301-304
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed

.PHONY: demo test golden install lint bench bench-features bench-importing bench-handbook gates verify study m-score explanations docs contract notebooks serve clean

demo: install
	@echo "loading the libraries (the first time takes half a minute)"
	@$(BIN)/mscore demo

test: install
	$(BIN)/python -m pytest -n auto --dist loadscope

# Records what every feature and pattern gives on the stored exchange; refuses a value that moved without its version
golden: install
	$(BIN)/python -m tests.features.golden.record

install: $(INSTALLED)

# Everything is pinned with hashes; uv is tried first because it installs in seconds, pip does the same in a minute or two.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("mscore wants Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else None'
	@test -x $(BIN)/python || { echo "making $(VENV)"; $(PYTHON) -m venv $(VENV); }
	@echo "installing the pinned dependencies"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "uv>=0.9,<1" 2>/dev/null \
		&& $(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock \
		|| { echo "installing with pip, which takes a minute or two"; \
		     $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip --upgrade >/dev/null
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(INSTALLED)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: bench-features bench-importing
	$(BIN)/python -m tests.benchmarks.forest
	$(BIN)/python -m tests.benchmarks.decisions

# 2 and 20 million events, some gigabytes on disk. For a quick look: make bench-features ROWS=200000
bench-features: install
	$(BIN)/python -m tests.benchmarks.features $(foreach rows,$(ROWS),--rows $(rows))

# 2 and 20 million order events. For a quick look: make bench-importing ROWS=200000
bench-importing: install
	$(BIN)/python -m tests.benchmarks.importing $(foreach rows,$(ROWS),--rows $(rows))

# The Fraud Detection Handbook's week: make bench-handbook TRANSACTIONS=FILE TRAIN_START=2018-07-25
bench-handbook: install
	$(BIN)/python -m tests.benchmarks.handbook --transactions "$(TRANSACTIONS)" $(if $(TRAIN_START),--train-start $(TRAIN_START))

# What every closed issue promised, at full size, in one table: an hour; make verify ISSUE=12 for one issue
verify: install
	$(BIN)/python -m tests.verify $(foreach issue,$(ISSUE),--issue $(issue))

gates: install
	$(BIN)/python -m tests.studies.hardness

# Learns on one set of exchanges and judges others by the truth, a quarter of an hour: make study TEST=241-248
study: install
	$(BIN)/python -m tests.studies.learning --test $(TEST) $(STUDY)

# Nine months of simulated exchanges, a minute each: make m-score SEEDS=301-304
m-score: install
	$(BIN)/python -m tests.studies.m_score --seeds $(SEEDS)

# Five seeds of every model explain the same accounts
explanations: install
	$(BIN)/python -m tests.studies.explanations

# Executes the notebooks and stores what their cells give; NOTEBOOKS="01 03" only some of them
notebooks: install
	$(BIN)/python -m tests.notebooks.record $(NOTEBOOKS)

docs: install
	$(BIN)/python -m docs.generate
	$(BIN)/python -m docs.schemas

# Endpoints and commands as outside programs call them, recorded anew after an addition
contract: install
	$(BIN)/python -m docs.contract.recording

serve: install
	$(BIN)/mscore serve

# Caches only: what a home holds (lake, decisions, users) is never removed from here.
clean:
	rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
	find features models serving tests docs -name __pycache__ -type d -prune -exec rm -rf {} +
