"""Who speaks: ids stay with who they are, and faces and bodies are matched where they are seen."""

from __future__ import annotations

from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Sighting
from gar_ssl_ros.perception.tags import names
from gar_ssl_ros.work.voices import (
    BODY,
    FACE,
    KEEP_NS,
    MAX_VOICES,
    HeardVoice,
    Human,
    Match,
    VoiceTracker,
    humans_of,
    is_voice,
)

HEAD, TORSO = Box(100, 100, 160, 180), Box(80, 90, 200, 400)
OTHER_HEAD = Box(400, 100, 460, 180)
ANN, BEN = Human(FACE, "ann", HEAD), Human(FACE, "ben", OTHER_HEAD)


def tracker() -> VoiceTracker:
    ids = count(1)
    return VoiceTracker(lambda: f"v{next(ids)}")


def voice(source: int = 1, box: Box = HEAD, consistency: float = 0.8, detection: str = "") -> HeardVoice:
    return HeardVoice(source, box, consistency, detection)


def ids(who: VoiceTracker) -> list[str]:
    return [one.id for one in who.voices]


def test_a_face_in_the_box_and_a_body_around_it_are_the_voice_s():
    matches = tracker().hear([voice()], [ANN, BEN, Human(BODY, "trunk", TORSO)], 0, True)
    assert matches == [Match("v1", FACE, "ann", 0.8), Match("v1", BODY, "trunk", 0.8)]


def test_two_faces_in_a_voice_s_box_share_the_likelihood_unless_the_robot_says_which():
    both = Box(0, 0, 640, 480)
    told = tracker().hear([voice(box=both)], [ANN, BEN], 0, True)
    assert {one.human: one.likelihood for one in told} == pytest.approx({"ann": 0.4, "ben": 0.4})
    assert tracker().hear([voice(box=both, detection="ben")], [ANN, BEN], 0, True) == [Match("v1", FACE, "ben", 0.8)]


def test_a_face_that_moves_across_the_picture_keeps_its_voice():
    who = tracker()
    who.hear([voice(1)], [ANN], 0, True)
    who.hear([voice(2, OTHER_HEAD)], [Human(FACE, "ann", OTHER_HEAD)], SECOND, True)
    assert ids(who) == ["v1"]


def test_a_face_that_is_lost_and_found_under_another_id_keeps_its_voice_by_its_place():
    who = tracker()
    who.hear([voice(1)], [ANN], 0, True)
    told = who.hear([voice(1)], [Human(FACE, "ann2", HEAD)], SECOND, True)
    assert told == [Match("v1", FACE, "ann", 0.0), Match("v1", FACE, "ann2", 0.8)]
    assert ids(who) == ["v1"]


def test_who_speaks_where_another_spoke_who_is_still_there_has_another_voice():
    who = tracker()
    who.hear([voice(1)], [ANN], 0, True)
    who.hear([voice(1)], [Human(FACE, "ann", OTHER_HEAD), Human(FACE, "ben", HEAD)], SECOND, True)
    assert ids(who) == ["v1", "v2"]
    assert [one.speaking for one in who.voices] == [False, True]


def test_of_two_voices_for_one_face_the_surer_has_it_and_it_is_said():
    who = tracker()
    told = who.hear([voice(1, consistency=0.5), voice(2, TORSO, 0.9)], [ANN], 0, True)
    assert told == [Match("v2", FACE, "ann", 0.9)]
    assert who.problem == "two voices for the face ann: v2, the surer, has it"
    who.hear([voice(2, TORSO, 0.9)], [ANN], SECOND, True)
    assert who.problem == ""


def test_who_is_still_is_so_only_where_that_is_known_and_gone_after_a_while():
    who = tracker()
    who.hear([voice()], [ANN], 0, True)
    assert who.hear([], [ANN], SECOND, False) == []
    assert who.voices[0].speaking
    assert who.hear([], [ANN], 2 * SECOND, True) == []
    assert not who.voices[0].speaking
    assert who.hear([], [ANN], KEEP_NS + 1, False) == [Match("v1", FACE, "ann", 0.0)]
    assert ids(who) == []
    who.hear([voice()], [ANN], KEEP_NS + SECOND, True)
    assert ids(who) == ["v2"]


def test_a_face_that_is_tracked_no_more_is_matched_no_more():
    who = tracker()
    who.hear([voice()], [ANN], 0, True)
    assert who.hear([], [Human(FACE, "ann", None)], SECOND, True) == []  # tracked, and not seen in this window
    assert who.hear([], [], 2 * SECOND, True) == [Match("v1", FACE, "ann", 0.0)]


def test_to_forget_ends_every_match():
    who = tracker()
    who.hear([voice()], [ANN], 0, True)
    assert who.forget() == [Match("v1", FACE, "ann", 0.0)]
    assert ids(who) == []


def test_only_what_is_tracked_counts_as_a_human():
    sightings = [Sighting("person", 0.9, (0, 0, 9, 9), "3"), Sighting("face", 0.9, (1, 1, 2, 2), "abc")]
    assert humans_of({"face": ["abc", "def"], "person": []}, sightings) == [
        Human(FACE, "abc", Box(1, 1, 2, 2)),
        Human(FACE, "def", None),
    ]


places = st.integers(0, 5).map(lambda at: Box(100 * at, 0, 100 * at + 80, 80))
answers = st.lists(
    st.tuples(
        st.lists(
            st.builds(HeardVoice, st.integers(1, 40), places, st.floats(0, 1) | st.just(float("nan"))),
            max_size=16,
            unique_by=lambda one: one.source,
        ),
        st.lists(
            st.builds(Human, st.sampled_from([FACE, BODY]), st.sampled_from("abcdef"), st.none() | places),
            max_size=8,
            unique_by=lambda one: one.key,
        ),
        st.integers(0, 4 * SECOND),
        st.booleans(),
    ),
    max_size=8,
)


@settings(max_examples=50)
@given(answers)
def test_voices_are_few_a_human_has_one_and_each_match_that_was_told_is_ended(answers):
    who, standing, now = tracker(), {}, 0
    for heard, humans, later, known in answers:
        now += later
        for match in who.hear(heard, humans, now, known):
            assert 0.0 <= match.likelihood <= 1.0
            standing[(match.voice, match.kind, match.human)] = match.likelihood
        assert len(who.voices) <= MAX_VOICES
        assert len(set(ids(who))) == len(who.voices)
        assert sum(one.speaking and one.heard == now for one in who.voices) >= len(heard)
        held = {(one.id, *key) for one in who.voices for key in one.matches}
        assert held == {key for key, likelihood in standing.items() if likelihood > 0}
        assert len({key[1:] for key in held}) == len(held)
    for match in who.forget():
        standing[(match.voice, match.kind, match.human)] = match.likelihood
    assert not any(standing.values())


def test_a_voice_is_what_audioset_and_a_model_would_call_one():
    mouths = {"speech", "conversation", "narration, monologue", "child speech, kid speaking", "whispering", "singing"}
    assert {name for name in names() if is_voice(name)} >= mouths
    for label in ("man_speaking", "A woman's voice", "people talking", "child_singing", "Speech"):
        assert is_voice(label)
    for label in (
        "dog_bark",
        "music",
        "singing bowl",
        "bird vocalization, bird call, bird song",
        "",
        "engine",
        "speaker",
    ):
        assert not is_voice(label)
