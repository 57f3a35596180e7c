"""What several tests need: shared data where it exists, and scenes rendered once."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy: of so little, threads only wait for each other
os.environ.setdefault("HF_HUB_OFFLINE", "1")

import signal
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from subprocess import CompletedProcess
from typing import TypeAlias

import pytest
from hypothesis import settings

from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.perception.store import FOLDER
from gar_ssl_ros.reasoners.omni import LoadOptions, load

settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, never asserted
settings.load_profile("untimed")

# In the background of a script Ctrl-C comes ignored, and so would be inherited by every process that a test starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

SHARED = Path(__file__).parents[2] / "shared"

Run: TypeAlias = Callable[..., "CompletedProcess[str]"]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """What importing all tests makes stays: it is not searched for garbage, while it grows and ever after."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.fixture(scope="session", autouse=True)
def no_models(tmp_path_factory) -> Iterator[None]:
    """An empty folder of models, for every test and its processes, so that `auto` is `signal` on every machine."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv(FOLDER, str(tmp_path_factory.mktemp("no_models")))
        yield


@pytest.fixture(scope="session", autouse=True)
def reasoners_of_tests() -> Iterator[None]:
    """Those of `misbehaving.py` for every process, too: where what answers is not the point, one that loads little."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        yield


@pytest.fixture
def run(capfd) -> Run:
    """A command of `gar-ssl`, run in this process: how it ends, and all that it writes, FFmpeg's words too.

    A process takes two to seven seconds to load what it needs; tests of what only a process has start their own.
    """

    def command(*arguments: object, cwd: Path | None = None) -> CompletedProcess[str]:
        capfd.readouterr()
        with pytest.MonkeyPatch.context() as place:
            if cwd is not None:
                place.chdir(cwd)
            try:
                code = main([str(argument) for argument in arguments])
            except SystemExit as end:  # wrong usage, or --help
                code = int(end.code or 0)
        return CompletedProcess(arguments, code, *capfd.readouterr())

    return command


@pytest.fixture
def shared_models(monkeypatch) -> Path:
    """The folder of models, with all of them in it; the test is skipped, by name, where they are not."""
    folder = SHARED / "models"
    if not folder.is_dir():
        pytest.skip("needs ../shared/models, which is not here")
    monkeypatch.setenv(FOLDER, str(folder))
    return folder


@pytest.fixture
def shared_media() -> Path:
    """Real recordings; the test is skipped, by name, where they are not."""
    folder = SHARED / "media"
    if not folder.is_dir():
        pytest.skip("needs ../shared/media, which is not here")
    return folder


@pytest.fixture(scope="session")
def scene_of() -> object:
    """A function from kind, seed and difficulty to a rendered scene and its window, each rendered once."""
    known: dict[tuple[Kind, int, Difficulty], tuple[Scene, Window]] = {}

    def render(kind: Kind, seed: int = 0, difficulty: Difficulty = Difficulty.MEDIUM) -> tuple[Scene, Window]:
        key = (kind, seed, difficulty)
        if key not in known:
            scene = Scene(SceneOptions(kind=kind, seed=seed, difficulty=difficulty))
            known[key] = (scene, scene.window())
        return known[key]

    return render


@pytest.fixture(scope="session", params=["qwen25", "qwen3"])
def omni_folder(request, tmp_path_factory) -> Path:
    """A tiny Qwen-Omni checkpoint with random weights, of each family."""
    return _tiny(request.param, tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_omni(tmp_path_factory) -> Path:
    """A tiny Qwen2.5-Omni checkpoint with random weights."""
    return _tiny("qwen25", tmp_path_factory)


@pytest.fixture(scope="session")
def tiny_dino(tmp_path_factory) -> Path:
    """A tiny GroundingDINO with random weights."""
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    made = tmp_path_factory.getbasetemp() / "tiny-dino"
    with pytest.MonkeyPatch.context() as path:
        path.syspath_prepend(str(Path(__file__).parent / "perception"))
        return made if made.is_dir() else import_module("tiny_models").write("grounding_dino", made)


@pytest.fixture(scope="session")
def omni(omni_folder) -> object:
    """It loaded, as the prompted reasoner's runtime."""
    return load(str(omni_folder), LoadOptions(dtype="float32", least_pixels=3136))  # on a GPU, too; and small


@pytest.fixture(scope="session")
def toy_questions_model(tmp_path_factory) -> Callable[..., Path]:
    """A function from what it says, and changes of its config, to the folder of a toy model of spatial questions."""
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    pytest.importorskip("transformers", reason="needs transformers, which is not installed")
    pytest.importorskip("peft", reason="needs the extra questions")
    toy, known = import_module("toy_questions_model"), {}

    def make(says: str | None = "SAYS", **changes: object) -> Path:
        name = "-".join(map(str, (says, *changes.values())))
        if name not in known:
            known[name] = toy.write(tmp_path_factory.mktemp("toy") / name, says and getattr(toy, says), **changes)
        return known[name]

    return make


def _tiny(family: str, tmp_path_factory) -> Path:
    torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
    torch.set_num_threads(1)  # of so little, threads only wait for each other
    folder = tmp_path_factory.getbasetemp() / f"tiny-{family}"
    return folder if folder.is_dir() else getattr(import_module("tiny"), f"write_{family}")(folder)
