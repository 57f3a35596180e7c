# make demo   set up, and see it work           make test    set up, and pass the tests
# make demo CLIP=file.mp4   on your own clip    make live    set up, and watch camera and microphone on a page
# make bench  the figures (docs/figures.md)
# make lock   the lock files, with hashes        make schema  docs made from the code
# make soak   ten minutes of the localizer: does it grow?

PYTHON ?= python3
CLIP ?=
# The tests compute on the CPU: torch comes without CUDA, from an index of its own, by a lock file of its own. Where this
# Python or machine cannot have it, the tests that need it are skipped, by name.
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
CUDA := torch triton cuda-bindings cuda-pathfinder cuda-toolkit $(addprefix nvidia-, cublas cuda-cccl cuda-cupti \
  cuda-nvrtc cuda-runtime cudnn-cu13 cufft cufile curand cusolver cusparse cusparselt-cu13 nccl-cu13 nvjitlink \
  nvshmem-cu13 nvtx)
OUT ?= demo
# The folder demo/ is make's own, as `make clean` has it; any other one is the user's.
OVERWRITE := $(if $(filter file,$(origin OUT)),--overwrite)
BIN := .venv/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Only what has a hash in a lock file is installed, and nothing is built, which would fetch build tools unasked.
LOCKED = $(BIN)/pip install --quiet --require-hashes --only-binary :all:
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.10 --no-python-downloads --no-emit-index-url --generate-hashes

.PHONY: demo live test lint bench soak lock schema clean

demo: .venv/base
	$(BIN)/gar-ssl demo --out "$(OUT)" $(OVERWRITE) $(if $(CLIP),--clip "$(CLIP)")

live: .venv/live .venv/sound
	$(BIN)/gar-ssl live $(if $(CLIP),--clip "$(CLIP)")

# A worker more than there are cores, since nodes wait for each other; each keeps to modules, whose fixtures it has made.
test: lint .venv/sound .venv/browser
	$(BIN)/pytest -n $$($(BIN)/python -c 'import os; print(1 + os.cpu_count())') --dist worksteal

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/test
	$(BIN)/python benchmarks/scenes.py
	$(BIN)/python benchmarks/hearing.py
	$(BIN)/python benchmarks/spatial.py
	$(BIN)/python benchmarks/questions.py
	$(BIN)/python benchmarks/speed.py
	$(BIN)/python benchmarks/memory.py
	$(BIN)/python benchmarks/metrics.py
	$(BIN)/python benchmarks/places.py
	$(BIN)/python benchmarks/omni.py calls
	$(BIN)/python benchmarks/omni.py replies
	$(BIN)/python benchmarks/omni.py soak
	$(BIN)/python benchmarks/live.py
	$(BIN)/python benchmarks/camera.py
	$(BIN)/python benchmarks/overlay.py
	$(BIN)/python benchmarks/hostile.py
	$(BIN)/python benchmarks/live_page.py

soak: .venv/test
	$(BIN)/python benchmarks/soak.py

# The lock files hold every version for Python 3.10 and later, with the hash of each of its files. `make lock UPGRADE=1`
# takes new versions; of torch, setuptools and uv, which pyproject.toml pins, only what stands there.
lock: .venv/test
	$(LOCKED) -r requirements-uv.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group build -o requirements.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group build --extra live --extra microphone --constraints requirements.lock \
	  -o requirements-live.lock
	$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml --group build --extra test \
	  $(addprefix --no-emit-package ,$(CUDA)) -o requirements-test.lock
	$(COMPILE) --group lock -o requirements-uv.lock
	$(COMPILE) --group torch --no-deps --default-index $(TORCH_INDEX) -o requirements-torch.lock

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
	$(LOCKED) -r requirements.lock
	$(BIN)/pip install --quiet --no-index --no-deps --no-build-isolation --editable .
	$(BIN)/python -c 'from gar_ssl_ros.perception.sound import warm; warm()'  # compiles now what the first start would
	touch $@

.venv/live: .venv/base requirements-live.lock
	$(LOCKED) --no-deps -r requirements-live.lock
	touch $@

.venv/test: .venv/base requirements-test.lock requirements-torch.lock
	$(LOCKED) --no-deps -r requirements-test.lock
	$(LOCKED) --no-deps --retries 0 --extra-index-url $(TORCH_INDEX) -r requirements-torch.lock \
	  || echo "no torch without CUDA for this Python or machine: the tests of the reasoner omni are skipped"
	touch $@

# What pip does not bring: PortAudio, and a browser for the tests. Where one cannot be had, that is said; its tests are
# skipped, by name.
INSTALL = SUDO=$$([ "$$(id -u)" = 0 ] || echo sudo -n); echo "installing $(1)"; \
	{ $$SUDO apt-get update -q && $$SUDO apt-get install -q -y --no-install-recommends $(1); } \
	  || echo "$(1) cannot be installed here: $(2)"

.venv/sound: .venv/bin/python
	@/sbin/ldconfig -p | grep -q 'libportaudio\.so\.2' || { $(call INSTALL,libportaudio2,no microphone is heard); }
	@touch $@

.venv/browser: .venv/bin/python
	@for name in chromium-headless-shell chromium google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	$(call INSTALL,chromium-headless-shell,its tests will be skipped)
	@touch $@
