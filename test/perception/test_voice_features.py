"""What is told of how a voice sounds."""

from __future__ import annotations

import math

import numpy as np
import pytest

from gar_ssl_ros.perception.voice_features import MAX_PITCH_HZ, MIN_PITCH_HZ, voice_features

RATE = 16_000


def hum(pitch: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return (0.1 * sum(np.sin(2 * np.pi * pitch * k * time) / k for k in range(1, 15))).astype(np.float32)


@pytest.mark.parametrize("pitch", [75, 120, 220, 440])
def test_a_hum_has_its_pitch_and_noise_as_loud_as_it_is(pitch):
    clean = hum(pitch)
    noise = np.random.default_rng(0).normal(0, math.sqrt(np.square(clean).mean() / 10), len(clean))
    noisy = voice_features((clean + noise).astype(np.float32))
    assert voice_features(clean).pitch == pytest.approx(pitch, rel=0.01)
    assert noisy.pitch == pytest.approx(pitch, rel=0.01)
    assert noisy.hnr == pytest.approx(10, abs=1)  # dB, as it was made
    assert noisy.rms == pytest.approx(math.sqrt(1.1 * np.square(clean).mean()), rel=0.01)
    assert len(noisy.mfcc) == 12


def test_a_sine_crosses_zero_twice_a_period():
    sine = np.sin(np.arange(RATE) / 5).astype(np.float32)
    assert voice_features(sine).zcr == pytest.approx(1 / (5 * np.pi), rel=0.01)


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros(RATE), np.random.default_rng(1).normal(0, 0.1, RATE)])
def test_what_is_not_voiced_has_no_pitch(samples):
    told = voice_features(samples.astype(np.float32))
    assert math.isnan(told.pitch)
    assert math.isnan(told.hnr)
    assert np.isfinite(told.mfcc).all()


def test_pauses_do_not_count_for_the_pitch():
    told = voice_features(np.concatenate([hum(150), np.zeros(3 * RATE, np.float32)]))
    assert told.pitch == pytest.approx(150, rel=0.01)
    assert MIN_PITCH_HZ < told.pitch < MAX_PITCH_HZ
