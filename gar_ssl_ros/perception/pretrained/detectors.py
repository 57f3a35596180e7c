"""Object detectors of the transformers library: of fixed kinds, as DETR, or of whatever is named, as OWLv2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from transformers import (
    AutoImageProcessor,
    AutoModelForObjectDetection,
    AutoModelForZeroShotObjectDetection,
    AutoProcessor,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES,
    MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES,
)

from gar_ssl_ros.perception.detection import MAX_OBJECTS, MIN_SCORE, Detection, Image, things
from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.pretrained.folder import LOCAL, load, model_type, running, whole

WHAT = "an object detector of the transformers library"
MAX_NAMES = 40  # that are looked for in one picture
BY_ITSELF = ("grounding-dino", "mm-grounding-dino")  # each name in a text of its own: they merge neighbouring ones
TRIAL = np.zeros((64, 64, 3), np.uint8)


def detector(folder: Path) -> KindsDetector | NamesFinder:
    """The one or the other, as the folder says. Raises ModelError where it holds neither."""
    kind = model_type(folder, WHAT)
    if kind in MODEL_FOR_OBJECT_DETECTION_MAPPING_NAMES:
        return KindsDetector(folder)
    if kind in MODEL_FOR_ZERO_SHOT_OBJECT_DETECTION_MAPPING_NAMES:
        return NamesFinder(folder)
    raise ModelError(folder, WHAT, f"it is a {kind}")


class KindsDetector:
    """Finds things of its own kinds. Raises ModelError where the folder holds no such model."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with whole(folder, WHAT):
            self._processor = AutoImageProcessor.from_pretrained(folder, backend="pil", **LOCAL)
            self._model = load(AutoModelForObjectDetection, folder)
            self._labels = {int(i): str(name) for i, name in self._model.config.id2label.items()}
            self.kinds = tuple(dict.fromkeys(self._labels.values()))
            self.detect(TRIAL)

    def detect(self, image: Image) -> list[Detection]:
        """See `Detector`; under the names of its kinds."""
        inputs = self._processor(images=image, input_data_format="channels_last", return_tensors="pt")
        with running(self._folder):
            outputs = self._model(**inputs.to(self._model.device))
        found = self._processor.post_process_object_detection(outputs, MIN_SCORE, target_sizes=[image.shape[:2]])[0]
        return _things(found, [self._labels[int(label)] for label in found["labels"]], image)


class NamesFinder:
    """Finds whatever is named. Raises ModelError where the folder holds no such model."""

    better_known = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with whole(folder, WHAT):
            self._processor = AutoProcessor.from_pretrained(folder, backend="pil", **LOCAL)
            self._model = load(AutoModelForZeroShotObjectDetection, folder)
            self.find(TRIAL, ("harp", "person"))

    def knows(self, name: str) -> bool:
        """See `Finder`; of faces others know more."""
        return name != FACE

    def find(self, image: Image, names: Sequence[str]) -> list[Detection]:
        """See `Finder`; the first MAX_NAMES are looked for."""
        names = list(dict.fromkeys(names))[:MAX_NAMES]
        apart = self._model.config.model_type in BY_ITSELF
        texts = [[name] for name in names] if apart else [names] * bool(names)
        found = (one for text in texts for one in self._found(image, text))
        return sorted(found, key=lambda one: -one.score)[:MAX_OBJECTS]

    def _found(self, image: Image, names: Sequence[str]) -> list[Detection]:
        """With all names in one text."""
        asked = [[f"a {name}" for name in names]]
        inputs = self._processor(
            images=image, text=asked, input_data_format="channels_last", padding=True, return_tensors="pt"
        )
        with running(self._folder):
            outputs = self._model(**inputs.to(self._model.device))
        found = self._processor.post_process_grounded_object_detection(
            outputs, threshold=MIN_SCORE, target_sizes=[image.shape[:2]], text_labels=asked
        )[0]
        called = dict(zip(asked[0], names, strict=True))  # a GroundingDINO tells the words that it saw, of the one name
        return _things(found, [called.get(said, names[0]) for said in found["text_labels"]], image)


def _things(found: dict[str, Any], labels: list[str], image: Image) -> list[Detection]:
    sides, scores = (found[part].float().cpu().numpy() for part in ("boxes", "scores"))
    return things(sides.reshape(-1, 4), scores, labels, image)
