"""The audio messages that are not ros-drivers', heard over the wire."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from audio_common_msgs.msg import AudioStamped
from audio_utils_msgs.msg import AudioFrame
from gar_ssl_ros.msg import SoundSourceArray
from robot import localizer, robot, stamped


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
