"""`gar-ssl demo`: three processes that speak ROS 2 with each other, as a person starts and stops them."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from clips import write_clip
from gar_ssl_ros.msg import SoundSourceArray
from hypothesis import given
from hypothesis import strategies as st

import gar_ssl_ros.messages.ros  # noqa: F401  # before the demo, which reads messages
from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.evaluation.scenes.promised import SIGNAL_ACCURACY, SIGNIFICANCE_LEVEL, least_right
from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.gar.localization import Timing
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.stamps import stamp_of
from gar_ssl_ros.offline.demo import SCENE_S, SEEDS, Verdict, row, scenes, shortfall, windows_inside
from gar_ssl_ros.offline.playback import play
from gar_ssl_ros.output.record import WindowRecord, read_records

DEMO = [sys.executable, "-m", "gar_ssl_ros.cli", "demo"]
OURS = {
    "/image": "sensor_msgs/msg/Image",
    "/audio": "audio_common_msgs/msg/AudioDataStamped",
    "/audio_info": "audio_common_msgs/msg/AudioInfo",
    "/localizer/sources": "gar_ssl_ros/msg/SoundSourceArray",
    "/localizer/detections": "vision_msgs/msg/Detection2DArray",
    "/localizer/image_annotated": "sensor_msgs/msg/Image",
    "/diagnostics": "diagnostic_msgs/msg/DiagnosticArray",
}


def demo(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*DEMO, *map(str, arguments)], capture_output=True, text=True, timeout=600, check=False)


def test_the_demo_is_right_live_and_leaves_a_bag_and_a_video(tmp_path, capsys):
    """With a scene of each kind; `make demo` plays more of them, and is part of what CI runs."""
    assert scenes(tmp_path / "demo", {"reasoner": "signal"}, SEEDS[:1])
    shown = capsys.readouterr().out
    assert "TOO FEW" not in shown
    assert re.search(r"^all of them +[45] of 5 ", shown, re.MULTILINE)
    assert re.search(r"^LOCALIZED +\w+ +#\d+ +\[\d+ \d+ \d+ \d+\]  The thing ", shown, re.MULTILINE)
    frames = round(len(Kind) * SCENE_S * 15)
    video = Clip(tmp_path / "demo" / "scenes_annotated.mp4")
    assert (len(list(video.pictures())), video.info.channels) == (frames, 1)
    with Bag(tmp_path / "demo" / "bag") as bag:
        assert {one.topic: one.msgtype for one in bag.connections} == OURS
        counts = {one.topic: one.msgcount for one in bag.connections}
    assert counts["/image"] == pytest.approx(frames, abs=15)
    assert counts["/diagnostics"] > 10


def test_a_rate_that_does_not_hold_is_told_and_is_no_success(capsys):
    missed = [Verdict(Kind.ONE, "LOCALIZED", right, (float(right),), "music") for right in (True, *5 * [False])]
    assert not row("one source", missed)
    assert "TOO FEW" in capsys.readouterr().out
    assert row("one source", [replace(one, right=True) for one in missed])
    assert "TOO FEW" not in capsys.readouterr().out


def test_only_scenes_without_a_window_in_time_are_played_again_slower(tmp_path, capsys):
    """A window each 12.2 s is in the first and fourth scene of five, and in the first of the three that are left."""
    assert not scenes(tmp_path, {"reasoner": "signal", "hop": 12.2}, SEEDS[:1])
    shown = capsys.readouterr().out
    assert shown.count("too slow for 2x: what was lost or late, 3 of 5 scenes, is played again at 1x\n") == 1
    assert "TOO FEW" not in shown
    assert re.search(r"^silence +SILENT +0 of 1 .* TOO LATE$", shown, re.MULTILINE)
    assert re.search(r"^the machine was too slow \(load average [\d.]+ on \d+ cores\), .*: of 2 of 5 ", shown, re.M)
    assert [one.start_s // SCENE_S for one in read_records(tmp_path / "scenes.jsonl")] == [0, 1, 3]
    assert {path.name for path in tmp_path.iterdir()} == {"scenes.mp4", "scenes.jsonl", "scenes_annotated.mp4", "bag"}


def test_a_scene_is_judged_by_its_own_window_that_lost_nothing_on_the_way():
    def window(start, frame_gap=0.067, audio_gap=0.0):
        frame = {"center_s": start + 1.5, "width": 320, "height": 240, "frames": 45, "frame_gap_s": frame_gap}
        told = {"outcome": "SILENT", "detail": "", "reasoner": "signal", "model": None, "sound": None, "sources": ()}
        times = {"start_s": start, "end_s": start + 3, "audio_gap_s": audio_gap, "skew_s": 0, "timing_s": Timing()}
        return WindowRecord(media="/image", index=0, stages=(), **frame, **told, **times)

    lost = [window(4.2, frame_gap=2 / 15), window(8.4, audio_gap=0.1)]  # a picture, a message of sound
    found = windows_inside([window(0.1), window(0.6), window(3.5), *lost, window(5.0)], 4)
    assert [None if one is None else one.start_s for one in found] == [0.6, 1.0, None, None]


@pytest.mark.parametrize(
    ("right", "late", "said"),
    [(3, 0, ""), (3, 3, ""), (2, 1, "TOO LATE"), (0, 6, "TOO LATE"), (2, 0, "TOO FEW"), (1, 1, "TOO FEW")],
)
def test_late_scenes_excuse_no_more_than_themselves(right, late, said):
    assert shortfall(right, late, needed=3).strip() == said


@given(st.integers(1, 200), st.floats(0.5, 0.999))
def test_as_many_are_needed_as_come_in_all_but_one_of_a_thousand_cases(scenes, rate):
    needed = least_right(scenes, rate)
    assert 0 <= needed <= scenes * rate + 1
    chance = [math.comb(scenes, k) * rate**k * (1 - rate) ** (scenes - k) for k in range(scenes + 1)]
    assert sum(chance[:needed]) <= SIGNIFICANCE_LEVEL < sum(chance[: needed + 1]) + 1e-12


def test_the_promised_rates_are_those_of_the_figures():
    told = (Path(__file__).parents[2] / "docs" / "figures.md").read_text()
    for kind, rate in SIGNAL_ACCURACY.items():
        assert re.search(rf"^\| `{kind.value}` .*\| {100 * rate:.1f} % \|", told, re.MULTILINE), kind


def test_a_clip_of_one_s_own_is_played_again_over_the_last_time_when_told_to(run, tmp_path):
    clip, quick = write_clip(tmp_path / "mine.mkv", seconds=4.5), ("--reasoner", "misbehaving:Fixed")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine.jsonl").write_text("of the last time\n")
    done = demo("--clip", clip, "--out", tmp_path / "out", "--overwrite", *quick)
    assert done.returncode == 0, done.stdout + done.stderr
    records = list(read_records(tmp_path / "out" / "mine.jsonl"))
    assert [round(record.end_s - record.start_s, 3) for record in records] == [3.0] * len(records)
    assert len(records) == 2
    assert 0 <= records[0].start_s < 0.5
    assert (tmp_path / "out" / "mine_annotated.mp4").exists()
    again = run("demo", "--clip", clip, "--out", tmp_path / "out")
    assert (again.returncode, again.stderr.count("\n")) == (1, 1)


def test_the_last_window_of_a_slow_reasoner_is_waited_for(tmp_path):
    """It takes 2 s for each window of 1 s, of a clip that is over before the last one's turn."""
    answers: list[str] = []
    clip = write_clip(tmp_path / "mine.mkv", seconds=2.9)
    before = dict(os.environ)
    play(clip, tmp_path / "bag", {"reasoner": "misbehaving:Slow", "window": 1.0, "hop": 1.0}, answers.append)
    assert {tuple(answer.split()[:2]) for answer in answers} == {("LOCALIZED", "dog_bark")}
    assert dict(os.environ) == before
    with Bag(tmp_path / "bag") as bag:
        told = [bag.message(one) for one in bag.messages() if one.topic in ("/image", "/localizer/sources")]
    last_picture = max(stamp_of(message.header) for message in told if not hasattr(message, "stage"))
    finals = [message for message in told if getattr(message, "stage", None) == SoundSourceArray.FINAL]
    ends = [message.window_end.sec * SECOND + message.window_end.nanosec for message in finals]
    assert last_picture - max(ends) < SECOND  # the next window would have been due a hop later


def test_what_cannot_be_played_is_told_before_anything_starts(run, tmp_path):
    missing = run("demo", "--clip", tmp_path / "none.mp4", "--out", tmp_path)
    assert (missing.returncode, missing.stdout, missing.stderr.count("\n")) == (1, "", 1)


def test_an_interrupt_leaves_no_process_and_a_whole_bag(tmp_path):
    clip = write_clip(tmp_path / "long.mkv", seconds=60.0)
    with subprocess.Popen(
        [*DEMO, "--clip", str(clip), "--out", str(tmp_path / "out"), "--reasoner", "misbehaving:Fixed"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while not process.stdout.readline().startswith(("LOCALIZED", "OFF_SCREEN", "SILENT", "UNCERTAIN")):
            assert process.poll() is None, process.stderr.read()
        children = [one.pid for one in psutil.Process(process.pid).children(recursive=True)]
        assert len(children) == 3
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGINT)  # an impatient second one
        _, errors = process.communicate(timeout=600)
    assert process.returncode == 1
    assert errors == "gar-ssl: interrupted; what was computed so far is on disk\n"
    assert not [pid for pid in children if psutil.pid_exists(pid)]
    with Bag(tmp_path / "out" / "bag") as bag:
        assert len(list(bag.messages())) > 30


def test_a_node_that_breaks_ends_the_demo_with_what_it_said(tmp_path, monkeypatch):
    monkeypatch.setenv("CYCLONEDDS_URI", "file:///nowhere.xml")
    clip = write_clip(tmp_path / "mine.mkv", seconds=2.0)
    done = demo("--clip", clip, "--out", tmp_path / "out", "--reasoner", "misbehaving:Fixed")
    assert done.returncode == 1
    assert "ended with exit status" in done.stderr
    assert "CYCLONEDDS_URI" in done.stderr
    assert "Traceback" not in done.stderr


def files(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize(
    ("name", "overwrite", "said"),
    [
        ("mine.jsonl", False, "exists already: give another --out, or --overwrite to replace it"),
        ("mine_annotated.mp4", False, "exists already: give another --out, or --overwrite to replace it"),
        ("bag", False, "exists already: give another --out, or --overwrite to replace it"),
        ("bag/bag.mcap", False, "exists already: give another --out, or --overwrite to replace it"),
        ("bag/notes.txt", True, "bag holds more than a bag (notes.txt): move it, or give another --out"),
    ],
)
def test_the_demo_takes_nothing_away_that_it_did_not_make(run, tmp_path, name, overwrite, said):
    out = tmp_path / "out"
    (out / name).parent.mkdir(parents=True)
    for path in {out / name, out / "bag" / "bag.mcap" if overwrite else out / name}:
        path.write_text("precious")
    before = files(out)
    clip = write_clip(tmp_path / "mine.mkv", seconds=2.0)
    done = run("demo", "--clip", clip, "--out", out, *(["--overwrite"] if overwrite else []))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert said in done.stderr
    assert files(out) == before


def test_the_demo_never_replaces_the_clip_that_it_plays(run, tmp_path):
    clip = write_clip(tmp_path / "mine_annotated.mp4", codec="libx264", audio_codec="aac", seconds=2.0)
    (tmp_path / "mine.mp4").hardlink_to(clip)
    before = files(tmp_path)
    done = run("demo", "--clip", tmp_path / "mine.mp4", "--out", tmp_path, "--overwrite")
    assert done.returncode == 1
    assert "would take the place of" in done.stderr
    assert files(tmp_path) == before
