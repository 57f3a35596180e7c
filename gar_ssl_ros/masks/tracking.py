"""Which source of this window is which of the last ones: ids that stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Source
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import SECOND

SAME_SOURCE_IOU = 0.3  # intersection over union from which on two boxes, or masks, may be the same source's
SAME_SOURCE_UNLIKE_IOU = 0.6  # the same where their labels differ: a label may change while its source goes on sounding
KEEP_ID_NS = 10 * SECOND  # for so long a source may be still before its id is given up


@dataclass
class _Track:
    identity: int
    box: Box
    label: str
    seen: int  # ns
    mask: Mask | None
    followed: int | None  # under which number by a Follower


class Tracker:
    """Gives the sources of one window after another their ids, from 1 on, none twice. Not thread-safe.

    Sources that a Follower knows (`Source.track`) are told apart by that, others by how their boxes overlap.
    """

    def __init__(self, by_masks: bool = False) -> None:
        """by_masks: True if by how masks overlap, where there are two to compare."""
        self._by_masks = by_masks
        self._tracks: list[_Track] = []
        self._next = 1

    def follow(self, sources: Sequence[Source], time: int) -> tuple[int, ...]:
        """The ids of a window's sources, in their order; all different. time: ns, of the window."""
        self._tracks = [track for track in self._tracks if abs(time - track.seen) <= KEEP_ID_NS]
        ids: list[int | None] = [None] * len(sources)
        free = list(self._tracks)
        pairs = [(self._affinity(track, one), index, track) for index, one in enumerate(sources) for track in free]
        for affinity, index, track in sorted(pairs, key=lambda pair: -pair[0]):
            if affinity > 0 and ids[index] is None and track in free:
                free.remove(track)
                ids[index] = track.identity
                source = sources[index]
                track.box, track.label, track.seen, track.mask = source.box, source.label, time, source.mask
                track.followed = track.followed if source.track is None else source.track
        return tuple(
            self._new(source, time) if known is None else known for known, source in zip(ids, sources, strict=True)
        )

    def moved(self, masks: Mapping[int, Mask]) -> None:
        """Where some of them are by now, by their ids; those that are out of sight stay where they were."""
        for track in self._tracks:
            mask = masks.get(track.identity)
            if mask is not None and mask.box is not None:
                track.mask, track.box = mask, mask.box

    def newest(self, most: int) -> list[int]:
        """The ids of so many that were seen last."""
        return [track.identity for track in sorted(self._tracks, key=lambda track: -track.seen)[:most]]

    def forget_followed(self) -> None:
        """The Follower is another one, whose numbers mean other things."""
        for track in self._tracks:
            track.followed = None

    def _new(self, source: Source, time: int) -> int:
        track = _Track(self._next, source.box, source.label, time, source.mask, source.track)
        self._tracks.append(track)
        self._next += 1
        return track.identity

    def _affinity(self, track: _Track, source: Source) -> float:
        """How much a source looks like a track, 0 where it is another one."""
        if track.followed is not None and source.track is not None:
            return 3.0 if track.followed == source.track else 0.0  # more than any likeness
        overlap = track.box.iou(source.box)
        if self._by_masks and track.mask is not None and source.mask is not None:
            same_image = track.mask.pixels.shape == source.mask.pixels.shape
            overlap = track.mask.iou(source.mask) if same_image else overlap
        alike = track.label == source.label
        return overlap + alike if overlap >= (SAME_SOURCE_IOU if alike else SAME_SOURCE_UNLIKE_IOU) else 0.0
