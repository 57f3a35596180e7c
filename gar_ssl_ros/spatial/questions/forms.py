"""The questions of "Hear You Are" (its Table 1): what each asks about, and the fields of its answer.

Angles are degrees, azimuth positive to the left and elevation positive up (REP-103), as seen by the listener, who looks
ahead; distances are m.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TypeAlias

import numpy as np

from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.direction import angles_of_body, body_of_angles

Fields: TypeAlias = Mapping[str, "str | float"]  # of a question or an answer, by name


class QuestionType(str, Enum):
    """Q1 to Q9 are the paper's; the others are what its encoders are warmed up with."""

    Q1 = "Q1"  # what sounds, and from where
    Q2 = "Q2"  # is the source nearer to the listener than to a thing
    Q3 = "Q3"  # how far from a thing, and on which side of it
    Q4 = "Q4"  # how far from a thing, and the angle between the two
    Q5 = "Q5"  # what is there, and does it sound: one thing fits the sound
    Q6 = "Q6"  # the same: two things fit the sound
    Q7 = "Q7"  # which thing sounds, and where it is: one fits the sound
    Q8 = "Q8"  # the same: two things fit the sound
    Q9 = "Q9"  # what sounds, and is it to be seen
    A1 = "A1"  # what sounds
    A2 = "A2"  # where it sounds
    V1 = "V1"  # what is there
    V2 = "V2"  # where a thing is


PAPER_TYPES = tuple(one for one in QuestionType if one.value.startswith("Q"))
HEARD_TYPES = (QuestionType.A1, QuestionType.A2)  # for whose answers hearing is enough
SEEN_TYPES = (QuestionType.V1, QuestionType.V2)
CHOICES: Mapping[str, tuple[str, str]] = MappingProxyType(  # fields of two values
    {
        "closer": ("yes", "no"),
        "side": ("left", "right"),
        "depth": ("front", "behind"),
        "height": ("upper", "lower"),
        "sounding": ("making sound", "not making sound"),
        "visible": ("visible", "not visible"),
    }
)
ANGLES = ("azimuth", "elevation")  # fields of whole degrees
DISTANCE = "distance"  # a field of m
LABELS = ("sound", "object")  # fields of a class's name
PLACE = (*ANGLES, DISTANCE)


@dataclass(frozen=True)
class Form:
    """slots: what is filled into the question. fields: of the answer, in their order."""

    slots: tuple[str, ...]
    fields: tuple[str, ...]


FORMS: Mapping[QuestionType, Form] = MappingProxyType(
    {
        QuestionType.Q1: Form((), ("sound", "object")),
        QuestionType.Q2: Form(("sound", "object"), ("closer",)),
        QuestionType.Q3: Form(("sound", "object"), ("side", "depth", "height", DISTANCE)),
        QuestionType.Q4: Form(("sound", "object"), PLACE),
        QuestionType.Q5: Form(PLACE, ("object", "sounding")),
        QuestionType.Q6: Form(PLACE, ("object", "sounding")),
        QuestionType.Q7: Form((), ("object", *PLACE)),
        QuestionType.Q8: Form((), ("sound", *PLACE)),
        QuestionType.Q9: Form((), ("sound", "visible")),
        QuestionType.A1: Form((), ("sound",)),
        QuestionType.A2: Form((), PLACE),
        QuestionType.V1: Form(PLACE, ("object",)),
        QuestionType.V2: Form(("object",), PLACE),
    }
)


@dataclass(frozen=True)
class Spot:
    """From the listener. azimuth, elevation: degrees. distance: m; NaN where it is not known."""

    azimuth: float
    elevation: float
    distance: float = math.nan

    @property
    def ray(self) -> Points:
        """Of length 1, (3,): x forward, y left, z up."""
        return np.array(body_of_angles(math.radians(self.azimuth), math.radians(self.elevation)))

    @property
    def point(self) -> Points:
        """(3,), m."""
        return self.distance * self.ray

    def angle(self, other: Spot) -> float:
        """Between the two as the listener sees them, on the great circle, degrees."""
        return math.degrees(2 * math.asin(min(1.0, float(np.linalg.norm(self.ray - other.ray)) / 2)))


def spot_of_point(point: Points) -> Spot:
    """Of a point (3,), m, of the listener's frame."""
    azimuth, elevation = angles_of_body(point)
    return Spot(math.degrees(azimuth), math.degrees(elevation), float(np.linalg.norm(point)))


def placed(spot: Spot) -> dict[str, str | float]:
    """A place as fields."""
    return {
        "azimuth": _whole(spot.azimuth),
        "elevation": _whole(spot.elevation),
        DISTANCE: round(spot.distance, 2),
    }


def _whole(angle: float) -> float:
    return angle if math.isnan(angle) else float(round(angle))


def spot_of_fields(fields: Fields) -> Spot:
    """The way back."""
    return Spot(*(float(fields[name]) for name in PLACE))


def related(asked: QuestionType, source: Spot, other: Spot) -> dict[str, str | float]:
    """The fields of Q2, Q3 and Q4: how a source lies to another thing, as the listener has it.

    closer: yes where the source is nearer to the listener than to the thing. side, depth, height: of the source from
    the thing, along the listener's own axes: behind is further back along its view. azimuth, elevation: by how much the
    source's are more than the thing's. NaN what is not known.
    """
    apart = source.point - other.point
    distance = float(np.linalg.norm(apart))
    if asked is QuestionType.Q2:
        return {"closer": _choice("closer", distance - source.distance)}
    if asked is QuestionType.Q3:
        x, y, z = map(float, apart)
        sides = {"side": y, "depth": x, "height": z}
        return {name: _choice(name, much) for name, much in sides.items()} | {DISTANCE: round(distance, 2)}
    turned = math.remainder(source.azimuth - other.azimuth, 360)
    return placed(Spot(turned, source.elevation - other.elevation, distance))


def _choice(name: str, much: float) -> str | float:
    """The first of two values where it is more than 0."""
    return much if math.isnan(much) else CHOICES[name][0 if much > 0 else 1]
