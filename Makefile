# make demo   set up, and see it work           make test    set up, and pass the tests
# make demo CLIP=file.mp4   on your own clip    make bench   the figures (docs/figures.md)
# make lock   new versions for both lock files  make schema  docs made from the code
# make soak   ten minutes of the localizer: does it grow?

PYTHON ?= python3
CLIP ?=
# The tests compute on the CPU: torch comes without CUDA, from an index of its own, and not from the lock file. Where
# this Python or machine cannot have it, the tests that need it are skipped, by name.
TORCH := $(shell sed -n 's/.*"\(torch==[0-9.]*\)".*/\1/p' pyproject.toml)
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CUDA := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-, cublas cuda-cccl cuda-cupti \
  cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
  nvshmem-cu13 nvtx)
OUT ?= demo
# The folder demo/ is make's own, as `make clean` has it; any other one is the user's.
OVERWRITE := $(if $(filter file,$(origin OUT)),--overwrite)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint bench soak lock schema clean

demo: .venv/base
	$(BIN)/gar-ssl demo --out "$(OUT)" $(OVERWRITE) $(if $(CLIP),--clip "$(CLIP)")

test: lint .venv/system
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
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/omni.py calls
	$(BIN)/python benchmarks/omni.py replies
	$(BIN)/python benchmarks/omni.py soak
	$(BIN)/python benchmarks/live.py

soak: .venv/test
	$(BIN)/python benchmarks/soak.py

# The lock files hold every version for Python 3.10 and later.
lock: .venv/test
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-emit-index-url --extra test pyproject.toml \
	  $(addprefix --no-emit-package ,$(CUDA)) -o requirements-test.lock

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
	$(BIN)/pip install --quiet --no-deps -r requirements-test.lock
	$(BIN)/pip install --quiet --retries 0 --extra-index-url $(TORCH_INDEX) "$(TORCH)+cpu" \
	  || echo "no $(TORCH) for this Python without CUDA: the tests of the reasoner omni are skipped"
	touch $@

# What pip does not bring: a browser to open reports in, and PortAudio. Where one cannot be had, its tests say so and are
# skipped.
.venv/system: .venv/bin/python
	@browser=chromium-headless-shell; sound=libportaudio2; SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo -n); \
	for name in chromium-headless-shell chromium google-chrome; do command -v $$name >/dev/null && browser=; done; \
	/sbin/ldconfig -p | grep -q 'libportaudio\.so\.2' && sound=; \
	for name in $$browser $$sound; do echo "installing $$name"; \
	  { $$SUDO apt-get update -q && $$SUDO apt-get install -q -y --no-install-recommends $$name; } \
	    || echo "$$name cannot be installed here: its tests will be skipped"; done
	@touch $@
