"""What the prompted reasoner promises whatever a model replies. Real models: test/reasoners/test_omni*.py."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import GOOD, Scripted, stage_of

from gar_ssl_ros.gar.boxes import Delta, Expand, Recenter
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Timing
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Refinement, Trial
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.reasoners.options import Coordinates, PromptSet
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner, PromptOptions
from gar_ssl_ros.reasoners.prompted.replies import fields_of
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Reply, Sampling

WIDTH, HEIGHT = 448, 336
DOUBT = json.dumps({**json.loads(GOOD["analyze"]), "keep": False})


def window_of(width: int = WIDTH, height: int = HEIGHT, seconds: float = 3.0, rate: int = 16_000) -> Window:
    sound = np.random.default_rng(0).normal(0, 0.1, (2, round(seconds * rate))).astype(np.float32)
    frame = Frame(0, np.zeros((height, width, 3), np.uint8))
    return Window(0, round(seconds * SECOND), (frame,), Audio(0, sound, rate))


def run(
    runtime: Scripted,
    ask: PromptOptions | None = None,
    window: Window | None = None,
    coordinates: Coordinates = "pixels",
    **gar: Any,
) -> Localization:
    *_, last = localize(window or window_of(), PromptedReasoner(runtime, coordinates, ask), GarOptions(**gar))
    return last


def test_a_window_goes_through_the_stages_as_the_paper_has_them():
    runtime = Scripted(seen_as=(112, 84))
    found = run(runtime)
    assert (found.outcome, found.reasoner, found.model) == (Outcome.LOCALIZED, "omni", "scripted")
    assert found.sources[0].box.sides == (112, 112, 336, 336)  # what the model sees is a quarter of the image
    assert (found.sources[0].label, found.sources[0].refined) == ("dog barking", False)
    assert [(len(questions), seen) for questions, seen in runtime.batches] == [(1, False), (1, True), (1, True)]
    (analysis,) = runtime.asked("analyze")
    assert (analysis.sampling, len(set(analysis.seeds))) == (Sampling(0.4, 0.9), 5)
    assert analysis.enough is None
    assert all(runtime.asked(stage)[0].sampling == Sampling(0.0) for stage in ("classify", "locate"))
    assert runtime.heard is not None
    assert (runtime.heard.dtype, runtime.heard.shape) == (np.float32, (48_000,))


@dataclass
class Together(Scripted):
    """One that answers both first questions at once, unless that fails."""

    problem: str = ""
    log: list[str] = field(default_factory=list)

    def begin(self, questions: Sequence[Question], seen: Sequence[bool]) -> Callable[[int], Sequence[Reply]]:
        self.log.append(f"begin {list(seen)}")

        def replies(number: int) -> Sequence[Reply]:
            self.log.append(f"reply {number}")
            if self.problem:
                raise ModelError(self.problem)
            return [self._reply(questions[number], 0)]

        return replies


def test_what_is_heard_and_where_it_is_seen_are_asked_at_once_where_that_can_be():
    runtime = Together()
    assert replace(run(runtime), timing=Timing()) == replace(run(Scripted()), timing=Timing())
    assert runtime.log == ["begin [False, True]", "reply 0", "reply 1"]
    assert [stage_of(question) for questions, _ in runtime.batches for question in questions] == ["analyze"]


def test_silence_ends_a_window_before_its_picture_is_asked_about():
    runtime = Together({"classify": '{"audio_class": "silence", "audio_confidence": 0.9}'})
    assert run(runtime).outcome is Outcome.SILENT
    assert runtime.log == ["begin [False, True]", "reply 0"]


@pytest.mark.parametrize("failing", ["classify", "locate"])
def test_a_failed_reply_of_the_two_ends_the_window_as_it_would_alone(failing):
    replies = {failing: Failure("it did not end")}
    together, alone = run(Together(dict(replies))), run(Scripted(dict(replies)))
    assert together.outcome is Outcome.UNPARSEABLE
    assert (together.detail, together.sound) == (alone.detail, alone.sound)


def test_where_both_at_once_are_too_much_for_the_machine_each_is_asked_alone():
    runtime = Together(problem="out of memory")
    assert run(runtime).outcome is Outcome.LOCALIZED
    assert [seen for _, seen in runtime.batches] == [False, True, True]


def test_what_was_not_foreseen_is_asked_by_itself():
    runtime = Together()
    with PromptedReasoner(runtime, "pixels").read(window_of(), Deadline()) as reading:
        reading.expect(2)
        assert reading.locate(1)
        assert reading.classify() == AudioLabel("dog barking", 0.9)
    assert runtime.log == ["begin [False, True]"]


def test_what_is_doubted_is_refined_in_one_batch():
    runtime = Scripted({"analyze": DOUBT}, seen_as=(112, 84))
    found = run(runtime)
    (refine,) = runtime.asked("refine")
    assert refine.sampling == Sampling(0.0)
    assert found.sources[0].box.sides == (120, 120, 336, 336)
    assert found.sources[0].description == "A dog stands on grass. It barks at the camera."


def test_prompts_are_filled_and_speak_in_the_models_coordinates():
    runtime = Scripted({"analyze": DOUBT}, seen_as=(112, 84))
    run(runtime)
    texts = {stage: runtime.asked(stage)[0].text for stage in ("classify", "locate", "analyze", "refine")}
    assert not any("$" in text for text in texts.values())
    assert "112 wide and 84 high" in texts["locate"]
    for stage in ("analyze", "refine"):
        assert "[28, 28, 84, 84]" in texts[stage]
        assert '"dog barking"' in texts[stage]
    assert "open_mouth 0.70" in texts["refine"]
    assert "move no side by more than 7" in texts["refine"]  # 27 px of the image


def told_fields(text: str) -> list[str]:
    """The fields that a question tells, in its order."""
    return [line.split('"')[1] for line in text.splitlines() if line.startswith('- "')]


@pytest.mark.parametrize("sources", [1, 2])
@pytest.mark.parametrize("prompts", get_args(PromptSet))
def test_a_question_tells_the_fields_of_its_reply_in_the_order_of_decoding(prompts, sources):
    replies = {"analyze": DOUBT}
    if prompts == "candidates" or sources == 2:
        (seen,) = json.loads(GOOD["locate"])
        heard = {"audio_class": "dog barking", "audio_confidence": 0.9} if sources == 2 else {}
        remarks = dict.fromkeys(("size", "position", "suggestion"), "fine")
        candidates = [{"bbox_2d": [28, 28, 84, 84], **remarks}] * 2
        chosen = {"candidates": candidates} if prompts == "candidates" else {}
        replies["locate"] = json.dumps([{**chosen, **seen, **heard}])
    if prompts == "anchors":
        anchors = [{"anchor": "open_mouth", "relation": "inside the box, barks"}]
        replies["refine"] = json.dumps({"anchors": anchors, **json.loads(GOOD["refine"])})
    runtime = Scripted(replies, seen_as=(112, 84))
    found = run(runtime, PromptOptions(prompts=prompts), sources=sources)
    assert found.sources[0].box.sides == (120, 120, 336, 336)
    for stage in ("locate", "analyze", "refine"):
        (question,) = runtime.asked(stage)
        assert told_fields(question.text) == list(fields_of(question.schema))
        assert "$" not in question.text


def test_the_persona_is_told_first_and_only_where_asked_for():
    systems = []
    for persona in (False, True):
        runtime = Scripted()
        run(runtime, PromptOptions(persona=persona))
        systems.append(runtime.system)
    assert systems[1].startswith("You are an assistant")
    assert systems[1].endswith(systems[0])


def test_a_refinement_without_an_analysis_is_told_of_no_checks():
    runtime = Scripted()
    run(runtime, analysis=False)
    text = runtime.asked("refine")[0].text
    assert "checks" not in text
    assert '"dog barking"' in text


def test_trial_i_has_the_same_seed_whatever_n_is():
    def seeds(trials: int, seed: int) -> Sequence[int]:
        runtime = Scripted()
        run(runtime, PromptOptions(seed=seed), trials=trials)
        return runtime.asked("analyze")[0].seeds

    assert seeds(9, 0)[:3] == seeds(3, 0)
    assert not set(seeds(9, 0)) & set(seeds(9, 1))


def test_all_trials_of_all_sources_are_one_batch():
    located = [
        {"bbox_2d": [i, i, i + 30, i + 30], "description": "a dog", "audio_class": name, "audio_confidence": 0.8}
        for i, name in enumerate(("dog barking", "dog growling", "bell"))
    ]
    runtime = Scripted({"locate": json.dumps(located), "analyze": DOUBT})
    found = run(runtime, sources=3)
    assert [source.label for source in found.sources] == ["dog barking", "dog growling", "bell"]
    batches = [questions for questions, _ in runtime.batches]
    assert [len(questions) for questions in batches] == [1, 1, 3, 3]
    assert [len(question.seeds) for question in batches[2]] == [5, 5, 5]


def test_nothing_in_view_is_an_answer_only_where_it_was_asked_for():
    runtime = Scripted({"locate": "[]"})
    found = run(runtime, PromptOptions(off_screen=True))
    assert (found.outcome, found.detail) == (
        Outcome.OFF_SCREEN, "the model answered that nothing in view makes the sound"
    )  # fmt: skip
    assert "empty list" in runtime.asked("locate")[0].text
    runtime = Scripted()
    run(runtime)
    assert runtime.asked("locate")[0].schema["minItems"] == 1  # type: ignore[index]
    assert "empty list" not in runtime.asked("locate")[0].text


def test_silence_is_silence():
    runtime = Scripted({"classify": '{"audio_class": "silence", "audio_confidence": 0.9}'})
    assert run(runtime).outcome is Outcome.SILENT


def test_an_anchors_place_is_in_the_image():
    vote = {"anchor": "open_mouth", "score": 0.5, "point_2d": [14, 400]}
    lost = {"anchor": "tail", "score": 0.5, "point_2d": None}
    trial = json.dumps({**json.loads(GOOD["analyze"]), "anchor_votes": [vote, lost]})
    runtime = Scripted({"analyze": trial}, seen_as=(112, 84))
    found = run(runtime, PromptOptions(grounded=True))
    assert "point_2d" in runtime.asked("analyze")[0].text
    (first, second) = found.cases[0].trials[0].anchor_votes  # type: ignore[union-attr]
    assert (first.point, second.point) == ((56.0, float(HEIGHT)), None)


@pytest.mark.parametrize(
    ("ops", "meant"),
    [
        (
            {"op": "delta", "dx": 1, "dy": 2, "dl": -1, "dr": 3, "dt": -2, "db": 1},
            Delta(dx=4, dy=8, dl=-4, dr=12, dt=-8, db=4),
        ),
        ({"op": "expand", "amount": -3}, Expand(-12)),
        ({"op": "recenter", "center": [50, 40]}, Recenter(200, 160)),
        (None, None),
    ],
)
def test_operations_come_in_pixels_of_the_image(ops, meant):
    reply = json.dumps({**json.loads(GOOD["refine"]), "ops": ops})
    found = run(Scripted({"analyze": DOUBT, "refine": reply}, seen_as=(112, 84)))
    refinement = found.cases[0].refinement
    assert isinstance(refinement, Refinement)
    assert refinement.operation == meant


def test_a_reply_that_failed_is_a_failed_trial_and_the_rest_counts():
    def second_fails(question: Question, seed: int) -> str | Failure:
        return Failure("it did not end") if seed == question.seeds[1] else GOOD["analyze"]

    found = run(Scripted({"analyze": second_fails}))
    agreed = found.cases[0].consensus
    assert isinstance(agreed, Consensus)
    assert (agreed.trials, agreed.failed, agreed.keep) == (5, 1, True)


def test_early_trials_end_when_the_vote_is_settled_and_keep_is_as_it_would_be():
    runtime = Scripted()
    run(runtime, PromptOptions(early=True))
    enough = runtime.asked("analyze")[0].enough
    assert enough is not None
    yes, no, failed = GOOD["analyze"], DOUBT, Failure("it did not end")
    assert not enough([yes, yes, None, None, None])
    assert enough([yes, None, yes, None, yes])
    assert not enough([no, failed, None, None, None])
    assert enough([no, failed, None, None, no])
    assert enough([None, no, None, no])  # of 4, two can no longer be outvoted

    def unneeded(question: Question, seed: int) -> str | None:
        return yes if seed in question.seeds[:3] else None

    agreed = run(Scripted({"analyze": unneeded}), PromptOptions(early=True)).cases[0].consensus
    assert isinstance(agreed, Consensus)
    assert (agreed.trials, agreed.failed, agreed.keep, agreed.av_consistency) == (3, 0, True, pytest.approx(0.8))


@given(st.lists(st.sampled_from([True, False, None]), min_size=1, max_size=7), st.randoms())
def test_what_was_settled_early_would_have_stayed(votes, chance):
    """Whatever the trials that did not end would have said, None standing for a failure."""
    said = {True: GOOD["analyze"], False: DOUBT, None: Failure("it did not end")}
    runtime = Scripted()
    run(runtime, PromptOptions(early=True))
    enough = runtime.asked("analyze")[0].enough
    assert enough is not None
    ended: list[Any] = [None] * len(votes)
    for trial in chance.sample(range(len(votes)), len(votes)):
        ended[trial] = said[votes[trial]]
        if enough(ended):
            break
    early = [reply for reply in ended if reply is not None]
    assert (2 * early.count(GOOD["analyze"]) > len(early)) == (2 * votes.count(True) > len(votes))


texts = st.text(max_size=60)
numbers = st.integers(-(10**7), 10**7) | st.floats() | st.integers(-50, 300)
anything = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=5),
    max_leaves=12,
)


@st.composite
def replies(draw: st.DrawFn, stage: str) -> str:
    """A good reply with some of its parts replaced, or anything at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(texts | anything.map(json.dumps))
    good = json.loads(GOOD[stage])
    part = good[0] if isinstance(good, list) else good
    for key in draw(st.lists(st.sampled_from(sorted(part)), max_size=2)):
        part[key] = draw(st.lists(st.integers(-999, 9999), min_size=4, max_size=4) if key == "bbox_2d" else anything)
    return json.dumps(good)


@settings(max_examples=150, deadline=None)
@given(
    replies("classify"),
    replies("locate"),
    st.lists(replies("analyze"), min_size=5, max_size=5),
    replies("refine"),
    st.tuples(st.integers(1, 300), st.integers(1, 300)),
    st.sampled_from(get_args(Coordinates)),
)
def test_no_reply_however_wild_leaves_the_image_or_breaks_the_reasoner(heard, located, analyses, refined, size, named):
    aspect = max(size) / min(size)
    runtime = Scripted(
        {
            "classify": heard,
            "locate": located,
            "analyze": lambda question, seed: analyses[question.seeds.index(seed)],
            "refine": refined,
        },
    )
    found = run(runtime, window=window_of(*size, seconds=0.2), coordinates=named)
    if aspect > 200:
        assert found.outcome is Outcome.BACKEND_ERROR
        return
    assert found.outcome in (Outcome.LOCALIZED, Outcome.UNPARSEABLE, Outcome.SILENT), found.detail
    for source in found.sources:
        assert 0 <= source.box.x1 < source.box.x2 <= size[0]
        assert 0 <= source.box.y1 < source.box.y2 <= size[1]
    assert found.outcome is not Outcome.UNPARSEABLE or found.detail


def test_a_ribbon_of_a_picture_is_refused_in_a_sentence_and_a_single_pixel_is_not():
    ribbon = run(Scripted(), window=window_of(10_000, 10))
    assert ribbon.outcome is Outcome.BACKEND_ERROR
    assert ribbon.detail.startswith("a picture of 10000x10 is too long for scripted")
    pixel = run(Scripted(seen_as=(56, 56)), window=window_of(1, 1))
    assert pixel.outcome is Outcome.LOCALIZED
    assert pixel.sources[0].box.sides == (0, 0, 1, 1)


def test_more_sound_than_the_model_takes_is_refused_in_a_sentence():
    found = run(Scripted(), window=window_of(8, 8, seconds=301, rate=1000))
    assert found.outcome is Outcome.BACKEND_ERROR
    assert "choose a shorter window" in found.detail


def test_a_reading_ends_with_its_window():
    with PromptedReasoner(Scripted(), "pixels").read(window_of(), Deadline()) as reading:
        assert reading.classify() == AudioLabel("dog barking", 0.9)
        trials = reading.analyze([], 5)
        assert list(trials) == []


def test_a_trial_is_what_the_model_said():
    trial = run(Scripted()).cases[0].trials[0]
    assert isinstance(trial, Trial)
    assert (trial.av_consistency, trial.role_tags, trial.keep) == (0.8, ("mouth",), True)
