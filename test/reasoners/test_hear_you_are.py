"""The reasoner hear_you_are: what a model of spatial questions tells, as GAR's stages."""

from __future__ import annotations

import math
from types import SimpleNamespace

import numpy as np
import pytest
from clips import write_clip
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.hear_you_are import box_of
from gar_ssl_ros.spatial.panorama import pixel_of
from gar_ssl_ros.spatial.questions.forms import Spot

RATE = 16_000


def window(width: int = 400, height: int = 200, channels: int = 2, calibrated: bool = False) -> Window:
    random = np.random.default_rng(0)
    frame = Frame(SECOND, random.integers(0, 256, (height, width, 3), np.uint8))
    audio = Audio(0, random.normal(0, 0.1, (channels, 2 * RATE)).astype(np.float32), RATE)
    return Window(0, 2 * SECOND, (frame,), audio, calibrated=calibrated)


def asked(folder, deadline: Deadline | None = None, **changes: object) -> Localization:
    made = reasoner("hear_you_are", {"questions_model": str(folder)})
    *_, final = localize(window(**changes), made, GarOptions(trials=5), deadline)
    return final


def test_the_thing_that_is_told_to_sound_is_boxed_where_it_is_told_to_be(toy_questions_model):
    folder = toy_questions_model()
    found = asked(folder)
    assert (found.outcome, found.reasoner, found.model) == (Outcome.LOCALIZED, "hear_you_are", str(folder))
    (source,) = found.sources
    assert source.box.center == pytest.approx(pixel_of(40.0, -10.0, 400, 200))
    assert source.box.height == pytest.approx(2 * math.degrees(math.atan2(0.25, 2.0)) / 360 * 400)
    assert (source.label, source.refined) == ("dog", False)
    assert source.description == "A dog, 40 degrees to the left, -10 degrees up, 2.0 m away."
    assert 0.5 < source.audio_confidence <= 1
    (case,) = found.cases
    assert case.kept
    assert case.consensus.trials == 5
    assert case.consensus.av_consistency > 0.5


def test_a_band_of_a_panorama_is_looked_at_as_it_is(toy_questions_model):
    (source,) = asked(toy_questions_model(), width=408, height=112).sources
    assert source.box.center == pytest.approx(pixel_of(40.0, -10.0, 408, 112))


def test_what_is_told_to_be_not_visible_is_off_screen_with_evidence(toy_questions_model):
    found = asked(toy_questions_model("HIDDEN"))
    assert (found.outcome, found.sources) == (Outcome.OFF_SCREEN, ())
    assert found.sound.label == "dog"
    assert "the model takes its source to be not visible (mean token probability 0." in found.detail


def test_a_model_that_was_taught_nothing_is_unparseable(toy_questions_model):
    found = asked(toy_questions_model(None))
    assert found.outcome is Outcome.UNPARSEABLE
    assert found.detail.startswith("the model's answer to Q9 cannot be read: ")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"width": 640, "height": 480}, "640x480 is no panorama"),
        ({"calibrated": True}, "the image has a CameraInfo, so it is no panorama"),
        ({"channels": 1}, "the sound has one channel to hear, and the model hears with two ears: record both"),
    ],
)
def test_what_it_cannot_look_at_or_listen_to_is_one_sentence(toy_questions_model, changes, told):
    found = asked(toy_questions_model(), **changes)
    assert found.outcome is Outcome.BACKEND_ERROR
    assert told in found.detail


def test_a_model_of_one_ear_hears_a_sound_of_one_channel(toy_questions_model):
    assert asked(toy_questions_model(hears="mono"), channels=1).outcome is Outcome.LOCALIZED


def test_a_deadline_reaches_between_tokens(toy_questions_model):
    assert asked(toy_questions_model(), Deadline(0.0)).outcome is Outcome.TIMEOUT
    made, looks = reasoner("hear_you_are", {"questions_model": str(toy_questions_model())}), []

    class Late(Exception):
        pass

    def check() -> None:
        looks.append(1)
        if len(looks) > 3:
            raise Late

    taken = window()
    with made.read(taken, SimpleNamespace(check=check)) as reading, pytest.raises(Late):
        reading.classify()


@pytest.mark.parametrize(
    ("changes", "told"),
    [({"sees": False}, "was trained without pictures"), ({"hears": "nothing"}, "was trained without sounds")],
)
def test_a_model_that_lacks_eyes_or_ears_is_refused_when_it_is_loaded(toy_questions_model, changes, told):
    with pytest.raises(ReasonerError, match=told):
        reasoner("hear_you_are", {"questions_model": str(toy_questions_model(None, **changes))})


def test_a_folder_without_a_model_is_one_sentence(tmp_path):
    pytest.importorskip("torch", reason="needs torch, which is not installed")
    pytest.importorskip("peft", reason="needs the extra questions")
    with pytest.raises(ReasonerError, match="holds no trained model"):
        reasoner("hear_you_are", {"questions_model": str(tmp_path)})
    with pytest.raises(ReasonerError, match="needs a questions_model: name the folder"):
        reasoner("hear_you_are")


@given(st.floats(-1e9, 1e9), st.floats(-49, 49), st.floats(-10, 1e9), st.integers(64, 4000), st.booleans())
def test_a_box_lies_in_the_picture_around_its_direction(azimuth, elevation, distance, width, band):
    height = round(width * 56 / 204) if band else width // 2
    box = box_of(Spot(azimuth, elevation, distance), width, height)
    assert 0 <= box.x1 < box.x2 <= width
    assert 0 <= box.y1 < box.y2 <= height
    x, y = pixel_of(azimuth, elevation, width, height)
    assert box.x1 <= min(x, width - 1) <= box.x2
    assert box.y1 <= min(max(y, 0), height - 1) <= box.y2


def test_recordings_are_localized_by_it(run, tmp_path, toy_questions_model):
    chosen = ("--reasoner", "hear_you_are", "--questions-model", toy_questions_model(), "--no-video")
    around = write_clip(tmp_path / "around.mkv", size=(400, 200), layout="stereo")
    done = run("localize", around, "--out", tmp_path / "out", *chosen)
    assert (done.returncode, done.stdout.split(" -> ")[0]) == (0, f"{around}: 1 LOCALIZED")
    done = run("localize", write_clip(tmp_path / "flat.mkv"), "--out", tmp_path / "out", *chosen)
    assert done.returncode == 1
    assert "64x48 is no panorama" in done.stderr


def test_a_folder_of_panoramas_is_scored(run, tmp_path, toy_questions_model):
    (tmp_path / "media").mkdir()
    write_clip(tmp_path / "media/around.mkv", size=(400, 200), layout="stereo")
    x, y = pixel_of(40.0, -10.0, 400, 200)
    (tmp_path / "media/truth.csv").write_text(f"file,x1,y1,x2,y2\naround.mkv,{x - 8},{y - 8},{x + 8},{y + 8}\n")
    chosen = ("--reasoner", "hear_you_are", "--questions-model", toy_questions_model())
    done = run("evaluate", "--dataset", "folder", "--root", tmp_path / "media", *chosen, "--out", tmp_path / "out")
    assert (done.returncode, done.stdout.partition("\n")[0]) == (0, "hear_you_are, N = 5: 1 of 1 samples, 0 failed")
    assert "IoU@0.5 100.0 %" in done.stdout
