"""Recordings of a microphone array beside a camera: like things that move alike, one of which sounds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from clips import write_clip
from numpy.typing import NDArray

from gar_ssl_ros.spatial.direction import body_of_angles, optical_of_angles
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.windows import lens_of_hfov

SIZE, HFOV = (320, 240), 70
RATE, SOUND_M_S = 16_000, 343.0
LAYOUTS = {2: "stereo", 4: "4.0", 6: "5.1", 8: "7.1"}


def plane_wave(array: MicrophoneArray, sound: NDArray[np.float64], azimuth: float) -> NDArray[np.float32]:
    """What the array records of a sound from far away, degrees to the left: (recorded channels, samples)."""
    ahead = np.array(array.positions) @ np.array(body_of_angles(math.radians(azimuth), 0.0)) / SOUND_M_S  # s
    shifts = np.exp(2j * np.pi * np.fft.rfftfreq(len(sound), 1 / RATE) * ahead[:, None])
    recorded = np.zeros((array.recorded or len(array.channels), len(sound)), np.float32)
    recorded[list(array.channels)] = np.fft.irfft(np.fft.rfft(sound) * shifts, len(sound))
    own = np.random.default_rng(3).normal(0, 0.002, recorded.shape)
    return (recorded + own).clip(-1, 1).astype(np.float32)


def bursts(seconds: float) -> NDArray[np.float64]:
    """Noise that is loud for two tenths of a second of every six."""
    loud = np.arange(round(10 * seconds)) % 6 < 2
    return np.repeat(loud, RATE // 10) * np.random.default_rng(0).normal(0, 0.15, round(seconds * RATE))


def array_clip(path: Path, things: Sequence[float], azimuth: float, name: str) -> Path:
    """With the sound from `azimuth`, and like things at those azimuths that jump with it, degrees to the left."""
    return moving_array_clip(path, [(tuple(things), azimuth)], name, 3.0)


def moving_array_clip(
    path: Path,
    parts: Sequence[tuple[Sequence[float], float]],
    name: str,
    each: float,
    order: Sequence[int] | None = None,
) -> Path:
    """The same, one after the other for `each` s. order: of the array's channels, where they are wired otherwise."""
    array = arrays()[name]
    camera = lens_of_hfov(HFOV)(*SIZE)
    seen = [
        [camera.pixels(optical_of_angles(math.radians(one), 0.0)[None])[0] for one in things] for things, _ in parts
    ]
    ground = np.random.default_rng(0).integers(90, 130, (*SIZE[::-1], 3), dtype=np.uint8)

    def image(index: int) -> NDArray[np.uint8]:
        picture = ground.copy()
        for x, y in seen[int(index / 10 / each)]:
            loud = index % 6 < 2
            picture[int(y) - 15 : int(y) + 15, int(x) - 15 : int(x) + 15] = 255 * int(loud) * (index % 2)
        return picture

    audio = np.concatenate([plane_wave(array, bursts(each), azimuth) for _, azimuth in parts], axis=1)
    if order is not None:
        audio[list(array.channels)] = audio[[array.channels[at] for at in order]]
    layout = LAYOUTS[len(audio)]
    return write_clip(path, size=SIZE, image=image, audio=audio, layout=layout, seconds=each * len(parts))
