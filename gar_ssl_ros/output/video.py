"""Videos written frame by frame, readable up to wherever writing stopped."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec import Codec
from av.packet import Packet
from numpy.typing import NDArray

from gar_ssl_ros.media.buffer import MAX_JITTER_NS
from gar_ssl_ros.media.window import SECOND, Audio

MPEG_CLOCK_HZ = 90_000  # ticks a second


class VideoWriter:
    """An MP4 of H.264 (or MPEG-4 where FFmpeg has no H.264 encoder) with AAC sound, or FLAC where that is lossless.

    It is written in fragments, so that what a full disk or a crash leaves behind can be played; a clean end makes it
    an ordinary MP4. Frames and audio come each in the order of their times, ns from 0. Raises FileExistsError where the
    file exists, and OSError where writing fails.
    """

    def __init__(
        self,
        path: Path,
        width: int,
        height: int,
        fps: Fraction,
        audio: Audio | None = None,
        crf: int = 20,
        lossless: bool = False,
    ) -> None:
        """`width`, `height`: even. `audio`: a first piece of the sound to come, for its rate and channels. `crf`: of
        H.264, lower is better. `lossless`: True if each channel's sound is to be kept, to 16 bits.
        """
        self._failed = False
        self._file = _File(path)
        try:
            self._begin(width, height, fps, audio, crf, lossless)
        except BaseException:
            self._file.close()
            path.unlink(missing_ok=True)
            raise

    def _begin(self, width: int, height: int, fps: Fraction, audio: Audio | None, crf: int, lossless: bool) -> None:
        # delay_moov: the index then tells how far the encoders run ahead, without which the sound would lag.
        fragmented = {"movflags": "hybrid_fragmented+delay_moov"}
        self._container = av.open(self._file, "w", format="mp4", options=fragmented)
        self._video = self._container.add_stream(
            "libx264" if _can_encode("libx264") else "mpeg4",
            rate=fps.limit_denominator(MPEG_CLOCK_HZ),
            options={"crf": str(crf), "preset": "veryfast", "g": str(max(1, round(2 * fps)))},  # fragments of 2 s
        )
        self._video.width, self._video.height, self._video.pix_fmt = width, height, "yuv420p"
        self._video.codec_context.time_base = Fraction(1, MPEG_CLOCK_HZ)
        self._audio: AudioStream | None = None
        if audio is not None:
            # AAC knows 96 kHz at most and no more than 8 channels.
            rate = audio.rate if audio.rate in _AAC_RATES else 48_000
            layout = LAYOUTS[min(len(audio.samples), len(LAYOUTS)) - 1]
            self._format = "s16" if lossless else "fltp"
            add = self._container.add_stream
            self._audio = add("flac", rate, layout=layout) if lossless else add("aac", rate, layout=layout)
            self._to_codec = AudioResampler(format=self._format, layout=layout, rate=rate)
            self._heard = audio.rate, len(audio.samples)
            self._end = 0  # of the sound so far, ns

    def add_image(self, image: NDArray[np.uint8], stamp: int) -> None:
        """An RGB frame (height, width, 3) shown from `stamp` on."""
        frame = av.VideoFrame.from_ndarray(image, format="rgb24")
        frame.pts, frame.time_base = round(stamp * MPEG_CLOCK_HZ / SECOND), Fraction(1, MPEG_CLOCK_HZ)
        self._mux(self._video.encode(frame))

    def add_audio(self, audio: Audio) -> None:
        """The next piece of sound."""
        if self._audio is None:
            return
        if self._heard != (audio.rate, len(audio.samples)):  # of a resampler, neither may change
            self._drain()
            self._to_codec = AudioResampler(format=self._format, layout=self._audio.layout, rate=self._audio.rate)
            self._heard = audio.rate, len(audio.samples)
        begin, due = (round(time * audio.rate / SECOND) for time in (audio.stamp, self._end))
        if abs(begin - due) * SECOND <= MAX_JITTER_NS * audio.rate:
            begin = due
        samples = audio.samples[: len(LAYOUTS), max(0, due - begin) :]  # no moment is heard twice
        if not samples.size:
            return
        begin = max(begin, due)
        self._end = round((begin + samples.shape[1]) * SECOND / audio.rate)
        layout = LAYOUTS[min(len(audio.samples), len(LAYOUTS)) - 1]
        packed = np.ascontiguousarray(samples.T).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(packed, "flt", layout)
        frame.sample_rate, frame.time_base = audio.rate, Fraction(1, audio.rate)
        frame.pts = begin
        for part in self._to_codec.resample(frame):
            self._mux(self._audio.encode(part))

    def close(self) -> None:
        """Write what encoders still hold and the index."""
        try:
            if not self._failed:
                self._flush()
        finally:
            try:
                self._container.close()
            finally:
                self._file.close()

    def _flush(self) -> None:
        self._mux(self._video.encode(None))
        if self._audio is not None:
            self._drain()
            self._mux(self._audio.encode(None))

    def _drain(self) -> None:
        assert self._audio is not None
        for part in self._to_codec.resample(None):
            self._mux(self._audio.encode(part))

    def _mux(self, packets: Sequence[Packet[Any]]) -> None:
        try:
            self._container.mux(packets)
        except BaseException:
            self._failed = True  # a muxer that could not even write its header dies of another packet
            raise

    def __enter__(self) -> VideoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class _File:
    """A new file that FFmpeg writes, whose errors name it."""

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        self._file = path.open("xb", buffering=0)
        self.seek, self.tell, self.close = self._file.seek, self._file.tell, self._file.close

    def write(self, data: bytes) -> int:
        done = 0
        try:
            while done < len(data):
                done += self._file.write(data[done:]) or 0
        except OSError as problem:
            problem.filename = str(self._path)
            raise
        return done


_AAC_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
LAYOUTS = ("mono", "stereo", "3.0", "quad", "5.0", "5.1", "6.1", "7.1")


def _can_encode(name: str) -> bool:
    try:
        Codec(name, "w")
    except av.codec.codec.UnknownCodecError:
        return False
    return True
