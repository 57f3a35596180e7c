"""`gar-ssl` among files that people care about: none is touched, nothing computed is lost, nothing hangs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from clips import write_clip
from damaged import scenes_as_mjpeg
from full_disk import full_disk

from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.output.record import read_records

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]
LOCALIZE = ("localize", "--reasoner", "signal")  # auto says on stderr which it is
QUICK = ("localize", "--reasoner", "misbehaving:Fixed")  # for a process, which would load librosa for signal
EXISTS = "exists already: give another --out, or --overwrite to replace it"


def process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **options)  # type: ignore[call-overload]


def kept(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A short recording."""
    return write_clip(tmp_path_factory.mktemp("made") / "made.mp4", codec="libx264", audio_codec="aac", seconds=1.0)


@pytest.fixture
def clip(made, tmp_path) -> Path:
    return Path(shutil.copy(made, tmp_path / "clip.mp4"))


def test_results_never_share_a_name(run, made, tmp_path):
    wanted = ["x/a.mp4", "y/a.mp4", "a_2.mp4", "z/A.mp4", "a_3.mkv"]
    for name in wanted:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(made, tmp_path / name)
    done = run(*LOCALIZE, *wanted, "--out", "out", "--no-video", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    records = {path.name: next(read_records(path)).media for path in (tmp_path / "out").glob("*.jsonl")}
    assert records == {
        "a.jsonl": "x/a.mp4",
        "a_4.jsonl": "y/a.mp4",
        "a_2.jsonl": "a_2.mp4",
        "A_5.jsonl": "z/A.mp4",  # a file system may know no case
        "a_3.jsonl": "a_3.mkv",
    }


def test_a_recording_is_never_replaced_by_the_results_of_another(run, made, tmp_path):
    for name in ("b.mp4", "b_annotated.mp4"):
        shutil.copy(made, tmp_path / name)
    before = kept(tmp_path)
    done = run(*LOCALIZE, "b.mp4", "b_annotated.mp4", "--out", ".", "--overwrite", cwd=tmp_path)
    assert done.returncode == 1
    said = "b_annotated.mp4 would take the place of b_annotated.mp4, which is read: give another --out"
    assert done.stderr == f"gar-ssl: {said}\n"
    after = kept(tmp_path)
    assert {path: after[path] for path in before} == before
    assert {path.name for path in after.keys() - before.keys()} == {
        "b_annotated.jsonl", "b_annotated_contact.png", "b_annotated_annotated.mp4",
    }  # fmt: skip


@pytest.mark.parametrize("name", ["clip.jsonl", "clip_contact.png", "clip_annotated.mp4"])
def test_if_one_result_cannot_be_written_no_other_file_is_touched(run, clip, tmp_path, name):
    (tmp_path / "clip.jsonl").write_text("precious")
    (tmp_path / name).unlink(missing_ok=True)
    (tmp_path / name).mkdir()
    before = kept(tmp_path)
    done = run(*LOCALIZE, clip, "--out", tmp_path, "--overwrite")
    assert done.returncode == 1
    assert f"{name} is a folder and stays" in done.stderr
    assert kept(tmp_path) == before


def test_a_link_is_replaced_and_what_it_leads_to_is_kept(run, clip, tmp_path):
    for ending in (".jsonl", "_contact.png", "_annotated.mp4"):
        (tmp_path / f"mine{ending}").write_text("precious")
        (tmp_path / f"clip{ending}").symlink_to(f"mine{ending}")
    done = run(*LOCALIZE, clip, "--out", tmp_path, "--overwrite")
    assert done.returncode == 0, done.stderr
    for ending in (".jsonl", "_contact.png", "_annotated.mp4"):
        assert (tmp_path / f"mine{ending}").read_text() == "precious"
        assert not (tmp_path / f"clip{ending}").is_symlink()


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_of_two_runs_at_once_one_has_the_names(run, tmp_path, overwrite):
    clip = write_clip(tmp_path / "clip.mkv", size=(320, 240), codec="libx264", audio_codec="aac", seconds=6.0)
    out = tmp_path / "out"
    if overwrite:
        assert run(*QUICK, clip, "--out", out).returncode == 0
    command = [*COMMAND, *QUICK, str(clip), "--out", str(out), "--hop", "0.5", *overwrite]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    said = [one.communicate(timeout=120)[1] for one in runs]
    assert sorted(one.returncode for one in runs) in ([0, 1], [0, 0] if overwrite else [0, 1])
    assert all(not one or EXISTS in one or "is being written by another run" in one for one in said), said
    records = list(read_records(out / "clip.jsonl"))
    assert [record.index for record in records] == list(range(len(records)))
    assert len(list(Clip(out / "clip_annotated.mp4").pictures())) == 60


def odd(folder: Path, made: Path) -> dict[str, str]:
    """Recordings that are none, and what is said of each."""
    os.mkfifo(folder / "pipe.mp4")
    (folder / "loop.mp4").symlink_to("loop.mp4")
    (folder / "zero.mp4").symlink_to("/dev/zero")
    (folder / "folder.mp4").mkdir()
    (folder / "empty.mp4").touch()
    long = f"{'n' * 250}.mp4"
    shutil.copy(made, folder / long)
    return {
        "pipe.mp4": "it is a named pipe, not a file",
        "loop.mp4": "its links lead in a circle",
        "zero.mp4": "it is a device, not a file",
        "folder.mp4": "is a folder: name the files in it",
        "empty.mp4": "is empty: give a whole video file",
        long: "give the recording a shorter name",
        f"{'n' * 300}.mp4": "File name too long",
        "gone.mp4": "does not exist: check the path",
    }


def test_each_recording_that_is_none_is_a_sentence_of_its_own_and_the_rest_goes_on(run, made, tmp_path):
    shutil.copy(made, tmp_path / "last.mp4")
    wanted = odd(tmp_path, made)
    done = run(*LOCALIZE, *wanted, "last.mp4", "--out", "out", cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert len(lines) == len(wanted)
    for line, (name, said) in zip(lines, wanted.items(), strict=True):
        assert name.removesuffix(".mp4") in line
        assert said in line
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "last.jsonl", "last_annotated.mp4", "last_contact.png",
    }  # fmt: skip


def test_a_name_that_is_not_utf_8_is_as_good_as_any(made, tmp_path):
    name = os.fsdecode(b"caf\xe9.mp4")
    shutil.copy(made, tmp_path / name)
    done = process(*QUICK, name, "--out", "out", cwd=tmp_path, env={**os.environ, "PYTHONIOENCODING": "utf-8:strict"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "caf\\udce9.mp4: 1 " in done.stdout
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        os.fsdecode(b"caf\xe9" + ending) for ending in (b".jsonl", b"_annotated.mp4", b"_contact.png")
    }
    (line,) = next((tmp_path / "out").glob("*.jsonl")).read_text(encoding="utf-8").splitlines()
    assert json.loads(line)["media"] == "caf\\udce9.mp4"


def test_a_full_disk_leaves_no_half_of_a_sheet(run, clip, tmp_path):
    with full_disk(4096):
        done = run(*LOCALIZE, clip, "--out", tmp_path / "out")
    assert done.returncode == 1
    sheet = tmp_path / "out" / "clip_contact.png"
    assert done.stderr.startswith(f"gar-ssl: {sheet} cannot be written (File too large): free some space")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["clip.jsonl"]
    assert len(list(read_records(tmp_path / "out" / "clip.jsonl"))) == 1


def test_what_could_not_be_begun_leaves_nothing_that_stands_in_the_way(run, tmp_path):
    sound = write_clip(tmp_path / "cut.mp4", codec="libx264", audio_codec="aac", seconds=1.0)
    whole = sound.read_bytes()
    sound.write_bytes(whole[: whole.index(b"mdat") - 4] + bytes(100))
    run(*LOCALIZE, sound, "--out", tmp_path / "out")
    sound.write_bytes(whole)
    again = run(*LOCALIZE, sound, "--out", tmp_path / "out")
    assert again.returncode == 0, again.stderr


def test_scenes_that_exist_are_replaced_only_when_told_to(run, tmp_path):
    def scenes(*more: str) -> subprocess.CompletedProcess[str]:
        wanted = ("--out", tmp_path, "--count", 2, "--seconds", 1, "--size", "96x64", "--distractors", 0)
        return run("scenes", *wanted, *more)

    (tmp_path / "one_medium_0001.truth.json").write_text("precious")
    done = scenes()
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"gar-ssl: {tmp_path / 'one_medium_0001.truth.json'} {EXISTS}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["one_medium_0001.truth.json"]
    assert scenes("--overwrite").returncode == 0
    assert len(list(tmp_path.iterdir())) == 4


def test_a_scene_is_whole_or_not_there(run, tmp_path):
    with full_disk(4096):
        done = run("scenes", "--out", tmp_path, "--seconds", 1)
    assert done.returncode == 1
    assert "File too large: free some space" in done.stderr
    assert list(tmp_path.iterdir()) == []


MANY = "9" * 20


@pytest.mark.parametrize(
    "arguments",
    [
        ["localize", "a.mp4", "--out", "o", "--trials", MANY],
        ["localize", "a.mp4", "--out", "o", "--trials", "9" * 5000],
        ["localize", "a.mp4", "--out", "o", "--trials", "51"],
        ["localize", "a.mp4", "--out", "o", "--trials", "\N{SUPERSCRIPT TWO}"],
        ["localize", "a.mp4", "--out", "o", "--sources", "17"],
        ["localize", "a.mp4", "--out", "o", "--seed", "-1"],
        ["localize", "a.mp4", "--out", "o", "--hop", "inf"],
        ["bag", "a", "--trials", MANY],
        ["bag", "a", "--sources", "0"],
        ["evaluate", "--dataset", "scenes", "--out", "o", "--trials", MANY],
        ["evaluate", "--dataset", "scenes", "--out", "o", "--sources", MANY],
        ["evaluate", "--dataset", "scenes", "--out", "o", "--limit", MANY],
        ["evaluate", "--dataset", "scenes", "--out", "o", "--shard", f"1/{MANY}"],
        ["scenes", "--out", "o", "--fps", "inf"],
        ["scenes", "--out", "o", "--fps", "nan"],
        ["scenes", "--out", "o", "--fps", "241"],
        ["scenes", "--out", "o", "--shake", "inf"],
        ["scenes", "--out", "o", "--noise", "nan"],
        ["scenes", "--out", "o", "--size", "99998x99998"],
        ["scenes", "--out", "o", "--size", "0x0"],
        ["scenes", "--out", "o", "--count", MANY],
        ["scenes", "--out", "o", "--seed", MANY],
        ["scenes", "--out", "o", "--distractors", "7"],
    ],
)
def test_numbers_out_of_range_are_wrong_usage_before_anything_begins(run, tmp_path, arguments):
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    last = done.stderr.splitlines()[-1]
    assert f"argument {arguments[-2]}: " in last
    assert len(last) < 250
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
def test_standard_streams_that_are_closed_end_up_in_no_file(clip, tmp_path, closed):
    shut = " ".join(f"{number}>&-" for number in closed)
    command = f'"$@" {shut}'
    done = subprocess.run(
        ["sh", "-c", command, "sh", *COMMAND, *QUICK, str(clip), "--out", str(tmp_path / "out")],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert len(list(read_records(tmp_path / "out" / "clip.jsonl"))) == 1
    assert len(list(Clip(tmp_path / "out" / "clip_annotated.mp4").pictures())) == 10


def test_damage_in_a_window_is_told_and_is_not_called_off_screen(run, tmp_path):
    """Ten rendered scenes as MJPEG, six of ten pictures broken."""
    clips = scenes_as_mjpeg(tmp_path, range(10), share=0.6)
    done = run(*LOCALIZE, *clips, "--out", tmp_path / "out", "--no-video")
    assert done.stderr.count("pictures are damaged, or build on one that is") == 10
    records = [one for path in (tmp_path / "out").glob("*.jsonl") for one in read_records(path)]
    assert len(records) == 10
    assert all(record.damage_s > 0.5 for record in records)
    assert "OFF_SCREEN" not in {record.outcome.value for record in records}
    failed = [record for record in records if record.outcome.failed]
    assert failed
    assert done.returncode == 1
    assert all("show damaged pictures: that nothing was found in them proves nothing" in one.detail for one in failed)
