"""What the weighing of candidates promises of faces: order among those that were judged and those that were not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.perception.makers import By, Group, Heard
from gar_ssl_ros.reasoners.senses.candidates import Candidate
from gar_ssl_ros.reasoners.senses.weighing import Evidence, Weighed, weigh

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
