"""`gar-ssl ablate`: the paper's studies, with no question asked twice, stopped and gone on with."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO

import numpy as np
import pytest

from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.ablation import ablate
from gar_ssl_ros.evaluation.record import evaluate, options_for
from gar_ssl_ros.evaluation.results import Origin, ResultsError
from gar_ssl_ros.evaluation.samples import Dataset, Opened, Sample, Truth
from gar_ssl_ros.evaluation.settings import known_settings
from gar_ssl_ros.evaluation.study import StudyError, names, read_study
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import AnchorVote, AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window

ORIGIN = Origin(dataset="noise")
SWEEPS = ("trials", "stages", "thresholds")  # that need no model


@dataclass(frozen=True)
class Noise:
    """A picture and a sound made from a seed."""

    seed: int

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        random = np.random.default_rng(self.seed)
        image = random.integers(0, 255, (48, 64, 3), np.uint8)
        audio = Audio(0, random.normal(0, 0.1, (1, 8000)).astype(np.float32), 16_000)
        return Opened(Window(0, SECOND // 2, (Frame(0, image),), audio), (Truth((10, 10, 40, 40), "drum"),))


DATASET = Dataset("noise", tuple(Sample(f"noise {seed}", Noise(seed), None) for seed in range(6)))


class Counting:
    """Answers by what it sees, counts every question, and is interrupted after `patience` windows."""

    name = "signal"
    model: str | None = None

    def __init__(self, patience: float = np.inf) -> None:
        self.asked: Counter[str] = Counter()
        self._patience = patience

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Counting]:
        self._value = int(window.center.image[0, 0, 0]) / 255
        self._count("read")
        if self.windows > self._patience:
            raise KeyboardInterrupt
        yield self

    @property
    def windows(self) -> int:
        return sum(question.startswith("read") for question in self.asked)

    def classify(self) -> AudioLabel:
        self._count("classify")
        return AudioLabel("drum", 0.5 + 0.4 * self._value)

    def locate(self, max_sources: int) -> Sequence[Location]:
        self._count(f"locate {max_sources}")
        return [Location((8.0, 8.0, 38.0, 38.0 + 2 * self._value), "a drum")]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        for i in range(trials):
            self._count(f"trial {i}")
        one = [Trial((self._value + 0.2 * i) % 1, (), (AnchorVote("skin", 0.5),), i % 3 > 0) for i in range(trials)]
        return [one for _ in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        for _, agreed in cases:
            self._count(f"refine after {agreed}")
        return [Refinement((9.0, 9.0, 39.0, 40.0), True, None, "Moved.") for _ in cases]

    def _count(self, question: str) -> None:
        self.asked[f"{question}, of {self._value}"] += 1


def timeless(runs: list) -> list[dict]:
    told = [[json.loads(record.model_dump_json()) for record in run.records] for _, run in runs]
    for record in (record for records in told for record in records):
        record["open_s"] = record["found"]["timing_s"] = None
    return told


@pytest.mark.parametrize("name", SWEEPS)
def test_a_study_asks_nothing_twice_and_says_what_each_variant_would_alone(tmp_path, name):
    study, counting = read_study(name, {}), Counting()
    runs = ablate(study, DATASET, ORIGIN, tmp_path, tmp_path / "cache", False, lambda _: counting)
    assert max(counting.asked.values()) == 1
    assert counting.windows == len(DATASET.samples)
    for variant, run in runs:
        settings = variant.settings
        for sample, record in zip(DATASET.samples, run.records, strict=True):
            alone = evaluate(sample, Counting(), options_for(sample, settings.gar, settings.sources))
            assert (record.sample, record.iou, record.outcome) == (sample.id, alone.iou, alone.outcome)
            assert record.found is not None
            assert alone.found is not None
            assert (record.found.sources, record.found.stages) == (alone.found.sources, alone.found.stages)


def test_studies_that_share_a_cache_share_their_answers(tmp_path):
    counting = Counting()
    for name in SWEEPS:
        ablate(read_study(name, {}), DATASET, ORIGIN, tmp_path / name, tmp_path / "cache", False, lambda _: counting)
    assert all(count == 1 for question, count in counting.asked.items() if not question.startswith("read"))
    more = Counting()
    ablate(read_study("trials", {}), DATASET, ORIGIN, tmp_path / "again", tmp_path / "cache", False, lambda _: more)
    assert not more.asked


def test_a_study_stopped_midway_goes_on_where_it_was(tmp_path):
    study, first = read_study("thresholds", {}), Counting(patience=4)
    with pytest.raises(KeyboardInterrupt):
        ablate(study, DATASET, ORIGIN, tmp_path / "a", tmp_path / "a.sqlite", False, lambda _: first)
    with pytest.raises(ResultsError, match=r"results\.jsonl exists already: go on with --resume"):
        ablate(study, DATASET, ORIGIN, tmp_path / "a", tmp_path / "a.sqlite", False, lambda _: first)
    second = Counting()
    resumed = ablate(study, DATASET, ORIGIN, tmp_path / "a", tmp_path / "a.sqlite", True, lambda _: second)
    whole = ablate(study, DATASET, ORIGIN, tmp_path / "b", tmp_path / "b.sqlite", False, lambda _: Counting())
    assert timeless(resumed) == timeless(whole)
    assert second.windows == 2


def test_media_that_break_in_an_unforeseen_way_are_one_failed_sample(tmp_path, caplog):
    class Odd:
        def open(self, truths: tuple[Truth, ...] | None) -> Opened:
            raise ZeroDivisionError("no frame rate")

    truths = (Truth((0.1, 0.1, 0.5, 0.5)),)
    odd = Dataset("odd", (Sample("odd", Odd(), truths), *DATASET.samples[:2]))
    for _, run in ablate(read_study("trials", {}), odd, ORIGIN, tmp_path, tmp_path / "c", False, lambda _: Counting()):
        assert [record.failure for record in run.records] == ["ZeroDivisionError: no frame rate", None, None]
        assert run.records[0].iou == 0.0
    assert "the media of odd could not be read" in caplog.text


def test_the_package_comes_with_the_paper_s_studies():
    assert names() == ["models", "prompts", "stages", "thresholds", "trials", "wording"]
    told = {name: [variant.settings for variant in read_study(name, {}).variants] for name in names()}
    assert [settings.gar.trials for settings in told["trials"]] == [1, 3, 5]
    pairs = [(settings.gar.tau_aud, settings.gar.tau_av) for settings in told["thresholds"]]
    assert pairs == [(0.5, 0.5), (0.75, 0.5), (0.5, 0.75), (0.75, 0.75)]
    on = [(settings.gar.analysis, settings.gar.refinement) for settings in told["stages"]]
    assert on == [(False, False), (True, False), (False, True), (True, True)]
    bare, *asked = (variant.settings for variant in read_study("models", {"dtype": "float16", "seed": 3}).variants)
    assert bare.told == {}  # what is said about a model is for the variants that ask one
    assert {(settings.told["dtype"], settings.told["seed"]) for settings in asked} == {("float16", 3)}
    first, second, third, *gar = told["prompts"]  # the paper's Methods 1 to 3
    assert [(s.told.get("prompts"), s.gar.analysis, s.gar.refinement) for s in (first, second, third)] == [
        ("candidates", False, False), (None, False, True), ("anchors", False, True),
    ]  # fmt: skip
    assert [(settings.told, settings.gar.trials) for settings in gar] == [({}, 1), ({}, 3), ({}, 5)]
    assert told["wording"][0].told == {}
    assert {"prompts": "evidence_first", "persona": True} in [settings.told for settings in told["wording"]]
    assert [settings.model for settings in told["models"]][1:] == ["Qwen/Qwen2.5-Omni-3B", "Qwen/Qwen2.5-Omni-7B"]


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("variants: []", "is no study: title: Field required"),
        ("title: a\nvariants: []", "is no study: variants: "),
        ("title: a\nvariants: [{trials: 1}]", "variant 1 has no name: give it one"),
        (
            "title: a\nvariants: [{name: b, trials: 0}]",
            "variant 'b': trials is 0: it must lie in 1..50",
        ),
        (
            "title: a\nvariants: [{name: b, tau: 1}]",
            f"variant 'b': tau: there is no such thing to set: choose among {', '.join(known_settings())}",
        ),
        (
            "title: a\nvariant: []",
            "is no study: variant: there is no such thing to set: choose among title, about, tables, base, variants",
        ),
        ("title: a\nvariants: [{name: yes}]", "variant 1 has the name True, which is no text: put it in quotes"),
        ("title: a\nvariants: [{name: '--'}]", "variant 1 has the name '--': a letter or a digit must be in it"),
        ("title: a\nbase: {tau_av: 2}\nvariants: [{name: b}]", "variant 'b': tau_av is 2: it must lie in 0..1"),
        ("title: a\nvariants: [{name: b c}, {name: B-C}]", "two variants go by the name b-c: give each its own"),
        (
            "title: a\nvariants: [{name: b, prompts: 3}]",
            "variant 'b': prompts is a int, not a str: give one such as 'paper'",
        ),
        (
            "title: a\nvariants: [{name: b, prompts: grounded}]",
            "variant 'b': prompts is 'grounded': choose one of 'paper', ",
        ),
        ("title: [", "is no YAML ("),
        ("a: " + "[" * 5000 + "]" * 5000, "is no YAML (maximum recursion depth exceeded"),
        ("title: 2001-99-99\nvariants: []", "is no YAML (month must be in 1..12): mend it there"),
        (
            "title: a\nvariants: [{name: b, trials: 99999999999999999999}]",
            "variant 'b': trials is 99999999999999999999: it must lie in 1..50",
        ),
        ("just words", "is no study: it: "),
    ],
)
def test_a_study_that_cannot_be_read_is_one_sentence(tmp_path, text, wrong):
    path = tmp_path / "study.yaml"
    path.write_text(text)
    with pytest.raises(StudyError) as told:
        read_study(str(path), {})
    assert str(told.value).startswith(str(path))
    assert wrong in str(told.value)
    assert "\n" not in str(told.value)


def test_a_name_and_a_table_may_be_a_number(tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text("title: 5\ntables: [3, S.7]\nvariants: [{name: 0.9, tau_aud: 0.9}, {name: 1}]\n")
    study = read_study(str(path), {})
    assert (study.title, study.tables) == ("5", ("3", "S.7"))
    assert [(variant.name, variant.folder) for variant in study.variants] == [("0.9", "0.9"), ("1", "1")]


def run(*arguments: object) -> tuple[int, str, str]:
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = main([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def test_a_study_of_one_s_own_becomes_a_report(recordings, tmp_path):
    study = tmp_path / "mine.yaml"
    study.write_text("title: Mine\nvariants: [{name: one, trials: 1}, {name: strict, tau_aud: 1.0}]\n")
    out = tmp_path / "out"
    code, told, problems = run("ablate", study, "--dataset", "folder", "--root", recordings, "--limit", 6, "--out", out)
    assert code == 0, problems
    assert "one: 6 of 6 samples, 1 failed" in told
    report = (out / "report.md").read_text()
    assert "| one |" in report
    assert "| strict |" in report
    assert "## Times" not in report  # answers that come from the cache take none
    assert sorted(path.name for path in out.iterdir()) == [
        "one", "report.html", "report.md", "stages.sqlite", "strict",
    ]  # fmt: skip
    assert {path.name for path in (out / "one").iterdir()} == {"config.json", "results.jsonl", "results.parquet"}


@pytest.mark.parametrize(
    ("study", "sentence"),
    [
        (
            "nonsense",
            "gar-ssl: nonsense cannot be read (No such file or directory): give a YAML file, or one of models, ",
        ),
        (
            "prompts",
            "gar-ssl: prompts: only the reasoner omni, served or openavs can be told, and signal answers here: choose",
        ),
    ],
)
def test_a_study_that_cannot_be_had_is_one_sentence(recordings, tmp_path, study, sentence):
    code, _, problems = run("ablate", study, "--dataset", "folder", "--root", recordings, "--out", tmp_path / "out")
    assert code == (2 if study == "prompts" else 1)
    assert problems.splitlines()[-1].startswith(sentence)
    assert not (tmp_path / "out").exists()
