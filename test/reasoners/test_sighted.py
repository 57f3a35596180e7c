"""What the robot's own detectors see, among what may make the sound."""

from __future__ import annotations

import numpy as np

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Frame, Sighting, Window
from gar_ssl_ros.reasoners.senses.candidates import Candidate, head, sighted, with_sighted

FRAME = Frame(SECOND // 2, np.zeros((100, 200, 3), np.uint8))
FACE, DOG = Box(20, 40, 40, 60), Box(100, 20, 180, 90)
SEEN = (
    Sighting("face", 0.9, FACE.sides, "abcde"),
    Sighting("dog", 0.8, DOG.sides, "dog-7"),
    Sighting("", 0.0, DOG.sides, "nameless"),
)
WINDOW = Window(0, SECOND, (FRAME,), None, sightings=SEEN)


def test_a_robot_s_face_is_a_head_and_what_it_has_no_name_for_is_no_candidate():
    assert sighted(WINDOW) == [
        Candidate("face", head(FACE, FRAME), 0.9, id="abcde"),
        Candidate("dog", DOG, 0.8, id="dog-7"),
    ]


def test_a_robot_s_detection_takes_the_place_of_ours_of_the_same_kind_and_place_alone():
    same, elsewhere, other = (
        Candidate("dog", Box(102, 20, 180, 88), 0.9),
        Candidate("dog", Box(0, 0, 30, 30), 0.9),
        Candidate("cat", DOG, 0.3),
    )
    assert with_sighted([same, elsewhere, other], WINDOW) == [*sighted(WINDOW), elsewhere, other]


def test_without_robot_s_detections_nothing_changes():
    found = [Candidate("dog", DOG, 0.9), Candidate("dog", DOG, 0.8)]
    assert with_sighted(found, Window(0, SECOND, (FRAME,), None)) == found
