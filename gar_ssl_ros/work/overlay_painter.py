"""The newest answer over the camera's newest image, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Condition, Thread
from time import monotonic

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.gar.localization import Localization, Stage
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.messages.overlays import Overlay
from gar_ssl_ros.work.complaints import Complaints


class RateLimit:
    """Lets through so many a second on average; what comes up to one period early is not held against it."""

    def __init__(self) -> None:
        self._due = 0.0

    def allows(self, rate: float, now: float) -> bool:
        """True if one that comes now, s, may pass. rate: a second, more than 0."""
        period = 1.0 / rate
        if now < self._due - period:
            return False
        self._due = max(self._due, now) + period
        return True


@dataclass(frozen=True)
class _Answer:
    """found: about the image of that stamp, ns, and size. since: stamp, ns, of the newest image when it came."""

    found: Localization
    stamp: int
    size: tuple[int, int]
    since: int
    lifetime: int


class OverlayPainter:
    """Hands out each image with what is shown on it: of images that come while one is worked on, the newest.

    An answer is shown until the next one, for `lifetime` by the images' stamps at most, and fades in the second half of
    it. It is not shown on an image of another size, or from before its own. `close` it in the end.
    """

    def __init__(
        self,
        rate: Callable[[], float],
        publish: Callable[[Frame, Overlay | None], None],
        complain: Callable[[str], None],
    ) -> None:
        """rate: images a second at most, 0 for the image of each final answer only. publish: called on the thread.

        complain: given a sentence, once in a while, where `publish` raises.
        """
        self._rate, self._publish = rate, publish
        self._complaints = Complaints(complain)
        self._limit = RateLimit()
        self._changed = Condition()
        self._next: tuple[Frame, Overlay | None] | None = None
        self._newest: int | None = None  # stamp of the newest image, ns
        self._answer: _Answer | None = None
        self._closing = False
        self._thread = Thread(target=self._work, name="overlay", daemon=True)
        self._thread.start()

    def see(self, frame: Frame) -> None:
        """An image of the camera has come."""
        with self._changed:
            self._newest = frame.stamp
            rate = self._rate()
            if rate > 0 and self._limit.allows(rate, monotonic()):
                self._put(frame, self._shown(frame))

    def answer(self, found: Localization, window: Window, lifetime: int) -> None:
        """Show that from now on. lifetime: ns."""
        frame = window.center
        with self._changed:
            since = frame.stamp if self._newest is None else self._newest
            self._answer = _Answer(found, frame.stamp, (frame.width, frame.height), since, lifetime)
            if self._rate() == 0 and found.stage is Stage.FINAL:
                self._put(frame, Overlay(found))

    def amend(self, found: Localization, window: Window) -> None:
        """What more is known by now of the last answer, if it was about that window."""
        frame = window.center
        with self._changed:
            if self._answer is not None and self._answer.stamp == frame.stamp:
                self._answer = replace(self._answer, found=found)
            if self._rate() == 0:
                self._put(frame, Overlay(found))

    def close(self, patience: float) -> bool:
        """Stop. Returns True if the thread ended in so many seconds."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(patience)
        return not self._thread.is_alive()

    def _put(self, frame: Frame, overlay: Overlay | None) -> None:
        self._next = (frame, overlay)
        self._changed.notify_all()

    def _shown(self, frame: Frame) -> Overlay | None:
        one = self._answer
        if one is None or frame.stamp < one.stamp or one.size != (frame.width, frame.height):
            return None
        strength = 2.0 * (1.0 - (frame.stamp - one.since) / one.lifetime)
        return Overlay(one.found, (frame.stamp - one.stamp) / SECOND, min(1.0, strength)) if strength > 0 else None

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing or self._next is not None)
                if self._closing or self._next is None:
                    return
                (frame, overlay), self._next = self._next, None
            try:
                self._publish(frame, overlay)
            except Exception as problem:  # of many types: the next one is drawn all the same
                self._complaints.tell(f"an overlay could not be published: {sentence(problem)}")
