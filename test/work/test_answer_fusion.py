"""The answers of several localizers, as one."""

from __future__ import annotations

import math

import pytest
from gar_ssl_ros.msg import SoundSource, SoundSourceArray
from geometry_msgs.msg import Point

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.messages.stamps import StampError
from gar_ssl_ros.work.fusion import Fusion, FusionError

NAN = math.nan
TIMEOUT = 10.0


def source(identity=1, label="speech", consistency=0.8, at=(NAN, NAN, NAN)) -> SoundSource:
    x, y, z = map(float, at)
    place = Point(x=x, y=y, z=z)
    return SoundSource(id=identity, label=label, av_consistency=consistency, target_position=place, target_bearing=NAN)


def answer(*sources, outcome="LOCALIZED", frame="base_link", camera="front_optical", begin=0, **more):
    message = SoundSourceArray(
        outcome=getattr(SoundSourceArray, outcome),
        stage=SoundSourceArray.FINAL,
        sources=list(sources),
        target_frame=frame,
        image_width=640,
        window_start=time_message(begin),
        window_end=time_message(begin + 3 * SECOND),
        **more,
    )
    message.header.stamp = time_message(begin + SECOND)
    message.header.frame_id = camera
    message.target_camera = Point(x=NAN, y=NAN, z=NAN)
    return message


def fused(*answers, frame="") -> SoundSourceArray:
    fusion = Fusion(frame)
    for at, one in enumerate(answers):
        assert fusion.take(f"/camera{at}/sources", one, 0.0)
    return fusion.fused(0.0, TIMEOUT)


def test_the_best_of_each_sound_is_kept_and_who_saw_it():
    front = answer(source(1, consistency=0.5, at=(1, 0, 0)), source(2, label="dog_bark"), label="speech")
    side = answer(source(7, consistency=0.9, at=(1.2, 0, 0)), camera="side_optical", begin=SECOND, frames=30)
    told = fused(front, side)
    assert [(one.id, one.label, list(one.seen_by), one.camera_frame) for one in told.sources] == [
        (1, "speech", ["/camera1/sources", "/camera0/sources"], "side_optical"),
        (2, "dog_bark", ["/camera0/sources"], "front_optical"),
    ]
    assert told.sources[0].target_position.x == 1.2
    assert (told.header.frame_id, told.target_frame, told.image_width) == ("base_link", "base_link", 0)
    assert told.header.stamp == side.header.stamp
    assert (told.window_start, told.window_end) == (front.window_start, side.window_end)
    assert front.sources[0].id == 1  # and what came is as it was
    assert list(front.sources[0].seen_by) == []


def test_a_place_that_only_one_camera_knows_is_told_of_the_sound():
    told = fused(answer(source(consistency=0.9)), answer(source(consistency=0.2, at=(1, 2, 3))))
    assert len(told.sources) == 1
    assert told.sources[0].target_position == Point(x=1.0, y=2.0, z=3.0)


def test_places_in_other_frames_are_not_compared_and_that_is_said():
    fusion = Fusion("base_link")
    fusion.take("/a", answer(source(at=(1, 0, 0))), 0.0)
    fusion.take("/b", answer(source(at=(9, 0, 0)), frame="map"), 0.0)
    assert len(fusion.fused(0.0, TIMEOUT).sources) == 1  # by its name
    lost = Fusion("")
    for camera in ("/a", "/b"):
        assert lost.fused(0.0, TIMEOUT) is None or not lost.problem  # one alone is compared with none
        lost.take(camera, answer(source(), frame=""), 0.0)
    assert lost.fused(0.0, TIMEOUT) is not None
    assert lost.problem.startswith("no camera tells places")
    assert fusion.problem.startswith("/b tells no places in 'base_link': its sounds are compared by name only")


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (("SILENT", "LOCALIZED"), "LOCALIZED"),
        (("OFF_SCREEN", "SILENT"), "OFF_SCREEN"),
        (("OFF_SCREEN", "TIMEOUT"), "UNCERTAIN"),  # the one that failed might have seen it
        (("OFF_SCREEN", "UNCERTAIN"), "UNCERTAIN"),
        (("TIMEOUT", "SILENT"), "SILENT"),
        (("BACKEND_ERROR", "BACKEND_ERROR"), "BACKEND_ERROR"),
    ],
)
def test_all_cameras_say_together(outcomes, expected):
    told = fused(*(answer(outcome=one, detail=f"it is {one}") for one in outcomes))
    assert told.outcome == getattr(SoundSourceArray, expected)
    assert told.detail == "; ".join(f"/camera{at}/sources: it is {one}" for at, one in enumerate(outcomes))


def test_a_camera_that_fell_silent_counts_no_more():
    fusion = Fusion("")
    fusion.take("/a", answer(source(label="music")), 0.0)
    fusion.take("/b", answer(source()), TIMEOUT)
    assert len(fusion.fused(TIMEOUT, TIMEOUT).sources) == 2
    assert [list(one.seen_by) for one in fusion.fused(TIMEOUT + 0.1, TIMEOUT).sources] == [["/b"]]
    fusion.forget("/b")
    assert fusion.fused(TIMEOUT + 0.1, TIMEOUT) is None


def test_what_is_no_localizer_s_final_answer_is_left_out():
    fusion = Fusion("")
    first = answer(source())
    first.stage = SoundSourceArray.INITIAL
    assert not fusion.take("/a", first, 0.0)
    own, other, late = answer(source()), answer(source()), answer(source())
    own.image_width, other.outcome, late.window_end.sec = 0, 99, -1
    for message, said in ((own, "it is of no image"), (other, "its outcome 99 is none")):
        with pytest.raises(FusionError, match=said):
            fusion.take("/a", message, 0.0)
    with pytest.raises(StampError):
        fusion.take("/a", late, 0.0)
    assert fusion.fused(0.0, TIMEOUT) is None
