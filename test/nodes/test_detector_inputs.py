"""The localizer with the robot's own eyes: another process sees, and the answer says which of that sounds."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from domains import own_domain
from robot import localizer, robot, until

from gar_ssl_ros.messages.sightings import MAX_HUMANS
from gar_ssl_ros.nodes import detector_inputs
from gar_ssl_ros.output.record import WindowRecord


@contextmanager
def seeing(*what: str) -> Iterator[subprocess.Popen[str]]:
    path = Path(__file__).with_name("seeing.py")
    command = [sys.executable, str(path), str(own_domain("nodes")), *what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
        try:
            yield process
        finally:
            process.kill()


def value(bot, line: str, key: str) -> int:
    return int(bot.state_of(line)().get(key) or 0)


def ask_again(bot, wanted: str) -> None:
    """Play on, in the time that is seen, until the source of an answer has that id."""
    begin = [10.0]

    def answered() -> bool:
        del bot.answers[:]
        bot.play(begin[0], 2)
        begin[0] = 10.0  # time jumps back, and windows begin anew
        return any(source.detection_id == wanted for answer in bot.finals() for source in answer.sources)

    until(answered)


def test_a_source_has_the_id_of_the_detection_that_it_is():
    with localizer(reasoner="misbehaving:Fixed", detections=True), robot() as bot, seeing("detections"):
        bot.meet()
        bot.play(10, 1)  # without an image, no detection is about one
        until(lambda: value(bot, "detections", "received") - value(bot, "detections", "refused") > 30)
        ask_again(bot, "dog-7")
        final = bot.finals()[-1]
        record = WindowRecord.model_validate_json(final.reasoning)
        assert [source.id for source in record.sources] == ["dog-7"]
        until(lambda: {one.id for array in bot.detections for one in array.detections} == {"dog-7"})
        until(lambda: bot.state_of("detections")()["message"] == "comes")


def test_ids_of_faces_come_and_go_with_the_faces():
    with localizer(reasoner="misbehaving:Fixed", humans=True) as node, robot() as bot, seeing("humans") as tracker:
        bot.meet()
        bot.play(10, 1)
        until(lambda: value(bot, "faces", "heard") == 2)
        ask_again(bot, "abcde")
        tracker.stdin.write("one goes\n")
        tracker.stdin.flush()
        until(lambda: value(bot, "faces", "tracked") == value(bot, "faces", "heard") == 1)
        until(lambda: node.count_subscribers("/humans/faces/abcde/roi") == 0)
        assert node.count_subscribers("/humans/faces/f00002/roi") == 1
        ask_again(bot, "")
        assert bot.state_of("bodies")()["level"] == "1"
        assert "nobody publishes /humans/bodies/tracked" in bot.state_of("bodies")()["message"]


def test_hostile_detections_end_nothing_and_the_good_ones_are_used():
    with localizer(reasoner="misbehaving:Fixed", detections=True), robot() as bot, seeing("detections", "hostile"):
        bot.meet()
        bot.play(10, 1)
        ask_again(bot, "dog-7")
        told = until(lambda: bot.was_told("detections", "left out"))
        assert (told["level"], bot.state_of("node")()["callback_errors"]) == ("1", "0")
        assert int(told["refused"]) > 0


def test_hostile_ids_are_few_and_end_nothing():
    with localizer(reasoner="misbehaving:Fixed", humans=True) as node, robot() as bot, seeing("humans", "hostile"):
        bot.meet()
        bot.play(10, 1)
        ask_again(bot, "abcde")
        until(lambda: value(bot, "faces", "tracked") == MAX_HUMANS)
        topics = [name for name, _ in node.get_topic_names_and_types() if name.startswith("/humans/")]
        assert len(topics) <= 2 + 2
        until(lambda: "ids: at most 20" in bot.state_of("faces")()["message"])
        assert bot.state_of("node")()["callback_errors"] == "0"


def test_who_does_not_want_eyes_has_no_subscription():
    with localizer(reasoner="misbehaving:Fixed") as node, robot() as bot:
        bot.meet()
        bot.play(10, 3)
        assert bot.next_final().sources[0].detection_id == ""
        for topic in ("/detections_in", "/humans/faces/tracked", "/humans/bodies/tracked"):
            assert node.count_subscribers(topic) == 0
        assert not bot.state_of("detections")()
        until(lambda: bot.detections)
        assert bot.detections[0].detections[0].id == "1"


def test_without_hri_msgs_it_says_so_once_and_goes_on(monkeypatch, capfd):
    def missing(name):
        raise LookupError(f"{name} is not installed: install the package hri_msgs")

    monkeypatch.setattr(detector_inputs, "message_type", missing)
    with localizer(reasoner="misbehaving:Fixed", humans=True), robot() as bot:
        bot.meet()
        bot.play(10, 3)
        assert bot.next_final().sources
        told = until(bot.state_of("humans"))
        assert told["level"] == "1"
        assert told["message"].endswith("hri_msgs/msg/IdsList is not installed: install the package hri_msgs")
        assert capfd.readouterr().err.count("faces and bodies are not listened to") == 1
