from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gar_ssl_ros.media.level import FLOOR_DBFS, FULL_SCALE, RECENT_S, LevelMeter, joined, level_of
from gar_ssl_ros.media.window import SECOND, Audio

RATE_HZ = 16000
sounds = st.integers(1, 200).flatmap(
    lambda count: arrays(np.float32, (2, count), elements=st.floats(-1, 1, width=32) | st.sampled_from([-1.0, 1.0]))
)


def audio(samples, stamp: int = 0) -> Audio:
    return Audio(stamp, np.atleast_2d(np.asarray(samples, np.float32)), RATE_HZ)


def sine(gain: float, hz: float = 1000.0, seconds: float = 0.1) -> Audio:
    return audio(np.clip(gain * np.sin(2 * np.pi * hz * np.arange(round(RATE_HZ * seconds)) / RATE_HZ), -1, 1))


def play(meter: LevelMeter, sound: Audio, seconds: float) -> int:
    """How many levels were given."""
    chunks = round(seconds * RATE_HZ / sound.samples.shape[1])
    return sum(meter.add(sound) is not None for _ in range(chunks))


@given(st.integers(-60, 0), st.sampled_from([250.0, 500.0, 1000.0, 2000.0]))
def test_a_sine_is_3_01_db_below_its_peak(decibels, hz):
    level = level_of(sine(10 ** (decibels / 20), hz))
    assert level.peak_dbfs == pytest.approx(decibels, abs=0.001)
    assert level.rms_dbfs == pytest.approx(decibels - 3.0103, abs=0.001)
    assert (level.clipped, level.seconds) == (0.0, pytest.approx(0.1))


def test_silence_is_at_the_floor_and_the_smallest_step_of_32_bits_above_it():
    silence = level_of(audio(np.zeros(100)))
    assert (silence.rms_dbfs, silence.peak_dbfs, silence.clipped) == (FLOOR_DBFS, FLOOR_DBFS, 0.0)
    assert level_of(audio(np.full(100, 2.0**-31))).rms_dbfs == pytest.approx(-186.64, abs=0.01)
    assert level_of(audio(np.full(100, 1e-30))).rms_dbfs == FLOOR_DBFS


@given(sounds)
def test_every_level_lies_in_its_range_and_rms_never_exceeds_the_peak(samples):
    level = level_of(audio(samples))
    assert FLOOR_DBFS <= level.rms_dbfs <= level.peak_dbfs + 1e-4 <= 1e-4
    assert 0.0 <= level.clipped <= 1.0


@given(sounds)
def test_clipped_samples_are_those_in_runs_of_three_at_full_scale(samples):
    def counted(channel) -> int:
        runs = "".join("x" if abs(value) >= FULL_SCALE else " " for value in channel).split()
        return sum(len(run) for run in runs if len(run) >= 3)

    expected = max(counted(channel) for channel in samples) / samples.shape[1]
    assert level_of(audio(samples)).clipped == pytest.approx(expected)


def test_both_ends_of_16_bits_are_full_scale():
    assert level_of(audio([0, 32767 / 32768, -1.0, 32767 / 32768, 0, 1, 1, 0])).clipped == 3 / 8
    assert level_of(audio([32766 / 32768] * 8)).clipped == 0.0


def test_the_loudest_channel_is_told():
    loud = sine(0.5).samples
    level = level_of(audio(np.vstack([np.zeros_like(loud), loud])))
    assert level.rms_dbfs == pytest.approx(-9.03, abs=0.01)


@given(sounds, st.integers(1, 199))
def test_the_level_of_parts_is_that_of_the_whole(samples, cut):
    mono = samples[:1]
    parts = [part for part in np.split(mono, [cut], axis=1) if part.size]
    whole, of_parts = level_of(audio(mono)), joined(*(level_of(audio(part)) for part in parts))
    assert of_parts.power == pytest.approx(whole.power)
    assert (of_parts.peak, of_parts.seconds) == (whole.peak, pytest.approx(whole.seconds))


@pytest.mark.parametrize(("chunk", "levels"), [(0.01, 25), (0.1, 25), (0.5, 10)])
def test_a_level_is_given_five_times_a_second_or_with_each_longer_message(chunk, levels):
    assert play(LevelMeter(), sine(0.1, seconds=chunk), 5.0) == pytest.approx(levels, abs=2)


def test_a_level_has_the_time_of_its_first_sample():
    meter = LevelMeter()
    assert meter.add(audio(np.zeros(1600), stamp=SECOND)) is None
    level = meter.add(audio(np.zeros(1600), stamp=SECOND + SECOND // 10))
    assert level is not None
    assert (level.stamp, level.seconds) == (SECOND, 0.2)


def test_a_microphone_that_is_too_loud_is_told_until_it_no_longer_is():
    meter = LevelMeter()
    assert (meter.problem, meter.values["level_dbfs"]) == ("", "")
    play(meter, sine(3.0), 1.0)
    assert "clipped: turn the gain down" in meter.problem
    play(meter, sine(0.3), RECENT_S + 1.0)
    assert (meter.problem, meter.values["clipped"]) == ("", 0.0)


def test_digital_silence_is_told_after_ten_seconds_and_a_quiet_room_is_none():
    meter = LevelMeter()
    play(meter, audio(np.zeros(1600)), RECENT_S - 1.0)
    assert meter.problem == ""
    play(meter, audio(np.zeros(1600)), 1.5)
    assert meter.problem == "its last 10 s are digital silence: a muted or wrong device"
    play(meter, sine(2.0**-15), 0.2)
    assert meter.problem == ""


def test_the_values_are_of_the_newest_second():
    meter = LevelMeter()
    play(meter, sine(1.0), 5.0)
    play(meter, sine(0.1), 1.2)
    assert meter.values["peak_dbfs"] == pytest.approx(-20, abs=0.01)
    assert meter.values["level_dbfs"] == pytest.approx(-23.01, abs=0.01)
