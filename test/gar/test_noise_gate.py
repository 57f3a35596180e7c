"""What the noise gate holds back, and what it never does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.gar.noise_gate import EVEN_DB, NoiseGateOptions, held, unevenness
from gar_ssl_ros.media.window import Audio

ON = NoiseGateOptions(noise_gate=True)


def noise(seed: int, seconds: float = 3.0, rate: int = 16000, dbfs: float = -40.0, channels: int = 1) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal((channels, round(seconds * rate)))
    return samples * 10 ** (dbfs / 20)


def audio(samples: np.ndarray, rate: int = 16000) -> Audio:
    return Audio(0, np.clip(samples, -1, 1).astype(np.float32), rate)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.sampled_from([8000, 16000, 44100, 48000]), st.floats(-50, -20), st.integers(1, 4))
def test_even_noise_is_held_at_any_rate_level_and_number_of_channels(seed, rate, dbfs, channels):
    assert "an even noise at" in held(audio(noise(seed, rate=rate, dbfs=dbfs, channels=channels), rate), ON)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 99), st.floats(0.1, 2.8), st.floats(200, 6000))
def test_a_short_sound_that_stands_out_in_any_band_is_let_through(seed, at, hz):
    samples, time = noise(seed), np.arange(3 * 16000) / 16000
    samples += np.where((time > at) & (time < at + 0.1), 0.1 * np.sin(2 * np.pi * hz * time), 0)
    assert not held(audio(samples), ON)


def test_what_is_below_the_level_is_held_and_what_is_silent_is_left_to_be_called_so():
    samples = noise(0, dbfs=-70.0)
    samples[:, 20000:22000] *= 10  # to -50 dBFS
    assert not held(audio(samples), ON)
    louder = NoiseGateOptions(noise_gate=True, noise_gate_level=-45.0)
    assert "no 50 ms of it are louder than -45 dBFS" in held(audio(samples), louder)
    assert not held(audio(noise(0, dbfs=-70.0)), ON)
    assert not held(None, ON)


def test_it_is_off_by_default():
    assert not held(audio(noise(0)), NoiseGateOptions())


@pytest.mark.parametrize(("rate", "seconds"), [(16000, 0.1), (10, 3.0), (100, 3.0), (1000, 0.001)])
def test_of_too_little_sound_nothing_is_said(rate, seconds):
    assert unevenness(audio(noise(0, seconds, rate), rate)) > EVEN_DB
