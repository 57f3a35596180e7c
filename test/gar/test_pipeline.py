"""The pipeline over a reasoner that says what each test wants, wild things included."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Timer
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box, Delta, Expand, Recenter
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import gate, localize
from gar_ssl_ros.gar.reasoner import Fallback, Unavailable, Unparseable
from gar_ssl_ros.gar.stages import (
    AnchorVote,
    AudioLabel,
    Consensus,
    Failure,
    Location,
    Refinement,
    Trial,
    Unseen,
)
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Sighting, Window

OFF_SCREEN = Unseen(off_screen=True, reason="three faces in view are still")
UNSURE = Unseen(off_screen=False, reason="the one face in view is turned away")
GOOD = Trial(0.9, ("hand",), (), True)
DOUBT = Trial(0.2, ("hand",), (), False)


@dataclass
class Scripted:
    """Answers each stage with what it was made with; an exception is raised."""

    sound: Any = AudioLabel("violin", 0.9)
    locations: Any = (Location((10, 10, 50, 50), "a violin"),)
    trials: Any = (GOOD,) * 5
    refinement: Any = Refinement((12, 12, 52, 52), True, None, "Moved a little.")
    asked: list[str] = field(default_factory=list)
    closed: bool = False
    name: str = "scripted"
    model: str | None = None

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Scripted]:
        try:
            yield self
        finally:
            self.closed = True

    def classify(self) -> AudioLabel:
        return self._say("classify", self.sound)

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        return self._say("locate", self.locations)

    def analyze(self, hypotheses: Sequence[Any], trials: int) -> Any:
        answer = self._say("analyze", self.trials)
        return [tuple(answer[i % len(answer)] for i in range(trials)) for _ in hypotheses]

    def refine(self, cases: Sequence[Any]) -> Any:
        return [self._say("refine", self.refinement) for _ in cases]

    def _say(self, stage: str, answer: Any) -> Any:
        self.asked.append(stage)
        if callable(answer):
            return answer()
        if isinstance(answer, BaseException):
            raise answer
        return answer


def window(width: int = 100, height: int = 80, audio: Audio | str | None = "noise") -> Window:
    if audio == "noise":
        samples = np.random.default_rng(0).normal(0, 0.1, (1, 16_000)).astype(np.float32)
        audio = Audio(0, samples, 16_000)
    assert not isinstance(audio, str)
    return Window(0, SECOND, (Frame(SECOND // 2, np.zeros((height, width, 3), np.uint8)),), audio)


def final(reasoner: Scripted, options: GarOptions | None = None, **kind: Any) -> Localization:
    steps = list(localize(window(**kind), reasoner, options))
    assert [step.stage for step in steps[:-1]] == [Stage.INITIAL] * (len(steps) - 1)
    assert steps[-1].stage is Stage.FINAL
    return steps[-1]


def test_a_good_initial_box_stands():
    reasoner = Scripted()
    found = final(reasoner)
    assert found.outcome is Outcome.LOCALIZED
    (source,) = found.sources
    assert source.box == source.initial_box == Box(10, 10, 50, 50)
    assert (source.label, source.audio_confidence, source.av_consistency) == ("violin", 0.9, pytest.approx(0.9))
    assert source.refined is False
    assert reasoner.asked == ["classify", "locate", "analyze"]
    assert reasoner.closed


def test_the_initial_box_is_handed_out_before_the_analysis_is_asked():
    reasoner = Scripted()
    steps = localize(window(), reasoner)
    first = next(steps)
    assert (first.stage, first.outcome) == (Stage.INITIAL, Outcome.LOCALIZED)
    assert first.sources[0].box == Box(10, 10, 50, 50)
    assert first.sources[0].av_consistency is None
    assert reasoner.asked == ["classify", "locate"]
    list(steps)


@pytest.mark.parametrize(
    ("sound", "trials"),
    [
        (AudioLabel("violin", 0.7), (GOOD,)),  # s_aud below 0.75
        (AudioLabel("violin", 0.9), (Trial(0.4, (), (), True),)),  # S_av below 0.5
        (AudioLabel("violin", 0.9), (Trial(0.9, (), (), False),)),  # no keep
    ],
)
def test_each_condition_of_the_gate_alone_sends_the_box_to_refinement(sound, trials):
    found = final(Scripted(sound=sound, trials=trials))
    assert found.sources[0].box == Box(12, 12, 52, 52)
    assert found.sources[0].initial_box == Box(10, 10, 50, 50)
    assert found.sources[0].refined is True
    assert found.cases[0].kept is False


def test_the_gate_is_inclusive():
    exactly = Consensus(0.5, (), (), True, 5, 0)
    assert gate(exactly, AudioLabel("a", 0.75), GarOptions())
    assert not gate(exactly, AudioLabel("a", math.nan), GarOptions())


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Refinement((12, 12, 52, 52), False, None, ""), (10, 10, 50, 50)),  # changed = false restores
        (Refinement(None, True, Delta(dx=2, db=3), ""), (12, 10, 52, 53)),
        (Refinement((math.nan,) * 4, True, Expand(2), ""), (8, 8, 52, 52)),
        (Refinement(None, True, Recenter(32, 31), ""), (12, 11, 52, 51)),
        (Refinement(None, True, None, ""), (10, 10, 50, 50)),
        (Refinement((0, 0, 100, 80), True, None, ""), (4, 4, 56, 56)),  # max_delta of 100 x 80 is 6
    ],
)
def test_what_becomes_of_a_refinement_s_reply(reply, expected):
    found = final(Scripted(trials=(DOUBT,), refinement=reply))
    assert found.sources[0].box.sides == expected


def test_a_reasoner_s_own_mask_stays_as_long_as_its_box_does():
    pixels = np.zeros((120, 160), np.bool_)
    pixels[10:50, 10:50] = True
    located = (Location((10, 10, 50, 50), "a violin", mask=Mask(pixels)),)
    size = (80, 100)
    right = replace(located[0], mask=Mask(np.ones(size, np.bool_)))
    assert final(Scripted(locations=(right,))).sources[0].mask == right.mask
    assert final(Scripted(locations=(right,), trials=(DOUBT,))).sources[0].mask is None  # its box was refined
    kept = Refinement((12, 12, 52, 52), False, None, "As it was.")
    assert final(Scripted(locations=(right,), trials=(DOUBT,), refinement=kept)).sources[0].mask == right.mask
    assert final(Scripted(locations=located)).sources[0].mask is None  # it is of another size
    nothing = replace(right, mask=Mask(np.zeros(size, np.bool_)))
    assert final(Scripted(locations=(nothing,))).sources[0].mask is None


def test_without_analysis_every_box_is_refined_and_without_refinement_none_is():
    reasoner = Scripted()
    found = final(reasoner, GarOptions(analysis=False))
    assert reasoner.asked == ["classify", "locate", "refine"]
    assert found.sources[0].box == Box(12, 12, 52, 52)
    assert found.sources[0].av_consistency is None
    assert found.cases[0].kept is None

    reasoner = Scripted(trials=(DOUBT,))
    found = final(reasoner, GarOptions(refinement=False))
    assert reasoner.asked == ["classify", "locate", "analyze"]
    assert found.sources[0].box == Box(10, 10, 50, 50)
    assert found.cases[0].kept is False

    reasoner = Scripted()
    found = final(reasoner, GarOptions(analysis=False, refinement=False))
    assert reasoner.asked == ["classify", "locate"]
    assert found.sources[0].box == Box(10, 10, 50, 50)


def test_several_sources_go_through_the_stages_each_on_its_own():
    locations = (
        Location((0, 0, 20, 20), "a", AudioLabel("drum", 0.9), 0.7),
        Location((50, 40, 90, 70), "b", AudioLabel("flute", 0.3), 0.3),
        Location((0, 0, 5, 5), "one more than asked for"),
    )
    found = final(Scripted(locations=locations), GarOptions(sources=2))
    assert [source.label for source in found.sources] == ["drum", "flute"]
    assert [case.kept for case in found.cases] == [True, False]
    assert [source.share for source in found.sources] == [0.7, 0.3]


@pytest.mark.parametrize(
    ("reasoner", "outcome", "asked"),
    [
        (Scripted(sound=AudioLabel("silence", 1.0)), Outcome.SILENT, ["classify"]),
        (Scripted(locations=OFF_SCREEN), Outcome.OFF_SCREEN, ["classify", "locate"]),
        (Scripted(locations=UNSURE), Outcome.UNCERTAIN, ["classify", "locate"]),
        (Scripted(locations=()), Outcome.UNCERTAIN, ["classify", "locate"]),
        (Scripted(locations=Unparseable("no JSON")), Outcome.UNPARSEABLE, ["classify", "locate"]),
        (Scripted(locations=(Location((1, 1, 1, math.nan), ""),)), Outcome.UNPARSEABLE, ["classify", "locate"]),
        (Scripted(trials=(Failure("cut off"),)), Outcome.UNPARSEABLE, ["classify", "locate", "analyze"]),
        (Scripted(trials=(DOUBT,), refinement=Failure("no")), Outcome.UNPARSEABLE,
         ["classify", "locate", "analyze", "refine"]),
        (Scripted(trials=RuntimeError("the GPU is gone")), Outcome.BACKEND_ERROR, ["classify", "locate", "analyze"]),
    ],
)  # fmt: skip
def test_a_failure_is_an_outcome_and_never_looks_like_a_box(reasoner, outcome, asked):
    found = final(reasoner)
    assert (found.outcome, found.sources) == (outcome, ())
    assert reasoner.asked == asked
    assert found.detail
    assert reasoner.closed


@pytest.mark.parametrize("unseen", [OFF_SCREEN, UNSURE])
def test_where_no_place_is_named_the_reasoner_s_reason_and_what_is_heard_are_told(unseen):
    found = final(Scripted(locations=unseen))
    assert (found.detail, found.cases, found.sound) == (unseen.reason, (), AudioLabel("violin", 0.9))


def test_nothing_located_without_a_word_claims_nothing_and_is_no_failure():
    found = final(Scripted(locations=()))
    assert found.detail == "nothing was located, and nothing was said of why"
    assert not found.outcome.failed
    assert not found.outcome.conclusive


def test_only_what_says_what_is_there_is_conclusive():
    assert {outcome for outcome in Outcome if outcome.conclusive or outcome.failed} == {*Outcome} - {Outcome.UNCERTAIN}
    assert not [outcome for outcome in Outcome if outcome.conclusive and outcome.failed]


def test_where_the_first_reasoner_is_uncertain_the_second_is_not_asked():
    spare = Scripted(name="spare")
    (found,) = localize(window(), Fallback(Scripted(locations=UNSURE), spare))
    assert (found.outcome, spare.asked) == (Outcome.UNCERTAIN, [])


def test_what_a_failed_window_had_found_out_is_kept():
    found = final(Scripted(trials=RuntimeError("the GPU is gone")))
    assert found.detail == "RuntimeError: the GPU is gone"
    assert found.sound == AudioLabel("violin", 0.9)
    assert found.cases[0].hypothesis is not None
    assert found.timing.locate is not None
    assert found.timing.refine is None


def test_one_bad_location_does_not_take_the_good_one_with_it():
    locations = (Location((math.inf, 0, 1, 1), "bad"), Location((10, 10, 50, 50), "good"))
    found = final(Scripted(locations=locations), GarOptions(sources=2))
    assert found.outcome is Outcome.LOCALIZED
    assert [source.description for source in found.sources] == ["good"]
    assert "1 of 2 located sources dropped" in found.detail


def test_no_reasoner_is_asked_about_silence():
    for audio in (None, Audio(0, np.zeros((2, 16_000), np.float32), 16_000)):
        reasoner = Scripted()
        assert final(reasoner, audio=audio).outcome is Outcome.SILENT
        assert reasoner.asked == []


def test_a_window_whose_sound_is_mostly_lost_is_a_failure_and_not_silence():
    broken = window()
    lost = Window(broken.start, broken.end, broken.frames, broken.audio, audio_gap=SECOND * 6 // 10)
    (found,) = localize(lost, Scripted())
    assert found.outcome is Outcome.BACKEND_ERROR
    assert "0.6 s of 1.0 s of sound are missing" in found.detail


def test_a_deadline_ends_a_window_and_keeps_what_is_known():
    slow = Scripted(locations=lambda: (time.sleep(0.1), (Location((10, 10, 50, 50), "late"),))[1])
    steps = list(localize(window(), slow, deadline=Deadline(0.05)))
    assert steps[-1].outcome is Outcome.TIMEOUT
    assert steps[-1].sources == ()
    assert steps[-1].cases[0].hypothesis is not None
    assert slow.closed


def test_a_cancelled_window_raises_and_frees_what_it_held():
    deadline = Deadline()
    slow = Scripted(locations=lambda: (time.sleep(0.2), (Location((10, 10, 50, 50), "late"),))[1])
    Timer(0.05, deadline.cancel).start()
    with pytest.raises(Cancelled):
        list(localize(window(), slow, deadline=deadline))
    assert slow.closed


def test_leaving_off_midway_frees_what_the_reasoner_held():
    reasoner = Scripted()
    steps = localize(window(), reasoner)
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    assert reasoner.closed


@pytest.mark.parametrize(
    "wrong", [{"trials": 0}, {"sources": 0}, {"tau_av": 1.1}, {"tau_aud": -0.1}, {"tau_av": math.nan}]
)
def test_options_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        GarOptions(**wrong)


anything = st.floats(allow_nan=True, allow_infinity=True)
sides = st.tuples(anything, anything, anything, anything)
labels = st.builds(AudioLabel, st.text(max_size=8), anything)
anchors = st.builds(AnchorVote, st.text(max_size=8), anything, st.none() | st.tuples(anything, anything))
wild_trials = st.builds(Trial, anything, st.tuples(st.text(max_size=8)), st.tuples(anchors), st.booleans())
operations = st.builds(Delta, *[anything] * 6) | st.builds(Expand, anything) | st.builds(Recenter, anything, anything)
refinements = st.builds(
    Refinement, st.none() | st.lists(anything, max_size=5), st.booleans(), st.none() | operations, st.text(max_size=8)
)


@given(
    sound=labels,
    locations=st.lists(
        st.builds(Location, sides, st.text(max_size=8), st.none() | labels, st.none() | anything), max_size=4
    ),
    trials=st.lists(wild_trials | st.builds(Failure, st.text(max_size=8)), min_size=1, max_size=5),
    refinement=refinements | st.builds(Failure, st.text(max_size=8)),
    size=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    count=st.integers(1, 3),
)
def test_no_reply_however_wild_yields_a_box_outside_the_image_or_a_crash(
    sound, locations, trials, refinement, size, count
):
    reasoner = Scripted(sound, locations, trials, refinement)
    for step in localize(window(*size), reasoner, GarOptions(sources=count)):
        assert step.outcome is not Outcome.BACKEND_ERROR, step.detail
        assert len(step.sources) <= count
        for source in step.sources:
            for box in (source.box, source.initial_box):
                assert 0 <= box.x1 < box.x2 <= size[0]
                assert 0 <= box.y1 < box.y2 <= size[1]
            assert 0 <= source.audio_confidence <= 1
            assert source.av_consistency is None or 0 <= source.av_consistency <= 1


def test_where_the_first_reasoner_fails_the_second_answers_and_is_named():
    broken = Scripted(trials=RuntimeError("the GPU fell off the bus"), name="broken", model="big")
    steps = list(localize(window(), Fallback(broken, Scripted(name="spare"))))
    assert [step.reasoner for step in steps] == ["broken", "spare", "spare"]
    assert [step.instead_of and step.instead_of.reasoner for step in steps] == [None, "broken", "broken"]
    last = steps[-1]
    assert (last.outcome, last.stage, last.model) == (Outcome.LOCALIZED, Stage.FINAL, None)
    assert (
        last.detail == "broken failed (BACKEND_ERROR: RuntimeError: the GPU fell off the bus); spare answered instead"
    )


def test_where_the_first_reasoner_answers_the_second_is_not_asked():
    spare = Scripted(name="spare")
    steps = list(localize(window(), Fallback(Scripted(name="first"), spare)))
    assert {step.reasoner for step in steps} == {"first"}
    assert spare.asked == []


def test_where_both_fail_it_is_the_first_one_s_failure():
    broken = Scripted(trials=RuntimeError("the GPU fell off the bus"), name="broken", model="big")
    *_, last = localize(window(), Fallback(broken, Scripted(locations=Unparseable("no JSON"), name="spare")))
    assert (last.outcome, last.reasoner, last.instead_of) == (Outcome.BACKEND_ERROR, "broken", None)


def test_the_second_reasoner_answers_after_the_deadline_too_but_not_after_a_cancel():
    slow = Scripted(sound=lambda: time.sleep(0.1) or AudioLabel("violin", 0.9), name="slow")
    *_, last = localize(window(), Fallback(slow, Scripted(name="spare")), deadline=Deadline(0.05))
    assert (last.reasoner, last.outcome) == ("spare", Outcome.LOCALIZED)
    assert "longer than its deadline" in last.detail
    deadline = Deadline()
    deadline.cancel()
    with pytest.raises(Cancelled):
        list(localize(window(), Fallback(slow, Scripted()), deadline=deadline))
    with pytest.raises(Cancelled):
        deadline.without_limit().check()


def test_a_reasoner_that_could_not_be_had_fails_with_its_sentence_and_no_traceback(caplog):
    missing = Unavailable("omni", "big", "big is not there: fetch it")
    found = final(missing)
    assert (found.outcome, found.detail) == (Outcome.BACKEND_ERROR, "big is not there: fetch it")
    assert (found.reasoner, found.model) == ("omni", "big")
    assert caplog.records == []


@pytest.mark.parametrize(("damaged", "outcome"), [(2, Outcome.OFF_SCREEN), (3, Outcome.BACKEND_ERROR)])
def test_nothing_seen_in_damaged_pictures_is_no_claim_that_nothing_is_there(damaged, outcome):
    frames = tuple(Frame(i * SECOND // 10, np.zeros((80, 100, 3), np.uint8), damaged=i < damaged) for i in range(10))
    heard = Window(0, SECOND, frames, Audio(0, np.full((1, 16_000), 0.3, np.float32), 16_000))
    *_, found = localize(heard, Scripted(locations=OFF_SCREEN))
    assert found.outcome is outcome
    if outcome.failed:
        assert found.detail == "0.3 s of 1.0 s show damaged pictures: that nothing was found in them proves nothing"
    *_, found = localize(heard, Scripted(locations=UNSURE))
    assert found.outcome is Outcome.UNCERTAIN  # it claims nothing that they could hide
    *_, found = localize(heard, Scripted())
    assert found.outcome is Outcome.LOCALIZED  # what is seen in them is seen


@pytest.mark.parametrize(
    ("sides", "name"),
    [((12, 12, 52, 52), "a"), ((12, 12, 52, 72), "a"), ((52, 12, 92, 52), ""), ((0, 0, 400, 400), "")],
)
def test_a_source_is_what_the_robot_s_own_detector_saw_there(sides, name):
    seen = (Sighting("dog", 0.9, (1.0, 1.0, 5.0, 5.0), "far"), Sighting("dog", 0.9, sides, "a"), Sighting("", 0, sides))
    found = list(localize(replace(window(), sightings=seen), Scripted()))
    assert [source.id for answer in found for source in answer.sources] == [name] * len(found)


def test_the_reasoner_s_own_word_on_which_it_is_counts():
    seen = (Sighting("dog", 0.9, (10.0, 10.0, 50.0, 50.0), "a"),)
    own = Scripted(locations=(Location((10, 10, 50, 50), "a violin", id="b"),))
    *_, final = localize(replace(window(), sightings=seen), own)
    assert [source.id for source in final.sources] == ["b"]


@given(st.lists(st.tuples(*[st.floats(allow_nan=True)] * 4), max_size=5))
def test_whatever_boxes_are_said_to_be_seen_a_window_is_answered(sides):
    seen = tuple(Sighting("dog", 0.9, one, "a") for one in sides)
    *_, final = localize(replace(window(), sightings=seen), Scripted())
    assert final.outcome is Outcome.LOCALIZED
