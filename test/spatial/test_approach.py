"""Where to stand before what sounds, and which source that is."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.approach import Approach, HeardSource, standing_pose
from gar_ssl_ros.spatial.options import SpatialOptions

places = st.tuples(*[st.floats(-100, 100)] * 3)
answers = st.lists(
    st.dictionaries(st.integers(1, 4), st.one_of(st.just(math.nan), st.floats(0, 1)), max_size=4), max_size=30
)
HOME = (0.0, 0.0, 0.3)


def place_of(identity: int) -> tuple[float, float, float]:
    """Of each source another direction."""
    return 9 * math.cos(identity), 9 * math.sin(identity), 1.0


def followed(approach: Approach, consistencies: dict[int, float], seconds: float) -> int | None:
    """Whom the goal of an answer is of."""
    heard = [HeardSource(name, sure, place_of(name)) for name, sure in consistencies.items()]
    pose = approach.goal(heard, HOME, round(seconds * SECOND))
    return None if pose is None else next(name for name in range(1, 5) if turn_between(name, pose.yaw) < 1e-6)


def turn_between(one: float, other: float) -> float:
    return abs(math.remainder(one - other, math.tau))


@given(places, places, st.floats(0.01, 50))
def test_a_goal_faces_the_source_from_the_distance_to_keep_or_from_where_the_robot_is(robot, source, distance):
    away = math.dist(robot[:2], source[:2])
    assume(away > 1e-3)
    pose = standing_pose(robot, source, distance)
    left = math.dist((pose.x, pose.y), source[:2])
    assert left == pytest.approx(min(distance, away), abs=1e-9)
    assert math.dist((pose.x, pose.y), robot[:2]) + left == pytest.approx(away, abs=1e-9)  # on the line
    assert pose.x + left * math.cos(pose.yaw) == pytest.approx(source[0], abs=1e-9)
    assert pose.y + left * math.sin(pose.yaw) == pytest.approx(source[1], abs=1e-9)


@given(places, places, st.floats(0.01, 50), st.floats(-math.pi, math.pi), places)
def test_a_goal_turns_and_moves_with_its_frame(robot, source, distance, angle, moved):
    assume(math.dist(robot[:2], source[:2]) > 1e-3)

    def seen(x, y, z=0.0):
        c, s = math.cos(angle), math.sin(angle)
        return c * x - s * y + moved[0], s * x + c * y + moved[1], z + moved[2]

    pose, other = standing_pose(robot, source, distance), standing_pose(seen(*robot), seen(*source), distance)
    assert (other.x, other.y) == pytest.approx(seen(pose.x, pose.y)[:2], abs=1e-7)
    assert turn_between(other.yaw, pose.yaw + angle) < 1e-6


@pytest.mark.parametrize("source", [(math.nan, 0.0, 0.0), (math.inf, 0.0, 0.0), (0.0, 0.0, 2.0)])
def test_no_goal_is_invented_for_a_source_that_is_nowhere_or_overhead(source):
    assert standing_pose(HOME, source, 1.0) is None


@given(answers)
def test_whoever_is_followed_is_sure_enough_and_changes_only_for_a_reason(windows):
    approach, before, missed = Approach(1.0, 0.6), None, 0
    for at, sure in enumerate(windows):
        now = followed(approach, sure, at)
        seen = before is not None and sure.get(before, math.nan) >= 0.6
        missed = 0 if seen else missed + 1
        if now is None:
            assert not seen
            continue
        assert sure[now] >= 0.6
        if now != before:
            assert sure[now] == max(value for value in sure.values() if not math.isnan(value))
            assert before is None or missed >= 3 or sure[now] - sure.get(before, math.nan) >= 0.2
            before, missed = now, 0


@pytest.mark.parametrize(
    ("windows", "whom"),
    [
        ([{1: 0.7, 2: 0.65}], [1]),
        ([{1: 0.59}], [None]),
        ([{1: math.nan}], [None]),
        ([{1: 0.7}, {1: 0.65, 2: 0.8}, {1: 0.65, 2: 0.9}], [1, 1, 2]),
        ([{1: 0.7}, {1: 0.4, 2: 0.55}, {1: 0.4, 2: 0.65}], [1, None, 2]),
        ([{1: 0.7}, {2: 0.9}, {2: 0.9}, {2: 0.9}, {1: 0.9, 2: 0.8}], [1, None, None, 2, 2]),
        ([{1: 0.7}, {2: 0.9}, {}, {1: 0.7, 2: 0.8}, {2: 0.9}], [1, None, None, 1, None]),
        ([{1: 0.7}, {}, {}, {}, {2: 0.6}], [1, None, None, None, 2]),
        ([{1: 1.0}, {}, {}, {}, {1: 0.875, 2: 1.0}], [1, None, None, None, 1]),
    ],
)
def test_another_source_takes_over_when_it_is_surer_or_the_first_is_gone(windows, whom):
    approach = Approach(1.0, 0.6)
    assert [followed(approach, window, at) for at, window in enumerate(windows)] == whom


@given(st.lists(st.floats(0, 3), max_size=30))
def test_there_is_at_most_one_goal_a_second(gaps):
    approach, given_at, now = Approach(1.0, 0.6), [], 0.0
    for gap in gaps:
        now += gap
        if followed(approach, {1: 0.9}, now):
            given_at.append(round(now * SECOND))
    assert all(later - sooner >= SECOND for sooner, later in pairwise(given_at))


def test_goals_go_on_when_time_begins_anew_and_wait_for_where_the_robot_is():
    approach = Approach(1.0, 0.6)
    assert followed(approach, {1: 0.9}, 100) == 1
    assert followed(approach, {1: 0.9}, 10) == 1
    assert approach.goal([HeardSource(1, 0.9, place_of(1))], None, 20 * SECOND) is None


@pytest.mark.parametrize("missing", [{"target_frame": ""}, {"depth": "none"}, {"directions": False}])
def test_a_goal_that_could_never_be_known_is_refused(missing):
    asked = {"goal_distance": 1.0, "target_frame": "map", "depth": "image"}
    assert SpatialOptions(**asked).goal_consistency == 0.6
    with pytest.raises(UsageError, match="set target_frame and depth"):
        SpatialOptions(**{**asked, **missing})
