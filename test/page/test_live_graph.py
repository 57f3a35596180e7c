"""A graph behind the page: real nodes as processes, real DDS, and what the page asks of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from domains import own_domain, own_environment

from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.offline.processes import graph
from gar_ssl_ros.page.commands import CommandError, Enable, Localize, Play, Record, SetParameter
from gar_ssl_ros.page.graph import Graph, Wanted
from gar_ssl_ros.page.live_node import SETTABLE, Names

PATIENCE_S = 120.0  # by which what should happen has happened, on any machine


def until(behind: Graph, condition: Callable[[], Any]) -> Any:
    """What the condition gives once it holds, while somebody looks after the nodes."""
    end = time.monotonic() + PATIENCE_S
    while not (held := condition()):
        assert time.monotonic() < end, "it never happened"
        behind.look()
        time.sleep(0.05)
    return held


def told(behind: Graph, kind: str) -> dict[str, Any]:
    """What is so now, as far as that has been told; else empty."""
    texts = [json.loads(one) for one in behind.feed.news(0).messages if isinstance(one, str)]
    return next((one for one in texts if one["type"] == kind), {})


def answers(behind: Graph) -> list[dict[str, Any]]:
    """Those that judged their window: the first ones may lack sound, and a machine may be too busy."""
    texts = [json.loads(one) for one in behind.feed.news(0).messages if isinstance(one, str)]
    found = [one for one in texts if one["type"] == "answer" and one["stage"] == "final"]
    return [one for one in found if one["outcome"] in ("LOCALIZED", "SILENT", "OFF_SCREEN", "UNCERTAIN")]


def recorded(behind: Graph) -> int:
    """Messages, as the recorder tells."""
    found = [one for one in told(behind, "health").get("statuses", ()) if one["name"] == "recorder: recorder"]
    return int(found[0]["values"].get("messages", 0)) if found and found[0]["level"] == 0 else 0


@pytest.fixture(scope="module")
def clip(tmp_path_factory, scene_of) -> Path:
    scene, _ = scene_of(Kind.ONE)
    folder = tmp_path_factory.mktemp("live")
    write_scene(scene, folder, "scene")
    return next(path for path in folder.iterdir() if path.suffix != ".json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("sessions") / "new"


@pytest.fixture(scope="module")
def behind(clip, folder) -> Iterator[Graph]:
    wanted = [
        Wanted("localizer", {"reasoner": "signal", "hop": 0.5}),
        Wanted("player", {"clip": clip, "loop": True, "compressed": True, "wait": 20.0}),
        Wanted("microphone", {"device": "no such microphone"}),
    ]
    with pytest.MonkeyPatch.context() as environment:
        for name, value in own_environment().items():
            environment.setenv(name, value)
        with graph() as start, closing(Graph(start, wanted, Names(), {"mode": "clip"}, folder, 60.0)) as made:
            yield made


def test_what_is_seen_heard_and_answered_comes_to_the_page(behind):
    answer = until(behind, lambda: answers(behind))[0]
    assert answer["reasoner"] == "signal"
    assert answer["begin"] < answer["stamp"] < answer["end"]
    assert {"stages", "timing_s"} <= answer.keys()
    picture = behind.picture(round(answer["stamp"] * 1e6))
    assert picture is not None
    assert abs(picture.stamp / 1e6 - answer["stamp"]) < 0.01  # the very one, kept
    assert picture.jpeg.startswith(b"\xff\xd8")
    assert len(behind.sound(round(answer["begin"] * 1e6), round(answer["end"] * 1e6))) > 66 * 100
    assert until(behind, lambda: told(behind, "health").get("picture_rate"))


def test_a_node_that_cannot_run_is_a_problem_that_is_told_and_the_rest_goes_on(behind):
    problems = until(behind, lambda: [one for one in told(behind, "health").get("problems", ()) if "microphone" in one])
    assert len(problems) == 1
    assert "\n" not in problems[0]
    assert until(behind, lambda: answers(behind))


def test_parameters_come_with_their_ranges_and_are_changed(behind):
    until(behind, lambda: told(behind, "parameters"))
    known = {one["name"]: one for one in told(behind, "parameters")["parameters"]}
    assert set(known) == set(SETTABLE)
    assert known["hop"] | {"value": 0} == known["hop"] | {"value": 0, "kind": "float", "least": 0.1, "most": 600}
    assert "is 2 now" in behind.do(SetParameter(do="set", id=1, name="sources", value=2))
    now = until(
        behind,
        lambda: [p for p in told(behind, "parameters")["parameters"] if p["name"] == "sources" and p["value"] == 2],
    )
    assert now
    assert "is 1.0 now" in behind.do(SetParameter(do="set", id=1, name="hop", value=1))  # a whole number will do


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("hop", 1e9, "must lie in"),
        ("hop", "fast", "give one such as"),
        ("reasoner", "os:system", "no parameter that may"),
    ],
)
def test_what_cannot_be_set_is_one_sentence(behind, name, value, words):
    until(behind, lambda: told(behind, "parameters"))
    with pytest.raises(Exception, match=words) as refused:
        behind.do(SetParameter(do="set", id=1, name=name, value=value))
    assert "\n" not in str(refused.value)


def test_the_localizer_is_held_and_asked(behind):
    since = time.time() * 1e3  # another hop, which a test before this one may have set, has it begin anew
    until(behind, lambda: [one for one in answers(behind) if one["begin"] > since])
    behind.do(Enable(do="enable", id=1, on=False))
    until(behind, lambda: told(behind, "enabled") == {"type": "enabled", "on": False})
    assert behind.do(Localize(do="localize", id=2)).strip()
    behind.do(Enable(do="enable", id=3, on=True))
    until(behind, lambda: told(behind, "enabled") == {"type": "enabled", "on": True})


def test_a_session_is_recorded_when_asked_and_only_then(behind, folder):
    until(behind, lambda: answers(behind))
    assert not folder.exists()
    with pytest.raises(CommandError, match="nothing is being recorded"):
        behind.do(Record(do="record", id=1, on=False))
    assert str(folder) in behind.do(Record(do="record", id=1, on=True))
    assert told(behind, "recording")["on"]
    with pytest.raises(CommandError, match="already"):
        behind.do(Record(do="record", id=1, on=True))
    until(behind, lambda: recorded(behind) > 50)
    assert str(folder) in behind.do(Record(do="record", id=1, on=False))
    assert not told(behind, "recording")["on"]
    (piece,) = folder.iterdir()
    with Bag(piece) as bag:
        topics = {one.topic: one.msgcount for one in bag.connections}
    assert {"/image/compressed", "/audio", "/localizer/sources"} <= topics.keys()
    assert topics["/image/compressed"] > 5


def test_what_only_a_recorded_session_can_do_is_refused(behind):
    with pytest.raises(CommandError, match="recorded session"):
        behind.do(Play(do="play", id=1, on=True))


def test_without_a_localizer_asking_is_one_sentence(folder):
    with pytest.MonkeyPatch.context() as environment:
        for name, value in {**own_environment(), "ROS_DOMAIN_ID": str(own_domain("nobody"))}.items():
            environment.setenv(name, value)
        with graph() as start, closing(Graph(start, [], Names(), {"mode": "graph"}, folder, None)) as alone:
            with pytest.raises(CommandError, match="nobody answers at /localizer/localize"):
                alone.do(Localize(do="localize", id=1))
            assert until(alone, lambda: told(alone, "health").get("problems"))


def test_the_command_serves_a_page_says_where_and_ends_when_told(clip, tmp_path):
    """By one process, as a person starts and stops it."""
    command = [
        sys.executable,
        "-m",
        "gar_ssl_ros.cli",
        "live",
        "--clip",
        str(clip),
        "--reasoner",
        "misbehaving:Fixed",
        "--port",
        "0",
    ]
    process = subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    )
    assert process.stdout is not None
    address = process.stdout.readline()
    assert address.startswith("http://127.0.0.1:")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert (process.returncode, out, err) == (0, "", "")
    assert not list(tmp_path.iterdir())  # nothing is kept unless asked


def test_what_keeps_a_node_from_running_is_told_at_the_terminal_once_and_the_page_goes_on(tmp_path):
    (tmp_path / "clip.mp4").write_text("no clip")
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "live", "--clip", "clip.mp4", "--reasoner", "misbehaving:Fixed"]
    process = subprocess.Popen(
        [*command, "--port", "0"], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith("http://")
    told = process.stderr.readline()
    assert "the player ended" in told
    assert "clip.mp4" in told
    process.send_signal(signal.SIGINT)
    assert (process.wait(PATIENCE_S), process.stderr.read()) == (0, "")
    process.stdout.close()
    process.stderr.close()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--clip", "none.mp4"], "none.mp4 does not exist"),
        (["--clip", "a.mp4", "--graph"], "not allowed with"),
        (["session.mcap", "--browser"], "played by itself"),
        (["--keep", "1s"], "is not a time from 10s"),
        (["--port", "99999"], "not a whole number"),
        (["--graph", "--port", "0", "--host", "no.such.host.invalid"], "choose another"),
    ],
)
def test_wrong_usage_is_one_sentence(run, monkeypatch, arguments, words):
    for name, value in own_environment().items():
        monkeypatch.setenv(name, value)
    done = run("live", *arguments)
    assert done.returncode in (1, 2)
    assert words in done.stderr
    assert "Traceback" not in done.stderr
