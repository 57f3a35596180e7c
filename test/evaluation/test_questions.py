"""Spatial questions made, checked, answered and scored, by the command and in Python."""

from __future__ import annotations

import json
import re
import shutil
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from full_disk import full_disk

from gar_ssl_ros.evaluation.metrics.questions import chance, figures, read_all, unread
from gar_ssl_ros.evaluation.questions import timbre
from gar_ssl_ros.evaluation.questions.answering import Ears, answers, see
from gar_ssl_ros.evaluation.questions.check import check
from gar_ssl_ros.evaluation.questions.eyes import Eyes
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.record import read_config, read_split
from gar_ssl_ros.evaluation.report.paper import read_papers
from gar_ssl_ros.evaluation.run import progress
from gar_ssl_ros.evaluation.scenes.files import write_wav
from gar_ssl_ros.evaluation.scenes.sounds import melody
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.output.record import RecordError
from gar_ssl_ros.spatial.questions.forms import FORMS, QuestionType, related

pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")
ROOMS = ("--tiny", "--array", "respeaker_usb_4", "--rooms", 1, "--places", 10, "--rt60", 0.2, "--seed", 5)


def make(run, out: Path, *more: object, split: str = "test", count: int = 18):
    return run("questions", "make", "--out", out, "--split", split, "--count", count, *ROOMS, *more)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """36 questions for a test, and 18 for training."""
    from gar_ssl_ros.cli import main  # noqa: PLC0415

    folder = tmp_path_factory.mktemp("questions")
    for split, count in (("test", 36), ("train", 18)):
        arguments = ["questions", "make", "--out", folder, "--split", split, "--count", count, *ROOMS]
        assert main([str(one) for one in arguments]) == 0
    return folder


@pytest.fixture
def copied(made, tmp_path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "copied"))


def bytes_of(folder: Path) -> dict[str, bytes]:
    paths = [one for one in folder.rglob("*") if one.is_file() and one.suffix in (".jpg", ".flac", ".jsonl")]
    return {str(one.relative_to(folder)): one.read_bytes() for one in paths}


def test_questions_are_what_they_say_and_check_proves_it(made, run):
    done = run("questions", "check", made, "--again", 2)
    assert (done.returncode, done.stderr) == (0, "")
    assert "test: 36 questions: Q1 4, Q2 4, Q3 4" in done.stdout
    records = read_split(made, "test")
    assert len({one.id for one in records}) == 36
    for record in records:
        source, at = record.sources[0], record.sources[0].object
        if at is not None:
            assert record.objects[at].spot == source.spot
        if record.question_type in (QuestionType.Q3, QuestionType.Q4):
            (other,) = (one for one in record.objects if one.label == record.slots["object"])
            told = related(record.question_type, source.spot, other.spot)
            for name in FORMS[record.question_type].fields:
                assert told[name] == record.fields[name] or abs(told[name] - record.fields[name]) <= 1.001
        assert (
            record.question_type is not QuestionType.Q8
            or [one.label for one in record.objects].count(source.label) == 2
        )


def test_the_same_seed_gives_the_same_bytes_in_shards_and_resumed(made, run, tmp_path):
    for index in (2, 1):
        assert make(run, tmp_path, "--shard", f"{index}/2", count=14).returncode == 0
    line = (tmp_path / "test-1-of-2.jsonl").read_text()
    (tmp_path / "test-1-of-2.jsonl").write_text(line[:-100])  # as a killed process leaves it
    assert make(run, tmp_path, "--shard", "1/2", "--resume", count=14).returncode == 0
    assert (tmp_path / "test-1-of-2.jsonl").read_text() == line
    assert read_split(tmp_path, "test") == read_split(made, "test")[:14]
    own, other = bytes_of(tmp_path), bytes_of(made)
    media = [name for name in own if not name.endswith(".jsonl")]
    assert len(media) == 28
    assert all(own[name] == other[name] for name in media)


def test_what_is_there_is_neither_replaced_nor_mixed(copied, run):
    again = make(run, copied)
    assert (again.returncode, again.stderr) == (
        1,
        f"gar-ssl: {copied}/test.jsonl exists already: go on with --resume, or give another --out\n",
    )
    other = make(run, copied, "--snr", 5, "--resume")
    assert re.search(r"holds questions of other options \(snr 20.0, not 5.0\): give another --out", other.stderr)


def test_a_full_disk_leaves_nothing_half_written(run, tmp_path):
    (tmp_path / "responses").mkdir()
    with full_disk(40_000):
        done = make(run, tmp_path)
    assert done.returncode == 1
    assert re.fullmatch(
        r"gar-ssl: .*: File too large: make room, or give another --out; what was computed is kept\n", done.stderr
    )
    assert not [one for one in tmp_path.rglob("*") if one.suffix in (".flac", ".part")]
    assert not (tmp_path / "test.jsonl").read_text()


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda one: one | {"answer": "nothing"}, "its answer 'nothing' is not what its fields say"),
        (lambda one: one | {"question": "Why?"}, "its question 'Why\\?' cannot be read"),
        (lambda one: one | {"room": "train/0"}, "its room train/0 is of the split train, too"),
        (lambda one: one | {"id": "test-0000001"}, "there are 2 questions of this id"),
    ],
)
def test_check_tells_what_is_wrong(copied, harm, told):
    first, *rest = (copied / "test.jsonl").read_text().splitlines()
    (copied / "test.jsonl").write_text("\n".join([json.dumps(harm(json.loads(first))), *rest, ""]))
    with progress("check", 1, 0) as bar:
        assert any(re.search(told, one) for one in check(copied, False, bar).problems)


HARMED = [
    (lambda one: one["fields"].clear(), "the line: its fields or slots are not those of Q1"),
    (lambda one: one["fields"].update(object=1.5), "a name stands where a number must, or a number"),
    (lambda one: one["sources"][0].update(object=9), "its sound comes from object 9, and it has"),
    (lambda one: one["sources"][0].update(azimuth=float("inf")), "sources.0.azimuth: Input should be a finite"),
    (lambda one: one["sources"].clear(), "sources.0: Field required"),
    (lambda one: one.update(id="test-abc"), "id: String should match pattern"),
]


def test_a_line_that_is_no_question_is_one_sentence_whoever_reads_it(made, run, tmp_path):
    shutil.copy(made / "config.json", tmp_path)
    line = (made / "test.jsonl").read_text().splitlines()[0]
    for harm, told in HARMED:
        record = json.loads(line)
        harm(record)
        (tmp_path / "test.jsonl").write_text(f"{json.dumps(record)}\n")
        with pytest.raises(RecordError, match=rf"test.jsonl, line 1: .*{told}"):
            read_split(tmp_path, "test")
    for action in (("check", tmp_path), ("show", tmp_path, "test-0000001")):
        done = run("questions", *action)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert f"line 1: {HARMED[-1][1]}" in done.stderr


def test_check_opens_pictures_and_sounds(copied, run):
    records = read_split(copied, "test")
    (copied / records[0].image).write_bytes(b"")
    (copied / records[1].audio).unlink()
    done = run("questions", "check", copied, "--again", 0)
    assert done.returncode == 1
    assert f"{records[0].image} is no picture that OpenCV can read" in done.stderr
    assert f"{records[1].audio} does not exist" in done.stderr


def test_a_question_is_shown(made, run, tmp_path):
    done = run("questions", "show", made, "test-0000004", "--out", tmp_path / "shown.png")
    assert done.returncode == 0
    assert done.stdout.startswith("test-0000004  Q5  Q5.")
    assert cv2.imread(str(tmp_path / "shown.png")).shape[1] == 204 * 8
    assert "ids are such as test-0000012" in run("questions", "show", made, "test-9").stderr
    assert "no questions of the split '*'" in run("questions", "show", made, "*").stderr


def test_answers_without_weights_beat_chance_and_are_scored_beside_the_paper(made, run, tmp_path, monkeypatch):
    pytest.importorskip("jinja2", reason="needs the extra evaluate")
    monkeypatch.setattr(timbre, "EXAMPLES", 12)  # of each class, which take a quarter of the time
    files = {how: tmp_path / f"{how}.jsonl" for how in ("array", "mono")}
    for how, file in files.items():
        assert run("questions", "answer", made, "--heard", how, "--out", file).returncode == 0
    records = read_split(made, "test")
    told = {how: read_all(records, {one["id"]: one["answer"] for one in map(json.loads, file.read_text().splitlines())})
            for how, file in files.items()}  # fmt: skip
    own, mono, least = figures(records, told["array"]), figures(records, told["mono"]), chance(records)
    assert unread(told["array"]) == 0
    for name in ("Q1 coming-from accuracy", "Q7 DoA accuracy", "Q8 DoA accuracy"):
        assert own[name].value >= 0.75 > least[name].value
    assert own["Q1 (non-matching)"].value > mono["Q1 (non-matching)"].value
    named = [f"{how}={file}" for how, file in files.items()]
    done = run("questions", "evaluate", made, "--answers", *named, "--out", tmp_path / "report")
    assert done.returncode == 0, done.stderr
    report = (tmp_path / "report" / "report.md").read_text()
    assert "Table 4. What each input adds." in report
    assert re.search(r"\| Q8 DoA accuracy, % \|.*\| 64.3 \| 46.4 \| 47.7 ", report)


def test_the_oracle_knows_and_what_cannot_be_read_is_wrong(made):
    records = read_split(made, "test")
    ears = Ears(made, read_config(made), "truth")
    true = {one.id: one.answer for one in answers(records, ears, partial(see, how="objects"))}
    found = figures(records, read_all(records, true))
    assert all(figure.value == 1.0 for name, figure in found.items() if "accuracy" in name and "invisible" not in name)
    nothing = read_all(records, {})
    assert unread(nothing) == len(records)
    worst = figures(records, nothing)
    assert (worst["Q2"].value, worst["Q7 DoA error"].value) == (0.0, 180.0)
    assert np.isnan(worst["Q7 distance error"].value)


def test_labels_of_a_detector_stand_for_what_is_seen(made):
    records = read_split(made, "test")
    height, width = 56, 204

    def detect(image):
        """A box in the middle of each part."""
        assert image.shape == (2 * height, 2 * round(1.5 * width / 6), 3)
        return [("dog", 0.9, Box(40, 50, 60, 60)), ("dog", 0.1, Box(10, 50, 20, 60)), ("cat", 0.9, Box(0, 50, 20, 60))]

    things = Eyes(made, detect).see(records[0])
    assert [one.label for one in things] == ["dog"] * 6
    assert sorted(round(one.spot.azimuth) for one in things) == [-164, -104, -44, 16, 76, 136]
    assert all(abs(one.spot.elevation) < 3 for one in things)


def test_the_papers_tables_have_our_figures_names(made):
    known = set(figures(read_split(made, "test"), [None] * 36))
    (paper,) = (one for one in read_papers() if one.source.startswith("Hear You Are"))
    for table in paper.tables:
        names = [name for half in table.datasets for name in half.metrics]
        assert all(len(row.figures) == len(names) for row in table.rows)
        assert {name for name in names if name.startswith("Q")} <= known


@pytest.fixture
def own(tmp_path) -> tuple[Path, Path]:
    """Pictures of seven classes and sounds of two."""
    pictures, sounds = tmp_path / "pictures", tmp_path / "sounds"
    for number in range(7):
        (pictures / f"thing_{number}").mkdir(parents=True)
        for one in range(3):
            image = np.zeros((40, 30, 4), np.uint8)
            image[5:35, 5:25] = (30 * number, 40 * one, 200, 255)
            cv2.imwrite(str(pictures / f"thing_{number}" / f"{one}.png"), image)
    for number in range(2):
        (sounds / f"thing_{number}").mkdir(parents=True)
        for one in range(3):
            write_wav(sounds / f"thing_{number}" / f"{one}.wav", melody(np.random.default_rng(one), 0.5).samples)
    return pictures, sounds


def test_ones_own_pictures_and_sounds_by_class(own, run, tmp_path):
    pictures, sounds = own
    media = ("--pictures", pictures, "--sounds", sounds)
    assert make(run, tmp_path / "out", *media, count=9).returncode == 0
    records = read_split(tmp_path / "out", "test")
    assert {one.sources[0].label for one in records} <= {"thing 0", "thing 1"}
    assert {Path(thing.picture).name for one in records for thing in one.objects} == {"2.png"}
    assert {Path(one.sources[0].recording).name for one in records} == {"2.wav"}
    # As VGGSound has them: a list of clips beside the recordings.
    flat = tmp_path / "vggsound"
    flat.mkdir()
    lines = []
    for number, one in enumerate(sorted(sounds.rglob("*.wav"))):
        shutil.copy(one, flat / f"abcdefghij{number}_00003{number}.wav")
        lines.append(f"abcdefghij{number},3{number},{one.parent.name},{'test' if one.stem == '2' else 'train'}")
    (flat / "vggsound.csv").write_text("\n".join(lines) + "\n")
    assert make(run, tmp_path / "listed", "--pictures", pictures, "--sounds", flat, count=9).returncode == 0
    assert {one.sources[0].recording for one in read_split(tmp_path / "listed", "test")} <= {
        "abcdefghij2_000032.wav",
        "abcdefghij5_000035.wav",
    }


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda p, s: shutil.rmtree(p / "thing_1"), "the class 'thing 1' has sounds and no pictures"),
        (lambda p, s: [one.unlink() for one in (p / "thing_3").iterdir()], "thing_3 has no pictures: at least 3"),
        (lambda p, s: (s / "thing_0" / "1.wav").unlink(), "thing_0 has 2 sounds: at least 3 are needed"),
        (lambda p, s: shutil.rmtree(s), "sounds is no folder"),
        (lambda p, s: (s / "vggsound.csv").write_text("a,b\n"), "vggsound.csv, line 1: it is not"),
        (
            lambda p, s: [one.write_bytes(b"x") for one in p.rglob("2.png")],
            "is no picture that can be read: take it out",
        ),
        (lambda p, s: [one.write_bytes(b"") for one in p.rglob("2.png")], "is no picture that can be read"),
        (lambda p, s: [one.write_bytes(b"x") for one in s.rglob("2.wav")], "2.wav cannot be heard"),
    ],
)
def test_bad_pictures_and_sounds_are_one_sentence(own, run, tmp_path, spoil, told):
    pictures, sounds = own
    spoil(pictures, sounds)
    done = make(run, tmp_path / "out", "--pictures", pictures, "--sounds", sounds)
    assert done.returncode == 1
    assert re.fullmatch(rf"gar-ssl: [^\n]*{told}[^\n]*\n", done.stderr)


@pytest.mark.parametrize(
    ("more", "status", "told"),
    [
        (("--types", "Q1,Q77"), 2, "--types: Q77 is none of Q1, Q2"),
        (("--types", ","), 2, "--types: , is none of Q1, Q2"),
        (("--size", "204x204"), 2, "at least twice as wide as high"),
        (("--tiny", "--seconds", "2"), 2, "--tiny is a size and a length of its own"),
        (("--array", "trumpet"), 2, "array is 'trumpet', which is not known"),
        (("--sofa", "head.sofa"), 1, "--sofa gives a head's responses, and respeaker_usb_4 is no head"),
    ],
)
def test_options_that_mean_nothing_are_one_sentence(run, tmp_path, more, status, told):
    make_it = ("questions", "make", "--out", tmp_path, "--split", "test", "--array", "respeaker_usb_4")
    done = run(*make_it, *more)
    assert (done.returncode, done.stdout) == (status, "")
    assert re.fullmatch(rf"gar-ssl: [^\n]*{told}[^\n]*\n", done.stderr)
    assert not list(tmp_path.iterdir())  # where the right ones are made next


def test_answers_to_nothing_here_and_folders_without_questions_are_one_sentence(made, run, tmp_path):
    (tmp_path / "other.jsonl").write_text('{"id": "test-7777777", "answer": "dog"}\n')
    scoring = ("questions", "evaluate", made, "--out", tmp_path / "report", "--answers")
    assert "answers none of the 36 questions" in run(*scoring, tmp_path / "other.jsonl").stderr
    (tmp_path / "bad.jsonl").write_text("dog\n")
    assert "bad.jsonl, line 1: the line: Invalid JSON" in run(*scoring, tmp_path / "bad.jsonl").stderr
    assert "none.jsonl: No such file or directory: check the path\n" in run(*scoring, tmp_path / "none.jsonl").stderr
    assert "holds no questions" in run("questions", "check", tmp_path).stderr
    assert (
        "no questions of the split 'val' (it has train, test)"
        in run("questions", "answer", made, "--split", "val", "--out", tmp_path / "a.jsonl").stderr
    )


def test_a_head_of_ones_own_is_heard_with_and_another_convention_refused(tmp_path):
    pytest.importorskip("slab", reason="needs the extra spatial-scenes", exc_type=ImportError)
    h5netcdf = pytest.importorskip("h5netcdf", reason="needs the extra sofa")
    from gar_ssl_ros.evaluation.questions.make import array_to_hear_with  # noqa: PLC0415
    from gar_ssl_ros.evaluation.scenes.acoustics import impulse_responses  # noqa: PLC0415

    def write(path: Path, directions: int, receivers: int) -> Path:
        random = np.random.default_rng(0)
        with h5netcdf.File(path, "w") as file:
            file.attrs["DataType"] = "FIR"
            file.dimensions = {"M": directions, "R": receivers, "N": 64, "C": 3, "I": 1}
            file.create_variable("Data.IR", ("M", "R", "N"), data=random.normal(0, 0.1, (directions, receivers, 64)))
            rate = file.create_variable("Data.SamplingRate", ("I",), data=np.array([48_000.0]))
            rate.attrs["Units"] = "hertz"
            places = np.stack([np.linspace(0, 359, directions), np.zeros(directions), np.ones(directions)], axis=1)
            file.create_variable("SourcePosition", ("M", "C"), data=places).attrs["Type"] = "spherical"
            for name in ("ListenerPosition", "ListenerView", "ListenerUp"):
                file.create_variable(name, ("I", "C"), data=np.eye(3)[:1])
        return path

    good, bad = write(tmp_path / "good.sofa", 72, 2), write(tmp_path / "bad.sofa", 72, 4)
    array = array_to_hear_with(QuestionOptions(sofa=str(good)))
    assert impulse_responses((5, 4, 3), 0.0, (3.0, 2.0, 1.5), (2.0, 2.0, 1.5), 0.0, array).shape[0] == 2
    for path, told in ((bad, r"FIR of \[4\] ears"), (tmp_path / "none.sofa", "cannot be read as SOFA")):
        with pytest.raises(Exception, match=told):
            array_to_hear_with(QuestionOptions(sofa=str(path)))


@pytest.mark.skipif(sys.platform != "linux", reason="a cluster of its own is started on Linux alone")
def test_a_ray_cluster_is_asked_for_where_there_is_none(run, tmp_path):
    pytest.importorskip("ray", reason="needs the extra ray")
    assert "there is no Ray cluster to join" in make(run, tmp_path, "--engine", "ray").stderr
