"""A question shown: its words, and its panorama with what is where written on it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from gar_ssl_ros.evaluation.datasets.media import read_pixels
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.record import QuestionRecord, TrueThing

WIDE_PX = 1624  # that a picture is enlarged to
SEEN, HEARD, PLATE = (240, 240, 240), (90, 140, 255), (30, 26, 24)  # BGR
LETTERS = (cv2.FONT_HERSHEY_SIMPLEX, 0.6)  # and their size


def in_words(record: QuestionRecord) -> str:
    """Some lines."""
    source = record.sources[0]
    at = "where nothing is" if source.object is None else f"at object {source.object}"
    lines = [
        f"{record.id}  {record.question_type.value}  {record.template}  room {record.room}",
        f"Q: {record.question}",
        f"A: {record.answer}",
        f"sound: {_told(source)}, {at}",
        *(f"object {number}: {_told(one)}" for number, one in enumerate(record.objects)),
        f"{record.image}  {record.audio}",
    ]
    return "\n".join(lines)


def drawn(folder: Path, record: QuestionRecord, options: QuestionOptions) -> bytes:
    """Its panorama as a PNG: the label of each thing, and a ring where it sounds. Raises ClipError."""
    image = read_pixels(folder / record.image, cv2.IMREAD_COLOR)
    scale = max(1, round(WIDE_PX / image.shape[1]))
    large = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
    for one in record.objects:
        _write(large, one, one.label, SEEN, options, scale)
    source = record.sources[0]
    x, y = (round(scale * side) for side in options.pixels(source.azimuth, source.elevation))
    cv2.circle(large, (x, y), 9, HEARD, 2, cv2.LINE_AA)
    _write(large, source, f"sounds: {source.label}", HEARD, options, scale, below=True)
    _, packed = cv2.imencode(".png", large)
    return packed.tobytes()


def _write(
    image: np.ndarray,
    one: TrueThing,
    text: str,
    colour: tuple[int, int, int],
    options: QuestionOptions,
    scale: int,
    below: bool = False,
) -> None:
    (wide, tall), under = cv2.getTextSize(text, *LETTERS, 1)
    x, y = options.pixels(one.azimuth, one.elevation)
    left = min(max(6, round(scale * x) - wide // 2), max(6, image.shape[1] - wide - 6))
    down = round(scale * y) + (tall + 18 if below else -16)
    down = min(max(tall + 6, down), image.shape[0] - under - 4)
    cv2.rectangle(image, (left - 5, down - tall - 5), (left + wide + 5, down + under + 2), PLATE, -1)
    cv2.putText(image, text, (left, down), *LETTERS, colour, 1, cv2.LINE_AA)


def _told(one: TrueThing) -> str:
    return f"{one.label} at ({one.azimuth:.0f}, {one.elevation:.0f}), {one.distance:.2f} m"
