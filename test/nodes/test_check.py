"""`gar-ssl check` as a person runs it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import rclpy
from clips import write_clip
from domains import own_domain
from rclpy.context import Context
from rclpy.node import Node
from robot import until

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]


@pytest.fixture(autouse=True)
def domain(monkeypatch) -> str:
    """Of a graph of its own, on this machine only."""
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    monkeypatch.setenv("ROS_DOMAIN_ID", str(own_domain("check")))
    return str(own_domain("check"))


def check(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def test_an_empty_graph_is_told_with_what_to_start(domain):
    done = check("--listen", "1")
    assert (done.returncode, done.stderr) == (0, "")
    assert re.search(r"^ok +Python +3\.", done.stdout, re.MULTILINE)
    assert re.search(r"^ok +reasoner signal +ready; needs no weights$", done.stdout, re.MULTILINE)
    assert re.search(r"^ok +reasoner auto +ready; signal answers$", done.stdout, re.MULTILINE)
    got = "yamnet yunet light-asd nanodet( efficientnet-lite2)?"  # which pip may have brought
    by_pip = "(efficientnet-lite2 by pip)?"
    models = rf"^note +models of senses +none in /.*{by_pip}\n +-> gar-ssl models get {got}; download https://"
    assert re.search(models, done.stdout, re.MULTILINE)
    assert f"ROS_DOMAIN_ID={domain}" in done.stdout
    for subject, remedy in (("images", "gar-ssl run player"), ("sound", "gar-ssl run microphone"), ("nodes", "DOMAIN")):
        assert re.search(rf"^note +{subject} .*\n +-> .*{remedy}", done.stdout, re.MULTILINE), done.stdout


def test_models_that_are_here_are_told_with_their_place(run, shared_models):
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    done = run("check", "--listen", "0.1")
    models = rf"yamnet, yunet, light-asd, nanodet, yolox-nano in {shared_models}"
    assert re.search(models, done.stdout)
    assert re.search(r"^ok +reasoner senses +ready; yamnet, yunet, ", done.stdout, re.MULTILINE)
    assert re.search(r"^ok +reasoner auto +ready; senses answers$", done.stdout, re.MULTILINE)


def test_topics_are_told_with_type_rate_and_quality_of_service(run, tmp_path):
    clip = write_clip(tmp_path / "clip.mkv", seconds=20.0)
    play = [*COMMAND, "run", "player", "--ros-args", "-p", f"clip:={clip}", "-p", "loop:=true"]
    with subprocess.Popen(play) as player:
        rclpy.init(context=(context := Context()))
        node = Node("waiting", context=context)
        until(lambda: node.count_publishers("/image") and node.count_publishers("/audio"))
        node.destroy_node()
        rclpy.shutdown(context=context)
        done = run("check", "--listen", "6")
        player.terminate()
    assert done.returncode == 0, done.stderr
    found = re.search(
        r"^ok +/image +sensor_msgs/msg/Image; ([\d.]+) Hz; reliable, volatile; 1 publish, 0 listen$",
        done.stdout,
        re.MULTILINE,
    )
    assert found, done.stdout
    assert float(found[1]) > 1
    assert re.search(r"^ok +/audio +audio_common_msgs/msg/AudioDataStamped; ", done.stdout, re.MULTILINE)
    assert re.search(r"^ok +nodes +/player$", done.stdout, re.MULTILINE)
    assert "nobody publishes any" not in done.stdout


def test_a_package_that_does_not_work_is_a_problem_with_its_remedy(monkeypatch, tmp_path):
    (Path(tmp_path) / "soxr.py").write_text("raise ImportError('built for another NumPy')\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")]))
    done = check("--listen", "0.1")
    assert done.returncode == 1
    assert re.search(
        r"^PROBLEM +soxr +cannot be imported: built for another NumPy\n +-> \S+ -m pip install --upgrade soxr$",
        done.stdout,
        re.MULTILINE,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", ["0", "soon"])
def test_a_time_that_is_none_is_wrong_usage(run, wrong):
    done = run("check", "--listen", wrong)
    assert done.returncode == 2
    assert "argument --listen" in done.stderr


@pytest.mark.parametrize(
    "wrong",
    [{"ROS_DOMAIN_ID": "999"}, {"CYCLONEDDS_URI": "file:///nowhere.xml"}, {"CYCLONEDDS_URI": "<CycloneDDS"}],
)
def test_an_environment_in_which_no_graph_can_be_joined_is_a_problem(run, monkeypatch, wrong):
    for name, value in wrong.items():
        monkeypatch.setenv(name, value)
    done = run("check", "--listen", "0.1")
    assert done.returncode == 1
    assert re.search(rf"^PROBLEM +topics +cannot be looked at: .*{name}", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stderr
