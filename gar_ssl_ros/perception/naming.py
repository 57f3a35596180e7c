"""A detector's or tagger's own names put into those of the makers' table, by their words."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from gar_ssl_ros.perception.detection import Detection, Detector, Image

ALSO = {  # what data sets call COCO's kinds
    "man": "person",
    "woman": "person",
    "boy": "person",
    "girl": "person",
    "human": "person",
    "people": "person",
    "pedestrian": "person",
    "aeroplane": "airplane",
    "motorbike": "motorcycle",
    "tvmonitor": "tv",
    "television": "tv",
    "mobile phone": "cell phone",
    "telephone": "cell phone",
}


def named_as(name: str, known: Collection[str]) -> str | None:
    """The known name that says the same, or what it is a kind of: an acoustic guitar is a guitar; None where none is.

    known: lower case; one with commas is several names. The longest one has it, so that a hot dog is no dog where both
    are known.
    """
    own = words(name)
    forms = [(words(form), one) for one in known for form in one.split(",")]
    forms += [(words(also), one) for also, one in ALSO.items() if one in known]
    ends = [(len(form), one) for form, one in forms if form and own[-len(form) :] == form]
    return max(ends, default=(0, None))[1]


def words(name: str) -> tuple[str, ...]:
    """Its words, lower case and in the singular; what stands in parentheses only says more."""
    plain = re.sub(r"\(.*?\)", "", name.lower())
    return tuple(word.removesuffix("s") for word in re.findall(r"[^\W_]+", plain))


class NamedDetector:
    """A detector of kinds of its own, under the known names; what has none is left out. unknown: those kinds."""

    def __init__(self, detector: Detector, own: Sequence[str], known: Collection[str]) -> None:
        self._detector = detector
        self._names = {kind: name for kind in own if (name := named_as(kind, known)) is not None}
        self.kinds = frozenset(self._names.values())
        self.unknown = tuple(kind for kind in own if kind not in self._names)

    def detect(self, image: Image) -> list[Detection]:
        """See `Detector`."""
        return [
            replace(one, label=self._names[one.label])
            for one in self._detector.detect(image)
            if one.label in self._names
        ]
