import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window, audio_from_samples


def frame(stamp: int) -> Frame:
    return Frame(stamp, np.zeros((4, 6, 3), np.uint8))


def test_a_frame_is_rgb_uint8_and_says_so_otherwise():
    assert (frame(0).width, frame(0).height) == (6, 4)
    with pytest.raises(ValueError, match=r"RGB uint8 .* not uint8 \(4, 6\)"):
        Frame(0, np.zeros((4, 6), np.uint8))
    with pytest.raises(ValueError, match="not float32"):
        Frame(0, np.zeros((4, 6, 3), np.float32))  # type: ignore[arg-type]


def test_nobody_writes_to_a_frame_or_to_audio_again():
    with pytest.raises(ValueError, match="read-only"):
        frame(0).image[0, 0, 0] = 1
    with pytest.raises(ValueError, match="read-only"):
        Audio(0, np.zeros((1, 4), np.float32), 8000).samples[0, 0] = 1


@pytest.mark.parametrize(
    ("samples", "rate", "problem"),
    [
        (np.zeros(8, np.float32), 8000, "channels, samples"),
        (np.zeros((0, 8), np.float32), 8000, "channels, samples"),
        (np.zeros((1, 8), np.float64), 8000, "float64"),
        (np.zeros((1, 8), np.float32), 0, "positive"),
        (np.full((1, 8), np.nan, np.float32), 8000, "finite numbers: make it of others with audio_from_samples"),
        (np.full((1, 8), -np.inf, np.float32), 8000, "finite"),
    ],
)
def test_audio_of_the_wrong_form_is_refused(samples, rate, problem):
    with pytest.raises(ValueError, match=problem):
        Audio(0, samples, rate)


def test_audio_ends_just_after_its_last_sample():
    assert Audio(5, np.zeros((2, 8000), np.float32), 16000).end == 5 + SECOND // 2


def test_mono_is_the_mean_of_all_channels_at_the_wanted_rate():
    time = np.arange(48000) / 48000
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    audio = Audio(0, np.stack([tone, tone, np.zeros_like(tone)]), 48000)
    mono = audio.mono(16000)
    assert mono.dtype == np.float32
    assert len(mono) == pytest.approx(16000, abs=1)
    expected = 2 / 3 * np.sin(2 * np.pi * 440 * np.arange(len(mono)) / 16000)
    assert np.abs(mono - expected)[200:-200].max() < 1e-3


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=1, max_size=50))
def test_samples_of_any_quality_become_finite_ones_in_range(values):
    samples = np.array([values], np.float32)
    audio = audio_from_samples(0, samples, 8000)
    assert np.isfinite(audio.samples).all()
    assert np.abs(audio.samples).max() <= 1
    assert audio.missing == int((~np.isfinite(samples)).sum())


def test_the_center_is_the_frame_nearest_the_middle():
    window = Window(0, 3 * SECOND, tuple(map(frame, (0, SECOND, 2 * SECOND, 3 * SECOND - 1))), None)
    assert window.center.stamp in (SECOND, 2 * SECOND)
    assert Window(0, 3 * SECOND, (frame(1), frame(3 * SECOND // 2 + 5)), None).center.stamp == 3 * SECOND // 2 + 5


def test_a_window_without_a_frame_cannot_be():
    with pytest.raises(ValueError, match="at least one frame"):
        Window(0, SECOND, (), None)
