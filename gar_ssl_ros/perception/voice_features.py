"""How a voice sounds: the low-level features of the INTERSPEECH 2009 Emotion Challenge, which ROS4HRI tells of each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import librosa
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.perception.sound import warm

FRAME, HOP = 1024, 256  # samples: 64 ms, four periods of the lowest pitch, every 16 ms
MIN_PITCH_HZ, MAX_PITCH_HZ = 60.0, 500.0
VOICED = 0.45  # least periodicity, 0..1, of a frame that has a pitch; Praat's voicing threshold
QUIET = 0.03  # of the loudest frame's rms, below which a frame is silent; Praat's silence threshold
MOST_PERIODIC = 0.9999  # that is told, since a harmonics-to-noise ratio of nothing but harmonics is infinite
COEFFICIENTS = 12


@dataclass(frozen=True)
class VoiceFeatures:
    """Of a stretch of sound.

    zcr: zero crossings, of each sample, 0..1. rms: 0..1. pitch: Hz, the median of what is voiced; NaN where nothing is.
    hnr: harmonics-to-noise ratio of the same, dB. mfcc: cepstral coefficients 1 to 12.
    """

    zcr: float
    rms: float
    pitch: float
    hnr: float
    mfcc: tuple[float, ...]


def voice_features(samples: NDArray[np.float32]) -> VoiceFeatures:
    """samples: mono, (n,), at SPEECH_RATE_HZ, -1..1. What is shorter than a frame is padded with silence."""
    warm()
    padded = np.pad(samples, (0, max(0, FRAME - len(samples))))
    frames = librosa.util.frame(padded, frame_length=FRAME, hop_length=HOP)
    pitch, periodicity = _pitch(padded, frames)
    loud = np.sqrt(np.square(frames).mean(axis=0))
    voiced = (periodicity >= VOICED) & (loud > QUIET * loud.max())
    harmonic = np.minimum(periodicity[voiced], MOST_PERIODIC)
    cepstra = librosa.feature.mfcc(
        y=padded, sr=SPEECH_RATE_HZ, n_mfcc=COEFFICIENTS + 1, n_fft=FRAME, hop_length=HOP, center=False
    )
    return VoiceFeatures(
        zcr=float(librosa.zero_crossings(samples, pad=False).mean()) if len(samples) else 0.0,
        rms=float(np.sqrt(np.square(padded).mean())),
        pitch=float(np.median(pitch[voiced])) if voiced.any() else math.nan,
        hnr=float(np.mean(10 * np.log10(harmonic / (1 - harmonic)))) if voiced.any() else math.nan,
        mfcc=tuple(map(float, cepstra[1:].mean(axis=1))),
    )


def _pitch(
    samples: NDArray[np.float32], frames: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each frame its pitch, Hz, and how periodic it is then, 0..1: its autocorrelation at that lag, the window's
    divided out (Boersma 1993).
    """
    pitch = librosa.yin(
        samples,
        fmin=MIN_PITCH_HZ,
        fmax=MAX_PITCH_HZ,
        sr=SPEECH_RATE_HZ,
        frame_length=FRAME,
        hop_length=HOP,
        center=False,
    )
    taper = np.hanning(FRAME)[:, None]
    centered = (frames - frames.mean(axis=0)) * taper
    lags = np.round(SPEECH_RATE_HZ / pitch).astype(int)
    each = np.arange(frames.shape[1])
    ours = librosa.autocorrelate(centered, axis=0)
    windows = librosa.autocorrelate(taper, axis=0)[:, 0]
    energy = np.maximum(ours[0], np.finfo(float).tiny)
    periodicity = ours[lags, each] / energy * windows[0] / windows[lags]
    return pitch, np.clip(periodicity, 0.0, 1.0)
