"""Decoded sound as a listener hears it: at its own rate and channels, in order, and silent where it is lost."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.error import FFmpegError

from gar_ssl_ros.media.window import SECOND, Audio, audio_from_samples

MAX_PIECE_NS = SECOND // 10  # sound is handed out in pieces no longer than this, however long a packet is
MAX_FILLED_GAP_NS = 600 * SECOND  # of a hole that is filled


class Sounds:
    """Makes pieces of at most 0.1 s of sound as it is decoded.

    What is damaged or lost is silence that counts as missing. odd: samples so far that are no finite numbers.
    unordered: frames left out because their time is before their predecessor's.
    """

    def __init__(self, rate: int, channels: int, begin: int | None = None) -> None:
        """`rate`, Hz, and `channels`: of sound that is lost before there is any. `begin`: time, ns, from which on there
        should be sound, if that is known.
        """
        self.odd = self.unordered = 0
        self._rate, self._channels = max(rate, 1), max(channels, 1)
        self._end = begin  # of the sound so far, ns
        self._last: int | None = None  # the time of the last frame
        self._lost: int | None = None  # the time of the last one that is lost since

    def lose(self, stamp: int | None) -> None:
        """A frame of that time, ns, cannot be decoded."""
        self._lost = stamp if stamp is not None else self._lost if self._lost is not None else self._end

    def take(self, sound: AudioFrame, stamp: int | None, damaged: bool) -> Iterator[Audio]:
        """The next frame, of that time, ns, and before it silence in the place of those that are lost."""
        if stamp is None:
            stamp = self._end or 0
        if self._last is not None and stamp < self._last:
            self.unordered += 1
            return
        try:
            # One resampler a frame: it only changes the sample format, and the stream may change its layout.
            parts = [*AudioResampler(format="flt").resample(sound)]
        except (FFmpegError, ValueError):  # it does not hold what it says
            self.lose(stamp)
            return
        if self._lost is not None:
            yield from self._silence(stamp)
        self._last = self._end = stamp
        for part in parts:
            self._rate, self._channels = part.sample_rate, part.layout.nb_channels
            samples = part.to_ndarray().reshape(-1, self._channels).T
            size = max(1, round(self._rate * MAX_PIECE_NS / SECOND))
            for first in range(0, samples.shape[1], size):
                piece, begin = samples[:, first : first + size], stamp + first * SECOND // self._rate
                heard = self._silent(begin, piece.shape[1]) if damaged else audio_from_samples(begin, piece, self._rate)
                self.odd += 0 if damaged else heard.missing
                self._end = heard.end
                yield heard

    def end(self) -> Iterator[Audio]:
        """Silence in the place of what is lost at the end."""
        if self._lost is not None:
            yield from self._silence(self._lost + MAX_PIECE_NS)

    def _silence(self, until: int) -> Iterator[Audio]:
        """From the end of the sound so far to `until`, ns."""
        begin, self._lost = self._end if self._end is not None else until, None
        if until - begin > MAX_FILLED_GAP_NS:
            return
        while begin < until:
            size = round(min(MAX_PIECE_NS, until - begin) * self._rate / SECOND)
            if not size:
                return
            silent = self._silent(begin, size)
            begin = self._end = silent.end
            yield silent

    def _silent(self, stamp: int, samples: int) -> Audio:
        return Audio(stamp, np.zeros((self._channels, samples), np.float32), self._rate, missing=samples)
