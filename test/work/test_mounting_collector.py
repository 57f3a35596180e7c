"""What `~/calibrate` tells of the answers that came: the turn of the camera, or what it lacks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hearing_clips import HFOV, RATE, SIZE, plane_wave

from gar_ssl_ros.errors import OptionError, UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.windows import lens_of_hfov
from gar_ssl_ros.spatial.view import NO_VIEW, View
from gar_ssl_ros.work.calibration import MountingCollector, told

ARRAY = arrays()["respeaker_usb_4"]
CAMERA = lens_of_hfov(HFOV)(*SIZE)
YAW = 0.3  # rad, of the camera in the array's frame


def collector(**options: str) -> MountingCollector:
    return MountingCollector(ARRAY, HearingOptions(array=ARRAY.name, **options))


def answer(x: float, audio: np.ndarray | None = None) -> tuple[Window, Localization]:
    """Something at x sounds, and is found."""
    azimuth = math.degrees(math.atan((SIZE[0] / 2 - x) / CAMERA.matrix[0]) + YAW)
    sound = np.random.default_rng(round(x)).normal(0, 0.1, RATE // 2)
    heard = plane_wave(ARRAY, sound, azimuth) if audio is None else audio
    window = Window(0, SECOND // 2, (Frame(0, np.zeros((*SIZE[::-1], 3), np.uint8)),), Audio(0, heard, RATE))
    box = Box(x - 10, 110, x + 10, 130)
    source = Source(box, "bark", 0.9, 0.9, "", box, False, None)
    return window, Localization(Outcome.LOCALIZED, Stage.FINAL, "signal", None, sources=(source,))


def test_the_turn_is_told_as_the_option_to_set():
    kept = collector(array_to_camera="0.1 0 0.2 0 0 0")
    for x in np.linspace(30, 290, 14):
        kept.take(*answer(float(x)), View(CAMERA))
    found = kept.calibration()
    assert found.mounting.yaw == pytest.approx(YAW, abs=0.04)
    assert found.mounting.position == (0.1, 0.0, 0.2)
    assert told(found).startswith(f'array_to_camera: "0.1 0 0.2 0 0 {found.mounting.yaw:.4f}"'.rstrip("0"))


def test_answers_that_name_nothing_and_those_that_are_not_final_do_not_count():
    kept = collector()
    window, found = answer(100.0)
    kept.take(window, replace(found, outcome=Outcome.OFF_SCREEN, sources=()), View(CAMERA))
    kept.take(window, replace(found, stage=Stage.INITIAL), View(CAMERA))
    with pytest.raises(UserError, match="no window has been answered yet"):
        kept.calibration()


def test_what_it_lacks_is_told():
    kept = collector()
    kept.take(*answer(100.0), NO_VIEW)
    with pytest.raises(UserError, match="so that the camera is known"):
        kept.calibration()
    kept.take(*answer(100.0, np.full((1, RATE), 0.1, np.float32)), View(CAMERA))
    with pytest.raises(UserError, match="the audio has 1 channel"):
        kept.calibration()
    kept.take(*answer(100.0), View(CAMERA))
    with pytest.raises(UserError, match=r"1 sounds were heard .* it takes 12"):
        kept.calibration()
    with pytest.raises(OptionError, match="six numbers"):
        collector(array_to_camera="1 2 3")
