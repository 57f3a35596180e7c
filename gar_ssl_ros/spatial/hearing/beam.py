"""Listening towards one direction: delay and sum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.spatial.hearing.array import ArrayError, Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.channels import count_problem
from gar_ssl_ros.spatial.hearing.steering import delays
from gar_ssl_ros.spatial.transforms import Vector


def beam(samples: NDArray[np.float32], array: MicrophoneArray, rate: int, vector: Vector) -> NDArray[np.float32]:
    """What comes from a direction of the array's frame, as at the array's middle: float32 (n,).

    samples: (recorded channels, n). rate: Hz. Of ambisonics, a cardioid towards there. Raises ArrayError where the
    channels are not the array's.
    """
    if wrong := count_problem(len(samples), array):
        raise ArrayError(wrong)
    own, toward = samples[list(array.channels)], np.array(vector, np.float64)
    if array.kind is Kind.AMBISONIC:
        return np.asarray((own[0] + toward[[1, 2, 0]] @ own[1:]) / 2, np.float32)
    late = delays(array, toward[None])[0]
    count = own.shape[1]
    size = count + 2 * int(np.ceil(np.abs(late).max() * rate)) + 2  # so that nothing goes around from end to start
    spectrum = np.fft.rfft(own, size)
    turns = np.exp(2j * np.pi * np.fft.rfftfreq(size, 1 / rate) * late[:, None])
    return np.asarray(np.fft.irfft((spectrum * turns).mean(axis=0), size)[:count], np.float32)
