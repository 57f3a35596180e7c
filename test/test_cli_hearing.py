"""`gar-ssl` on recordings of a microphone array beside a camera."""

from __future__ import annotations

import math

import pytest
from clips import write_clip
from hearing_clips import HFOV, array_clip, moving_array_clip

from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.output.record import WindowRecord, read_records

LOCALIZE = ("localize", "--reasoner", "signal", "--no-video")
ARRAY = ("--array", "respeaker_usb_4", "--hfov", HFOV)


def record_of(run, clip, out, *more: object) -> WindowRecord:
    done = run(*LOCALIZE, clip, "--out", out, *(more or (*ARRAY, "--array-to-camera", "0 0 0 0 0 0")))
    assert (done.returncode, done.stderr) == (0, "")
    (record,) = read_records(out / f"{clip.stem}.jsonl")
    return record


@pytest.mark.parametrize("azimuth", [-15, 15])
def test_of_two_like_things_the_one_that_sounds_is_boxed_and_the_record_says_which_direction_it_is(
    run, tmp_path, azimuth
):
    record = record_of(run, array_clip(tmp_path / "clip.mkv", (-15, 15), azimuth, "respeaker_usb_4"), tmp_path / "out")
    (source,), (direction,) = record.sources, record.directions
    across = 160 - 160 * math.tan(math.radians(azimuth)) / math.tan(math.radians(HFOV / 2))
    assert source.box.x1 < across < source.box.x2
    assert (direction.source, direction.id) == (0, 1)
    assert direction.bearing == pytest.approx(math.radians(azimuth), abs=0.05)
    assert direction.x == pytest.approx(across, abs=8)


def test_a_sound_from_behind_is_off_screen_and_told_by_where_it_comes_from(run, tmp_path):
    clip = array_clip(tmp_path / "clip.mkv", (-15, 15), 170, "respeaker_usb_4")
    record = record_of(run, clip, tmp_path / "out")
    assert record.outcome is Outcome.OFF_SCREEN
    assert record.detail.startswith("the sound comes from behind you")
    assert [(one.source, one.words) for one in record.directions] == [(None, "behind you")]


def test_an_array_turned_against_the_camera_is_turned_back(run, tmp_path):
    clip = array_clip(
        tmp_path / "clip.mkv", (-15, 15), 15 + 40, "respeaker_usb_4"
    )  # as the array, turned by -40, has it
    mounted = f"0 0 0 0 0 {math.radians(40)}"
    record = record_of(run, clip, tmp_path / "out", *ARRAY, "--array-to-camera", mounted)
    assert record.sources[0].box.center[0] < 160
    assert record.directions[0].bearing == pytest.approx(math.radians(15), abs=0.05)


def test_without_an_array_a_recording_of_many_channels_is_heard_as_one(run, tmp_path):
    clip = array_clip(tmp_path / "clip.mkv", (15,), 15, "respeaker_usb_4")
    record = record_of(run, clip, tmp_path / "out", "--no-video")
    assert record.outcome is Outcome.LOCALIZED
    assert not record.directions


def test_another_count_of_channels_is_one_sentence_and_the_rest_is_told(run, tmp_path):
    clip = write_clip(tmp_path / "clip.mkv")
    done = run(*LOCALIZE, clip, "--out", tmp_path / "out", *ARRAY, "--array-to-camera", "0 0 0 0 0 0")
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "the audio has 1 channel, and array respeaker_usb_4 is recorded with 6" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("--array", "respeaker_usb_4"), "say with --camera-info FILE, or with --hfov"),
        (("--array", "respeaker_usb_4", "--hfov", "200"), "hfov is 200: give 1 to 170 degrees, or 360 of a panorama"),
        ((*ARRAY, "--array-to-camera", "1 2 3"), "give six numbers"),
        (("--array", "respeakr", "--hfov", "70"), "which is not known"),
    ],
)
def test_what_is_wrong_with_the_array_or_the_camera_is_told_before_anything_is_read(run, tmp_path, arguments, told):
    done = run(*LOCALIZE, tmp_path / "clip.mkv", "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


YAW = 25.0  # degrees, of the camera in the array's frame


def sounds(count: int, spread: float = 26.0) -> list[tuple[tuple[float, ...], float]]:
    """Things at azimuths of the camera, and where the array hears them: every fifth from elsewhere."""
    across = [spread * math.sin(2.4 * i) for i in range(count)]
    return [((at,), -120.0 if i % 5 == 4 else at + YAW) for i, at in enumerate(across)]


CALIBRATE = ("calibrate", "--reasoner", "signal", "--window", 2, "--hop", 2, *ARRAY)


def test_the_turn_of_a_camera_is_measured_and_told_as_the_option_to_set(run, tmp_path):
    clip = moving_array_clip(tmp_path / "clip.mkv", sounds(18), "respeaker_usb_4", 2.0)
    done = run(*CALIBRATE, clip, "--array-to-camera", "0 0 0 0 0 3")
    assert (done.returncode, done.stderr) == (0, "")
    *_, option = done.stdout.splitlines()
    yaw = float(option.split('"')[1].split()[5])
    assert option.startswith("array_to_camera: ")
    assert math.degrees(yaw) == pytest.approx(YAW, abs=2.0)


def test_what_cannot_be_known_is_refused_with_what_to_do(run, tmp_path):
    clip = moving_array_clip(tmp_path / "clip.mkv", sounds(4), "respeaker_usb_4", 2.0)
    done = run(*CALIBRATE, clip)
    assert done.returncode == 1
    assert "and it takes 12: go on" in done.stderr
    assert done.stderr.count("\n") == 1
    assert "needs an array" in run("calibrate", clip, "--hfov", 70).stderr
