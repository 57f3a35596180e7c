"""Directions followed from hop to hop."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.direction import body_of_angles
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.hearing.tracks import KEPT_NS, MAX_TRACKS, DirectionTracker

HOP = SECOND // 2
angles = st.floats(-math.pi, math.pi)
heard = st.lists(st.lists(st.tuples(angles, st.floats(-1.5, 1.5)), max_size=4), max_size=30)


def direction(azimuth: float, elevation: float = 0.0, sd: float = 0.05, known: Known = Known.SPHERE) -> SoundDirection:
    return SoundDirection(body_of_angles(azimuth, elevation), sd, -30.0, 0.9, known)


def apart(one: SoundDirection, azimuth: float) -> float:
    return abs(math.remainder(one.azimuth - azimuth, math.tau))


@given(heard, st.sampled_from(Known))
def test_all_that_is_heard_at_a_time_has_its_own_id_and_a_direction_of_length_1(hops, known):
    tracker = DirectionTracker()
    for at, hop in enumerate(hops):
        given_ = [
            direction(azimuth, elevation if known is Known.SPHERE else 0.0, known=known) for azimuth, elevation in hop
        ]
        told = tracker.follow(given_, at * HOP)
        assert len({one.identity for one in told}) == len(given_)
        assert all(one.identity >= 1 and one.sd <= 0.05 + 1e-9 for one in told)
        assert np.allclose([np.linalg.norm(one.vector) for one in told], 1)


@given(angles, st.floats(-0.3, 0.3), st.integers(0, 2**32 - 1))
def test_a_source_that_walks_around_keeps_its_id_and_is_told_better_than_it_is_heard(start, speed, seed):
    """speed: rad/s, around the half circle behind and through it."""
    random, tracker = np.random.default_rng(seed), DirectionTracker()
    errors = []
    for hop in range(40):
        true = start + speed * hop * 0.5
        (told,) = tracker.follow([direction(true + random.normal(0, 0.05), known=Known.AZIMUTH)], hop * HOP)
        assert told.identity == 1
        errors.append(apart(told, true))
    assert math.sqrt(np.mean(np.square(errors[5:]))) < 0.11


@given(angles, st.integers(0, 2**32 - 1))
def test_a_source_that_stays_is_told_better_than_it_is_heard(where, seed):
    random, tracker = np.random.default_rng(seed), DirectionTracker()
    noise = random.normal(0, 0.1, 60)
    told = [tracker.follow([direction(where + off, sd=0.1)], hop * HOP)[0] for hop, off in enumerate(noise)]
    assert np.mean([apart(one, where) ** 2 for one in told[10:]]) < np.mean(np.square(noise[10:]))


def test_two_sources_keep_their_ids_whichever_is_louder():
    tracker = DirectionTracker()
    for hop in range(10):
        both = [direction(0.5), direction(-0.9)]
        told = tracker.follow(both[:: 1 if hop % 2 else -1], hop * HOP)
        assert {one.identity: round(one.azimuth, 2) for one in told} == {1: -0.9, 2: 0.5}


def test_a_pause_keeps_an_id_and_a_long_one_or_time_that_jumps_gives_it_up():
    tracker = DirectionTracker()

    def identity(stamp: int) -> int:
        return tracker.follow([direction(1.0)], stamp)[0].identity

    assert identity(0) == 1
    tracker.follow([], HOP)
    assert identity(2 * HOP) == 1
    assert identity(2 * HOP + KEPT_NS + HOP) == 2
    assert identity(0) == 3  # a bag that begins anew
    assert identity(3600 * SECOND) == 4


def test_no_more_tracks_are_kept_than_a_robot_can_use():
    tracker = DirectionTracker()
    for hop in range(200):
        tracker.follow([direction(hop * 2.399, math.asin(math.sin(hop)))], hop)
    assert len(tracker._tracks) <= MAX_TRACKS
