"""An answer drawn onto the picture that it is about."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Localization, Outcome, Source
from gar_ssl_ros.gar.stages import AudioLabel

Image = NDArray[np.uint8]  # (height, width, 3) RGB
Colour = tuple[int, int, int]

REASON_ROWS = 2  # of the footer, for the reason of each source
MIN_LABEL_CONFIDENCE = 0.05  # of a label that is worth naming
MIN_PICTURE_WIDTH_PX = 320  # a picture narrower than this is enlarged, so that words on it can be read
ARROW_ROWS = 0.8  # length of an arrow, rows of text
GLOW_STRENGTH = 0.35  # of what is drawn where a sound was heard, at its middle, 0..1
TINT_STRENGTH = 0.4  # of the colour over a source's pixels, 0..1
BEHIND = 2.36  # rad: bearing from which on to turn either way is as far
BAR_STRENGTH = 0.65  # of the dark behind the overlay's line, 0..1
COLOURS: tuple[Colour, ...] = ((64, 224, 96), (255, 176, 32), (96, 176, 255), (255, 96, 160), (200, 128, 255))
GOOD: Colour = (64, 224, 96)
CALM: Colour = (176, 184, 196)
UNSURE: Colour = (240, 208, 96)
HEARD: Colour = (255, 240, 150)  # of a direction that is no source's
BAD: Colour = (255, 96, 80)
PALE: Colour = (226, 228, 232)
DARK: Colour = (18, 20, 24)
OUTCOME_COLOURS = {Outcome.LOCALIZED: GOOD, Outcome.SILENT: CALM, Outcome.OFF_SCREEN: CALM, Outcome.UNCERTAIN: UNSURE}


@dataclass(frozen=True)
class Caption:
    """What there is to draw of an answer, whether it comes fresh or from a file."""

    outcome: Outcome
    detail: str
    reasoner: str
    sound: AudioLabel | None
    sources: Sequence[Source]
    directions: Sequence[AnsweredDirection] = ()


def caption_from_localization(found: Localization) -> Caption:
    """What there is to draw of it."""
    return Caption(found.outcome, found.detail, found.reasoner, found.sound, found.sources, found.directions)


def annotated(image: Image, caption: Caption, sources: int = 1) -> Image:
    """A copy of `image` with boxes, labels and scores, and a footer that gives the outcome and the reasoning.

    It is enlarged by a whole factor where it is too small to be written on, and always higher by the footer, which has
    room for the reasons of `sources` sources, or of as many as there are; its sides are even. So the pictures of a
    video are of one size where `sources` is the most that one of them has.
    """
    factor = max(1, -(-MIN_PICTURE_WIDTH_PX // image.shape[1]))
    canvas = np.ascontiguousarray(image.repeat(factor, axis=0).repeat(factor, axis=1))
    pen = _Pen(canvas.shape[1])
    _draw_masks(canvas, caption.sources, factor, pen)
    taken = _draw_directions(canvas, caption, factor, pen)
    for colour, source in zip(source_colours(len(caption.sources)), caption.sources, strict=True):
        if source.refined:
            red, green, blue = (level // 2 for level in colour)
            _draw_box(canvas, source.initial_box, factor, (red, green, blue), 1)
    _draw_sources(canvas, caption.sources, _scored_line, factor, pen, taken)
    footer = _footer(canvas.shape[1], caption, sources, pen)
    return _even(np.vstack([canvas, footer]))


def overlaid(image: Image, caption: Caption, age: float, strength: float = 1.0) -> Image:
    """A copy of `image`, of its size, with boxes, labels, and a line in the lower left corner; the rest is as it was.

    age: s from the picture that the answer is about to this one. strength: of what is drawn, 0 (cannot be seen) to 1.
    """
    canvas = image.copy()
    height, width = canvas.shape[:2]
    pen = _Pen(width)
    _draw_masks(canvas, caption.sources, 1, pen)
    taken = _draw_directions(canvas, caption, 1, pen)
    line = pen.fitted(status_line(caption, age), width - 8)
    bar = _Area(0, max(0, height - pen.height), pen.measure(line) + 8, height)
    _draw_sources(canvas, caption.sources, source_line, 1, pen, [bar, *taken])
    shade = canvas[bar.top : bar.bottom, bar.left : bar.right]
    shade[:] = cv2.addWeighted(shade, 1 - BAR_STRENGTH, np.full_like(shade, DARK), BAR_STRENGTH, 0.0)
    pen.write(canvas, line, bar.left + 4, bar.top, outcome_colour(caption.outcome))
    return canvas if strength >= 1.0 else np.asarray(cv2.addWeighted(canvas, strength, image, 1.0 - strength, 0.0))


def source_colours(count: int) -> list[Colour]:
    """Of so many sources, the surest first."""
    return [COLOURS[i % len(COLOURS)] for i in range(count)]


def outcome_colour(outcome: Outcome) -> Colour:
    """Of what is said of it."""
    return OUTCOME_COLOURS.get(outcome, BAD)


def source_line(source: Source) -> str:
    """What it sounds like, how surely, and by which id the robot knows it."""
    return _heard(source.label, source.audio_confidence) + (f"  [{source.id}]" if source.id else "")


def _scored_line(source: Source) -> str:
    """The same with its consistency, where that is known."""
    scored = "" if source.av_consistency is None else f"  av {source.av_consistency:.2f}"
    return _heard(source.label, source.audio_confidence) + scored + (f"  [{source.id}]" if source.id else "")


def status_line(caption: Caption, age: float) -> str:
    """How a window ended, and why where no box tells. age: s, of its picture; 0 where it is that one, and not told."""
    told = [caption.outcome.value.replace("_", " ").lower() + (f", {age:.1f} s ago" if age else "")]
    if caption.sound and not caption.sources:
        told.append(_heard(caption.sound.label, caption.sound.confidence))
    if caption.detail:
        told.append(caption.detail)
    return "  ".join(told)


@dataclass(frozen=True)
class _Area:
    """Of a picture, pixels, half-open."""

    left: int
    top: int
    right: int
    bottom: int

    def overlaps(self, other: _Area) -> bool:
        """True if they share a pixel."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom


@dataclass(frozen=True)
class _Pen:
    """Sizes that suit a picture of this width, pixels."""

    width: int

    @property
    def scale(self) -> float:
        return max(0.36, self.width / 1500)

    @property
    def line(self) -> int:
        return max(1, round(self.width / 400))

    @property
    def height(self) -> int:
        return round(30 * self.scale) + 4

    def measure(self, text: str) -> int:
        (width, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, self.scale, self._weight)
        return int(width)

    def write(self, image: Image, text: str, x: int, y: int, colour: Colour) -> None:
        """`text` in a row whose upper left corner is (x, y)."""
        base = y + round(self.height * 0.72)
        cv2.putText(image, text, (x, base), cv2.FONT_HERSHEY_SIMPLEX, self.scale, colour, self._weight, cv2.LINE_AA)

    def fitted(self, text: str, room: int) -> str:
        """`text`, cut short with dots where it does not fit into `room` pixels."""
        if self.measure(text) <= room:
            return text
        text = text[:room]  # no letter is narrower than a pixel
        kept = bisect_left(range(len(text)), True, key=lambda last: self.measure(text[: last + 1] + "...") > room)
        return text[:kept].rstrip(" ,;:") + "..."

    def wrapped(self, text: str, room: int, rows: int) -> list[str]:
        """`text` on that many rows of `room` pixels, broken between words, cut short where it does not fit."""
        words, lines = text.split(" "), []
        for _ in range(rows - 1):
            count = 1
            while count < len(words) and self.measure(" ".join(words[: count + 1])) <= room:
                count += 1
            lines.append(self.fitted(" ".join(words[:count]), room))
            words = words[count:]
        return [*lines, self.fitted(" ".join(words), room)]

    @property
    def _weight(self) -> int:
        return max(1, round(self.scale * 1.6))


def _draw_sources(
    canvas: Image, sources: Sequence[Source], words: Callable[[Source], str], factor: int, pen: _Pen, taken: list[_Area]
) -> None:
    """Boxes, the surest on top, then their tags, none on another or on what is taken where there is room."""
    coloured = list(zip(source_colours(len(sources)), sources, strict=True))
    for colour, source in reversed(coloured):
        _draw_box(canvas, source.box, factor, colour, pen.line)
    height, width = canvas.shape[:2]
    for colour, source in coloured:
        text = pen.fitted(words(source), width - 8)
        long = pen.measure(text) + 8
        x1, y1, x2, y2 = (round(side * factor) for side in source.box.sides)
        lefts = [max(0, min(left, width - long)) for left in (x1, x2 - long)]
        tops = [top for top in (y1 - pen.height, y2, y1, y2 - pen.height) if 0 <= top <= height - pen.height]
        places = [_Area(left, top, left + long, top + pen.height) for top in tops for left in lefts]
        places = places or [_Area(lefts[0], max(0, height - pen.height), lefts[0] + long, height)]
        place = next((one for one in places if not any(map(one.overlaps, taken))), places[0])
        taken.append(place)
        cv2.rectangle(canvas, (place.left, place.top), (place.right - 1, place.bottom - 1), colour, -1)
        pen.write(canvas, text, place.left + 4, place.top, DARK)


def _draw_directions(canvas: Image, caption: Caption, factor: int, pen: _Pen) -> list[_Area]:
    """A soft band or spot where a sound was heard, an arrow at the edge where that is out of view, and words.

    Returns where the words are.
    """
    taken: list[_Area] = []
    colours = source_colours(len(caption.sources))
    for one in caption.directions:
        colour = HEARD if one.source is None else colours[one.source]
        if one.x is not None and one.spread is not None:
            _draw_glow(canvas, one, factor, colour)
        side, arrow = _draw_arrow(canvas, one, factor, pen, colour)
        if one.source is None:
            taken.append(_write_beside(canvas, one.words, side, arrow, taken, pen, colour))
    return taken


def _draw_glow(canvas: Image, one: AnsweredDirection, factor: int, colour: Colour) -> None:
    """Over what may have been heard: the surer, the narrower."""
    assert one.x is not None
    height, width = canvas.shape[:2]
    spread = max((one.spread or 0.0) * factor, 2.0)
    glow = np.exp(-0.5 * ((np.arange(width) - one.x * factor) / spread) ** 2)[None]
    if one.y is not None:
        glow = glow * np.exp(-0.5 * ((np.arange(height) - one.y * factor) / spread) ** 2)[:, None]
    strength = (GLOW_STRENGTH * glow)[..., None]
    canvas[:] = (canvas * (1 - strength) + np.array(colour) * strength).astype(np.uint8)


def _draw_arrow(
    canvas: Image, one: AnsweredDirection, factor: int, pen: _Pen, colour: Colour
) -> tuple[str, tuple[int, int]]:
    """Over what is in view, else at the side to turn to. Returns which, and its tip."""
    height, width = canvas.shape[:2]
    size = round(ARROW_ROWS * pen.height)
    if one.x is not None:
        above = size if one.y is None else max(size, round((one.y - (one.spread or 0.0)) * factor))
        tip, along, side = (round(one.x * factor), above), (0, 1), "top" if one.y is None else "spot"
    elif abs(one.bearing) > BEHIND:
        tip, along, side = (width // 2, height - 3), (0, 1), "bottom"
    elif one.bearing > 0:
        tip, along, side = (3, height // 2), (-1, 0), "left"
    else:
        tip, along, side = (width - 4, height // 2), (1, 0), "right"
    (x, y), (across, down) = tip, along
    back, half = (x - size * across, y - size * down), size // 2
    corners = [tip, (back[0] + half * down, back[1] + half * across), (back[0] - half * down, back[1] - half * across)]
    cv2.fillPoly(canvas, [np.array(corners, np.int32)], colour, cv2.LINE_AA)
    cv2.polylines(canvas, [np.array(corners, np.int32)], True, DARK, 1, cv2.LINE_AA)
    return side, tip


def _write_beside(
    canvas: Image, words: str, side: str, tip: tuple[int, int], taken: Sequence[_Area], pen: _Pen, colour: Colour
) -> _Area:
    """Words beside an arrow's tip, a row further where others are. Returns where they are."""
    height, width = canvas.shape[:2]
    text = pen.fitted(words, width - 8 - pen.height)
    long, size = pen.measure(text) + 8, round(ARROW_ROWS * pen.height) + 6
    left = {"left": size, "right": width - size - long}.get(side, tip[0] - long // 2)
    tops = {"top": size, "bottom": height - size - pen.height, "spot": tip[1] - size - pen.height}
    top = tops.get(side, tip[1] - pen.height // 2)
    left, top = max(0, min(left, width - long)), max(0, min(top, height - pen.height))
    place = _Area(left, top, left + long, top + pen.height)
    step = -pen.height if side == "bottom" else pen.height
    while any(map(place.overlaps, taken)) and 0 <= place.top + step <= height - pen.height:
        place = _Area(left, place.top + step, place.right, place.bottom + step)
    shade = canvas[place.top : place.bottom, place.left : place.right]
    shade[:] = cv2.addWeighted(shade, 1 - BAR_STRENGTH, np.full_like(shade, DARK), BAR_STRENGTH, 0.0)
    pen.write(canvas, text, left + 4, place.top, colour)
    return place


def _draw_masks(canvas: Image, sources: Sequence[Source], factor: int, pen: _Pen) -> None:
    """Tinted in their colours, the surest on top, and outlined; one of an image of another size is left out."""
    height, width = canvas.shape[:2]
    for colour, source in reversed(list(zip(source_colours(len(sources)), sources, strict=True))):
        mask = source.mask
        if mask is None or mask.box is None or (mask.height * factor, mask.width * factor) != (height, width):
            continue
        x1, y1, x2, y2 = map(int, mask.box.sides)
        pixels = mask.pixels[y1:y2, x1:x2].repeat(factor, axis=0).repeat(factor, axis=1)
        part = canvas[y1 * factor : y2 * factor, x1 * factor : x2 * factor]
        tinted = cv2.addWeighted(part, 1 - TINT_STRENGTH, np.full_like(part, colour), TINT_STRENGTH, 0.0)
        np.copyto(part, tinted, where=pixels[..., None])
        edges, _ = cv2.findContours(pixels.astype(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
        cv2.drawContours(canvas, edges, -1, colour, pen.line, cv2.LINE_AA, offset=(x1 * factor, y1 * factor))


def _draw_box(canvas: Image, box: Box, factor: int, colour: Colour, line: int) -> None:
    x1, y1, x2, y2 = (round(side * factor) for side in box.sides)
    x2, y2 = max(x1, x2 - 1), max(y1, y2 - 1)
    edge = line // 2 + 1  # a dark one, so that the box stands out on things of its own colour
    cv2.rectangle(canvas, (x1 - edge, y1 - edge), (x2 + edge, y2 + edge), DARK, 1)
    cv2.rectangle(canvas, (x1, y1), (x2, y2), colour, line)


def _footer(width: int, caption: Caption, sources: int, pen: _Pen) -> Image:
    room = width - 12
    lines = [(pen.fitted(_summary(caption), room), outcome_colour(caption.outcome))]
    rows, reasons = REASON_ROWS * max(sources, len(caption.sources), 1), _reasons(caption)
    for text, own in reasons:
        lines += [(row, own) for row in pen.wrapped(text, room, rows // len(reasons))]
    footer = np.full((pen.height * (1 + rows) + 4, width, 3), DARK, np.uint8)
    for place, (text, own) in enumerate(lines):
        pen.write(footer, text, 6, 2 + place * pen.height, own)
    return footer


def _summary(caption: Caption) -> str:
    heard = f"   heard: {_heard(caption.sound.label, caption.sound.confidence)}" if caption.sound else ""
    return f"{caption.outcome.value.replace('_', ' ')}{heard}   [{caption.reasoner}]"


def _heard(label: str, confidence: float) -> str:
    """A label with its confidence, unless that is next to nothing: then the label says nothing either."""
    return f"{label.replace('_', ' ')} {confidence:.2f}" if confidence >= MIN_LABEL_CONFIDENCE else "unknown sound"


def _reasons(caption: Caption) -> list[tuple[str, Colour]]:
    """What there is to explain; of several sources, each one's reason in the colour of its box."""
    if caption.detail:
        return [(caption.detail, PALE)]
    reasons = [source.description for source in caption.sources]
    return list(zip(reasons, source_colours(len(reasons)) if len(reasons) > 1 else [PALE], strict=False))


def _even(image: Image) -> Image:
    """With a repeated last row or column where there is an odd number of them: video codecs ask for it."""
    height, width = image.shape[:2]
    return np.pad(image, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
