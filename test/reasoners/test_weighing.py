"""What the weighing of candidates promises: who may be the source at all, and who comes before whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.perception.makers import By, Group, Heard
from gar_ssl_ros.reasoners.senses.candidates import INSTRUMENT, Candidate
from gar_ssl_ros.reasoners.senses.weighing import Evidence, Weighed, moves_count, nameless_may, weigh

VOICE = Heard(Group(name="voice", by=By.VOICE, seen=("face",), sounds=("speech",), only=True), 0.9, "speech")
UNSURE, UNJUDGED = Candidate("face", Box(0, 0, 9, 9), 0.5), Candidate("face", Box(20, 0, 29, 9), 0.99)


@given(st.floats(0, 1), st.floats(0, 1))
def test_in_a_crowd_a_face_that_nobody_judged_never_comes_before_one_that_was(lips, timing):
    weighed = weigh([VOICE], [UNSURE, UNJUDGED], [Evidence(0.0, (lips, 1.0)), Evidence(timing)])
    assert all(one.candidate is UNSURE for one in weighed)


def test_where_no_face_can_be_judged_any_may_speak():
    weighed = weigh([VOICE], [UNSURE, UNJUDGED], [Evidence(0.0), Evidence(0.0)])
    assert [one.candidate for one in weighed] == [UNJUDGED, UNSURE]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5), st.floats(0, 1))
def test_the_consistencies_of_the_faces_for_a_voice_add_up_to_one_at_most(shares, anybody):
    total = max(sum(shares), 1e-9)
    lips = [(anybody * share / total, share / total) for share in shares]
    said = [Weighed(UNSURE, VOICE, 0.5, Evidence(0.0, one)).likelihood for one in lips]
    assert min(said) >= 0
    assert sum(said) <= 1 + 1e-9


CRY = Heard(Group(name="cry", by=By.FACE, seen=("face", "person"), sounds=("crying",), only=True), 0.95, "crying")
WORK = Heard(Group(name="work", by=By.HANDS, seen=("person",), sounds=("knock",)), 0.9, "knock")
DOG = Heard(Group(name="dog", by=By.ITSELF, seen=("dog",), sounds=("bark",)), 0.9, "bark")
HANDS = Candidate("moving", Box(40, 40, 60, 60), 0.7, strength=15.0)
DRUMMER = Candidate("person", Box(30, 0, 70, 60), 0.7)


def support(heard: Heard, candidate: Candidate, does: Evidence, *beside: Candidate) -> float:
    weighed = weigh([heard], [candidate, *beside], [does, *(Evidence(0.0) for _ in beside)])
    return max((one.support for one in weighed if one.candidate is candidate), default=0.0)


def test_who_cries_and_moves_with_it_counts_though_the_lips_are_not_a_voice_s():
    still, moves = (support(CRY, UNSURE, Evidence(timing, (0.01, 1.0))) for timing in (0.0, 0.8))
    assert moves > 0.4 > 0.1 > still


@pytest.mark.parametrize(("heard", "beside"), [(WORK, [DRUMMER]), (DOG, [])])
def test_what_moves_out_of_time_is_hardly_taken_for_hands_at_work_or_for_a_dog_that_no_detector_saw(heard, beside):
    idle, timed = (support(heard, HANDS, Evidence(timing), *beside) for timing in (0.05, 0.9))
    assert timed > 5 * idle


def test_hands_that_move_as_much_as_a_drummer_s_need_no_timing():
    drums = Candidate("moving", HANDS.box, HANDS.sure, strength=80.0)
    assert support(WORK, drums, Evidence(0.0), DRUMMER) > 0.5


@pytest.mark.parametrize(("sure", "counts"), [(0.45, True), (0.8, False)])
def test_only_a_thing_that_is_surely_something_else_is_ruled_out(sure, counts):
    kit = Candidate("motorcycle", Box(0, 0, 90, 90), sure)
    assert (support(WORK, HANDS, Evidence(0.9), DRUMMER, kit) > 0) is counts


def test_the_consistency_of_what_moves_is_never_that_of_a_known_thing_that_moves_in_time():
    (known,) = weigh([DOG], [Candidate("dog", Box(0, 0, 9, 9), 0.9)], [Evidence(1.0)])
    (moving, *_) = weigh([WORK], [HANDS, DRUMMER], [Evidence(1.0), Evidence(0.0)])
    assert moving.likelihood < known.likelihood


KNOWN = [UNSURE, UNJUDGED, DRUMMER, Candidate("dog", Box(0, 0, 9, 9), 0.9)]
NAMELESS = [HANDS, Candidate("in time", HANDS.box, 0.9)]
SOUNDS = st.permutations([VOICE, CRY, WORK, DOG]).map(lambda all_of_them: all_of_them[:2])


@given(SOUNDS, st.floats(0.05, 1), st.floats(0.05, 1), st.lists(st.sampled_from(KNOWN), unique=True), st.floats(0, 1))
def test_what_is_not_looked_for_would_not_have_counted(sounds, more, less, known, timing):
    heard = [Heard(one.group, share, one.sound) for one, share in zip(sounds, (more, less * more), strict=True)]
    candidates = [*known, *NAMELESS]
    moved, still = (weigh(heard, candidates, [Evidence(does)] * len(candidates)) for does in (timing, 0.0))
    if not nameless_may(heard, known):
        assert all(one.candidate in known for one in moved)
    for candidate in known:
        if not moves_count(heard, candidate):
            both = ([one.support for one in found if one.candidate is candidate] for found in (moved, still))
            assert next(both) == next(both)


BLAST = Heard(Group(name="blast", by=By.ITSELF, seen=(), sounds=("explosion",)), 0.9, "explosion")
DRUM = Heard(Group(name="instrument", by=By.HANDS, seen=("drum", "person"), sounds=("drum",), played=True), 0.9, "drum")
CROWD = Heard(Group(name="crowd", by=By.ALL, seen=("person",), sounds=("applause",)), 0.9, "applause")
UNCLEAR = Heard(WORK.group, 0.3, "knock")
KIT = Candidate(INSTRUMENT, Box(35, 30, 65, 60), 0.9)
TIMED = Candidate("in time", HANDS.box, 0.9)


@pytest.mark.parametrize(("heard", "beside"), [(WORK, [DRUMMER]), (BLAST, [])])
def test_what_moves_at_an_instrument_plays_it_and_does_nothing_else(heard, beside):
    assert support(heard, HANDS, Evidence(0.9), *beside) > 0.3
    assert support(heard, HANDS, Evidence(0.9), *beside, KIT) == 0
    assert support(DRUM, HANDS, Evidence(0.9), *beside, KIT) > 0.2


@pytest.mark.parametrize("heard", [DRUM, DOG])
def test_a_maker_that_would_have_been_seen_is_hardly_whatever_moves_in_time(heard):
    nobody_sees_it = Heard(heard.group.model_copy(update={"seen": ()}), heard.share, heard.sound)
    assert 0 < support(heard, TIMED, Evidence(1.0)) < 0.3 * support(nobody_sees_it, TIMED, Evidence(1.0))
    elsewhere = Candidate(INSTRUMENT, Box(0, 0, 9, 9), 0.9)
    barks = heard is DOG  # which no instrument does
    assert (support(heard, TIMED, Evidence(1.0), elsewhere) == support(heard, TIMED, Evidence(1.0))) is barks


def test_at_an_instrument_that_is_seen_what_moves_in_time_counts_whole():
    whole = Heard(DRUM.group.model_copy(update={"seen": ()}), DRUM.share, DRUM.sound)
    for kit in (KIT, Candidate("drum", KIT.box, 0.9)):
        assert support(DRUM, TIMED, Evidence(1.0), kit) == support(whole, TIMED, Evidence(1.0))


@pytest.mark.parametrize(("people", "counts"), [(1, False), (2, False), (3, True), (9, True)])
def test_applause_is_of_many_and_of_nothing_that_moves(people, counts):
    crowd = [Candidate("person", Box(20 * i, 0, 20 * i + 9, 30), 0.9) for i in range(people)]
    assert (support(CROWD, crowd[0], Evidence(0.2), *crowd[1:]) > 0.3) is counts
    assert support(CROWD, TIMED, Evidence(1.0), *crowd) == 0


def test_a_sound_without_a_name_is_of_what_moves_in_time_but_of_no_face():
    face = Candidate("face", TIMED.box, 0.9)
    assert support(UNCLEAR, TIMED, Evidence(1.0)) > 0.3
    assert support(UNCLEAR, TIMED, Evidence(1.0), face) == 0


@pytest.mark.parametrize(("sure", "counts"), [(0.2, False), (0.4, True)])
def test_what_is_hardly_seen_at_all_makes_nothing(sure, counts):
    assert (support(DOG, Candidate("dog", Box(0, 0, 9, 9), sure), Evidence(1.0)) > 0.3) is counts
