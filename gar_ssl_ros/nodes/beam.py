"""What comes from one direction, as sound on a topic of its own, for who recognises speech."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.beam import beam
from gar_ssl_ros.spatial.hearing.channels import count_problem
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.work.hearing import HOP_NS, Heard

EDGE_NS = SECOND // 50  # at the end of what was listened to, where a beam is not whole yet


class Beam:
    """`~/beam`: mono, hop by hop without a gap. `take` on one thread."""

    def __init__(self, node: Any, array: MicrophoneArray, frame_id: str, wanted: Callable[[], str]) -> None:
        """frame_id: the array's. wanted: the parameter `beam`."""
        self.problem = ""
        self._node, self._array, self._frame_id, self._wanted = node, array, frame_id, wanted
        self._toward: SoundDirection | None = None
        self._toward_what = ""
        self._end = 0  # ns: of what was published last
        self._out: SoundPublisher | None = None

    def take(self, heard: Heard, sources: Mapping[int, int]) -> None:
        """A hop has been heard. sources: ids of sources by those of directions."""
        wanted, audio = self._wanted(), heard.audio
        if wanted != self._toward_what:
            self._toward, self._toward_what, self.problem = None, wanted, ""
        if not wanted or audio is None:
            return
        if self._out is None:
            try:
                self._out = SoundPublisher(self._node, self._frame_id, 1, audio.rate, topic="~/beam")
            except LookupError as problem:
                self.problem = f"no beam is published: {problem}"
                return
        before = self._toward
        again = [one for one in heard.directions if before is not None and one.identity == before.identity]
        self._toward = _chosen(wanted, heard, sources) or (again[0] if again else before)
        self.problem = "" if self._toward else f"beam is {wanted!r}, and nothing has been heard from there yet"
        if self._toward is None or count_problem(len(audio.samples), self._array):
            return
        end = heard.stamp - EDGE_NS
        begin = self._end if 0 < end - self._end < heard.duration - EDGE_NS else end - HOP_NS
        first, last = (round((time - audio.stamp) * audio.rate / SECOND) for time in (begin, end))
        mono = beam(audio.samples, self._array, audio.rate, self._toward.vector)[first:last]
        self._end = begin + len(mono) * SECOND // audio.rate
        self._out.publish(Audio(begin, np.clip(mono, -1.0, 1.0)[None], audio.rate))

    def close(self) -> None:
        """Publish nothing more."""
        if self._out is not None:
            self._out.close()


def _chosen(wanted: str, heard: Heard, sources: Mapping[int, int]) -> SoundDirection | None:
    """The direction that is meant, if it is heard now."""
    kind, _, number = wanted.partition(" ")
    for one in heard.directions:
        if kind == "loudest" or (kind == "direction" and one.identity == int(number)):
            return one
        if kind == "source" and sources.get(one.identity) == int(number):
            return one
    return None
