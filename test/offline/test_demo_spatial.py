"""`gar-ssl demo --spatial`: three processes that speak ROS 2 with each other, and an array's sound among them."""

from __future__ import annotations

import sys

import pytest

import gar_ssl_ros.messages.ros  # noqa: F401  # before the demo, which reads messages
from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.cli import main
from gar_ssl_ros.errors import FAILED
from gar_ssl_ros.offline.demo import SEEDS
from gar_ssl_ros.offline.demo_spatial import scenes


def test_the_spatial_demo_is_right_live_and_leaves_directions_in_its_bag(tmp_path, capsys):
    """With a scene of each kind."""
    pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")
    assert scenes(tmp_path / "demo", {"reasoner": "signal"}, SEEDS[:1])
    said = capsys.readouterr().out
    assert "two things alike" in said
    assert "a sound from out of view" in said
    with Bag(tmp_path / "demo" / "bag") as bag:
        told = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/directions"]
    assert any(message.directions for message in told)


def test_where_rooms_cannot_be_simulated_results_that_exist_stay(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    kept = tmp_path / "heard.mp4"
    kept.write_text("of an earlier run")
    assert main(["demo", "--spatial", "--overwrite", "--out", str(tmp_path)]) == FAILED
    assert "rooms need pyroomacoustics, which is not installed: " in capsys.readouterr().err
    assert kept.read_text() == "of an earlier run"


def test_the_spatial_demo_has_scenes_of_its_own(tmp_path, capsys):
    assert main(["demo", "--spatial", "--clip", "talk.mp4", "--out", str(tmp_path)]) == 2
    assert "--spatial plays scenes of its own: leave --clip out" in capsys.readouterr().err
