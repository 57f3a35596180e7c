"""The level of the sound that the localizer hears, on the graph."""

from __future__ import annotations

from functools import partial

import pytest
from gar_ssl_ros.msg import SoundLevel
from robot import localizer, robot, seconds, until


def test_the_level_of_what_comes_is_published_and_a_wrong_microphone_is_told():
    levels: list[SoundLevel] = []
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.create_subscription(SoundLevel, "/localizer/level", levels.append, 100)
        until(lambda: bot.node.count_publishers("/localizer/level"))
        bot.meet()
        bot.play(10, 2, images=False)
        until(lambda: levels)
        told = levels[-1]
        assert told.rms == pytest.approx(-12.25 - 3.01, abs=0.05)  # 8000 of 32768
        assert told.peak == pytest.approx(-12.25, abs=0.05)
        assert (told.clipped, told.duration) == (0.0, pytest.approx(0.2))
        assert (told.header.frame_id, 10 <= seconds(told.header.stamp) < 12) == ("microphone", True)
        audio = until(lambda: (state := bot.state_of("audio")()).get("level_dbfs") and state)
        assert float(audio["level_dbfs"]) == pytest.approx(-15.26, abs=0.05)
        assert (audio["level"], audio["message"], audio["clipped"]) == ("0", "comes", "0")

        usual = bot.chunk
        bot.chunk = partial(usual, amplitude=60000)
        bot.play(12, 1, images=False)
        until(lambda: "turn the gain down" in bot.state_of("audio")().get("message", ""))
        assert (bot.state_of("audio")()["level"], levels[-1].peak) == ("1", pytest.approx(0.0, abs=0.001))

        bot.chunk = partial(usual, amplitude=0)
        bot.play(13, 11, images=False)
        until(lambda: "a muted or wrong device" in bot.state_of("audio")().get("message", ""))
        until(lambda: levels[-1].rms == -200.0)


def test_no_level_is_told_while_the_node_is_not_active():
    levels: list[SoundLevel] = []
    with localizer(reasoner="misbehaving:Fixed") as node, robot() as bot:
        bot.node.create_subscription(SoundLevel, "/localizer/level", levels.append, 100)
        until(lambda: bot.node.count_publishers("/localizer/level"))
        bot.meet()
        bot.play(10, 1, images=False)
        until(lambda: levels)
        node.trigger_deactivate()
        until(lambda: bot.state_of("lifecycle")().get("state") == "inactive")
        bot.play(30, 1, images=False)
        bot.health.clear()
        until(lambda: bot.health)
        assert all(seconds(level.header.stamp) < 30 for level in levels)
