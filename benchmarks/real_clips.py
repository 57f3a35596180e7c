"""Real clips with truth drawn by eye: their windows, and how an answer is judged.

The media are other people's and stay where they are: `truth` names each clip's repository, path and blob, and a folder
holds the files as NAME.EXTENSION.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.clip import Clip, windows
from gar_ssl_ros.media.window import SECOND, Window

LENGTH = 3 * SECOND
Shares = tuple[float, float, float, float]  # x1, y1, x2, y2 as shares of the picture


class TrueWindow(BaseModel):
    """What is so in one window. boxes: what sounds, any of them counts. alt: extents that a fair judge accepts too."""

    index: int
    truth: str
    boxes: list[Shares] = []
    alt: list[Shares] = []


class TrueClip(BaseModel):
    """One clip and its windows."""

    name: str
    kind: str
    windows: list[TrueWindow]
    note: str = ""


class Truth(BaseModel):
    """All clips, in the order of the file."""

    clips: list[TrueClip]


@dataclass(frozen=True)
class Judged:
    """One answer held against the truth.

    overlap: the best IoU of the first box with any true one. hit: its middle lies in a true box; lenient: or in an
    accepted one.
    """

    hit: bool
    lenient: bool
    overlap: float


def chosen(truth: Truth, half: str) -> list[TrueClip]:
    """All clips, or every other one: the `first`, on which constants were chosen, or the `second`."""
    return {"all": truth.clips, "first": truth.clips[::2], "second": truth.clips[1::2]}[half]


def media(folder: Path, clip: TrueClip) -> Path:
    """Its file in the folder. Raises SystemExit where there is none."""
    found = [path for path in sorted(folder.iterdir()) if path.stem == clip.name]
    if not found:
        raise SystemExit(f"{folder} holds no {clip.name}: put the clip there as {clip.name}.mp4")
    return found[0]


def cut(folder: Path, clip: TrueClip) -> Iterator[tuple[TrueWindow, Window]]:
    """Each true window of a clip with what is seen and heard in it."""
    wanted = {window.index: window for window in clip.windows}
    for index, window in enumerate(windows(Clip(media(folder, clip)), LENGTH, LENGTH)):
        if index in wanted:
            yield wanted[index], window


def judged(box: Box, window: Window, true: TrueWindow) -> Judged:
    """A box against what is true of its window."""
    width, height = window.center.width, window.center.height

    def boxes(shares: Sequence[Shares]) -> list[Box]:
        return [Box(x1 * width, y1 * height, x2 * width, y2 * height) for x1, y1, x2, y2 in shares]

    meant, accepted = boxes(true.boxes), boxes(true.alt)
    hit = any(one.contains(*box.center) for one in meant)
    lenient = hit or any(one.contains(*box.center) for one in accepted)
    return Judged(hit, lenient, max(box.iou(one) for one in meant))
