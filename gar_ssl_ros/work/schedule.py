"""When the next window is due, by the stamps of what has come."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.media.window import SECOND

MAX_LAG_NS = 2 * SECOND  # how far the sound's stamps may be from the images' for both to be of one window
MIN_LEAP_NS = 10 * SECOND  # images further apart than this are not of one stretch of time
LOOK_PERIOD_NS = 3 * SECOND // 10  # between looks at a window that comes: of fewer pictures one is not worth it


@dataclass(frozen=True)
class Due:
    """The interval [start, end) of a window, ns, and whether there is sound whose time it is, too."""

    start: int
    end: int
    heard: bool


def up_to_now(frame: int, audio: int | None) -> tuple[int, bool]:
    """Where a window up to now ends, ns, and whether there is sound whose time it is.

    frame: stamp of the newest image; audio: the end of the newest sound, None where there is none.
    """
    heard = audio is not None and abs(audio - frame) <= MAX_LAG_NS
    return (min(frame, audio) if heard and audio is not None else frame), heard


def look_ahead(left: int) -> int | None:
    """Which look at a window that comes may begin now, by the whole periods left after it; None where none may.

    left: ns until that window is due. A look begins in the first half of its period: a later one might still be under
    way when the window is due, which would wait for it.
    """
    periods, rest = divmod(left, LOOK_PERIOD_NS)
    return periods if periods >= 0 and 2 * rest >= LOOK_PERIOD_NS else None


class Schedule:
    """Windows of `length` ns, each ending at least `hop` ns after the one before.

    A window ends where the slower of the two streams is: nothing is waited for that has not come, and nothing is cut
    off that has. Sound that is missing or lies more than MAX_LAG_NS off is not waited for, but at the beginning, for
    that long. Time that jumps, back or by more than MIN_LEAP_NS, begins anew: the next window is due when it is whole
    again.
    """

    def __init__(self, length: int, hop: int) -> None:
        self._length = length
        self._hop = hop
        self._frame: int | None = None
        self._next = 0
        self._began: int | None = None  # the first image

    def due(self, frame: int | None, audio: int | None) -> Due | None:
        """The window that is due now, once.

        frame: stamp of the newest image; audio: the end of the newest sound; None where there is none.
        """
        if frame is None:
            return None
        if self._frame is None or not 0 <= frame - self._frame <= MIN_LEAP_NS:
            self._next = frame + self._length
            self._began = frame
        self._frame = frame
        newest = self.newest(frame, audio)
        if newest is None or newest.end < self._next:
            return None
        self._next = newest.end + self._hop
        return newest

    def coming(self) -> tuple[int, int] | None:
        """The interval of the window that will be due next, ns, if it ends as soon as it may; None before any image."""
        return None if self._began is None else (self._next - self._length, self._next)

    def newest(self, frame: int | None, audio: int | None) -> Due | None:
        """The window up to now, due or not; None where none is whole yet. From any thread."""
        began = self._began
        if frame is None or began is None:
            return None
        end, heard = up_to_now(frame, audio)
        if end - self._length < began or (not heard and frame - began <= MAX_LAG_NS):
            return None
        return Due(end - self._length, end, heard)
