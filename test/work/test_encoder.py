"""What an answer is on the topics of a localizer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.stages import AudioLabel, Hypothesis, Location
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.record import WindowRecord
from gar_ssl_ros.spatial.approach import Approach
from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.depth import PointCloud
from gar_ssl_ros.spatial.transforms import Transform
from gar_ssl_ros.spatial.view import NO_VIEW, View
from gar_ssl_ros.work.encoder import AnswerEncoder

BOX, SOUND = Box(10, 10, 50, 40), AudioLabel("dog", 0.9)
WINDOW = Window(0, SECOND, (Frame(SECOND // 2, np.zeros((48, 64, 3), np.uint8), "camera"),), None)
FOUND = Localization(
    Outcome.LOCALIZED,
    Stage.FINAL,
    "r",
    None,
    sound=SOUND,
    sources=(Source(BOX, "dog", 0.9, 0.8, "a dog", BOX, False, None, "rex"),),
    cases=(
        Case(Location((0, 0, 0, 0), ""), failure="no box"),
        Case(Location(BOX.sides, "a dog"), Hypothesis(BOX, "a dog", SOUND)),
    ),
)


def test_an_initial_answer_has_no_detections_and_no_picture_and_counts_for_nothing():
    encoder = AnswerEncoder("/image")
    for stage in (Stage.INITIAL, Stage.FINAL, Stage.FINAL):
        told = encoder.encode(replace(FOUND, stage=stage), WINDOW, 0.1, 0)
        final = stage is Stage.FINAL
        assert (told.detections is not None, told.draw is not None) == (final, final)
        assert [source.id for source in told.sources.sources] == [1]
    assert encoder.latency == 0.1
    record = WindowRecord.model_validate_json(told.sources.reasoning)
    assert (record.media, record.index) == ("/image", 1)


@pytest.mark.parametrize("outcome", Outcome)
def test_detections_are_sent_only_where_they_say_what_is_there(outcome):
    told = AnswerEncoder("/image").encode(Localization(outcome, Stage.FINAL, "r", None), WINDOW, 0.1, 0)
    assert (told.detections is not None) == outcome.conclusive
    assert told.draw().header == told.sources.header


def test_what_got_lost_is_told_once_and_anew_after_a_new_beginning():
    encoder = AnswerEncoder("/image")

    def dropped(left_out: int, stage: Stage = Stage.FINAL) -> int:
        return encoder.encode(replace(FOUND, stage=stage), WINDOW, 0.1, left_out).sources.dropped_inputs

    assert [dropped(2, Stage.INITIAL), dropped(3), dropped(3), dropped(1), dropped(4)] == [2, 3, 0, 0, 1]
    encoder.begin(robots_ids=False)
    assert dropped(1) == 1


def test_detections_have_our_ids_or_the_robots_own():
    encoder = AnswerEncoder("/image")
    assert encoder.encode(FOUND, WINDOW, 0.1, 0).detections.detections[0].id == "1"
    encoder.begin(robots_ids=True)
    told = encoder.encode(FOUND, WINDOW, 0.1, 0)
    assert told.detections.detections[0].id == "rex"
    assert (told.sources.sources[0].id, told.sources.sources[0].detection_id) == (1, "rex")


def test_that_the_fallback_answered_is_said():
    failed = Localization(Outcome.TIMEOUT, Stage.FINAL, "slow", None)
    encoder = AnswerEncoder("/image")
    for instead_of in (None, failed):
        told = encoder.encode(replace(FOUND, instead_of=instead_of), WINDOW, 0.1, 0, dropped=3)
        assert (told.sources.fallback, told.sources.dropped_windows) == (instead_of is not None, 3)


def test_a_goal_is_of_a_final_answer_that_localizes_in_the_target_frame_and_only_where_asked_for():
    camera = Camera(64, 48, (60.0, 0.0, 31.5, 0.0, 60.0, 23.5, 0.0, 0.0, 1.0))
    cloud = PointCloud(0, np.full((9, 3), (0.0, 0.0, 3.0), np.float32), "camera")
    view = View(camera, cloud, to_target=Transform((5.0, 0.0, 0.3), (-0.5, 0.5, -0.5, 0.5)), target_frame="map")

    def goal(found: Localization, view: View = view, approach: Approach | None = None):
        encoder = AnswerEncoder("/image")
        encoder.begin(False, approach)
        return encoder.encode(found, WINDOW, 0.1, 0, view=view).goal

    told = goal(FOUND, approach=Approach(1.0, 0.6))
    assert (told.header.frame_id, told.header.stamp.nanosec) == ("map", SECOND // 2)
    assert (told.pose.position.x, told.pose.position.z) == (pytest.approx(7.0, abs=0.01), 0.0)
    assert goal(FOUND) is None
    assert goal(FOUND, replace(view, to_target=None, target_frame=""), Approach(1.0, 0.6)) is None
    for changes in ({"stage": Stage.INITIAL}, {"outcome": Outcome.UNCERTAIN}):
        assert goal(replace(FOUND, **changes), approach=Approach(1.0, 0.6)) is None


def test_markers_have_the_sources_ids_live_two_answers_and_go_with_them():
    encoder, camera = AnswerEncoder("/image"), Camera(64, 48, (60.0, 0.0, 31.5, 0.0, 60.0, 23.5, 0.0, 0.0, 1.0))
    view = View(camera, PointCloud(0, np.full((9, 3), (-0.1, 0.0, 3.0), np.float32), "camera"))

    def shown(found: Localization, seconds: int, view: View):
        frame = Frame(seconds * SECOND, np.zeros((48, 64, 3), np.uint8), "camera")
        told = encoder.encode(found, replace(WINDOW, frames=(frame,)), 0.1, 0, view=view)
        return None if told.markers is None else [
            (one.ns, one.id, one.action) for one in told.markers.markers
        ], told.markers

    assert shown(FOUND, 10, NO_VIEW) == (None, None)
    kinds, message = shown(FOUND, 13, view)
    assert kinds == [("ray", 1, 0), ("label", 1, 0), ("point", 1, 0)]
    ray, label, ball = message.markers
    assert (ray.lifetime.sec, ray.header.frame_id, ray.header.stamp.sec) == (6, "camera", 13)
    tip = np.array([ray.points[1].x, ray.points[1].y, ray.points[1].z])
    assert np.linalg.norm(tip) == pytest.approx(3.0, rel=0.01)
    assert (label.text, ball.pose.position.z) == ("dog, +2 deg, 3.0 m", pytest.approx(tip[2]))
    kinds, message = shown(FOUND, 16, View(camera))
    assert kinds == [("ray", 1, 0), ("label", 1, 0), ("point", 1, 2)]
    assert message.markers[1].text == "dog, +2 deg"
    gone = Localization(Outcome.SILENT, Stage.FINAL, "r", None)
    assert shown(gone, 19, view)[0] == [("ray", 1, 2), ("point", 1, 2), ("label", 1, 2)]
    assert shown(gone, 22, view) == (None, None)
