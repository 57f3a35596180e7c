"""SELD's scores and the accuracy of directions: as they are published, written down a second time, slowly."""

from __future__ import annotations

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.evaluation.metrics.directions import Angles, apart, direction_scores, mirrored
from gar_ssl_ros.evaluation.metrics.seld import SoundEvent, seld

angle = st.floats(-math.pi, math.pi)
directions = st.builds(Angles, angle, st.floats(-math.pi / 2, math.pi / 2))
CLASSES = ("dog", "voice", "bell")


def events(random: np.random.Generator, count: int) -> list[SoundEvent]:
    """In 3 s, coming and going, up to three of a class at a time."""
    return [
        SoundEvent(int(frame), str(random.choice(CLASSES)), random.uniform(-0.6, 0.6), random.uniform(-0.4, 0.4))
        for frame in random.integers(0, 30, count)
    ]


def paired(true, found):
    """The best of all ways to pair as many as can be: their places, and their distance."""
    far = {
        (a, b): math.acos(max(-1.0, min(1.0, float(true[a].vector @ found[b].vector))))
        for a in range(len(true))
        for b in range(len(found))
    }
    count = min(len(true), len(found))
    ways = [
        tuple(zip(rows, columns, strict=True))
        for rows in permutations(range(len(true)), count)
        for columns in permutations(range(len(found)), count)
    ]
    best = min(ways, key=lambda way: sum(far[pair] for pair in way))
    return [(a, b, far[a, b]) for a, b in best]


def slowly(recordings, classes):
    """Every way to pair, every count by itself: ER, F, LE in rad, LR."""
    total = {c: {"tp": 0, "far": 0, "fp": 0, "fn": 0, "distance": 0.0, "met": 0, "de_fn": 0} for c in classes}
    s = d = i = references = 0
    for found, true in recordings:
        for segment in range(3):
            fn = fp = 0
            for c in classes:
                t, frames = total[c], range(10 * segment, 10 * segment + 10)
                gt = {f: [e for e in true if e.frame == f and e.label == c] for f in frames}
                pr = {f: [e for e in found if e.frame == f and e.label == c] for f in frames}
                nb_gt, nb_pr = (max(len(es) for es in by.values()) for by in (gt, pr))
                references += nb_gt
                if nb_gt and nb_pr:
                    tracks: dict[int, list[float]] = {}
                    for f in frames:
                        for a, _, distance in paired(gt[f], pr[f]):
                            tracks.setdefault(a, []).append(distance)
                    if not tracks:
                        fn += nb_pr
                        t["fn"] += nb_pr
                        t["de_fn"] += nb_pr
                        continue
                    for each in tracks.values():
                        mean = sum(each) / len(each)
                        t["distance"] += mean
                        t["met"] += 1
                        if mean <= math.radians(20):
                            t["tp"] += 1
                        else:
                            t["far"] += 1
                            fp += 1
                    more = nb_pr - nb_gt
                    fp += max(0, more)
                    t["fp"] += max(0, more)
                    fn += max(0, -more)
                    t["fn"] += max(0, -more)
                    t["de_fn"] += max(0, -more)
                elif nb_gt:
                    fn += nb_gt
                    t["fn"] += nb_gt
                    t["de_fn"] += nb_gt
                else:
                    fp += nb_pr
                    t["fp"] += nb_pr
            s += min(fp, fn)
            d += max(0, fn - fp)
            i += max(0, fp - fn)
    eps = 1e-16
    f = [t["tp"] / (eps + t["tp"] + t["far"] + 0.5 * (t["fp"] + t["fn"])) for t in total.values()]
    le = [t["distance"] / t["met"] if t["met"] else math.pi for t in total.values()]
    lr = [t["met"] / (eps + t["met"] + t["de_fn"]) for t in total.values()]
    return (s + d + i) / (references + eps), np.mean(f), np.mean(le), np.mean(lr)


@pytest.mark.parametrize("seed", range(25))
def test_the_scores_are_those_of_the_definitions_written_out(seed):
    random = np.random.default_rng(seed)
    recordings = [(events(random, random.integers(0, 40)), events(random, random.integers(10, 40))) for _ in range(2)]
    scores = seld(recordings, CLASSES)
    told = (scores.error_rate, scores.f_score, scores.localization_error, scores.localization_recall)
    assert told == pytest.approx(slowly(recordings, CLASSES), abs=1e-7)


def test_what_is_told_exactly_scores_all_and_silence_nothing():
    true = events(np.random.default_rng(3), 30)
    best = seld([(true, true)], CLASSES)
    assert (best.error_rate, best.f_score, best.localization_recall) == (0, pytest.approx(1), pytest.approx(1))
    assert best.localization_error == pytest.approx(0, abs=1e-6)
    nothing = seld([((), true)], CLASSES)
    assert (nothing.error_rate, nothing.f_score, nothing.localization_recall) == (1, 0, 0)
    assert nothing.localization_error == math.pi


def test_a_right_direction_under_a_wrong_name_is_an_error_and_a_wrong_one_under_the_right_name_too():
    true = [SoundEvent(0, "dog", 0.0, 0.0)]
    named = seld([([SoundEvent(0, "voice", 0.0, 0.0)], true)], CLASSES)
    assert (named.error_rate, named.f_score, named.localization_recall) == (1, 0, 0)
    placed = seld([([SoundEvent(0, "dog", math.radians(21), 0.0)], true)], ["dog"])
    assert (placed.error_rate, placed.f_score, placed.localization_recall) == (1, 0, pytest.approx(1))
    assert placed.localization_error == pytest.approx(math.radians(21))


@given(directions, directions)
def test_the_great_circle_is_the_angle_between_vectors(one, other):
    vectors = [SoundEvent(0, "", a.azimuth, a.elevation).vector for a in (one, other)]
    assert apart(one, other) == pytest.approx(
        2 * math.asin(min(1, np.linalg.norm(vectors[0] - vectors[1]) / 2)), abs=1e-7
    )


@given(directions)
def test_what_is_mirrored_is_as_far_to_the_side(one):
    x, y, z = SoundEvent(0, "", one.azimuth, one.elevation).vector
    assert SoundEvent(0, "", mirrored(one).azimuth, one.elevation).vector == pytest.approx([-x, y, z], abs=1e-9)


def test_directions_count_by_how_far_they_are_and_whether_front_and_back_are_confused():
    told = [
        ([Angles(math.radians(12), 0.0)], [Angles(0.0, 0.0)]),
        ([Angles(math.radians(170), None)], [Angles(math.radians(5), 0.3)]),  # confused
        ([], [Angles(1.0, 0.0)]),
        ([Angles(0.5, 0.0)], []),
        ([Angles(2.0, 0.0), Angles(-2.0, 0.0)], [Angles(-2.0, 0.1), Angles(2.0, 0.1)]),
    ]
    scores = direction_scores(told)
    assert (scores.true, scores.told, scores.met) == (5, 5, 4)
    assert scores.within == (2 / 5, 3 / 5, 3 / 5, 3 / 5)
    assert scores.confused == pytest.approx(1 / 4)
    assert max(scores.errors) == math.pi
