"""A recording's windows with what an array heard in them: directions beside the picture of each."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.hearing.array import ArrayError, MicrophoneArray
from gar_ssl_ros.spatial.hearing.channels import channel_problem, own_sound
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sight import Sight
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.hearing.tracks import DirectionTracker
from gar_ssl_ros.spatial.panorama import Panorama
from gar_ssl_ros.spatial.transforms import Transform

Lens: TypeAlias = Callable[[int, int], Camera | Panorama]  # of images of that width and height, pixels
MAX_HFOV = 170.0  # degrees, of a lens without distortion
PANORAMA = 360.0  # degrees


def lens_of_hfov(degrees: float) -> Lens:
    """Of a lens without distortion that sees so much across; of a panorama where that is 360. Raises OptionError."""
    if degrees == PANORAMA:
        return Panorama
    if not 1.0 <= degrees <= MAX_HFOV:
        raise OptionError(f"hfov is {degrees:g}: give 1 to {MAX_HFOV:g} degrees, or {PANORAMA:g} of a panorama")

    def lens(width: int, height: int) -> Camera:
        focal = width / 2 / math.tan(math.radians(degrees) / 2)
        return Camera(width, height, (focal, 0.0, width / 2 - 0.5, 0.0, focal, height / 2 - 0.5, 0.0, 0.0, 1.0))

    return lens


class WindowListener:
    """Listens to the windows of one recording, in their order. problems: what was wrong, a sentence each."""

    def __init__(self, array: MicrophoneArray, options: HearingOptions, lens: Lens | None, to_array: Transform) -> None:
        """lens: of all pictures; None where the camera is told with each window. to_array: takes points of the camera's
        optical frame to the array's.
        """
        self._array, self._options, self._lens, self._to_array = array, options, lens, to_array
        self._listeners: dict[int, Listener] = {}
        self._sights: dict[Camera | Panorama, Sight] = {}
        self._tracker = DirectionTracker()
        self.problems: dict[str, None] = {}

    def hear(self, window: Window, camera: Camera | Panorama | None = None) -> Window:
        """The window with the directions heard in it; as it is where they cannot be told. camera: of its pictures."""
        try:
            directions = self.directions(window)
            window = window if window.audio is None else replace(window, audio=own_sound(window.audio, self._array))
            return replace(window, heard=self.sight(window, camera).heard(directions, self._options.gate))
        except (ArrayError, CameraError) as problem:
            self.problems[str(problem)] = None
            return window

    def directions(self, window: Window) -> tuple[SoundDirection, ...]:
        """Those of a window, in the array's frame. Raises ArrayError where they cannot be told."""
        if window.audio is None:
            return ()
        rate, samples = window.audio.rate, window.audio.samples
        if problem := channel_problem(samples, self._array):
            self.problems[problem] = None
        if rate not in self._listeners:
            self._listeners[rate] = Listener(self._array, rate, self._options)
        return self._tracker.follow(self._listeners[rate].directions(samples), window.end)

    def sight(self, window: Window, camera: Camera | Panorama | None = None) -> Sight:
        """Of the window's picture. Raises CameraError where it is not the camera's, or that is not known."""
        if camera is None:
            if self._lens is None:
                raise CameraError("what is heard is not placed in the picture: there is no CameraInfo of that")
            camera = self._lens(window.center.width, window.center.height)
        if camera not in self._sights:
            self._sights = {camera: Sight(camera, self._to_array)}
        return self._sights[camera]
