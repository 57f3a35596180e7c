"""One sound that several cameras tell of is one sound, and two are two."""

from __future__ import annotations

import math

from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.fusion import KEEP_ID_NS, MAX_KEPT_IDS, FusedIds, SeenSource, how_far_apart, same_sounds

FRONT, SIDE, NEAR_FRONT = (0.0, 0.0, 0.3), (2.0, -2.0, 0.3), (0.1, 0.0, 0.4)


def seen(camera="front", identity=1, label="speech", consistency=0.8, at=None, origin=None, depth=False, begin=0):
    """A thing at a place as a camera there sees it, with depth or without; of nothing is known where it is at none."""
    known = {}
    if at is not None and origin is not None:
        x, y, z = (place - own for place, own in zip(at, origin, strict=True))
        known = {"bearing": math.atan2(y, x), "elevation": math.atan2(z, math.hypot(x, y)), "origin": origin}
    if depth:
        known["position"] = at
    return SeenSource(camera, identity, label, consistency, begin, begin + 3 * SECOND, **known)


def same(one: SeenSource, other: SeenSource) -> bool:
    return len(same_sounds([one, other])) == 1


def test_at_one_place_it_is_one_sound_whatever_it_is_called():
    one = seen(at=(2.0, 0.0, 0.5), depth=True)
    assert same(one, seen("side", label="female_singing", at=(2.3, 0.4, 0.5), depth=True))
    assert not same(one, seen("side", at=(2.0, 1.0, 0.5), depth=True))


def test_a_place_on_another_camera_s_ray_is_its_sound():
    one, place = seen(at=(2.0, 0.5, 0.5), origin=FRONT, depth=True), (2.0, 0.5, 0.5)
    assert same(one, seen("side", label="tapping", at=place, origin=SIDE))
    assert not same(one, seen("side", at=(2.0, -1.0, 0.5), origin=(2.0, -2.0, 3.0)))


def test_cameras_at_one_place_have_one_ray_to_a_sound():
    one = seen(at=(3.0, 1.0, 0.5), origin=FRONT)
    assert same(one, seen("other", label="music", at=(3.0, 1.0, 0.5), origin=NEAR_FRONT))
    assert not same(one, seen("other", at=(3.0, -1.0, 0.5), origin=NEAR_FRONT))


def test_rays_from_two_places_are_one_sound_where_they_meet_and_it_has_one_name():
    place = (3.0, 1.0, 0.5)
    one = seen(at=place, origin=FRONT)
    assert same(one, seen("side", at=place, origin=SIDE))
    assert not same(one, seen("side", label="music", at=place, origin=SIDE))
    assert not same(one, seen("side", at=(3.0, -6.0, 0.5), origin=SIDE))  # to the other side
    assert not same(one, seen("side", at=(3.0, 1.0, 4.0), origin=SIDE))  # above it
    opposite = (6.0, 2.0, 0.7)  # beyond it, looking back
    assert same(one, seen("opposite", at=place, origin=opposite))
    assert not same(one, seen("behind", at=(-6.0, -2.0, 0.1), origin=(-3.0, -1.0, 0.1)))  # back to back


def test_of_no_place_a_name_at_one_time_is_one_sound():
    assert same(seen(), seen("side"))
    assert not same(seen(), seen("side", label="music"))
    assert not same(seen(), seen("side", begin=3 * SECOND))


def test_what_one_camera_tells_apart_stays_so_and_the_nearest_are_joined():
    here, there = (2.0, 0.0, 0.5), (2.6, 0.0, 0.5)
    ours = [seen("front", 1, at=here, depth=True), seen("front", 2, at=there, depth=True)]
    theirs = [seen("side", 1, at=there, depth=True), seen("side", 2, at=here, depth=True)]
    assert {frozenset((one.camera, one.identity) for one in group) for group in same_sounds(ours + theirs)} == {
        frozenset({("front", 1), ("side", 2)}),
        frozenset({("front", 2), ("side", 1)}),
    }


def test_the_surest_comes_first():
    groups = same_sounds([seen("a", consistency=0.3), seen("b", consistency=0.9), seen("c", label="dog_bark")])
    assert [[one.camera for one in group] for group in groups] == [["b", "a"], ["c"]]


places = st.tuples(*[st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0])] * 3)
anything = st.floats(allow_nan=True, allow_infinity=True)
sources = st.lists(
    st.builds(
        seen,
        st.sampled_from(["a", "b", "c", "d"]),
        st.integers(1, 4),
        st.sampled_from(["speech", "music"]),
        st.floats(0, 1) | st.just(math.nan),
        at=st.none() | places,
        origin=st.none() | places,
        begin=st.sampled_from([0, SECOND, 5 * SECOND]),
    )
    | st.builds(
        SeenSource,
        st.sampled_from(["a", "b"]),
        st.integers(5, 8),
        st.just("speech"),
        anything,
        st.just(0),
        st.just(SECOND),
        st.tuples(anything, anything, anything),
        anything,
        anything,
        st.tuples(anything, anything, anything),
    ),
    max_size=12,
    unique_by=lambda one: (one.camera, one.identity),
)


def told(groups) -> list[list[tuple[str, int]]]:
    return [[(one.camera, one.identity) for one in group] for group in groups]


@given(places, places, places)
def test_whatever_two_cameras_see_it_is_one_sound_as_both_see_it(at, one, other):
    if at not in (one, other):
        assert same(seen("a", at=at, origin=one), seen("b", at=at, origin=other))
        assert same(seen("a", at=at, origin=one, depth=True), seen("b", label="x", at=at, origin=other))


@settings(max_examples=60)
@given(sources.flatmap(lambda given: st.tuples(st.just(given), st.permutations(given))))
def test_the_order_of_arrival_does_not_matter_and_each_source_is_in_one_sound(both):
    given_, shuffled = both
    groups = same_sounds(given_)
    assert told(groups) == told(same_sounds(shuffled))
    assert sorted(key for group in told(groups) for key in group) == sorted(
        (one.camera, one.identity) for one in given_
    )
    for group in groups:
        assert len({one.camera for one in group}) == len(group)
        assert all(how_far_apart(one, other) is not None for one in group for other in group if one is not other)


@settings(max_examples=60)
@given(st.lists(st.tuples(sources, st.integers(0, 6 * SECOND)), max_size=6))
def test_ids_are_unique_and_never_given_to_another(steps):
    ids, now, used = FusedIds(), 0, set()
    for given_, later in steps:
        now += later
        groups = same_sounds(given_)
        found = ids.follow(groups, now)
        assert len(set(found)) == len(groups) <= len(given_)
        fresh = set(found) - used
        assert not used or not fresh or min(fresh) > max(used)
        used |= fresh


def test_a_sound_keeps_its_id_when_a_camera_joins_leaves_and_comes_back():
    ids = FusedIds()
    ours, theirs = seen("front"), seen("side", 7, consistency=0.9)
    assert ids.follow([(ours,)], 0) == (1,)
    assert ids.follow([(theirs, ours)], SECOND) == (1,)
    assert ids.follow([(theirs,)], 2 * SECOND) == (1,)
    assert ids.follow([(ours,), (seen("side", 8),)], 3 * SECOND) == (1, 2)
    assert ids.follow([(theirs, ours), (seen("side", 8),)], 4 * SECOND) == (1, 2)
    assert ids.follow([(ours,)], 5 * SECOND + KEEP_ID_NS) == (3,)


def test_two_sounds_that_turn_out_to_be_one_have_the_older_id():
    ids, ours, theirs = FusedIds(), seen("front"), seen("side")
    assert ids.follow([(theirs,), (ours,)], 0) == (1, 2)
    assert ids.follow([(ours, theirs)], SECOND) == (1,)
    assert ids.follow([(ours,), (theirs,)], 2 * SECOND) == (1, 3)


def test_few_ids_are_kept():
    ids = FusedIds()
    for at in range(MAX_KEPT_IDS + 100):
        ids.follow([(seen(identity=at),)], at)
    assert len(ids._known) == MAX_KEPT_IDS
