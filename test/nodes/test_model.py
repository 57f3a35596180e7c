"""A multimodal LLM behind the node: the real thing in its smallest form, and what happens where there is none."""

from __future__ import annotations

import math
from itertools import count

import pytest
from clips import still_clip
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.parameter import Parameter
from robot import Robot, localizer, process, robot, until
from sensor_msgs.msg import Image

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.messages.answers import box_from_bounding_box


def run(**parameters: str):
    chosen = {"reasoner": "omni", "window": "1.0", "deadline": "60.0", **parameters}
    arguments = [part for name, value in chosen.items() for part in ("-p", f"{name}:={value}")]
    return process("localizer", "--ros-args", *arguments)


def first(bot: Robot, stage: int) -> SoundSourceArray:
    """The first answer of that stage, played for until there is one: a node may not know its listener at once."""
    begins = count(10, 3)
    return until(
        lambda: next((answer for answer in bot.answers if answer.stage == stage), None) or bot.play(next(begins), 3)
    )


def test_a_model_answers_on_the_graph(tiny_omni):
    with run(model=str(tiny_omni), coordinates="pixels", trials="2"), robot() as bot:
        bot.meet()
        initial = first(bot, SoundSourceArray.INITIAL)
        final = first(bot, SoundSourceArray.FINAL)
        assert (initial.reasoner, initial.outcome) == ("omni", SoundSourceArray.LOCALIZED)
        assert (final.reasoner, final.model, final.fallback) == ("omni", str(tiny_omni), False)
        assert final.outcome == SoundSourceArray.LOCALIZED, final.detail
        (source,) = final.sources
        box = box_from_bounding_box(source.box)
        assert 0 <= box.x1 < box.x2 <= final.image_width
        assert 0 <= box.y1 < box.y2 <= final.image_height


def test_words_and_masks_on_the_graph(tiny_omni, tiny_dino):
    words = {"model": str(tiny_omni), "detector": str(tiny_dino), "box_threshold": 0.0, "least_pixels": 3136}
    masks: list[Image] = []
    with localizer(reasoner="openavs", preset="base", masks="box", deadline=60.0, **words) as node, robot() as bot:
        bot.node.create_subscription(Image, "/localizer/masks", masks.append, 100)
        bot.meet()
        final = first(bot, SoundSourceArray.FINAL)
        assert (final.reasoner, final.outcome) == ("openavs", SoundSourceArray.LOCALIZED), final.detail
        (source,) = final.sources
        assert math.isnan(source.av_consistency)  # nobody has verified it
        assert "heard: " in source.description
        mask = until(lambda: next((one for one in masks if one.header == final.header), None))
        assert max(mask.data) == 1
        assert node.get_parameter("preset").value == "base"


def test_where_its_weights_are_missing_the_fallback_answers_and_says_so(tmp_path):
    with localizer(reasoner="omni", model=str(tmp_path), fallback="signal"), robot() as bot:
        bot.meet()
        final = first(bot, SoundSourceArray.FINAL)
        assert (final.reasoner, final.fallback) == ("signal", True)
        assert str(tmp_path) in final.detail


def test_without_a_fallback_missing_weights_end_the_node_with_a_sentence(tmp_path):
    with run(model=str(tmp_path)) as node:
        output, _ = node.communicate(timeout=600)
        assert node.returncode == 1
        assert str(tmp_path) in output
        assert "Traceback" not in output


def test_small_models_answer_on_the_graph_where_they_are_here(shared_models, shared_media, tmp_path):
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    clip = still_clip(tmp_path / "dog.mkv", shared_media, "dog", "dog", seconds=10.0)
    play = ["player", "--ros-args", "-p", f"clip:={clip}", "-p", "loop:=true"]
    # The robot's own topics are elsewhere: it only listens.
    with run(reasoner="auto", window="3.0"), process(*play), robot(namespace="/elsewhere") as bot:
        final = until(lambda: next((one for one in bot.finals() if one.outcome == SoundSourceArray.LOCALIZED), None))
        assert (final.reasoner, final.model[:33]) == ("senses", "yamnet, yunet, nanodet, light-asd")
        (source,) = final.sources
        assert box_from_bounding_box(source.box).iou(Box(65, 134, 640, 838)) >= 0.5  # the dog, by eye
        until(lambda: bot.state_of("inference")().get("reasoner") == "senses")


def test_without_small_models_signal_answers_and_the_log_says_what_brings_them():
    with run(reasoner="auto") as node, robot() as bot:
        bot.meet()
        assert first(bot, SoundSourceArray.FINAL).reasoner == "signal"
        until(lambda: bot.state_of("inference")().get("reasoner") == "signal")
        node.terminate()
        output, _ = node.communicate(timeout=600)
        assert "auto: signal answers: senses, " in output
        assert "gar-ssl models get all" in output
        assert "ERROR" not in output


def test_a_model_that_nobody_asks_is_wrong_usage():
    with run(reasoner="signal", model="somewhere") as node:
        output, _ = node.communicate(timeout=600)
        assert node.returncode == 2
        assert output == (
            "localizer: model: only the reasoner omni, served or openavs can be told, and signal answers here: "
            "choose omni, served or openavs as the reasoner, or leave it out\n"
        )


def test_a_model_that_nobody_asks_fails_the_configuring_of_a_managed_node():
    with localizer(active=False, model="somewhere") as node:
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        node.set_parameters([Parameter("model", value="")])
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS


def test_nobody_on_the_graph_has_what_is_seen_and_heard_or_a_key_sent_elsewhere():
    with localizer(active=False, reasoner="served", server="http://127.0.0.1:9/v1", fallback="signal") as node:
        told = {"server": "http://127.0.0.1:10/v1", "api_key_variable": "HOME", "detector": "/etc/passwd"}
        for name, value in told.items():
            (refused,) = node.set_parameters([Parameter(name, value=value)])
            assert not refused.successful
            assert f"another {name} is named at the node's start: -p {name}:=" in refused.reason
            (refused,) = node.set_parameters([Parameter("reasoner_options", value=f"seed=3 {name}={value}")])
            assert f"another {name} is named at the node's start: -p {name}:=" in refused.reason
        (other,) = node.set_parameters([Parameter("reasoner_options", value="seed=3")])
        assert other.successful
        (same,) = node.set_parameters([Parameter("server", value="http://127.0.0.1:9/v1")])
        assert same.successful
