# make demo   set up, and see it work           make test    set up, and pass the tests
# make demo CLIP=file.mp4   on your own clip    make bench   the figures (docs/figures.md)
# make lock   new versions for both lock files  make schema  docs made from the code
# make soak   ten minutes of the localizer: does it grow?

PYTHON ?= python3
CLIP ?=
OUT ?= demo
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint bench soak lock schema clean

demo: .venv/base
	$(BIN)/gar-ssl demo --out $(OUT) $(if $(CLIP),--clip "$(CLIP)")

test: lint
	$(BIN)/pytest -n auto

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/test
	$(BIN)/python benchmarks/scenes.py
	$(BIN)/python benchmarks/hearing.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/live.py

soak: .venv/test
	$(BIN)/python benchmarks/soak.py

# The lock files hold every version for Python 3.10 and later.
lock: .venv/test
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url --extra test pyproject.toml \
	  -o requirements-test.lock

schema: .venv/base
	$(BIN)/python -c 'from gar_ssl_ros.output.record import schema; print(schema(), end="")' > docs/localization.schema.json
	$(BIN)/python docs/parameters.py

clean:
	rm -rf .venv demo

# Debian and Ubuntu ship Python without ensurepip: its package is installed where it is missing.
.venv/bin/python:
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "installing python3-venv"; \
	  SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo); $$SUDO apt-get update -q && $$SUDO apt-get install -q -y python3-venv; }
	$(PYTHON) -m venv .venv

.venv/base: .venv/bin/python requirements.lock pyproject.toml
	$(BIN)/pip install --quiet -r requirements.lock
	$(BIN)/pip install --quiet --no-deps --editable .
	touch $@

.venv/test: .venv/base requirements-test.lock
	$(BIN)/pip install --quiet -r requirements-test.lock
	touch $@
