"""What a rendered scene is to be."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from gar_ssl_ros.errors import OptionError


class Kind(str, Enum):
    """What a scene is a test of."""

    ONE = "one"  # one source, the distractors out of time
    TWO = "two"  # two sources of different sounds at once
    SILENT = "silent"  # things move, nothing sounds
    OFFSCREEN = "offscreen"  # things move, and what sounds is not one of them
    FACE = "face"  # a talking face


class Difficulty(str, Enum):
    """How hard it is to see."""

    EASY = "easy"
    MEDIUM = "medium"
    HARD = "hard"


@dataclass(frozen=True)
class Look:
    """How things look and move.

    contrast: of things against the ground, grey levels. reach: of motion, pixels at 320 wide. ground: contrast of the
    ground's texture. pan: its speed, pixels a second at 320 wide. sizes: of things, a share of the width.
    """

    contrast: float
    reach: float
    ground: float
    pan: float
    sizes: tuple[float, float]


LOOKS = {
    Difficulty.EASY: Look(contrast=60, reach=10, ground=10, pan=0, sizes=(0.14, 0.26)),
    Difficulty.MEDIUM: Look(contrast=40, reach=7, ground=16, pan=4, sizes=(0.12, 0.24)),
    Difficulty.HARD: Look(contrast=25, reach=4, ground=20, pan=12, sizes=(0.10, 0.2)),
}


@dataclass(frozen=True)
class SceneOptions:
    """kind, difficulty: see there. seed: the same gives the same scene. width, height: pixels. fps: frames a second.
    seconds: length. distractors: things that move out of time; None for two (one beside two sources). noise: of the
    sensor, standard deviation in grey levels. shake: of the camera, standard deviation in pixels a frame.
    Raises OptionError where one is out of its range.
    """

    kind: Kind = Kind.ONE
    difficulty: Difficulty = Difficulty.MEDIUM
    seed: int = 0
    width: int = 320
    height: int = 240
    fps: float = 15.0
    seconds: float = 3.0
    distractors: int | None = None
    noise: float = 4.0
    shake: float = 0.5

    def __post_init__(self) -> None:
        for name, least in (("width", 64), ("height", 64), ("fps", 1), ("seconds", 0.2), ("noise", 0), ("shake", 0)):
            if not getattr(self, name) >= least:
                raise OptionError(f"a scene's {name} is {getattr(self, name)}: it must be at least {least}")
        if self.distractors is not None and not 0 <= self.distractors <= 6:
            raise OptionError(f"a scene has 0 to 6 distractors, not {self.distractors}")
        if self.seed < 0:
            raise OptionError(f"a scene's seed is {self.seed}: it must not be negative")
