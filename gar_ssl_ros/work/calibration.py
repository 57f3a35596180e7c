"""How a camera is turned in an array's frame, from the answers as they come: what `~/calibrate` tells. No rclpy."""

from __future__ import annotations

import math
from copy import copy
from threading import Lock

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.hearing.array import ArrayError, MicrophoneArray
from gar_ssl_ros.spatial.hearing.calibration import Calibration
from gar_ssl_ros.spatial.hearing.coincidences import Coincidences
from gar_ssl_ros.spatial.hearing.mounting import Mounting, mounting_from_text
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.view import View


class MountingCollector:
    """Keeps what was heard while something in view may have made it. Thread-safe."""

    def __init__(self, array: MicrophoneArray, options: HearingOptions) -> None:
        """Raises OptionError where array_to_camera is none."""
        given = mounting_from_text(options.array_to_camera) if options.array_to_camera.strip() else Mounting()
        self._kept = Coincidences(array, options, given)
        self._guard = Lock()
        self._problem = "no window has been answered yet"

    def take(self, window: Window, found: Localization, view: View) -> None:
        """A window has been answered. view: of its center frame."""
        if found.outcome is not Outcome.LOCALIZED or found.stage is not Stage.FINAL:
            return
        if view.camera is None:
            self._problem = view.problem or "directions is off: leave it on, so that the camera is known"
            return
        try:
            with self._guard:
                self._kept.add(window, [source.box for source in found.sources], view.camera)
            self._problem = ""
        except ArrayError as problem:
            self._problem = str(problem)

    def calibration(self) -> Calibration:
        """Of all that was kept. Raises UserError where too little is known."""
        if self._problem:
            raise UserError(self._problem)
        with self._guard:
            kept = copy(self._kept)
        return kept.calibration()


def told(found: Calibration) -> str:
    """A calibration in words, with the option to set."""
    yaw = f"yaw {_degrees(found.mounting.yaw)} degrees, sd {_degrees(found.sd)}"
    pitch = f", pitch {_degrees(found.mounting.pitch)}, sd {_degrees(found.pitch_sd)}" if found.pitch_sd else ""
    agree = f"{found.used} of {found.events} sounds agree, to {_degrees(found.exactness)} degrees"
    return f'array_to_camera: "{found.mounting.text}" ({yaw}{pitch}; {agree})'


def _degrees(angle: float) -> str:
    return f"{math.degrees(angle):.1f}"
