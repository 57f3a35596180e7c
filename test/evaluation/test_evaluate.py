"""`gar-ssl evaluate` as a person runs it: real processes over real files, killed, resumed, spread and merged."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from subprocess import DEVNULL, PIPE
from tempfile import mkdtemp
from typing import Any

import pytest
from full_disk import full_disk
from pyarrow import parquet

from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.engines import locally
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.run import named
from gar_ssl_ros.evaluation.settings import settings_from_values, values_of
from gar_ssl_ros.output.record import read_lines

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]


@dataclass(frozen=True)
class Done:
    """What a command said."""

    code: int
    out: str
    err: str

    @property
    def last(self) -> str:
        return self.err.splitlines()[-1]


def run(*arguments: object) -> Done:
    """A command in this process, as the door of `gar-ssl` would run it."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:  # wrong usage
            code = int(end.code or 0)
    return Done(code, out.getvalue(), err.getvalue())


def evaluate(recordings: Path, out: Path, *more: object) -> Done:
    return run("evaluate", "--dataset", "folder", "--root", recordings, "--out", out, *more)


def process(recordings: Path, out: Path, *more: object, **options: Any) -> subprocess.Popen[str]:
    """The same as a process of its own."""
    command = [*COMMAND, "evaluate", "--dataset", "folder", "--root", recordings, "--out", out, *more]
    return subprocess.Popen(list(map(str, command)), stdout=PIPE, stderr=PIPE, text=True, **options)


def timeless(results: Path) -> list[dict[str, Any]]:
    """The records without the seconds that they took."""
    told = [json.loads(line) for line in results.read_text().splitlines()]
    for record in told:
        del record["open_s"]
        if record["found"] is not None:
            del record["found"]["timing_s"]
    return told


def page(folder: Path) -> tuple[str, str]:
    """Report and tables, up to the section that tells times."""
    html, tables = (folder / "report.html").read_text(), (folder / "report.md").read_text()
    assert html.count('<section id="times">') == tables.count("## Times") == 1
    return html.partition('<section id="times">')[0], tables.partition("## Times")[0]


@pytest.fixture(scope="module")
def whole(recordings, tmp_path_factory) -> Path:
    """The first twelve samples, in one go."""
    out = tmp_path_factory.mktemp("whole") / "out"
    done = evaluate(recordings, out, "--limit", 12)
    assert done.code == 0, done.err
    return out


def test_masks_are_in_the_records_and_in_what_they_are_the_results_of(recordings, tmp_path):
    settings = settings_from_values({"masks": "box"})
    records = list(locally(dataset("folder", recordings).samples[:2], settings))
    sources = [source for record in records for source in record.found.sources]
    assert sources
    assert all((source.mask.width, source.mask.height) == (64, 64) for source in sources)
    assert settings_from_values(values_of(settings)) == settings
    assert named(settings) == "signal, N = 5, masks of box"
    assert "masks_model: only masks of salient" in evaluate(recordings, tmp_path / "no", "--masks-model", "a.onnx").last


def test_a_killed_run_goes_on_with_nothing_done_twice_and_the_same_report(recordings, tmp_path):
    straight, killed = tmp_path / "straight", tmp_path / "killed"
    samples = ("--limit", 60)
    assert evaluate(recordings, straight, *samples).code == 0
    results = killed / "results.jsonl"
    victim = process(recordings, killed, *samples)
    while not results.exists() or results.read_bytes().count(b"\n") < 10:
        assert victim.poll() is None
        time.sleep(0.02)
    victim.kill()
    victim.communicate()
    before = results.read_bytes()
    before = before[: before.rfind(b"\n") + 1]
    results.write_bytes(before + b'{"sample":"one_0.mp4@0.7","gro')  # as a kill in the middle of a write leaves it
    assert 10 <= before.count(b"\n") < 60

    done = evaluate(recordings, killed, *samples, "--resume")
    assert done.code == 0, done.err
    assert results.read_bytes().startswith(before)
    assert timeless(results) == timeless(straight / "results.jsonl")
    assert len({record["sample"] for record in timeless(results)}) == len(timeless(results)) == 60
    assert page(killed) == page(straight)


def test_results_are_whole_lines_and_columns_that_say_the_same(whole):
    assert sorted(path.name for path in whole.iterdir()) == [
        "config.json", "report.html", "report.md", "results.jsonl", "results.parquet",
    ]  # fmt: skip
    records = list(read_lines(whole / "results.jsonl", SampleRecord))
    assert [record.index for record in records] == list(range(12))
    rows = parquet.read_table(whole / "results.parquet").to_pylist()
    for record, row in zip(records, rows, strict=True):
        assert (row["sample"], row["outcome"], row["iou"]) == (record.sample, record.outcome, record.iou)
        found = () if record.found is None else record.found.sources
        assert row["boxes"] == [list(source.box.sides) for source in found]
        assert len(row["kept"]) == len(row["labels"]) == len(found)


def test_a_broken_file_is_one_failed_sample_that_counts_as_a_miss(whole, recordings, tmp_path):
    (broken,) = [r for r in read_lines(whole / "results.jsonl", SampleRecord) if r.found is None]
    assert (broken.sample, broken.outcome, broken.iou) == ("broken.mp4", "UNREADABLE", 0.0)
    assert "broken.mp4 is not a recording" in (broken.failure or "")
    every = (whole / "report.md").read_text()
    assert "| UNREADABLE | 1 |" in every
    assert "Every sample counts" in every

    shutil.copytree(whole, tmp_path / "out")  # nothing is asked again for another way to count
    done = evaluate(recordings, tmp_path / "out", "--limit", 12, "--resume", "--denominator", "published")
    assert done.code == 0, done.err
    assert (tmp_path / "out" / "results.jsonl").read_bytes() == (whole / "results.jsonl").read_bytes()
    published = (tmp_path / "out" / "report.md").read_text()
    assert "left out of every score" in published
    assert "| UNREADABLE | 1 |" in published
    counted = [line.split("|")[2:4] for line in every.splitlines() if line.startswith("| signal, N = 5 |")][1]
    left = [line.split("|")[2:4] for line in published.splitlines() if line.startswith("| signal, N = 5 |")][1]
    assert [int(cell) for cell in counted] == [int(left[0]) + 1, 1]


def test_shards_in_one_folder_or_in_several_equal_the_whole(whole, recordings, tmp_path):
    for shard in ("2/3", "1/3", "3/3"):
        done = evaluate(recordings, tmp_path / "one", "--limit", 12, "--shard", shard)
        assert done.code == 0, done.err
        (apart := tmp_path / shard[0]).mkdir()
        for name in ("config.json", f"results-{shard[0]}-of-3.jsonl"):
            shutil.copy(tmp_path / "one" / name, apart / name)
    merged = run("report", *(tmp_path / name for name in "312"), "--out", tmp_path / "merged")
    assert merged.code == 0, merged.err
    for folder in (tmp_path / "one", tmp_path / "merged"):
        assert timeless(folder / "results.jsonl") == timeless(whole / "results.jsonl")
        assert page(folder) == page(whole)


@contextmanager
def cluster() -> Iterator[str]:
    """The address of a Ray cluster of this machine alone."""
    folder = Path(mkdtemp(prefix="ray", dir="/tmp"))  # its sockets need a short path
    command = [
        Path(sys.executable).with_name("ray"), "start", "--head", "--block", "--port=0", "--num-cpus=2",
        "--include-dashboard=false", "--disable-usage-stats", "--object-store-memory=80000000", f"--temp-dir={folder}",
    ]  # fmt: skip
    head = subprocess.Popen(command, stdout=DEVNULL, stderr=DEVNULL)
    address = folder / "ray_current_cluster"
    while not address.exists() or not address.read_text():
        assert head.poll() is None
        time.sleep(0.1)
    try:
        yield address.read_text()
    finally:
        head.terminate()
        head.wait()
        shutil.rmtree(folder, ignore_errors=True)


def test_a_ray_cluster_gives_the_same_results_and_where_there_is_none_it_is_asked_for(
    whole, recordings, tmp_path, monkeypatch
):
    pytest.importorskip("ray")
    pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    options = ("--limit", 12, "--engine", "ray")
    alone = evaluate(recordings, tmp_path / "out", *options)
    assert (alone.code, alone.last) == (
        1,
        "gar-ssl: there is no Ray cluster to join: `ray start --head`, or use --engine local",
    )
    asked = [
        *("questions", "make", "--split", "test", "--count", "9", "--tiny", "--array", "pair"),
        *("--rooms", "1", "--places", "10", "--rt60", "0", "--out"),
    ]
    with cluster() as address:
        environment = {**os.environ, "RAY_ADDRESS": address}
        spread = process(recordings, tmp_path / "out", *options, env=environment)
        _, told = spread.communicate(timeout=600)
        command = [sys.executable, "-m", "gar_ssl_ros.cli", *asked, tmp_path / "spread", "--engine", "ray"]
        questions = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
    assert questions.returncode == 0, questions.stderr
    assert main([*asked, str(tmp_path / "alone")]) == 0
    for one in (path for path in (tmp_path / "alone").rglob("*") if path.is_file()):
        assert (tmp_path / "spread" / one.relative_to(tmp_path / "alone")).read_bytes() == one.read_bytes()
    assert spread.returncode == 0, told
    assert timeless(tmp_path / "out" / "results.jsonl") == timeless(whole / "results.jsonl")
    assert page(tmp_path / "out") == page(whole)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--limit", "11"], "holds results of another configuration (samples 12, not 11, content "),
        (["--limit", "12", "--tau-av", "0.6"], "(tau_av 0.5, not 0.6): give another --out"),
        (["--limit", "12"], "results.jsonl exists already: go on with --resume, or give another --out"),
        (["--limit", "12", "--shard", "13/13"], "shard 13/13 holds none of 12 samples: use at most 12 shards"),
    ],
)
def test_results_of_something_else_are_refused_and_kept(whole, recordings, arguments, sentence):
    held = {path: path.read_bytes() for path in whole.iterdir()}
    done = evaluate(recordings, whole, *arguments)
    assert done.code == 1
    assert done.last.startswith("gar-ssl: ")
    assert sentence in done.last
    assert {path: path.read_bytes() for path in whole.iterdir()} == held


def test_a_changed_truth_is_another_configuration(whole, recordings, tmp_path):
    moved = tmp_path / "truth.json"
    told = json.loads((recordings / "truth.json").read_text())
    told["samples"][0]["sources"][0]["box"][0] += 1
    moved.write_text(json.dumps(told))
    done = evaluate(recordings, whole, "--limit", 12, "--resume", "--annotations", moved)
    assert done.code == 1
    assert "holds results of another configuration (content " in done.last


@pytest.mark.parametrize("name", ["results.jsonl", "report.html"])
def test_a_folder_with_files_that_would_be_replaced_is_refused(recordings, tmp_path, name):
    (tmp_path / name).write_text("precious\n")
    done = evaluate(recordings, tmp_path)
    assert (done.code, done.last) == (
        1,
        f"gar-ssl: {tmp_path / name} exists already and would be replaced: give another --out",
    )
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == "precious\n"


def test_a_report_of_nothing_or_in_the_place_of_something_is_refused(whole, tmp_path):
    done = run("report", tmp_path / "none", "--out", tmp_path / "out")
    assert (done.code, done.last) == (
        1,
        f"gar-ssl: {tmp_path / 'none'} holds no results (config.json: No such file or directory): give a folder that "
        "gar-ssl evaluate has filled",
    )
    done = run("report", whole, "--out", whole)
    assert (done.code, done.last) == (
        1,
        f"gar-ssl: {whole / 'config.json'} exists already and would be replaced: give another --out",
    )
    spoilt = tmp_path / "spoilt"
    shutil.copytree(whole, spoilt)
    (spoilt / "results.jsonl").write_text('{"sample": 1}\n')
    done = run("report", spoilt, "--out", tmp_path / "out")
    assert done.code == 1
    assert "results.jsonl, line 1: " in done.last
    assert "take that line out" in done.last
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["config.json", "results.jsonl"])
@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.write_bytes(b"\xff\xfe\n")])
def test_results_that_are_no_text_are_one_sentence_and_stay(whole, recordings, tmp_path, name, make):
    spoilt = Path(shutil.copytree(whole, tmp_path / "spoilt"))
    (spoilt / name).unlink()
    make(spoilt / name)
    before = {path.name: path.stat().st_size for path in spoilt.iterdir()}
    for done in (
        run("report", spoilt, "--out", tmp_path / "out"),
        evaluate(recordings, spoilt, "--resume"),
    ):
        assert done.code == 1
        assert str(spoilt) in done.last
        assert "a defect of gar-ssl" not in done.last
        assert {path.name: path.stat().st_size for path in spoilt.iterdir()} == before


@pytest.mark.parametrize("settings", [[1], "all", None, 3, {"tau_av": 7}, {"seed": [1]}, {"prompts": 3}])
def test_settings_that_are_none_are_one_sentence_and_the_results_stay(whole, recordings, tmp_path, settings):
    spoilt = Path(shutil.copytree(whole, tmp_path / "spoilt"))
    told = json.loads((spoilt / "config.json").read_text())
    told["configuration"]["settings"] = settings
    (spoilt / "config.json").write_text(json.dumps(told))
    before = {path.name: path.read_bytes() for path in spoilt.iterdir()}
    for done in (run("report", spoilt, "--out", tmp_path / "out"), evaluate(recordings, spoilt, "--resume")):
        assert done.code == 1
        assert str(spoilt / "config.json") in done.last
        assert "a defect of gar-ssl" not in done.last
        assert {path.name: path.read_bytes() for path in spoilt.iterdir()} == before


def test_evaluations_on_several_datasets_come_on_one_page(whole, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(whole, other)
    told = json.loads((other / "config.json").read_text())
    told["configuration"]["dataset"] = "music-solo"
    (other / "config.json").write_text(json.dumps(told))
    done = run("report", whole, other, "--out", tmp_path / "out")
    assert done.code == 0, done.err
    report = (tmp_path / "out" / "report.md").read_text()
    assert report.startswith("# 2 evaluations on recordings")
    assert "## music-solo: signal, N = 5: the gate" in report
    assert "| **gar-ssl signal, N = 5** | **this run** | **—** | **—** | **—** |" in report
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["report.html", "report.md"]


@pytest.mark.parametrize("shard", ["0/2", "3/2", "2", "a/b", "1/0", "-1/2"])
def test_a_shard_out_of_range_is_wrong_usage(recordings, tmp_path, shard):
    done = evaluate(recordings, tmp_path / "out", f"--shard={shard}")
    assert done.code == 2
    assert f"argument --shard: '{shard}' is out of range" in done.err
    assert not (tmp_path / "out").exists()


def test_an_empty_dataset_is_one_sentence(tmp_path):
    (tmp_path / "truth.json").write_text('{"samples": []}')
    done = evaluate(tmp_path, tmp_path / "out")
    assert done.code == 1
    assert len(done.err.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_what_is_not_installed_is_named_with_how_to_install_it(recordings, tmp_path):
    absent = "import sys; sys.modules['pyarrow'] = None; from gar_ssl_ros.cli import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", absent, "evaluate", "--dataset", "scenes", "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    install = f"{sys.executable} -m pip install -e '{Path(__file__).parents[2]}[evaluate]'"
    assert (done.returncode, done.stderr) == (1, f"gar-ssl: evaluation needs pyarrow, not found here: {install}\n")
    assert not (tmp_path / "out").exists()


def test_whoever_watches_sees_how_far_it_is_and_an_interrupted_run_says_so_and_keeps_its_records(recordings, tmp_path):
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 24, 120, 0, 0))
    command = [*COMMAND, "evaluate", "--dataset", "folder", "--root", recordings, "--out", tmp_path]
    watched = subprocess.Popen(list(map(str, command)), stdout=DEVNULL, stderr=terminal)
    os.close(terminal)
    shown = b""
    while not re.search(rb"\d+%.*\d+/300 \[\d\d:\d\d<\d\d:\d\d", shown):  # and how long it will take
        shown += os.read(screen, 4096)
    watched.terminate()
    with suppress(OSError):  # the terminal is closed
        while True:
            shown += os.read(screen, 4096)
    os.close(screen)
    assert watched.wait() == 1
    assert shown.decode().splitlines()[-1] == "gar-ssl: interrupted; what was computed so far is on disk"
    assert 0 < len(list(read_lines(tmp_path / "results.jsonl", SampleRecord))) < 300


def test_two_runs_at_once_do_not_mix(whole, recordings, tmp_path):
    shutil.copytree(whole, tmp_path / "out")
    with (tmp_path / "out" / "results.jsonl").open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        done = evaluate(recordings, tmp_path / "out", "--limit", 12, "--resume")
    assert done.code == 1
    assert "is being written by another run: let it end first" in done.err


def test_a_full_disk_is_one_sentence_and_what_was_written_can_be_gone_on_with(whole, recordings, tmp_path):
    with full_disk(20_000):
        full = evaluate(recordings, tmp_path / "out", "--limit", 12)
    assert full.code == 1
    records = tmp_path / "out" / "results.jsonl"
    kept = "File too large: make room, or give another --out; what was computed is kept"
    assert full.last == f"gar-ssl: {records}: {kept}"
    written = list(read_lines(tmp_path / "out" / "results.jsonl", SampleRecord))
    assert 0 < len(written) < 12
    done = evaluate(recordings, tmp_path / "out", "--limit", 12, "--resume")
    assert done.code == 0, done.err
    assert timeless(tmp_path / "out" / "results.jsonl") == timeless(whole / "results.jsonl")
