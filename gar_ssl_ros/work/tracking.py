"""Which source of this window is which of the last ones: ids that stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Source
from gar_ssl_ros.media.window import SECOND

SAME_SOURCE_IOU = 0.3  # intersection over union from which on two boxes may be the same source's
SAME_SOURCE_UNLIKE_IOU = 0.6  # the same where their labels differ: a label may change while its source goes on sounding
KEEP_ID_NS = 10 * SECOND  # for so long a source may be still before its id is given up


@dataclass
class _Track:
    identity: int
    box: Box
    label: str
    seen: int  # ns


class Tracker:
    """Gives the sources of one window after another their ids, from 1 on, none twice. Not thread-safe."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []
        self._next = 1

    def follow(self, sources: Sequence[Source], time: int) -> tuple[int, ...]:
        """The ids of a window's sources, in their order; all different. time: ns, of the window."""
        self._tracks = [track for track in self._tracks if abs(time - track.seen) <= KEEP_ID_NS]
        ids: list[int | None] = [None] * len(sources)
        free = list(self._tracks)
        pairs = [(_affinity(track, source), index, track) for index, source in enumerate(sources) for track in free]
        for affinity, index, track in sorted(pairs, key=lambda pair: -pair[0]):
            if affinity > 0 and ids[index] is None and track in free:
                free.remove(track)
                ids[index] = track.identity
                track.box, track.label, track.seen = sources[index].box, sources[index].label, time
        return tuple(
            self._new(source, time) if known is None else known for known, source in zip(ids, sources, strict=True)
        )

    def _new(self, source: Source, time: int) -> int:
        track = _Track(self._next, source.box, source.label, time)
        self._tracks.append(track)
        self._next += 1
        return track.identity


def _affinity(track: _Track, source: Source) -> float:
    """How much a source looks like a track, 0 where it is another one."""
    overlap = track.box.iou(source.box)
    alike = track.label == source.label
    return overlap + alike if overlap >= (SAME_SOURCE_IOU if alike else SAME_SOURCE_UNLIKE_IOU) else 0.0
