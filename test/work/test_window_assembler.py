"""Messages become windows, whatever comes first."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from sensor_msgs.msg import Image

from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.work.window_assembler import INFO_WAIT_NS, MAX_AGO_S, MAX_UNDESCRIBED_BYTES, WindowAssembler

INFO = AudioInfo(channels=1, sample_rate=16000, sample_format="S16LE", coding_format="wave")
TENTH = SECOND // 10


def stamped(message, stamp: int):
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(stamp, SECOND)
    return message


def chunk(stamp: int, size: int = 3200) -> AudioDataStamped:
    message = stamped(AudioDataStamped(), stamp)
    message.audio.data = array("B", np.arange(size // 2, dtype="<i2").tobytes())
    return message


def picture(stamp: int) -> Image:
    return stamped(Image(width=4, height=4, encoding="mono8", step=4, data=array("B", bytes(16))), stamp)


def play(assembler: WindowAssembler, begin: int, tenths: int):
    """The windows that were due."""
    cuts = []
    for stamp in range(begin, begin + tenths * TENTH, TENTH):
        cuts += [assembler.take_image(picture(stamp), stamp), assembler.take_audio(chunk(stamp), stamp + TENTH)]
    return [cut for cut in cuts if cut is not None]


def test_sound_that_came_before_what_describes_it_is_heard_once_that_is_there():
    assembler = WindowAssembler(WindowOptions(window=5.0), pytest.fail)
    assert not [cut for cut in play(assembler, 10 * SECOND, 50) if not cut.refusal]
    assert assembler.sound.statistics.refused == 0
    assembler.take_info(INFO)
    window = next(cut.window for cut in play(assembler, 15 * SECOND, 20) if not cut.refusal)
    assert (window.audio_gap, window.start < 11 * SECOND) == (0, True)
    assert assembler.sound.statistics.samples == 70 * 1600
    assert assembler.left_out == 0


def test_a_window_in_the_meantime_says_what_its_sound_waits_for():
    assembler = WindowAssembler(WindowOptions(window=1.0), pytest.fail)
    cut = play(assembler, 10 * SECOND, 40)[0]
    assert "no AudioInfo has come yet" in cut.refusal


def test_only_after_its_usual_period_the_missing_description_is_told_and_the_oldest_sound_refused():
    told: list[str] = []
    assembler = WindowAssembler(WindowOptions(window=1.0), told.append)
    play(assembler, 10 * SECOND, INFO_WAIT_NS // TENTH + 1)
    assert not told
    play(assembler, 10 * SECOND + INFO_WAIT_NS + TENTH, 20)
    assert [one for one in told if "no AudioInfo has come yet" in one] == told
    assert len(told) == 1
    assert assembler.sound.statistics.refused == 20
    assembler.take_info(INFO)
    assert assembler.sound.statistics.samples == 1600 * (INFO_WAIT_NS // TENTH + 1)


def test_sound_that_waits_is_bounded_in_bytes():
    told: list[str] = []
    assembler = WindowAssembler(WindowOptions(), told.append)
    size = MAX_UNDESCRIBED_BYTES // 4
    for number in range(9):
        assembler.take_audio(chunk(number * SECOND // 100, size), 0)
    assert assembler.sound.statistics.refused == 5
    assembler.take_audio(chunk(SECOND, MAX_UNDESCRIBED_BYTES + 2), 0)
    assert assembler.sound.statistics.refused == 10
    message = chunk(2 * SECOND, 2)
    message.header.frame_id = "x" * MAX_UNDESCRIBED_BYTES
    assembler.take_audio(message, 0)
    assert assembler.sound.statistics.refused == 11
    assembler.take_info(INFO)
    assert assembler.sound.statistics.samples == 0


def test_sound_that_waits_does_not_outlive_a_jump_back_in_time():
    assembler = WindowAssembler(WindowOptions(), lambda _: None)
    assembler.take_audio(chunk(100 * SECOND), 100 * SECOND)
    assembler.take_audio(chunk(10 * SECOND), 10 * SECOND)
    assert assembler.sound.statistics.refused == 1


def test_a_window_may_end_earlier_and_begin_later_than_the_newest():
    assembler = WindowAssembler(WindowOptions(window=1.0), pytest.fail)
    assert (assembler.end, assembler.newest()) == (None, None)
    assembler.take_info(INFO)
    play(assembler, 10 * SECOND, 50)
    end = assembler.end
    assert end == 14.9 * SECOND + 1
    before = assembler.newest(ago=round(MAX_AGO_S * SECOND)).window
    assert (before.end, before.start) == (end - 2 * SECOND, end - 3 * SECOND)
    assert (len(before.frames), before.audio_gap) == (10, 0)
    since = assembler.newest(since=end - SECOND // 2).window
    assert (since.start, since.end, len(since.frames)) == (end - SECOND // 2, end, 5)
    assert assembler.newest(since=end - 3 * SECOND).window.start == end - SECOND
    assert assembler.newest(since=end) is None
