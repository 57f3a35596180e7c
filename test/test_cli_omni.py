"""`gar-ssl` with a model as a person runs it: real files, and a tiny model laid out as real ones are."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from clips import read_sound, write_clip

from gar_ssl_ros.checks.model import too_slow
from gar_ssl_ros.cli import main
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.output.record import WindowRecord, read_records

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]


def process(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(
        command, capture_output=True, text=True, timeout=600, check=False, env={**os.environ, **environment}
    )


def assert_whole(record: WindowRecord) -> None:
    assert record.outcome is Outcome.LOCALIZED, record.detail
    for source in record.sources:
        assert 0 <= source.box.x1 < source.box.x2 <= record.width
        assert 0 <= source.box.y1 < source.box.y2 <= record.height
    for case in record.stages:
        assert case.consensus is not None
        assert case.consensus.failed == 0
        assert case.failure is None


def test_a_model_is_evaluated(run, tiny_omni, tmp_path):
    asked = ("--dataset", "scenes", "--limit", 2, "--reasoner", "omni", "--model", tiny_omni, "--trials", 2)
    done = run("evaluate", *asked, "--coordinates", "pixels", "--least-pixels", 3136, "--off-screen", "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    lines = (tmp_path / "results.jsonl").read_text().splitlines()
    assert len(lines) == 2
    settings = json.loads((tmp_path / "config.json").read_text())["configuration"]["settings"]
    assert (settings["model"], settings["off_screen"]) == (str(tiny_omni), True)
    assert f"{tiny_omni.name}, N = 2, off_screen" in (tmp_path / "report.md").read_text()


@pytest.fixture
def clip(tmp_path) -> Path:
    return write_clip(tmp_path / "clip.mkv", size=(96, 64))


def test_a_clip_goes_through_a_model_to_records(run, tiny_omni, tmp_path):
    clips = [
        write_clip(tmp_path / "wide.mkv", size=(160, 48)),
        write_clip(tmp_path / "short.mkv", seconds=0.1),
        write_clip(tmp_path / "long.mkv", seconds=30.0),
        write_clip(tmp_path / "not_numbers.mkv", audio=np.full((1, 48_000), np.nan, np.float32)),
    ]
    done = run(
        *("localize", *clips, "--out", tmp_path, "--no-video", "--sources", 2, "--trials", 3),
        *("--reasoner", "omni", "--model", tiny_omni, "--coordinates", "pixels"),
        *("--least-pixels", 3136, "--grounded", "--off-screen", "--seed", 5, "--window", 30),
    )
    assert done.returncode == 1
    assert "3.0 s of 3.0 s of sound are missing" in done.stderr
    assert "Traceback" not in done.stderr
    for name in ("wide", "short", "long"):
        (record,) = read_records(tmp_path / f"{name}.jsonl")
        assert (record.reasoner, record.model) == ("omni", str(tiny_omni))
        if record.outcome is not Outcome.OFF_SCREEN:
            assert_whole(record)


def test_photographs_with_their_sounds_go_through_a_model(run, shared_media, tiny_omni, tmp_path):
    clips = []
    for name in ("dog", "car"):  # upright and wide
        photograph = cv2.cvtColor(cv2.imread(str(shared_media / f"{name}.jpg")), cv2.COLOR_BGR2RGB)
        height, width = (side // 2 * 2 for side in photograph.shape[:2])
        photograph = np.ascontiguousarray(photograph[:height, :width])
        sound = read_sound(shared_media / f"{name}.wav", 16_000)[None, :48_000]
        clips.append(
            write_clip(
                tmp_path / f"{name}.mkv",
                size=(width, height),
                stamps=[0.0, 1.0, 2.0],
                image=lambda _, shown=photograph: shown,
                audio=sound,
                seconds=sound.shape[1] / 16_000,
            )
        )
    film = shared_media / "bigbuckbunny.mp4"
    done = run(
        *("localize", *clips, film, "--out", tmp_path, "--no-video", "--reasoner", "omni", "--model", tiny_omni),
        *("--coordinates", "thousandths", "--least-pixels", 3136, "--trials", 2),
        *("--window", 6, "--hop", 6),
    )
    assert (done.returncode, done.stderr) == (0, "")
    for path in (*clips, film):
        for record in read_records(tmp_path / f"{path.stem}.jsonl"):
            assert_whole(record)


def test_check_loads_measures_and_probes(run, tiny_omni):
    done = run("check", "--listen", 0.1, "--model", tiny_omni, "--least-pixels", 3136)
    assert (done.returncode, done.stderr) == (1, "")
    lines = [line for line in done.stdout.splitlines() if line[9:39].strip()]
    assert [line[9:39].strip() for line in lines[-5:]] == ["model", "memory", "loading", "window", "coordinates"]
    assert all(stage in lines[-2] for stage in ("classify", "locate", "analyze", "refine"))
    assert "red square" in lines[-1]
    assert "choose `coordinates` yourself" in done.stdout  # which nobody can tell of random weights


@pytest.mark.parametrize(("seconds", "told"), [(2.0, None), (6.6, None), (6.7, "deadline:=11"), (11.0, "deadline:=17")])
def test_check_names_a_deadline_that_a_slow_model_can_keep(seconds, told):
    remedy = too_slow(seconds)
    assert told in remedy if told else not remedy


def broken(tiny: Path, folder: Path, kind: str) -> Path:
    """A copy of the checkpoint with something wrong."""
    if kind == "absent":
        return folder
    if kind == "empty":
        folder.mkdir()
        return folder
    shutil.copytree(tiny, folder)
    config = json.loads((folder / "config.json").read_text())
    if kind == "half":
        sorted(folder.glob("*.safetensors"))[-1].unlink()
    elif kind == "cut":
        shard = sorted(folder.glob("*.safetensors"))[-1]
        shard.write_bytes(shard.read_bytes()[:1000])
    elif kind == "llama":
        config = {"model_type": "llama", "hidden_size": 64}
    elif kind == "code":
        config["auto_map"] = {"AutoModel": "modeling_evil.Evil"}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("absent", "there is no folder"),
        ("empty", "config.json"),
        ("half", "hf download"),
        ("cut", "hf download"),
        ("llama", "is a llama model: only Qwen2.5-Omni and Qwen3-Omni are supported"),
        ("code", "never run"),
    ],
)
def test_a_model_that_cannot_be_loaded_is_one_sentence_and_a_fallback_keeps_answering(
    tiny_omni, clip, tmp_path, capfd, kind, told
):
    model = broken(tiny_omni, tmp_path / "model", kind)
    localize = ["localize", str(clip), "--no-video", "--reasoner", "omni", "--model", str(model)]
    assert main([*localize, "--out", str(tmp_path / "alone")]) == 1
    alone = capfd.readouterr().err
    assert alone.startswith(f"gar-ssl: {model}" if kind != "absent" else "gar-ssl: there is no folder")
    assert told in alone
    assert alone.count("\n") == 1
    assert not (tmp_path / "alone").exists()
    assert main(["check", "--listen", "0.1", "--model", str(model)]) == 1
    assert told in capfd.readouterr().out.replace("\n" + " " * 39 + "-> ", ": ")
    assert main([*localize, "--out", str(tmp_path / "out"), "--fallback", "signal"]) == 0
    (record,) = read_records(tmp_path / "out" / "clip.jsonl")
    assert record.reasoner == "signal"
    assert record.detail.startswith("omni failed (")
    assert told in record.detail


def test_without_torch_there_is_a_sentence_and_the_rest_works(clip, tmp_path):
    missing = tmp_path / "missing" / "torch"
    missing.mkdir(parents=True)
    (missing / "__init__.py").write_text("raise ModuleNotFoundError(\"No module named 'torch'\", name='torch')\n")
    localize = ("localize", clip, "--no-video", "--reasoner", "omni", "--model", "Qwen/Qwen2.5-Omni-3B")
    done = process(*localize, "--out", tmp_path / "alone", PYTHONPATH=str(missing.parent))
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "is no folder here; as a hub id it needs torch, which is not installed: " in done.stderr
    done = process(*localize, "--out", tmp_path / "out", "--fallback", "signal", PYTHONPATH=str(missing.parent))
    assert done.returncode == 0
    assert done.stderr.count("\n") == 1
    assert "signal answers instead" in done.stderr


def test_check_looks_at_the_folder_of_a_model_where_torch_is_missing_too(run, tiny_omni, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)  # as Python has it of what cannot be imported

    def told(model: Path) -> str:
        done = run("check", "--listen", 0.1, "--model", model)
        assert (done.returncode, done.stderr) == (1, "")
        return done.stdout.replace("\n" + " " * 39 + "-> ", ": ")

    (tmp_path / "empty").mkdir()
    unread = "has no config.json that can be read (No such file or directory): give the folder"
    assert f"{tmp_path}/empty {unread}" in told(tmp_path / "empty")
    whole = told(tiny_omni)
    assert f", whole, in {tiny_omni}" in whole
    assert f"{tiny_omni} needs torch, which is not installed: {sys.executable} -m pip install" in whole
    assert "3.11" not in whole.partition("needs torch")[2]  # nothing is wrong with this Python


def test_no_model_is_a_sentence(clip, tmp_path, capsys):
    assert main(["localize", str(clip), "--out", str(tmp_path), "--reasoner", "omni"]) == 1
    assert "omni needs a model" in capsys.readouterr().err
    assert main(["localize", str(clip), "--out", str(tmp_path), "--reasoner", "signal", "--fallback", "signal"]) == 1
    assert "cannot stand in for itself" in capsys.readouterr().err
