"""Where a camera is in a microphone array's frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.spatial.transforms import Transform, Vector

OPTICAL_IN_BODY = Transform(rotation=(-0.5, 0.5, -0.5, 0.5))  # REP-103: z forward, x right becomes x forward, y left


@dataclass(frozen=True)
class Mounting:
    """Of the camera's body axes (x along its view, z up). position: m. roll, pitch, yaw: about fixed axes, rad."""

    position: Vector = (0.0, 0.0, 0.0)
    roll: float = 0.0
    pitch: float = 0.0
    yaw: float = 0.0

    @property
    def transform(self) -> Transform:
        """What takes points of the camera's optical frame to the array's. Raises TransformError where it is none."""
        roll, pitch, yaw = (angle / 2 for angle in (self.roll, self.pitch, self.yaw))
        about_x = Transform(rotation=(math.sin(roll), 0.0, 0.0, math.cos(roll)))
        about_y = Transform(rotation=(0.0, math.sin(pitch), 0.0, math.cos(pitch)))
        about_z = Transform(rotation=(0.0, 0.0, math.sin(yaw), math.cos(yaw)))
        turned = about_z.after(about_y).after(about_x)
        return Transform(self.position, turned.rotation).after(OPTICAL_IN_BODY)

    @property
    def text(self) -> str:
        """As `array_to_camera` has it."""
        return " ".join(f"{round(number, 4):g}" for number in (*self.position, self.roll, self.pitch, self.yaw))


def mounting_from_text(text: str) -> Mounting:
    """Of `x y z roll pitch yaw`, m and rad, as `array_to_camera` has it. Raises OptionError."""
    try:
        x, y, z, roll, pitch, yaw = map(float, text.replace(",", " ").replace(";", " ").split())
        if not all(map(math.isfinite, (x, y, z, roll, pitch, yaw))):
            raise ValueError
    except ValueError:
        raise OptionError(f"array_to_camera is {text!r}: give six numbers, `x y z roll pitch yaw`, m and rad") from None
    return Mounting((x, y, z), roll, pitch, yaw)


def camera_in_array(text: str) -> Transform:
    """What takes points of a camera's optical frame to the array's, from `array_to_camera`. Raises OptionError."""
    return mounting_from_text(text).transform
