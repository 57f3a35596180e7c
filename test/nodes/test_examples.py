"""The examples do what they say, as processes of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from clips import write_clip
from domains import own_domain
from robot import PATIENCE, localizer, robot

from gar_ssl_ros.output.record import read_records

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_log_sources_tells_what_makes_the_sound_until_it_is_told_to_stop(how):
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes"))}
    command = [sys.executable, "-W", "error", str(EXAMPLES / "log_sources.py")]
    with (
        localizer(reasoner="misbehaving:Fixed"),
        robot() as bot,
        subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as example,
    ):
        lines = iter(example.stderr.readline, "")
        assert "waiting for the localizer's answers" in next(lines)
        bot.meet()
        bot.node.wait_for_node("/log_sources", PATIENCE)
        bot.play(10, 3)
        told = next(lines)
        assert "#1 dog_bark at 32, 24 of 64x48, 32x24 pixels: a dog" in told
        example.send_signal(how)
        assert example.wait(PATIENCE) == 0
        assert "Traceback" not in example.stderr.read()


def test_an_own_reasoner_answers_and_takes_its_options(tmp_path):
    clip = write_clip(tmp_path / "clip.mkv", seconds=1.0)
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "localize", str(clip), "--no-video"]
    asked = [*command, "--reasoner", "own_reasoner:brightest"]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(EXAMPLES), os.environ.get("PYTHONPATH", "")])}
    widths = []
    for size in ("0.5", "0.25"):
        options = ["--reasoner-options", f"size={size}", "--out", str(tmp_path / size)]
        subprocess.run([*asked, *options], env=environment, check=True)
        (record,) = read_records(tmp_path / size / "clip.jsonl")
        assert record.reasoner == "brightest"
        widths.append(record.sources[0].box.width)
    assert widths[0] > widths[1]
    for wrong, why in (("size=2", "size is 2.0: it must lie in 0.05..1"), ("sise=1", "sise: there is no such option")):
        options = ["--reasoner-options", wrong, "--out", str(tmp_path / "wrong")]
        done = subprocess.run([*asked, *options], env=environment, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 2
        assert done.stderr.startswith(f"gar-ssl: {why}")


def test_each_example_is_short():
    for path in EXAMPLES.glob("*.py"):
        assert len(path.read_text().splitlines()) <= 100, path


def test_one_line_makes_rclpy_and_the_project_s_messages_importable():
    assert "gar_ssl_ros" in entry_points(group="embedded_ros.interfaces").names, "pip install --editable . again"
    code = (
        "from gar_ssl_ros import embedded_ros; embedded_ros.install()\n"
        "import rclpy\n"
        "from gar_ssl_ros.msg import SoundSourceArray\n"
        "from gar_ssl_ros.srv import Localize\n"
        "import gar_ssl_ros.messages.ros as ros\n"
        "from gar_ssl_ros.msg import SoundSourceArray as again\n"
        "assert again is SoundSourceArray\n"
        "print(ros.EMBEDDED, SoundSourceArray(outcome=SoundSourceArray.SILENT).outcome)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout in {"True 2\n", "False 2\n"}, done.stderr
