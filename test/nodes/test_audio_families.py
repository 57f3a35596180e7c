"""The audio messages that are not ros-drivers', heard over the wire."""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo, AudioStamped
from audio_utils_msgs.msg import AudioFrame
from gar_ssl_ros.msg import SoundSourceArray
from robot import Robot, localizer, robot, stamped, until

from gar_ssl_ros.media.window import Audio
from gar_ssl_ros.messages.audio import installed
from gar_ssl_ros.messages.audio.families import PUBLISHED
from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher


def audio_stamped(stamp: int) -> AudioStamped:
    message = stamped(AudioStamped(), stamp)
    wave = 8000 * np.sin(np.arange(4410) / 5)
    info = message.audio.info
    info.format, info.channels, info.rate, info.chunk = 8, 2, 44100, 4410
    message.audio.audio_data.int16_data = array("h", np.repeat(wave, 2).astype("<i2").tobytes())
    return message


def audio_frame(stamp: int) -> AudioFrame:
    wave = 0.3 * np.sin(np.arange(4800) / 5)
    facts = {"format": "float", "channel_count": 1, "sampling_frequency": 48000, "frame_sample_count": 4800}
    return stamped(AudioFrame(data=array("B", wave.astype("<f4").tobytes()), **facts), stamp)


@pytest.mark.parametrize(("kind", "make"), [(AudioStamped, audio_stamped), (AudioFrame, audio_frame)])
def test_the_other_families_of_audio_messages_are_heard(kind, make):
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.sound)
        bot.sound = bot.node.create_publisher(kind, "audio", 100)
        bot.chunk = make
        bot.meet()
        bot.play(10, 2)
        final = bot.next_final()
        assert (final.outcome, final.audio_gap) == (SoundSourceArray.LOCALIZED, 0.0)


@pytest.fixture
def only(monkeypatch):
    """As on real ROS 2, where one package of that name is installed at most."""

    def install(family: str) -> None:
        def message_type(name: str) -> object:
            if any(one.name == name for other, one in PUBLISHED.items() if other != family):
                raise LookupError(f"{name} is not installed: install the package audio_common_msgs")
            return found(name)

        found = installed.message_type
        monkeypatch.setattr(installed, "message_type", message_type)

    return install


def sound() -> Audio:
    return Audio(10**10, np.zeros((1, 1600), np.float32), 16000)


@contextmanager
def speaker(**options: str) -> Iterator[tuple[Robot, SoundPublisher]]:
    """A robot without a sound of its own, and what publishes one on it."""
    with robot() as bot:
        bot.node.destroy_publisher(bot.sound)
        bot.node.destroy_publisher(bot.infos)
        yield bot, SoundPublisher(bot.node, "microphone", 1, 16000, **options)


def types_on(bot: Robot, topic: str = "/audio") -> set[str]:
    return {one.topic_type for one in bot.node.get_publishers_info_by_topic(topic)}


def listen(bot: Robot, out: SoundPublisher, kind: type) -> None:
    """Subscribe to messages of that class, and have the publisher look at the graph often enough to have seen it."""
    bot.node.create_subscription(kind, "audio", lambda _: None, 10)
    until(lambda: bot.node.get_subscriptions_info_by_topic("/audio"))
    for _ in range(10):
        out._poll_graph()


STAMPED, DATA_STAMPED = PUBLISHED["mgonzs13"].name, PUBLISHED["ros-drivers"].name


def test_sound_that_nobody_hears_is_sent_as_ros_drivers_with_what_describes_it():
    with speaker() as (bot, _):
        assert types_on(bot) == {DATA_STAMPED}
        assert types_on(bot, "/audio_info") == {"audio_common_msgs/msg/AudioInfo"}


@pytest.mark.parametrize("kind", [AudioStamped, AudioDataStamped])
def test_sound_is_sent_as_its_subscriber_understands_it(kind):
    heard: list[object] = []
    with speaker() as (bot, out):
        bot.node.create_subscription(kind, "audio", heard.append, 10)
        if kind is AudioDataStamped:
            bot.node.create_subscription(AudioInfo, "audio_info", lambda _: None, 1)
        until(lambda: out.listeners)
        out.publish(sound())
        until(lambda: heard)
        assert type(heard[0]) is kind


def test_who_listens_keeps_what_it_hears_whoever_comes_later():
    heard: list[AudioStamped] = []
    with speaker() as (bot, out):
        first = bot.node.create_subscription(AudioStamped, "audio", heard.append, 10)
        until(lambda: out.listeners)
        bot.node.create_subscription(AudioDataStamped, "audio", lambda _: None, 10)
        until(lambda: len(bot.node.get_subscriptions_info_by_topic("/audio")) == 2)
        for _ in range(10):
            out._poll_graph()
        out.publish(sound())
        until(lambda: heard)
        assert types_on(bot) == {STAMPED}
        bot.node.destroy_subscription(first)
        until(lambda: types_on(bot) == {DATA_STAMPED})


def test_a_family_that_is_chosen_is_sent_whoever_listens():
    with speaker(family="mgonzs13") as (bot, out):
        listen(bot, out, AudioDataStamped)
        assert types_on(bot) == {STAMPED}


def test_a_family_that_is_not_installed_is_refused_and_left_out_of_auto(only):
    only("ros-drivers")
    with pytest.raises(LookupError, match="the one that is installed is of ros-drivers"), speaker(family="mgonzs13"):
        pass
    with speaker() as (bot, out):
        listen(bot, out, AudioStamped)
        assert types_on(bot) == {DATA_STAMPED}


def test_a_topic_of_the_other_package_is_told_with_both_their_names(only):
    only("ros-drivers")
    with localizer(reasoner="misbehaving:Fixed"), robot() as bot:
        bot.node.destroy_publisher(bot.sound)
        bot.node.create_publisher(AudioStamped, "audio", 10)
        told = until(lambda: "mgonzs13" in (told := bot.state_of("audio")().get("message", "")) and told)
        assert told == (
            "/audio: audio_common_msgs/msg/AudioStamped is of the audio_common_msgs of mgonzs13, and the one that is "
            "installed is of ros-drivers: have it sent as audio_common_msgs/msg/AudioDataStamped (our player and "
            "microphone: -p audio_type:=ros-drivers), or install the other package"
        )


def test_audio_data_is_not_taken_for_that_of_the_other_package(only):
    only("mgonzs13")
    with pytest.raises(LookupError, match="of the audio_common_msgs of ros-drivers, and the one that is installed"):
        audio_class("audio_common_msgs/msg/AudioData")
