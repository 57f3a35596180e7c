"""In which coordinates does a model speak? Squares are drawn in a large picture, and it is asked, freely, where.

A picture of 224x224 would hide the answer: all conventions nearly agree there.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import cast, get_args

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box, box_from_reply
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.options import Coordinates
from gar_ssl_ros.reasoners.prompted.coordinates import View, view
from gar_ssl_ros.reasoners.prompted.prompts import prompt
from gar_ssl_ros.reasoners.prompted.replies import shown
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Runtime, Sampling

WIDTH, HEIGHT = 1920, 1080
GROUND = (128, 128, 128)
SQUARES = {  # no two conventions put any of them on the same place
    "red": ((200, 30, 30), Box(1250, 620, 1550, 920)),
    "blue": ((30, 60, 200), Box(140, 640, 500, 1000)),
    "green": ((30, 150, 50), Box(1480, 90, 1800, 410)),
}
MIN_IOU = 0.5  # mean IoU
MIN_LEAD_IOU = 0.2  # ahead of the next one
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True)
class Probed:
    """What came of it.

    replies: to each color. agreement: of each convention with what was drawn, mean IoU in [0, 1]. convention: the one
    that stands out; None where none does.
    """

    replies: Mapping[str, str]
    agreement: Mapping[Coordinates, float]
    convention: Coordinates | None


def probe(runtime: Runtime, deadline: Deadline | None = None) -> Probed:
    """Ask the model. Raises ReasonerError where it cannot answer."""
    replies: dict[str, str] = {}
    overlaps: dict[Coordinates, list[float]] = {convention: [] for convention in get_args(Coordinates)}
    for name, (color, square) in SQUARES.items():
        with runtime.encode(
            prompt("system"), _picture(color, square), np.zeros(SPEECH_RATE_HZ, np.float32), deadline or Deadline()
        ) as seen:
            question = Question(prompt("probe", color=name), None, Sampling(), seeds=(0,), max_new_tokens=128)
            reply = seen.ask([question], seen=True)[0][0]
            named = reply if isinstance(reply, str) else ""
            replies[name] = named or (reply.reason if isinstance(reply, Failure) else "nothing")
            seen_as = seen.image_size
        for convention, found in overlaps.items():
            found.append(_overlap(named, view(convention, (WIDTH, HEIGHT), seen_as), square))
    agreement = {convention: sum(found) / len(found) for convention, found in overlaps.items()}
    first, second = sorted(agreement, key=lambda convention: -agreement[convention])[:2]
    clear = agreement[first] >= MIN_IOU and agreement[first] - agreement[second] >= MIN_LEAD_IOU
    return Probed(replies, agreement, first if clear else None)


def coordinates_of(runtime: Runtime, chosen: str = "auto", deadline: Deadline | None = None) -> Coordinates:
    """In which coordinates a model speaks: as chosen, as its makers say, or as it answers when it is asked.

    Raises ModelError where its answers do not tell: a guess would go unnoticed, and ruin every box.
    """
    if chosen != "auto":
        return cast("Coordinates", chosen)
    if runtime.description.coordinates is not None:
        return runtime.description.coordinates
    probed = probe(runtime, deadline)
    if probed.convention is None:
        said = "; ".join(f"{color}: {shown(reply)}" for color, reply in probed.replies.items())
        raise ModelError(
            f"in which coordinates {runtime.model} speaks is not known, and where it saw squares does not tell "
            f"({said}): choose `coordinates` among {', '.join(get_args(Coordinates))} (docs/models.md)"
        )
    return probed.convention


def _picture(color: tuple[int, int, int], square: Box) -> NDArray[np.uint8]:
    picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
    x1, y1, x2, y2 = map(int, square.sides)
    picture[y1:y2, x1:x2] = color
    return picture


def _overlap(reply: str, seen_as: View, square: Box) -> float:
    """Of the first box named in a free reply, IoU; 0 where there is none."""
    # A key such as bbox_2d has a digit of its own.
    numbers = [float(number) for number in NUMBER.findall(reply.replace("_2d", ""))[:4]]
    box = box_from_reply(seen_as.to_image(numbers), WIDTH, HEIGHT)
    return 0.0 if box is None else box.iou(square)
