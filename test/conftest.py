"""What several tests need: shared data where it exists, and scenes rendered once."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions
from gar_ssl_ros.media.window import Window

settings.register_profile("untimed", deadline=None)  # speed is measured in benchmarks/, never asserted
settings.load_profile("untimed")

SHARED = Path(__file__).parents[2] / "shared"


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
