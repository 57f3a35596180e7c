"""What is made of a picture once, for all windows that show it."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Generic, TypeVar
from weakref import ref

from gar_ssl_ros.perception.detection import Detection, Detector, Image

Made = TypeVar("Made")


class OncePerPicture(Generic[Made]):
    """A function of a picture that is called once for each, as long as anybody else holds the picture.

    A picture is its array, which nobody writes to again (see `Frame`), whatever its stamp says: another one with the
    same stamp is another picture. What was made of it goes when the picture goes.
    """

    def __init__(self, make: Callable[[Image], Made]) -> None:
        self._make = make
        self._made: dict[int, tuple[ref[Image], Made]] = {}

    def __call__(self, image: Image) -> Made:
        """What the function made of the picture."""
        made, key = self._made, id(image)
        if key not in made:
            made[key] = ref(image, lambda _: made.pop(key, None)), self._make(image)
        return made[key][1]

    def __len__(self) -> int:
        """Of how many pictures something is kept."""
        return len(self._made)


class DetectorOncePerPicture:
    """A detector that looks at each picture once, as long as anybody else holds it."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._detections = OncePerPicture(detector.detect)

    @property
    def kinds(self) -> Collection[str]:
        """The detector's."""
        return self._detector.kinds

    def detect(self, image: Image) -> list[Detection]:
        """The detector's detections. image: not written to again."""
        return self._detections(image)
