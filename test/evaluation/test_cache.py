"""A reasoner that remembers: it says what the other would, and asks it nothing twice."""

from __future__ import annotations

import math
import os
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace

import numpy as np
import pytest

from gar_ssl_ros.evaluation.cache import CachedReasoner, CacheError
from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.gar.boxes import Box, Delta, Expand, Recenter
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Timing
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Unparseable
from gar_ssl_ros.gar.stages import (
    AnchorVote,
    AudioLabel,
    Consensus,
    Failure,
    Hypothesis,
    Location,
    Refinement,
    Trial,
    Unseen,
)
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.reasoners.signal import SignalReasoner


class Counting:
    """Answers with what differs from trial to trial, and counts every question, each trial one."""

    name = "counting"
    model: str | None = None

    def __init__(self, problem: Exception | None = None) -> None:
        self.asked: Counter[str] = Counter()
        self._problem = problem

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Counting]:
        self.asked["read"] += 1
        yield self

    def classify(self) -> AudioLabel:
        self.asked["classify"] += 1
        if self._problem is not None:
            raise self._problem
        return AudioLabel("violin", 0.6)

    def locate(self, max_sources: int) -> Sequence[Location]:
        self.asked[f"locate {max_sources}"] += 1
        return [Location((10.0, 10.0, 50.0, 50.0), "a"), Location((60.0, 5.0, 90.0, 70.0), "b")][:max_sources]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        for hypothesis in hypotheses:
            self.asked.update(f"trial {i} of {hypothesis.description}" for i in range(trials))
        return [[Trial(0.3 + 0.1 * i, ("bow",), (AnchorVote("x", 0.5, (1.0, 2.0)),), True) for i in range(trials)]
                for _ in hypotheses]  # fmt: skip

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        self.asked.update(f"refine {hypothesis.description}, {agreed}" for hypothesis, agreed in cases)
        return [Refinement((12.0, 12.0, 52.0, math.inf), True, Expand(2.0), f"{agreed.trials}") for _, agreed in cases]


def window(seed: int = 0) -> Window:
    random = np.random.default_rng(seed)
    image = random.integers(0, 255, (80, 100, 3), np.uint8)
    return Window(0, SECOND, (Frame(SECOND // 2, image),),
                  Audio(0, random.normal(0, 0.1, (1, 16_000)).astype(np.float32), 16_000))  # fmt: skip


def timeless(found: Localization) -> Localization:
    return replace(found, timing=Timing())


def final(seen: Window, reasoner: object, **options: object) -> Localization:
    *_, last = localize(seen, reasoner, GarOptions(**options))  # type: ignore[arg-type]
    return timeless(last)


SWEEP = [
    {"tau_av": tau_av, "tau_aud": tau_aud, "trials": trials, "sources": 2, "analysis": analysis}
    for tau_av in (0.3, 0.5, 0.75)
    for tau_aud in (0.5, 0.75)
    for trials in (1, 3, 5)
    for analysis in (True, False)
]


def test_a_sweep_asks_nothing_twice_and_changes_no_answer(tmp_path):
    counting = Counting()
    with closing(CachedReasoner(counting, tmp_path / "cache", "counting 1", trials=5)) as cached:
        for seed in range(3):
            for options in SWEEP:
                assert final(window(seed), cached, **options) == final(window(seed), Counting(), **options)
    assert counting.asked["read"] == counting.asked["classify"] == counting.asked["locate 2"] == 3
    assert counting.asked["trial 4 of a"] == counting.asked["trial 0 of b"] == 3
    assert max(counting.asked.values()) == 3  # once for each of the three windows


def test_another_process_is_answered_from_the_file(tmp_path):
    for first in (True, False):
        counting = Counting()
        with closing(CachedReasoner(counting, tmp_path / "cache", "counting 1", trials=5)) as cached:
            found = [final(window(), cached, **options) for options in SWEEP]
        assert bool(counting.asked) is first
    assert found == [final(window(), Counting(), **options) for options in SWEEP]


@pytest.mark.parametrize("changed", ["pixels", "identity", "sources"])
def test_another_picture_model_or_question_gets_no_old_answer(tmp_path, changed):
    counting = Counting()
    for turn in range(2):
        differs = changed if turn else ""
        identity = "b" if differs == "identity" else "a"
        with closing(CachedReasoner(counting, tmp_path / "cache", identity)) as cached:
            final(window(int(differs == "pixels")), cached, sources=1 + (differs == "sources"), trials=1)
    assert counting.asked["locate 1"] + counting.asked["locate 2"] == 2


def test_more_trials_than_before_are_asked_for_and_the_first_ones_stay(tmp_path):
    with closing(CachedReasoner(Counting(), tmp_path / "cache", "a")) as cached:
        one, three = (final(window(), cached, trials=trials) for trials in (1, 3))
    assert three.cases[0].trials[:1] == one.cases[0].trials
    assert len(three.cases[0].trials) == 3


def test_a_reply_that_cannot_be_read_stays_so_and_a_broken_reasoner_is_asked_again(tmp_path):
    for problem, outcome, times in (
        (Unparseable("no JSON"), Outcome.UNPARSEABLE, 1),
        (OSError("the GPU is gone"), Outcome.BACKEND_ERROR, 2),
    ):
        counting = Counting(problem)
        with closing(CachedReasoner(counting, tmp_path / "cache", str(problem))) as cached:
            found = [final(window(), cached) for _ in range(2)]
        assert [each.outcome for each in found] == [outcome] * 2
        assert found[0].detail == found[1].detail
        assert counting.asked["classify"] == times


@pytest.mark.parametrize("kind", list(Kind))
def test_signal_answers_the_same_where_its_boxes_come_from_the_file(tmp_path, scene_of, kind):
    _, seen = scene_of(kind)
    for options in ({"trials": 1}, {"trials": 5}, {"trials": 5, "tau_aud": 1.0}):
        with closing(CachedReasoner(SignalReasoner(), tmp_path / "cache", "signal")) as cached:
            assert final(seen, cached, **options) == final(seen, SignalReasoner(), **options)


def test_every_kind_of_answer_survives_the_file(tmp_path):
    replies = [
        Refinement(None, True, operation, "moved")
        for operation in (None, Delta(dx=1.0, db=-2.0), Delta(), Expand(3.0), Recenter(4.0, 5.0))
    ]
    answers: list[Refinement | Failure] = [Failure("cut off"), Refinement((math.inf, 1.0), False, None, ""), *replies]

    class Various(Counting):
        def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
            return answers

    hypotheses = [Hypothesis(Box(0, 0, i + 1, 9), "a", AudioLabel("b", 1.0)) for i in range(len(answers))]
    cases = [(hypothesis, Consensus(0.5, (), (), True, 1, 0)) for hypothesis in hypotheses]
    for _ in range(2):
        with (
            closing(CachedReasoner(Various(), tmp_path / "cache", "a")) as cached,
            cached.read(window(), Deadline()) as reading,
        ):
            assert list(reading.refine(cases)) == answers


@pytest.mark.parametrize(
    ("located", "outcome"),
    [
        (Unseen(off_screen=True, reason="both dogs sleep"), Outcome.OFF_SCREEN),
        (Unseen(off_screen=False, reason="it is dark"), Outcome.UNCERTAIN),
        ([], Outcome.UNCERTAIN),
    ],
)
def test_where_no_place_is_named_the_file_remembers_why(tmp_path, located, outcome):
    class Blind(Counting):
        def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
            self.asked["locate"] += 1
            return located

    blind = Blind()
    for _ in range(2):
        with closing(CachedReasoner(blind, tmp_path / "cache", "a")) as cached:
            found = final(window(), cached)
        assert found == final(window(), Blind())
        assert found.outcome is outcome
    assert blind.asked["locate"] == 1


def test_a_file_that_is_no_cache_is_named(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("precious\n" * 1000)
    with pytest.raises(CacheError, match=r"notes\.txt cannot be used as a cache"):
        CachedReasoner(Counting(), path, "a")
    assert path.read_text() == "precious\n" * 1000


def test_a_database_of_something_else_is_left_as_it_is(tmp_path):
    for name, table in (("other.sqlite", "mine (a int)"), ("older.sqlite", "answers (a int)")):
        with closing(sqlite3.connect(tmp_path / name)) as file:
            file.execute(f"CREATE TABLE {table}")
        before = (tmp_path / name).read_bytes()
        with pytest.raises(CacheError, match=f"{name} is a database of something else: give another --cache"):
            CachedReasoner(Counting(), tmp_path / name, "a")
        assert (tmp_path / name).read_bytes() == before


def test_an_answer_that_cannot_be_read_is_asked_for_anew(tmp_path):
    path = tmp_path / "cache"
    for spoil in ("", "{}x", '{"locations": []}', ""):  # damage; the answer of an earlier version
        if spoil:
            with closing(sqlite3.connect(path)) as file:
                file.execute("UPDATE answers SET answer = ?", (spoil,))
                file.commit()
        inner = Counting()
        with closing(CachedReasoner(inner, path, "a")) as cached, cached.read(window(), Deadline()) as reading:
            assert reading.classify()
    assert not inner.asked  # the last one was remembered


def test_a_cache_that_fails_on_the_way_is_not_taken_for_the_reasoner_s_failure(tmp_path):
    path = tmp_path / "cache"
    with closing(CachedReasoner(Counting(), path, "a")) as cached:
        cached.check()
        with closing(sqlite3.connect(path)) as file:
            file.execute("DROP TABLE answers")
        *_, found = localize(window(), cached)
        assert found.outcome is Outcome.BACKEND_ERROR
        with pytest.raises(CacheError, match="cannot be used as a cache of stage results"):
            cached.check()


def test_a_pipe_is_no_cache(tmp_path):
    os.mkfifo(tmp_path / "cache")
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        CachedReasoner(Counting(), tmp_path / "cache", "a")
