"""`import rclpy` where there is none, each case in a process of its own."""

from __future__ import annotations

import subprocess
import sys

from processes import ROOT


def run(code: str, *paths: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"import sys; sys.path[:0] = {list(paths)!r}\n" + code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_every_name_of_rclpy_leads_to_the_same_module(embedded):
    run(
        "from gar_ssl_ros import embedded_ros\n"
        "assert not embedded_ros.installed() and embedded_ros.install() and embedded_ros.installed()\n"
        "import rclpy, rclpy.qos, rclpy.impl.logging_severity\n"
        "import gar_ssl_ros.embedded_ros.rclpy.qos as ours\n"
        "from rclpy.node import Node\n"
        "import rclpy.node, rclpy.qos_event, rclpy.event_handler, rclpy.lifecycle, rclpy.task, rclpy.signals\n"
        "assert rclpy.qos is ours and rclpy.qos.QoSProfile is ours.QoSProfile\n"
        "assert rclpy.node.Node is Node\n"
    )


def test_classes_in_use_stay_when_it_is_installed_again(embedded):
    run(
        "from pathlib import Path\n"
        "from gar_ssl_ros import embedded_ros\n"
        "embedded_ros.install({'gar_ssl_ros': Path('.')})\n"
        "from std_msgs.msg import String\n"
        "import std_msgs.msg\n"
        "assert embedded_ros.install() and embedded_ros.install({'gar_ssl_ros': Path('.')})\n"
        "import std_msgs.msg as again\n"
        "assert again.String is String\n"
    )


def test_a_real_rclpy_is_left_alone(tmp_path):
    (tmp_path / "rclpy.py").write_text("real = True\n")
    (tmp_path / "rosbags.py").write_text("raise ImportError('not installed, as on a robot')\n")
    run(
        "from gar_ssl_ros import embedded_ros\n"
        "assert embedded_ros.install() is False and not embedded_ros.installed()\n"
        "import rclpy\n"
        "assert rclpy.real\n",
        str(tmp_path),
    )


def test_what_is_not_there_says_so_by_name(embedded):
    run(
        "from gar_ssl_ros import embedded_ros\n"
        "embedded_ros.install()\n"
        "import rclpy\n"
        "for module in ('rclpy.waitable', 'rclpy.logging_service'):\n"
        "    try:\n"
        "        __import__(module)\n"
        "    except NotImplementedError as problem:\n"
        "        assert module in str(problem) and ' no the ' not in str(problem)\n"
        "    else:\n"
        "        raise AssertionError(module)\n"
        "try:\n"
        "    import rclpy.nonsense\n"
        "except ModuleNotFoundError as problem:\n"
        "    assert 'rclpy.nonsense' in str(problem)\n"
    )


def test_without_cyclone_dds_one_sentence_says_what_to_install(tmp_path, embedded):
    (tmp_path / "cyclonedds.py").write_text("raise ImportError\n")
    told = run(
        "import ctypes.util, os\n"
        "os.environ.pop('CYCLONEDDS_HOME', None)\n"
        "ctypes.util.find_library = lambda name: None\n"
        "from gar_ssl_ros import embedded_ros\n"
        "try:\n"
        "    embedded_ros.install()\n"
        "except RuntimeError as problem:\n"
        "    print(problem)\n",
        str(tmp_path),
    )
    assert "pip install cyclonedds" in told
    assert "\n" not in told


def test_it_needs_nothing_of_the_project_around_it():
    for path in (ROOT / "gar_ssl_ros" / "embedded_ros").rglob("*.py"):
        lines = [line.strip() for line in path.read_text().splitlines()]
        assert not [line for line in lines if line.startswith(("import gar_ssl_ros", "from gar_ssl_ros"))], path


def test_importing_it_loads_no_cyclone_dds_yet():
    told = run(
        "import sys, gar_ssl_ros.embedded_ros\nprint([m for m in ('cyclonedds', 'rosbags') if m in sys.modules])"
    )
    assert told == "[]"
