"""Names made boxes: what in a picture is called so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.perception.detection import SAME_OBJECT_IOU, Detection, Detector, Finder, Image
from gar_ssl_ros.perception.naming import named_as


@dataclass(frozen=True)
class Grounder:
    """Seeks things by name. name: of its model. threshold: least score of a box.

    A Finder is asked for one name at a time, since some of them merge what stands in one text. A Detector has kinds of
    its own, of which one is meant where the name is that of a kind of it, or it is a kind of what is named.
    """

    eyes: Detector | Finder
    name: str
    threshold: float

    def boxes(self, image: Image, names: Sequence[str], deadline: Deadline) -> list[Detection]:
        """What is seen of these, under these names, the surest first; one thing once. image: RGB uint8 (H, W, 3)."""
        found: list[Detection] = []
        for one in sorted(self._all(image, names, deadline), key=lambda one: -one.score):
            if one.score >= self.threshold and all(one.box.iou(other.box) < SAME_OBJECT_IOU for other in found):
                found.append(one)
        return found

    def _all(self, image: Image, names: Sequence[str], deadline: Deadline) -> list[Detection]:
        if isinstance(self.eyes, Finder):
            sought = []
            for name in names:
                deadline.check()
                sought += [Detection(name, one.score, one.box) for one in self.eyes.find(image, [name])]
            return sought
        deadline.check()
        seen = self.eyes.detect(image) if names else []
        return [
            Detection(name, one.score, one.box)
            for one in seen
            for name in names
            if named_as(name, self.eyes.kinds) == one.label or named_as(one.label, (name,))
        ]
