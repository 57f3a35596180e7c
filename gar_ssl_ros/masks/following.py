"""Masks from window to window: each source has a number that stays, and is looked for again where that can be done."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol, runtime_checkable

import numpy as np

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.gar.localization import Localization, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks.segmenter import Image, Prompt, Segmenter, masked
from gar_ssl_ros.masks.tracking import Tracker
from gar_ssl_ros.media.window import Frame, Window

logger = logging.getLogger(__name__)

MAX_LOOKS = 4  # frames before a window's center, and as many after it, at which things are looked for
MAX_THINGS = 8  # that are looked for: those that sounded last


class Stream(Protocol):
    """Images that follow one another, in which things are looked for that were framed once. Not thread-safe."""

    def look(self, image: Image, deadline: Deadline) -> Mapping[int, Mask]:
        """The next image: where the things that are known are in it; an empty mask where one is not to be seen."""
        ...

    def prompt(self, number: int, prompt: Prompt, deadline: Deadline) -> Mask | Failure:
        """Frame a thing, known or new, in the image that was looked at last."""
        ...

    def keep(self, numbers: Collection[int]) -> None:
        """Forget all other things."""
        ...


@runtime_checkable
class Propagating(Protocol):
    """A segmenter that looks for things again."""

    def stream(self) -> Stream:
        """A new one."""
        ...


class Follower:
    """A segmenter of one window after another of a recording or a robot. Not thread-safe.

    Sources have a `track`, and where the segmenter can look for things again, `newest`, too.
    """

    def __init__(self, segmenter: Segmenter) -> None:
        self.name = segmenter.name
        self.segmenter = segmenter
        self._tracker = Tracker(by_masks=True)
        self._stream = segmenter.stream() if isinstance(segmenter, Propagating) else None
        self._seen = -1  # ns: the newest frame that was looked at

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> Sequence[Mask | Failure]:
        """Of a single image, as of Segmenter."""
        return self.segmenter.segment(image, prompts, deadline)

    def masked(self, found: Localization, window: Window, deadline: Deadline) -> Localization:
        """As `masked` does it."""
        if not found.sources or found.stage is not Stage.FINAL:
            return found
        at, stream = window.center, self._stream
        if stream is None:
            done = masked(found, at.image, self.segmenter, deadline)
            return _tracked(done, self._tracker.follow(done.sources, at.stamp), {})
        if window.end < self._seen:  # a recording that began again
            stream.keep(())
            self._seen = -1
        framing = _Framing(self.segmenter.name, stream, self._tracker, found, window, self._seen)
        done = masked(found, at.image, framing, deadline)
        if not framing.ids:
            return _tracked(done, self._tracker.follow(done.sources, at.stamp), {})
        self._seen = max(self._seen, at.stamp)
        newest: Mapping[int, Mask | None] = {}
        if at is window.frames[-1]:
            newest = {track: one.mask for track, one in zip(framing.ids, done.sources, strict=True)}
        try:
            for frame in _some([frame for frame in window.frames if frame.stamp > self._seen]):
                newest = stream.look(frame.image, deadline)
                self._seen = frame.stamp
        except Cancelled:
            raise
        except Exception as problem:  # of whatever kind: it must not cost the masks that there are
            logger.debug("%s could not look at the newest frame", self.name, exc_info=True)
            why = "there was no time left for them" if isinstance(problem, DeadlineExceeded) else sentence(problem)
            told = f"masks of the newest frame failed: {why}"
            done, newest = replace(done, detail="; ".join(filter(None, [done.detail, told]))), {}
        return _tracked(done, framing.ids, newest)


class _Framing:
    """What a segmenter is to one window: things are looked for until its center, told apart, and framed anew there."""

    def __init__(
        self, name: str, stream: Stream, tracker: Tracker, found: Localization, window: Window, seen: int
    ) -> None:
        self.name = name
        self._stream, self._tracker, self._found, self._window, self._seen = stream, tracker, found, window, seen
        self.ids: tuple[int, ...] = ()

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> list[Mask | Failure]:
        at = self._window.center.stamp
        for frame in _some([frame for frame in self._window.frames if 0 <= self._seen < frame.stamp < at]):
            self._stream.look(frame.image, deadline)
        self._tracker.moved(self._stream.look(image, deadline))
        self.ids = self._tracker.follow(self._found.sources, at)
        self._stream.keep(self._tracker.newest(MAX_THINGS))
        return [self._stream.prompt(one, prompt, deadline) for one, prompt in zip(self.ids, prompts, strict=True)]


def masked_window(
    found: Localization, window: Window, segmenter: Segmenter | None, deadline: Deadline | None = None
) -> Localization:
    """As `masked`, of a window's center frame; with tracks where the segmenter is a Follower."""
    if isinstance(segmenter, Follower):
        return segmenter.masked(found, window, deadline or Deadline())
    return masked(found, window.center.image, segmenter, deadline)


def anew(segmenter: Segmenter | None) -> Segmenter | None:
    """The same for another recording, in which nothing is known yet."""
    return Follower(segmenter.segmenter) if isinstance(segmenter, Follower) else segmenter


def _some(frames: Sequence[Frame]) -> list[Frame]:
    """So many of them as are looked at, evenly, the last one too."""
    at = np.linspace(0, len(frames), min(MAX_LOOKS, len(frames)) + 1)[1:] - 1
    return [frames[index] for index in np.rint(at).astype(int)]


def _tracked(found: Localization, ids: Sequence[int], newest: Mapping[int, Mask | None]) -> Localization:
    sources = [
        replace(source, track=track, newest=mask if (mask := newest.get(track)) is not None and mask.area else None)
        for source, track in zip(found.sources, ids, strict=True)
    ]
    return replace(found, sources=tuple(sources))
