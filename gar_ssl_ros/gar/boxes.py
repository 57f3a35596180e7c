"""Boxes and the geometric operations of refinement (GAR, arXiv:2604.06824, eqs. 1 and 15-17).

A box is [x1, y1, x2, y2] in pixels of the original image, x right, y down, half-open. Every other convention is
converted at the door of the room that needs it, and nowhere else.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

MIN_SIDE_PX = 1.0  # pixel: no box of an image is thinner


@dataclass(frozen=True)
class Box:
    """A rectangle: finite floats with x1 < x2 and y1 < y2. Raises ValueError otherwise."""

    x1: float
    y1: float
    x2: float
    y2: float

    def __post_init__(self) -> None:
        for side in ("x1", "y1", "x2", "y2"):
            object.__setattr__(self, side, float(getattr(self, side)))
        if not all(map(math.isfinite, self.sides)) or self.x1 >= self.x2 or self.y1 >= self.y2:
            raise ValueError(f"a box has finite x1 < x2 and y1 < y2, not {list(self.sides)}")

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: Any) -> CoreSchema:
        """In JSON, where pydantic is what writes and reads it, a box is the list of its sides."""
        from pydantic_core import core_schema

        sides = core_schema.tuple_schema([core_schema.float_schema()] * 4)
        return core_schema.no_info_after_validator_function(
            lambda given: cls(*given),
            sides,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda box: box.sides, return_schema=sides),
        )

    @property
    def sides(self) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2."""
        return self.x1, self.y1, self.x2, self.y2

    @property
    def width(self) -> float:
        """Pixels."""
        return self.x2 - self.x1

    @property
    def height(self) -> float:
        """Pixels."""
        return self.y2 - self.y1

    @property
    def area(self) -> float:
        """Square pixels."""
        return self.width * self.height

    @property
    def center(self) -> tuple[float, float]:
        """x, y."""
        return (self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2

    def contains(self, x: float, y: float) -> bool:
        """True if the point lies in it."""
        return self.x1 <= x < self.x2 and self.y1 <= y < self.y2

    def iou(self, other: Box) -> float:
        """Intersection over union with another box, 0..1."""
        both = self._both(other)
        return both / (self.area + other.area - both)

    def share_in(self, other: Box) -> float:
        """How much of it lies in another box, 0..1."""
        return self._both(other) / self.area

    def _both(self, other: Box) -> float:
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)


def box_from_reply(sides: Sequence[float], width: int, height: int) -> Box | None:
    """The box of a width x height image that four numbers of any quality mean, or None where they mean none.

    Swapped corners are put in order and what lies outside the image is cut off; nothing is made of numbers that are
    not finite, nor of what is thinner than a pixel inside the image.
    """
    if len(sides) != 4 or not all(math.isfinite(side) for side in sides):
        return None
    x1, x2 = (min(max(x, 0.0), float(width)) for x in sorted((sides[0], sides[2])))
    y1, y2 = (min(max(y, 0.0), float(height)) for y in sorted((sides[1], sides[3])))
    return Box(x1, y1, x2, y2) if x2 - x1 >= MIN_SIDE_PX and y2 - y1 >= MIN_SIDE_PX else None


@dataclass(frozen=True)
class Delta:
    """Shift the box by (dx, dy) and each side by its own amount, pixels (eq. 15)."""

    dx: float = 0.0
    dy: float = 0.0
    dl: float = 0.0
    dr: float = 0.0
    dt: float = 0.0
    db: float = 0.0

    def sides(self, box: Box) -> tuple[float, float, float, float]:
        """The sides that it asks for."""
        return (
            box.x1 + self.dx + self.dl,
            box.y1 + self.dy + self.dt,
            box.x2 + self.dx + self.dr,
            box.y2 + self.dy + self.db,
        )


@dataclass(frozen=True)
class Expand:
    """Move every side outwards by `amount` pixels; a negative amount shrinks (eq. 16)."""

    amount: float

    def sides(self, box: Box) -> tuple[float, float, float, float]:
        """The sides that it asks for."""
        a = self.amount
        return box.x1 - a, box.y1 - a, box.x2 + a, box.y2 + a


@dataclass(frozen=True)
class Recenter:
    """Move the center to (x, y), the size kept (eq. 17)."""

    x: float
    y: float

    def sides(self, box: Box) -> tuple[float, float, float, float]:
        """The sides that it asks for."""
        half_width, half_height = box.width / 2, box.height / 2
        return self.x - half_width, self.y - half_height, self.x + half_width, self.y + half_height


Operation = Delta | Expand | Recenter


def max_delta(width: int, height: int) -> int:
    """How far refinement may move a side in a width x height image, pixels."""
    return max(4, round(0.08 * min(width, height)))


def clamp_refinement(initial: Box, sides: Sequence[float], width: int, height: int) -> Box:
    """`initial` with its sides moved towards `sides` by at most `max_delta` each, inside the width x height image.

    An axis on which that would leave less than a pixel stays as it was, and so does a box whose wanted sides are not
    four finite numbers. `initial` lies in the image.
    """
    if len(sides) != 4 or not all(math.isfinite(side) for side in sides):
        return initial
    most = max_delta(width, height)
    ends = (width, height, width, height)
    x1, y1, x2, y2 = (
        min(max(wanted, was - most, 0.0), was + most, float(end))
        for wanted, was, end in zip(sides, initial.sides, ends, strict=True)
    )
    if x2 - x1 < MIN_SIDE_PX:
        x1, x2 = initial.x1, initial.x2
    if y2 - y1 < MIN_SIDE_PX:
        y1, y2 = initial.y1, initial.y2
    return Box(x1, y1, x2, y2)
