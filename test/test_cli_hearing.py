"""`gar-ssl` on recordings of a microphone array beside a camera."""

from __future__ import annotations

import math

import pytest
from clips import write_clip
from hearing_clips import HFOV, array_clip

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
