"""Faces, by YuNet (Wu et al., 2023), as OpenCV runs it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from gar_ssl_ros.perception.detection import Detection, Image, clipped
from gar_ssl_ros.perception.failure import ModelError

FACE = "face"
FACE_SIDE_PX = (
    480  # pixels: the longer side at which faces are looked for; they are found from about 10 of these pixels on
)
MIN_SCORE = 0.6  # score of a face that counts
SAME_FACE_IOU = 0.3  # overlap above which two are one
OPENCV_ERRORS_ONLY = 2  # of OpenCV's log: errors only
MAX_FACES = 20  # faces in one picture


class Faces:
    """Finds faces in pictures. Raises ModelError where the file holds no such model, or OpenCV cannot run it."""

    kinds = (FACE,)

    def __init__(self, path: Path) -> None:
        told = cv2.utils.logging.getLogLevel()
        cv2.utils.logging.setLogLevel(OPENCV_ERRORS_ONLY)  # it warns of a setting that is its own
        try:
            self._net = cv2.FaceDetectorYN.create(
                str(path), "", (FACE_SIDE_PX, FACE_SIDE_PX), MIN_SCORE, SAME_FACE_IOU, 5000
            )
            self._net.detect(np.zeros((FACE_SIDE_PX, FACE_SIDE_PX, 3), np.uint8))
        except cv2.error as problem:
            what = f"YuNet, the face detector, for OpenCV 4.8 or later (this is {cv2.__version__})"
            raise ModelError(path, what, problem) from None
        finally:
            cv2.utils.logging.setLogLevel(told)

    def detect(self, image: Image) -> list[Detection]:
        """At most MAX_FACES, the surest first; labelled `face`, boxed from forehead to chin."""
        height, width = image.shape[:2]
        scale = min(1.0, FACE_SIDE_PX / max(height, width))
        size = (max(1, round(width * scale)), max(1, round(height * scale)))
        small = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2BGR), size, interpolation=cv2.INTER_AREA)
        self._net.setInputSize(size)
        _, rows = self._net.detect(small)
        found = []
        for row in () if rows is None else rows:
            sides = np.array([row[0], row[1], row[0] + row[2], row[1] + row[3]]) / scale
            box = clipped(sides, image)
            if box is not None:
                found.append(Detection(FACE, float(row[-1]), box))
        return sorted(found, key=lambda face: -face.score)[:MAX_FACES]
