"""What goes wrong on a robot, and what the localizer makes of it."""

from __future__ import annotations

import itertools
import random
import signal
import time
from array import array

import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from robot import PATIENCE, localizer, process, robot, seconds, until
from sensor_msgs.msg import Image

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.media.window import SECOND

FAILED = (SoundSourceArray.UNPARSEABLE, SoundSourceArray.TIMEOUT, SoundSourceArray.BACKEND_ERROR)


def test_stamps_that_jump_back_begin_anew_and_ids_go_on():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(1000, 3)
        first = bot.next_final()
        bot.play(10, 3)
        again = until(lambda: next((a for a in bot.finals() if seconds(a.window_end) < 500), None))
        assert again.outcome == first.outcome == SoundSourceArray.LOCALIZED
        assert seconds(again.window_start) >= 10
        assert again.sources[0].id >= first.sources[0].id


def test_stamps_that_stand_still_are_told_and_survived():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        for _ in range(40):
            bot.images.publish(bot.picture(5 * SECOND))
            time.sleep(0.01)
        until(lambda: bot.state_of("image")().get("message") == "its stamps stand still")
        bot.play(6, 3)
        assert bot.next_final(after=7).outcome == SoundSourceArray.LOCALIZED


def test_sound_that_begins_after_the_window_is_a_failure_and_not_silence():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(5, 1, sound=False)
        bot.play(6, 2)
        first = bot.next_final()
        assert (first.outcome, first.audio_gap) == (SoundSourceArray.BACKEND_ERROR, 1.0)
        assert bot.next_final(after=7).outcome == SoundSourceArray.LOCALIZED


def test_messages_without_stamps_are_taken_as_of_their_arrival():
    with localizer(reasoner="misbehaving:Fixed", window=0.5, hop=0.2), robot() as bot:
        bot.meet()
        before = time.time()
        end = time.monotonic() + PATIENCE
        while not bot.finals() and time.monotonic() < end:
            bot.images.publish(bot.picture(0))
            bot.sound.publish(bot.chunk(0))
            time.sleep(0.1)
        answer = bot.next_final()
        assert answer.outcome == SoundSourceArray.LOCALIZED
        assert before - 1 <= seconds(answer.header.stamp) <= time.time()
        assert until(lambda: int(bot.state_of("image")().get("unstamped", 0))) >= 2


def test_images_without_sound_are_a_failure_that_says_so_and_not_silence():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 3, sound=False)
        answer = bot.next_final()
        assert answer.outcome == SoundSourceArray.BACKEND_ERROR
        assert "no sound has come" in answer.detail
        bot.play(13, 3)
        assert bot.next_final(after=14.5).outcome == SoundSourceArray.LOCALIZED
        assert not any(seconds(d.header.stamp) < 12 for d in bot.detections)  # nothing is known is not nothing is there


def test_sound_without_images_gives_no_answer_and_an_error_in_the_diagnostics():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 3, images=False)
        until(lambda: int(bot.state_of("audio")().get("received", 0)) == 30)
        assert bot.state_of("image")()["level"] == "2"
        assert not bot.answers
        bot.play(13, 3)
        assert bot.next_final().outcome == SoundSourceArray.LOCALIZED


def test_sound_of_another_clock_is_a_failure_that_says_so():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        for step in range(30):
            bot.images.publish(bot.picture(10 * SECOND + step * SECOND // 10))
            bot.sound.publish(bot.chunk(500 * SECOND + step * SECOND // 10))
            time.sleep(0.01)
        answer = bot.next_final()
        assert answer.outcome == SoundSourceArray.BACKEND_ERROR
        assert "ahead of the newest image" in answer.detail


def test_a_camera_that_changes_size_encoding_and_rate_is_followed():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().image_width == 64
        bot.play(12, 3, width=96, height=64)
        answer = bot.next_final(after=13.5)
        assert (answer.image_width, answer.image_height) == (96, 64)
        assert answer.outcome == SoundSourceArray.LOCALIZED
        assert answer.sources[0].box.size_x == 48
        mono = {"encoding": "mono8", "step": 96, "data": array("B", bytes(96 * 64))}
        bot.play(15, 2, width=96, height=64, **mono)
        assert bot.next_final(after=16).outcome == SoundSourceArray.LOCALIZED
        for step in range(10):
            bot.images.publish(bot.picture(17 * SECOND + step * SECOND // 2))
            for chunk in range(5):
                bot.sound.publish(bot.chunk(17 * SECOND + (5 * step + chunk) * SECOND // 10))
            time.sleep(0.05)
        answer = bot.next_final(after=19.5)
        assert (answer.outcome, answer.frames) == (SoundSourceArray.LOCALIZED, 2)


def test_a_microphone_that_changes_its_rate_is_followed():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        assert bot.next_final().outcome == SoundSourceArray.LOCALIZED
        bot.describe(48000)
        for step in range(30):
            bot.images.publish(bot.picture(12 * SECOND + step * SECOND // 10))
            bot.sound.publish(bot.chunk(12 * SECOND + step * SECOND // 10, rate=48000))
            time.sleep(0.01)
        answer = bot.next_final(after=13.9)
        assert (answer.outcome, answer.audio_gap) == (SoundSourceArray.LOCALIZED, 0.0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"data": array("B", bytes(100))}, "it has 100 bytes"),
        ({"encoding": "hsv24"}, "'hsv24' is not known"),
        ({"step": 3}, "too short"),
    ],
)
def test_pictures_that_are_none_are_counted_told_and_left_out(changes, problem):
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 0.5, **changes)
        until(lambda: bot.was_told("image", problem))
        until(lambda: bot.state_of("image")()["refused"] == "5")
        bot.play(11, 2)
        answer = bot.next_final()
        assert answer.outcome == SoundSourceArray.LOCALIZED
        assert answer.dropped_inputs == 5


def test_sound_that_is_none_is_counted_told_and_left_out():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        message = bot.chunk(10 * SECOND)
        message.audio.data = array("B", bytes(33))
        bot.sound.publish(message)
        until(lambda: bot.was_told("audio", "33 bytes are no whole number of samples"))
        bot.play(11, 2)
        assert bot.next_final().outcome == SoundSourceArray.LOCALIZED


@pytest.mark.parametrize(
    ("reasoner", "outcome", "detail"),
    [
        ("Raising", SoundSourceArray.BACKEND_ERROR, "out of memory, as it were"),
        ("Endless", SoundSourceArray.TIMEOUT, "deadline"),
        ("Hanging", SoundSourceArray.TIMEOUT, "did not stop at its deadline"),
        ("Garbage", SoundSourceArray.BACKEND_ERROR, "cannot be used"),
    ],
)
def test_a_reasoner_that_fails_is_an_outcome_and_never_an_empty_list(reasoner, outcome, detail):
    with localizer(reasoner=f"misbehaving:{reasoner}", deadline=0.3), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        answer = bot.next_final()
        assert answer.outcome == outcome
        assert detail in answer.detail
        assert not bot.detections
        until(lambda: bot.state_of("inference")().get("level") == "2")


@pytest.mark.parametrize("reasoner", ["Raising", "Hanging", "Garbage", "Broken"])
def test_the_fallback_answers_instead_and_the_message_says_so(reasoner):
    options = {"reasoner": f"misbehaving:{reasoner}", "fallback": "misbehaving:Fixed", "deadline": 0.3}
    with localizer(**options), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        answer = bot.next_final()
        assert (answer.outcome, answer.fallback, answer.reasoner) == (SoundSourceArray.LOCALIZED, True, "fixed")
        assert "fixed answered instead" in answer.detail
        initial = next(a for a in bot.answers if a.stage == SoundSourceArray.INITIAL and a.reasoner == "fixed")
        assert (initial.fallback, initial.header, initial.sources[0].box) == (
            True, answer.header, answer.sources[0].box
        )  # fmt: skip


def test_a_slow_reasoner_starves_nobody():
    with localizer(reasoner="misbehaving:Slow", deadline=30.0), robot() as bot:
        bot.meet()
        bot.play(10, 12)
        bot.next_final()
        until(lambda: bot.state_of("image")().get("received") == "120")
        until(lambda: bot.state_of("audio")().get("received") == "120")
        newest = bot.next_final(after=20)
        assert newest.dropped_windows > 0
        told = [seconds(one.header.stamp) for one in bot.health]
        assert sum(before < told[-1] for before in told) >= 2


def test_transitions_in_any_order_under_load_end_where_they_should():
    with localizer(active=False, reasoner="misbehaving:Fixed") as node, robot() as bot:
        chance = random.Random(7)
        state, time_ = "unconfigured", 10.0
        moves = {
            "unconfigured": {"configure": "inactive"},
            "inactive": {"activate": "active", "cleanup": "unconfigured"},
            "active": {"deactivate": "inactive"},
        }
        for _ in range(24):
            move, state = chance.choice(list(moves[state].items()))
            getattr(node, f"trigger_{move}")()
            bot.play(time_, 0.3)
            time_ += 0.3
        while state != "active":
            move, state = next(iter(moves[state].items()))
            getattr(node, f"trigger_{move}")()
        bot.meet()
        bot.play(time_ + 1, 2)
        assert bot.next_final(after=time_ + 1.5).outcome == SoundSourceArray.LOCALIZED


def test_two_localizers_in_two_namespaces_do_not_disturb_each_other():
    with (
        localizer(namespace="left", reasoner="misbehaving:Fixed"),
        localizer(namespace="right", reasoner="misbehaving:Raising"),
        robot(localizer="/left/localizer", namespace="left") as left,
        robot(localizer="/right/localizer", namespace="right") as right,
    ):
        left.meet()
        right.meet()
        left.play(10, 2)
        right.play(20, 2)
        assert left.next_final().outcome == SoundSourceArray.LOCALIZED
        assert right.next_final().outcome == SoundSourceArray.BACKEND_ERROR
        assert {seconds(a.window_end) < 15 for a in left.answers} == {True}
        assert {seconds(a.window_end) > 15 for a in right.answers} == {True}


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    scene = Scene(SceneOptions(kind=Kind.ONE, seconds=3.0))
    return write_scene(scene, tmp_path_factory.mktemp("clips"), "scene")


def test_a_player_that_is_killed_and_started_again_is_heard_again(clip):
    arguments = ("player", "--ros-args", "-p", f"clip:={clip}", "-p", "loop:=true", "-p", "wait:=30.0")
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.images)
        bot.node.destroy_publisher(bot.sound)
        with process(*arguments) as player:
            bot.next_final()
            player.kill()
            player.wait(PATIENCE)
        known = len(bot.finals())
        with process(*arguments):
            until(lambda: len(bot.finals()) > known + 2)
        assert all(answer.outcome == SoundSourceArray.LOCALIZED for answer in bot.finals()[-2:])


@pytest.mark.parametrize(("reasoner", "how"), [("Endless", signal.SIGINT), ("Hanging", signal.SIGTERM)])
def test_a_signal_ends_the_process_in_the_middle_of_a_window(reasoner, how):
    chosen = {"reasoner": f"misbehaving:{reasoner}", "window": "1.0", "deadline": "600.0"}
    arguments = [part for name, value in chosen.items() for part in ("-p", f"{name}:={value}")]
    with process("localizer", "--ros-args", *arguments) as node, robot() as bot:
        bot.meet()
        bot.play(10, 3)
        until(lambda: float(bot.state_of("inference")().get("busy_s", 0)) > 0)
        node.send_signal(how)
        output, _ = node.communicate(timeout=PATIENCE)
        assert node.returncode == 0, output
        assert "Traceback" not in output


@pytest.mark.parametrize("gap", [0.01, 0.1])
def test_a_second_signal_does_not_break_what_the_first_one_ends(gap):
    with process("localizer", "--ros-args", "-p", "reasoner:=misbehaving:Fixed") as node, robot() as bot:
        bot.meet()
        node.send_signal(signal.SIGINT)
        time.sleep(gap)
        node.send_signal(signal.SIGINT)
        output, _ = node.communicate(timeout=PATIENCE)
        assert node.returncode == 0, output
        assert "Traceback" not in output


def test_a_model_that_is_being_loaded_stops_neither_diagnostics_nor_a_signal():
    with process("localizer", "--ros-args", "-p", "reasoner:=misbehaving:Loading") as node, robot() as bot:
        until(lambda: bot.state_of("lifecycle")().get("message") == "unconfigured")
        node.send_signal(signal.SIGTERM)
        output, _ = node.communicate(timeout=PATIENCE)
        assert node.returncode == 0, output
        assert "Traceback" not in output


def test_a_reasoner_that_cannot_be_had_at_the_start_is_one_sentence_and_a_status():
    with process("localizer", "--ros-args", "-p", "reasoner:=misbehaving:Broken") as node:
        output, _ = node.communicate(timeout=PATIENCE)
        assert node.returncode == 1
        assert "the weights are not there" in output
        assert "Traceback" not in output


def test_a_message_of_another_type_on_the_topic_is_named():
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.create_publisher(Image, "audio", 10)
        bot.node.destroy_publisher(bot.sound)
        until(lambda: "is sensor_msgs/msg/Image" in bot.state_of("audio")().get("message", ""))


def test_what_is_wrong_with_an_input_is_in_the_log_when_it_begins_and_when_it_is_over_once_each(capfd):
    said = ""

    def logged(*sentences: str) -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return all(sentence in said for sentence in sentences)

    nobody = "nobody publishes /audio: start `gar-ssl run microphone`, or remap `audio` to its topic"
    another = "/audio is sensor_msgs/msg/Image: it must be one of "
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        bot.node.destroy_publisher(bot.sound)
        until(lambda: logged("[WARN]", f"audio: {nobody}"))
        wrong = bot.node.create_publisher(Image, "audio", 10)
        until(lambda: logged(f"audio: {another}"))
        bot.node.destroy_publisher(wrong)
        bot.sound = bot.node.create_publisher(AudioDataStamped, "audio", 100)
        begins = itertools.count(20)
        until(lambda: (bot.play(next(begins), 1), logged("audio: this is over: "))[1])
        assert bot.next_final(after=22).outcome == SoundSourceArray.LOCALIZED
    logged()
    assert [said.count(one) for one in (f"audio: {nobody}", f"audio: {another}")] == [1, 1]
    assert "[ERROR]" not in said


def test_an_input_that_falls_silent_is_in_the_log(capfd):
    said = ""

    def logged(sentence: str) -> bool:
        nonlocal said
        said += capfd.readouterr().err
        return sentence in said

    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.meet()
        bot.play(10, 2)
        until(lambda: logged("image: it is published, and nothing comes"))
        until(lambda: (bot.play(20, 0.3), logged("image: this is over: it is published, and nothing comes"))[1])


def test_sound_and_failures_may_both_be_logged(capfd):
    """rclpy raises where one line logs at two levels."""
    with localizer(reasoner="misbehaving:Fixed") as node, robot() as bot:
        bot.meet()
        node.diagnostics.failed(ValueError("the first"))
        bot.images.publish(bot.picture(10 * SECOND, step=3))
        until(lambda: bot.state_of("image")().get("refused") == "1")
        node.diagnostics.failed(ValueError("the second"))
        until(lambda: bot.state_of("node")().get("callback_errors") == "2")
    said = capfd.readouterr().err
    assert all(one in said for one in ("the first", "a message was left out", "the second"))


def test_sound_is_heard_from_before_its_description(capfd):
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        until(lambda: bot.images.get_subscription_count() and bot.sound.get_subscription_count())
        until(lambda: all(int(bot.state_of(what)().get("publishers") or 0) for what in ("image", "audio")))
        for step in range(10):
            bot.images.publish(bot.picture(10 * SECOND + step * SECOND // 10))
            bot.sound.publish(bot.chunk(10 * SECOND + step * SECOND // 10))
        until(lambda: bot.state_of("audio")().get("received") == "10")
        bot.describe(16000)
        until(lambda: bot.state_of("audio")().get("samples") == "16000")
        bot.play(11, 1)
        first = bot.next_final()
        assert (first.outcome, first.audio_gap) == (SoundSourceArray.LOCALIZED, 0.0)
        assert seconds(first.window_start) < 11
    assert "no AudioInfo" not in capfd.readouterr().err


def test_who_comes_late_is_told_what_the_sound_is_where_that_is_kept():
    kept = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    with robot() as bot:
        bot.node.destroy_publisher(bot.infos)
        bot.infos = bot.node.create_publisher(AudioInfo, "audio_info", kept)
        bot._tell(16000)  # once, before anybody listens
        with localizer(reasoner="misbehaving:Fixed"):
            until(lambda: bot.state_of("audio")().get("audio_info") == "1 x 16000 Hz, S16LE, wave")
