"""What questions are made of: all that decides their bytes."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

import gar_ssl_ros
from gar_ssl_ros.spatial.panorama import pixel_of
from gar_ssl_ros.spatial.questions.forms import PAPER_TYPES, QuestionType

SPLITS = ("train", "val", "test")
INDIVIDUALS = {"train": 32, "val": 4, "test": 4}  # of each class, drawn, as many as the paper has
SOUNDS = {"train": 128, "val": 16, "test": 32}  # recordings of each class that are made
ROOMS = {"train": 128, "val": 8, "test": 16}
TINY = {"width": 204, "height": 56, "seconds": 1.0}  # for tests and small models


class QuestionOptions(BaseModel):
    """seed: the same gives the same bytes. array: a name that is known, or a YAML file. sofa: of a head's responses
    instead of KEMAR's; of the array `binaural` alone. width, height: of the panorama, pixels; as many to a degree down
    as across. seconds: of sound. rt60: s. snr: dB. rooms: of each split; None for ROOMS. places: in each room, where
    things and sources may be. pictures, sounds: folders of the user's own. types: that are asked in turn.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: str = gar_ssl_ros.__version__
    seed: int = Field(default=0, ge=0, le=2**31 - 1)
    array: str = "binaural"
    sofa: str = ""
    width: int = Field(default=812, ge=64, le=4096)
    height: int = Field(default=224, ge=16, le=2048)
    seconds: float = Field(default=3.0, ge=0.2, le=60)
    rt60: float = Field(default=0.4, ge=0, le=2)
    snr: float = Field(default=20.0, ge=-20, le=100)
    rooms: int | None = Field(default=None, ge=1, le=10_000)
    places: int = Field(default=16, ge=10, le=64)
    pictures: Path | None = None
    sounds: Path | None = None
    types: tuple[QuestionType, ...] = PAPER_TYPES

    @property
    def half_height(self) -> float:
        """Of the picture, degrees up and down from level."""
        return min(90.0, 180.0 * self.height / self.width)

    def number_of_rooms(self, split: str) -> int:
        """Of a split."""
        return self.rooms or ROOMS[split]

    def pixels(self, azimuth: float, elevation: float) -> tuple[float, float]:
        """Where in the picture a direction, degrees, is seen: its middle is ahead, its columns go on to the right."""
        return pixel_of(azimuth, elevation, self.width, self.height)
