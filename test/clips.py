"""Recordings of every kind, written with real codecs."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray


def moving_noise(width: int, height: int) -> Callable[[int], NDArray[np.uint8]]:
    """Frame i of a textured picture that shifts by a pixel a frame."""
    texture = np.random.default_rng(0).integers(0, 255, (height, width, 3), dtype=np.uint8)
    return lambda index: np.roll(texture, index, axis=1)


def write_clip(
    path: Path,
    *,
    size: tuple[int, int] = (64, 48),
    stamps: list[float] | None = None,
    image: Callable[[int], NDArray[np.uint8]] | None = None,
    codec: str | None = "ffv1",
    pix_fmt: str = "yuv420p",
    audio: NDArray[np.float32] | None = None,
    rate: int = 16_000,
    layout: str = "mono",
    audio_codec: str = "pcm_f32le",
    seconds: float = 3.0,
    with_audio: bool = True,
    options: dict[str, str] | None = None,
    container: dict[str, str] | None = None,
) -> Path:
    """A clip of 10 frames a second, or one frame at each of `stamps` (s), with sound unless `with_audio` is false.

    audio: (channels, samples) at `rate`; noise where it is not given. container: its format's options.
    """
    times = [i / 10 for i in range(round(seconds * 10))] if stamps is None else stamps
    draw = image or moving_noise(*size)
    with av.open(str(path), "w", options=container or {}) as file:
        video: Any = None
        if codec is not None:
            video = file.add_stream(codec, rate=10, options=options or {})
            video.width, video.height, video.pix_fmt = *size, pix_fmt
            video.codec_context.time_base = Fraction(1, 1000)
        sound: Any = file.add_stream(audio_codec, rate=rate, layout=layout) if with_audio else None
        channels = av.AudioLayout(layout).nb_channels
        if audio is None:
            audio = np.random.default_rng(1).normal(0, 0.1, (channels, round(seconds * rate))).astype(np.float32)
        if sound is not None:
            to_codec = av.AudioResampler(format=sound.format.name, layout=layout, rate=rate)
        tenth = rate // 10
        shown = 0
        for beat in range(max(round(seconds * 10), 1 + round(10 * max(times, default=0)))):
            while video is not None and shown < len(times) and times[shown] < (beat + 1) / 10 - 1e-6:
                frame = av.VideoFrame.from_ndarray(draw(shown), format="rgb24")
                frame.pts, frame.time_base = round(times[shown] * 1000), Fraction(1, 1000)
                file.mux(video.encode(frame))
                shown += 1
            piece = audio[:, beat * tenth : (beat + 1) * tenth]
            if sound is not None and piece.size:
                packed = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece.T).reshape(1, -1), "flt", layout)
                packed.sample_rate, packed.pts, packed.time_base = rate, beat * tenth, Fraction(1, rate)
                for part in to_codec.resample(packed):
                    file.mux(sound.encode(part))
        if video is not None:
            file.mux(video.encode(None))
        if sound is not None:
            file.mux(sound.encode(None))
    return path


def read_picture(path: Path) -> NDArray[np.uint8]:
    """RGB (H, W, 3)."""
    with av.open(str(path)) as file:
        return np.asarray(next(file.decode(video=0)).to_ndarray(format="rgb24"), np.uint8)


def still_clip(path: Path, media: Path, seen: str, heard: str, seconds: float = 3.0) -> Path:
    """A photograph of `media` for that long, with a recording of it, over and over."""
    image, sound = read_picture(media / f"{seen}.jpg"), read_sound(media / f"{heard}.wav", 16_000)
    audio = np.resize(sound, (1, round(seconds * 16_000))).clip(-1, 1)
    size = (image.shape[1], image.shape[0])
    return write_clip(path, size=size, image=lambda _: image, audio=audio, seconds=seconds)


def read_sound(path: Path, rate: int) -> NDArray[np.float32]:
    """The sound of any recording, mono at `rate`."""
    to_mono = av.AudioResampler(format="fltp", layout="mono", rate=rate)
    with av.open(str(path)) as container:
        parts = [part.to_ndarray()[0] for frame in container.decode(audio=0) for part in to_mono.resample(frame)]
    return np.concatenate([*parts, *(part.to_ndarray()[0] for part in to_mono.resample(None))])
