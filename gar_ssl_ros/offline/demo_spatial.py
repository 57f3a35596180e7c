"""Spatial hearing, seen to work live: which of two things alike sounds, and where an unseen voice is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import yaml

from gar_ssl_ros.evaluation.scenes.acoustics import check_installed
from gar_ssl_ros.evaluation.scenes.files import SceneTruth, write_film
from gar_ssl_ros.evaluation.scenes.heard import HeardScene, HearingPlace
from gar_ssl_ros.evaluation.scenes.promised import least_right
from gar_ssl_ros.evaluation.scenes.scene import Kind, SceneOptions
from gar_ssl_ros.offline.demo import SCENE_S, SEEDS, answers, make_room, shortfall, tell_late
from gar_ssl_ros.output.record import WindowRecord
from gar_ssl_ros.spatial.direction import angles_of_optical
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.mounting import camera_in_array

ARRAY = "respeaker_usb_4"
SEPARATION = math.radians(20)  # between two things alike
MAX_OFF = math.radians(15)  # that the direction of an unseen voice may be off
RT60_S, SNR_DB, MOUNTING_ERROR = 0.4, 10.0, math.radians(1)
PROMISED = {"alike": 0.9, "unseen": 0.85}  # docs/spatial.md
TITLES = {"alike": "two things alike", "unseen": "a sound from out of view"}
COLUMNS = "{:<38}{:<11}{:<10}{}"


def scenes(
    out: Path,
    who: Mapping[str, object],
    seeds: Sequence[int] = SEEDS,
    overwrite: bool = False,
    separation: float = SEPARATION,
) -> bool:
    """Play rendered scenes that an array hears, two for each of `seeds`, to the localizer and print how it went.

    who: the localizer's parameters that say who answers. separation: between two things alike, rad. Returns True if
    the rates of docs/spatial.md hold. Raises as `demo.scenes` does, and UserError where what simulates rooms is not
    installed.
    """
    film, camera = out / "heard.mp4", out / "camera.yaml"
    check_installed()  # before results that exist are removed
    make_room(out, film, [film, camera], [], overwrite)
    print(f"rendering {2 * len(seeds)} scenes of {SCENE_S:g} s, heard by {ARRAY}, into {film}", flush=True)
    kinds = [kind for _ in seeds for kind in TITLES]
    made = [_scene(kind, seed, separation) for seed in seeds for kind in TITLES]
    truths = write_film(made, film)
    heard = truths[0].heard
    assert heard is not None  # by an array they are
    camera.write_text(_calibration(heard.camera_info), encoding="utf-8")
    parameters = {"array": ARRAY, "array_to_camera": heard.array_to_camera, **who}
    records = answers(made, film, out, parameters, camera)
    print(f"\n{len(seeds)} scenes of each kind (seeds {seeds[0]} to {seeds[-1]}), judged by a window inside each:\n")
    apart = f", {math.degrees(separation):.0f} degrees apart"
    print(COLUMNS.format("scene", "right", "promised", "needed"))
    judged: dict[str, Callable[[SceneTruth, WindowRecord], bool]] = {"alike": _alike, "unseen": _unseen}
    held = True
    for kind, title in TITLES.items():
        own = [(truth, record) for one, truth, record in zip(kinds, truths, records, strict=True) if one == kind]
        right = sum(record is not None and judged[kind](truth, record) for truth, record in own)
        late = sum(record is None for _, record in own)
        needed = least_right(len(seeds), PROMISED[kind])
        held = held and right >= needed
        called = title + (apart if kind == "alike" else "")
        print(
            COLUMNS.format(called, f"{right} of {len(seeds)}", f"{PROMISED[kind]:.0%}", needed)
            + shortfall(right, late, needed)
        )
    tell_late(records)
    return held


def _scene(kind: str, seed: int, apart: float) -> HeardScene:
    alike = kind == "alike"
    options = SceneOptions(
        kind=Kind.ONE if alike else Kind.OFFSCREEN, seed=seed, seconds=SCENE_S, distractors=0 if alike else None
    )
    separation = apart if alike else None
    return HeardScene(
        options, HearingPlace(arrays()[ARRAY], RT60_S, SNR_DB, mounting=MOUNTING_ERROR, separation=separation)
    )


def _alike(truth: SceneTruth, record: WindowRecord) -> bool:
    """True if the one that sounds is boxed, and not the one that looks and moves like it."""
    assert truth.heard is not None
    if not record.sources:
        return False
    box, at = record.sources[0].box, min(truth.frames - 1, round(record.center_s * truth.fps))
    true, other = truth.sources[0].boxes[at], truth.heard.silent[0].boxes[at]
    return true is not None and box.iou(true) > (0.0 if other is None else box.iou(other))


def _unseen(truth: SceneTruth, record: WindowRecord) -> bool:
    """True if it is called off screen, and its direction is told."""
    assert truth.heard is not None
    source = truth.heard.room.sources[0].path[0]
    seen = camera_in_array(truth.heard.array_to_camera).inverse().apply(np.array([source.vector]))[0]
    bearing, _ = angles_of_optical(seen)
    return record.outcome == truth.outcome and any(
        one.source is None and abs(math.remainder(one.bearing - bearing, math.tau)) <= MAX_OFF
        for one in record.directions
    )


def _calibration(info: Mapping[str, object]) -> str:
    """What a truth says of its camera, as camera_calibration writes it."""
    told = {
        "image_width": info["width"],
        "image_height": info["height"],
        "distortion_model": info["distortion_model"],
        "camera_matrix": {"rows": 3, "cols": 3, "data": info["k"]},
        "distortion_coefficients": {"rows": 1, "cols": 5, "data": info["d"]},
        "rectification_matrix": {"rows": 3, "cols": 3, "data": info["r"]},
        "projection_matrix": {"rows": 3, "cols": 4, "data": info["p"]},
    }
    return yaml.safe_dump(told)
