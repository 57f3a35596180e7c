"""Rendered scenes that an array hears in rooms, as a dataset: of things that look alike, which one sounds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.evaluation.datasets.scenes import OUTCOMES
from gar_ssl_ros.evaluation.metrics.seld import FRAMES_PER_SEGMENT, SoundEvent
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.acoustics import require_rooms
from gar_ssl_ros.evaluation.scenes.heard import HeardScene, HearingPlace
from gar_ssl_ros.evaluation.scenes.scene import Kind, SceneOptions
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.spatial.direction import angles_of_body
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.mounting import OPTICAL_IN_BODY, camera_in_array
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.windows import WindowListener, lens_of_hfov

SEEDS = range(31_000, 31_040)  # none that anything was chosen on
ARRAY = "respeaker_usb_4"
SEPARATIONS_DEGREES = (5, 10, 15, 20, 30)
IDENTICAL = "identical, {} degrees apart"
RT60_S, SNR_DB, MOUNTING_ERROR = 0.4, 10.0, math.radians(1)


@dataclass(frozen=True)
class HeardRoom:
    """A scene that is rendered and recorded, in memory, when it is opened."""

    options: SceneOptions
    place: HearingPlace

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """The whole scene as one window with the directions heard in it, and what sounds in its middle frame."""
        scene = HeardScene(self.options, self.place)
        hearing = HearingOptions(array_to_camera=scene.heard_truth().array_to_camera)
        lens, to_array = lens_of_hfov(self.place.hfov), camera_in_array(hearing.array_to_camera)
        window = WindowListener(self.place.array, hearing, lens, to_array).hear(scene.window())
        index = window.frames.index(window.center)
        sounding = [(source.boxes[index], source.label) for source in scene.truth().sources]
        truths = tuple(Truth(box.sides, label) for box, label in sounding if box is not None)
        return Opened(window, truths, heard=_events(scene))


def rooms(array: str = ARRAY, seeds: Sequence[int] = SEEDS) -> Dataset:
    """For each seed, two identical things at each separation, one thing among others, none in view, and silence.

    Raises DatasetError where what simulates rooms is not installed.
    """
    try:
        require_rooms(arrays()[array])
    except UserError as problem:
        raise DatasetError(str(problem)) from None
    kinds: list[tuple[str, Kind, float | None]] = [
        (IDENTICAL.format(degrees), Kind.ONE, math.radians(degrees)) for degrees in SEPARATIONS_DEGREES
    ]
    kinds += [(kind.value, kind, None) for kind in (Kind.ONE, Kind.OFFSCREEN, Kind.SILENT)]
    samples = []
    for seed in seeds:
        for name, kind, separation in kinds:
            options = SceneOptions(kind=kind, seed=seed, distractors=None if separation is None else 0)
            place = HearingPlace(arrays()[array], RT60_S, SNR_DB, mounting=MOUNTING_ERROR, separation=separation)
            outcome = OUTCOMES.get(kind, Outcome.LOCALIZED)
            group, media = name, HeardRoom(options, place)
            samples.append(
                Sample(f"{name.replace(', ', '_').replace(' ', '_')}_{seed}", media, None, outcome, 1, group)
            )
    return Dataset(f"rooms-{array}", tuple(samples))


def separation_of(group: str) -> float | None:
    """Degrees between the two things of a group's samples that look alike; None where there are none."""
    told = re.fullmatch(IDENTICAL.format(r"(\d+)"), group)
    return None if told is None else float(told.group(1))


def _events(scene: HeardScene) -> tuple[SoundEvent, ...]:
    """What sounds from where, as seen from the camera that is told."""
    truth = scene.heard_truth()
    to_camera = OPTICAL_IN_BODY.after(camera_in_array(truth.array_to_camera).inverse())
    events = []
    for number, source in enumerate(truth.room.sources):
        point = to_camera.apply(np.array([source.path[0].vector]))[0]
        place = (*angles_of_body(point), number, float(np.linalg.norm(point)))
        events += [SoundEvent(frame, source.label, *place) for frame in range(FRAMES_PER_SEGMENT)]
    return tuple(events)
