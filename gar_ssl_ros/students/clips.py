"""A window as a student takes it in: frames at an even rate around the center frame, and the log-mel of their sound."""

from __future__ import annotations

import cv2
import librosa  # loads nothing yet: its parts come when they are asked for
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Window
from gar_ssl_ros.students.options import SPECTRA_HZ, StudentConfig

MEL_HOP = SPEECH_RATE_HZ // SPECTRA_HZ  # samples
SPECTRUM_SAMPLES = 512  # of one spectrum: 32 ms
LOWEST_DB, HIGHEST_DB = -80.0, 40.0  # of a band's power, of sound in [-1, 1]: 0 and 1 of the log-mel


def frames_of(window: Window, config: StudentConfig) -> NDArray[np.uint8]:
    """RGB (frames, height, width, 3): of each moment the frame of the center's size that is nearest to it."""
    center = window.center
    same = [frame for frame in window.frames if frame.image.shape == center.image.shape]
    stamps = np.array([frame.stamp for frame in same])
    wanted = center.stamp + (np.arange(config.frames) - config.frames // 2) * SECOND / config.rate
    nearest = np.abs(stamps[None] - wanted[:, None]).argmin(axis=1)
    size = (config.width, config.height)
    small = {i: cv2.resize(same[i].image, size, interpolation=cv2.INTER_AREA) for i in set(nearest.tolist())}
    return np.stack([small[i] for i in nearest.tolist()]).astype(np.uint8, copy=False)


def mel_of(window: Window, config: StudentConfig) -> NDArray[np.float32]:
    """The log-mel (spectra, bands), 0..1, of the time that the frames stand for; what was not heard is 0."""
    count = config.spectra * MEL_HOP
    samples = np.zeros(count, np.float32)
    if window.audio is not None:
        heard = window.audio.mono(SPEECH_RATE_HZ)
        begin = window.center.stamp - (config.frames // 2 + 0.5) * SECOND / config.rate
        first = round((begin - window.audio.stamp) * SPEECH_RATE_HZ / SECOND)
        part = heard[max(0, first) : max(0, first + count)]
        at = max(0, -first)
        part = part[: count - at] if at < count else part[:0]
        samples[at : at + len(part)] = part
    return log_mel(samples, config.mel)


def log_mel(samples: NDArray[np.float32], bands: int) -> NDArray[np.float32]:
    """(samples / MEL_HOP, bands), 0..1, of mono sound at SPEECH_RATE_HZ."""
    power = librosa.feature.melspectrogram(
        y=samples, sr=SPEECH_RATE_HZ, n_fft=SPECTRUM_SAMPLES, hop_length=MEL_HOP, n_mels=bands, fmin=50.0
    )
    level = librosa.power_to_db(power, ref=1.0, amin=1e-12, top_db=None)
    scaled = (level - LOWEST_DB) / (HIGHEST_DB - LOWEST_DB)
    return np.ascontiguousarray(scaled.T[: len(samples) // MEL_HOP].clip(0, 1), np.float32)
