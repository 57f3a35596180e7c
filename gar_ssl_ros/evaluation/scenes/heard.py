"""Rendered scenes in rooms: what is drawn is heard by a microphone array beside the camera, each from where it is seen.

Of two things that look and move alike, the direction alone tells which one sounds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.evaluation.scenes.rooms import Position, RoomOptions, RoomSource, RoomTruth, record, room_around
from gar_ssl_ros.evaluation.scenes.scene import Actor, Kind, Scene, SceneOptions, TrueSource
from gar_ssl_ros.evaluation.scenes.sounds import Samples, SceneSound
from gar_ssl_ros.media.window import SPEECH_RATE_HZ, Audio, Window
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.direction import angles_of_body, body_of_angles
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.mounting import camera_in_array
from gar_ssl_ros.spatial.hearing.windows import lens_of_hfov
from gar_ssl_ros.spatial.transforms import Transform

CAMERA_M = (0.04, 0.0, 0.1)  # above the array and a little before it, as on a robot's head
DISTANCES_M = (1.0, 3.0)  # of what sounds, from the camera
HISS_DBFS = (-75.0, -60.0)  # of a scene in which nothing sounds, as without an array
OUT_OF_VIEW = math.radians(15)  # beyond the picture's edge, at least
HEIGHT = math.radians(10)  # up and down, of what is out of view
MAX_SHARE = 0.5  # of the way between two things that look alike, that each is wide


@dataclass(frozen=True)
class HearingPlace:
    """Where a scene is heard. array: by which. rt60: s. snr: dB. hfov: of the camera, degrees. mounting: rad, that the
    camera is turned to the left or right of where the array's description has it. separation: between two things that
    look and move alike, of which one sounds, rad; None for no such. Raises OptionError where hfov is none.
    """

    array: MicrophoneArray
    rt60: float = 0.4
    snr: float = 10.0
    hfov: float = 60.0
    mounting: float = 0.0
    separation: float | None = None

    def __post_init__(self) -> None:
        self.camera(320, 240)
        if self.separation is not None and not 0 < self.separation <= math.radians(0.8 * self.hfov):
            told = f"{math.degrees(self.separation):g} degrees apart"
            raise OptionError(f"two things {told} do not fit into {self.hfov:g} degrees of view: set them nearer")

    def camera(self, width: int, height: int) -> Camera:
        """Of pictures of that size, pixels. Raises OptionError where hfov is none."""
        camera = lens_of_hfov(self.hfov)(width, height)
        if not isinstance(camera, Camera):
            raise OptionError(f"scenes are not drawn all around: set hfov, {self.hfov:g} degrees, to 170 at most")
        return camera


@dataclass(frozen=True)
class HeardTruth:
    """What is true of a scene's sound beside its picture.

    room: with each source's azimuth, elevation and distance in the array's frame. array_to_camera: as it is told, in
    the form of the parameter of that name. mounting_error: rad, by which the camera really is turned further to the
    left. camera_info: with the names of sensor_msgs/CameraInfo. silent: what looks and moves like the source.
    """

    room: RoomTruth
    array_to_camera: str
    mounting_error: float
    hfov: float
    camera_info: dict[str, object] = field(default_factory=dict)
    silent: tuple[TrueSource, ...] = ()


class HeardScene(Scene):
    """A scene, drawn frame by frame, and what the array records of it."""

    def __init__(self, options: SceneOptions, place: HearingPlace) -> None:
        self.place = place
        self._camera_model = place.camera(options.width, options.height)
        self._chance = np.random.default_rng([options.seed, 1])
        super().__init__(options)
        told, error = (_mounted(turn) for turn in (0.0, float(self._chance.choice([-1.0, 1.0])) * place.mounting))
        self._told, self._error = told, float(error.split()[-1])
        room = RoomOptions(seed=options.seed, rt60=place.rt60, snr=place.snr, seconds=options.seconds)
        around = room_around(self._placed(camera_in_array(error)), room, place.array)
        self.room = replace(around, noise_dbfs=float(self._chance.uniform(*HISS_DBFS)))
        self.recorded = record(self.room, place.array, self.sounds)

    def window(self) -> Window:
        """The whole scene as one window, its sound as the array records it."""
        return replace(super().window(), audio=Audio(0, self.recorded, SPEECH_RATE_HZ))

    def heard_truth(self) -> HeardTruth:
        """What is true of its sound."""
        camera = self._camera_model
        info = {
            "width": camera.width,
            "height": camera.height,
            "distortion_model": camera.model,
            "d": [0.0] * 5,
            "k": list(camera.matrix),
            "r": np.eye(3).ravel().tolist(),
            "p": np.column_stack([np.reshape(camera.matrix, (3, 3)), np.zeros(3)]).ravel().tolist(),
        }
        alike = [actor for actor in self._actors if not actor.heard] if self.place.separation is not None else []
        silent = tuple(TrueSource(actor.label, actor.way, self._boxes(actor)) for actor in alike)
        return HeardTruth(self.room, self._told, self._error, self.place.hfov, info, silent)

    def _mixed(self, heard: list[SceneSound]) -> Samples:
        self.sounds = [] if self.options.kind is Kind.SILENT else [sound.samples for sound in heard]
        return super()._mixed(heard)

    def _cast(self, heard: list[SceneSound]) -> list[Actor]:
        actors = super()._cast(heard)
        if self.place.separation is None:
            return actors
        (actor,) = actors
        focal, center = self._camera_model.matrix[0], self.options.width / 2
        height, width = actor.picture.shape[:2]
        widest = MAX_SHARE * focal * self.place.separation
        smaller = min(1.0, widest / width)
        size = (max(8, round(width * smaller)), max(8, round(height * smaller)))
        picture = np.asarray(cv2.resize(actor.picture, size, interpolation=cv2.INTER_AREA), np.float32)
        edge = math.atan((center - size[0] / 2 - 8) / focal)
        middle = self._chance.uniform(-1, 1) * max(0.0, edge - self.place.separation / 2)
        ways = [middle - self.place.separation / 2, middle + self.place.separation / 2]
        self._chance.shuffle(ways)
        places = [(center + focal * math.tan(way), actor.place[1]) for way in ways]
        return [
            replace(actor, picture=picture, place=at, heard=heard)
            for at, heard in zip(places, (True, False), strict=True)
        ]

    def _placed(self, to_array: Transform) -> list[RoomSource]:
        """What sounds, where it is as heard from the array."""
        seen = [actor for actor in self._actors if actor.heard and actor.rides is None]
        boxes = [self._boxes(actor)[self.frames // 2] for actor in seen]
        pixels = [actor.place if box is None else box.center for actor, box in zip(seen, boxes, strict=True)]
        rays = list(self._camera_model.rays(np.array(pixels)))
        if self.options.kind is Kind.OFFSCREEN:
            least = math.radians(self.place.hfov) / 2 + OUT_OF_VIEW
            azimuth = float(self._chance.uniform(least, 2 * math.pi - least))
            x, y, z = body_of_angles(azimuth, float(self._chance.uniform(-HEIGHT, HEIGHT)))
            rays = [np.array([-y, -z, x])]
        points = [to_array.apply(ray[None] * self._chance.uniform(*DISTANCES_M))[0] for ray in rays]
        labelled = zip(self._labels, points, strict=False)  # of silence, none
        return [RoomSource(label, 0.0, self.options.seconds, (_position(point),)) for label, point in labelled]


def _mounted(turned: float) -> str:
    """Where the camera is in the array's frame: x y z roll pitch yaw."""
    return " ".join(f"{number:g}" for number in (*CAMERA_M, 0.0, 0.0, round(turned, 6)))


def _position(point: NDArray[np.float64]) -> Position:
    azimuth, elevation = angles_of_body(point)
    return Position(azimuth, elevation, float(np.linalg.norm(point)))
