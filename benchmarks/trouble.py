"""Clips of trouble made of real ones, and how a reasoner fares in them beside the same windows without.

python benchmarks/trouble.py FOLDER TRUTH.json [--reasoner senses] [--half first|second|all] [--write FOLDER]

FOLDER and TRUTH.json: as of real.py. A pan shows 3/4 of the picture, from its left to its right end. Cuts show another
clip in every other second, under the own sound. Steady sound is a fan's in place of the own one: nothing in view makes
it. Pairs are two talking faces side by side, with the sound of either. --write keeps each window as an MP4.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from real_clips import Shares, TrueClip, TrueWindow, Truth, chosen, cut, judged

from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.output.video import VideoWriter
from gar_ssl_ros.reasoners import reasoner

Case = tuple[str, Window, TrueWindow]  # of which clip, and what is true; no boxes: nothing in view sounds
SHOWN = 0.75  # of each side: what a pan shows of a picture
PAIR_SIDE_PX = 360  # pixels: of each half of a pair
FAN_LEVEL = 0.05  # of full scale
FACES = "talking face"


def pan(case: Case) -> Case | None:
    """A part of each picture, from the left end to the right one; None where what sounds is then not in view."""
    name, window, true = case
    frames = []
    for frame in window.frames:
        width, height = round(SHOWN * frame.width), round(SHOWN * frame.height)
        at = (frame.stamp - window.start) / (window.end - window.start)
        left, top = round(at * (frame.width - width)), (frame.height - height) // 2
        frames.append(Frame(frame.stamp, np.array(frame.image[top : top + height, left : left + width])))
        if frame is window.center:
            corner = (left / frame.width, top / frame.height)

    def moved(sides: Shares) -> Shares | None:
        x1, y1, x2, y2 = ((side - corner[i % 2]) / SHOWN for i, side in enumerate(sides))
        inside = 0 < (x1 + x2) / 2 < 1 and 0 < (y1 + y2) / 2 < 1
        return (max(0, x1), max(0, y1), min(1, x2), min(1, y2)) if inside else None

    boxes, alt = ([new for one in sides if (new := moved(one))] for sides in (true.boxes, true.alt))
    return (name, replace(window, frames=tuple(frames)), replace_true(true, boxes, alt)) if boxes else None


def cuts(case: Case, other: Window) -> Case:
    """Another clip's pictures in the first and the last of three seconds."""
    name, window, true = case
    size = (window.center.width, window.center.height)
    frames = [
        frame if (frame.stamp - window.start) // SECOND % 2 else Frame(frame.stamp, _resized(_at(other, at), size))
        for frame in window.frames
        for at in [(frame.stamp - window.start) / (window.end - window.start)]
    ]
    return name, replace(window, frames=tuple(frames)), true


def steady(case: Case) -> Case:
    """With a fan's sound: noise that falls with frequency, and its blades' hum, always as loud."""
    name, window, true = case
    rate, count = 16_000, (window.end - window.start) * 16_000 // SECOND
    spectrum = np.fft.rfft(np.random.default_rng(0).normal(0, 1, count))
    noise = np.fft.irfft(spectrum / np.sqrt(1 + np.arange(len(spectrum)) * rate / count / 100), count)
    hum = sum(np.sin(2 * np.pi * 110 * k * np.arange(count) / rate) / k for k in range(1, 8))
    sound = (FAN_LEVEL * (noise / noise.std() + 0.5 * hum)).clip(-1, 1).astype(np.float32)
    return name, replace(window, audio=Audio(window.start, sound[None], rate)), replace_true(true, [], [])


def pair(left: Case, right: Case, speaks: int) -> Case:
    """Two side by side, of which one (0 or 1) is heard."""
    cases, size = (left, right), (PAIR_SIDE_PX, PAIR_SIDE_PX)
    name, heard, true = cases[speaks]
    frames = tuple(
        Frame(frame.stamp, np.hstack([_resized(_at(window, at), size) for _, window, _ in cases]))
        for frame in heard.frames
        for at in [(frame.stamp - heard.start) / (heard.end - heard.start)]
    )
    boxes, alt = ([((x1 + speaks) / 2, y1, (x2 + speaks) / 2, y2) for x1, y1, x2, y2 in sides]
                  for sides in (true.boxes, true.alt))  # fmt: skip
    other = cases[1 - speaks][0]
    return f"{name}+{other}", replace(heard, frames=frames), replace_true(true, boxes, alt)


def replace_true(true: TrueWindow, boxes: Sequence[Shares], alt: Sequence[Shares]) -> TrueWindow:
    """It with other boxes."""
    return true.model_copy(update={"boxes": list(boxes), "alt": list(alt)})


def _at(window: Window, at: float) -> np.ndarray:
    """A window's picture at a share of its length."""
    return window.frames[min(len(window.frames) - 1, int(at * len(window.frames)))].image


def _resized(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def cases(clips: Sequence[TrueClip], folder: Path) -> Iterator[tuple[str, Case]]:
    """Each kind of trouble with its cases, after the windows as they are."""

    @cache
    def visible(name: str) -> list[Case]:
        clip = next(one for one in clips if one.name == name)
        return [(name, window, true) for true, window in cut(folder, clip) if true.truth == "VISIBLE"]

    having = [clip.name for clip in clips if any(true.truth == "VISIBLE" for true in clip.windows)]
    for i, name in enumerate(having):
        other = visible(having[(i + len(having) // 2) % len(having)])[0][1]
        for case in visible(name):
            yield "as it is", case
            if (panned := pan(case)) is not None:
                yield "pan", panned
            yield "cuts", cuts(case, other)
            yield "steady sound", steady(case)
    faces = [clip.name for clip in clips if clip.kind == FACES]
    for i, one in enumerate(faces):
        for other in faces[i + 1 :]:
            for left, right in zip(visible(one), visible(other), strict=False):
                for speaks in (0, 1):
                    yield "pair", pair(left, right, speaks)


def write(folder: Path, trouble: str, case: Case) -> None:
    """A window as an MP4."""
    name, window, true = case
    file = folder / f"{name}_{true.index}_{trouble.replace(' ', '_')}_{len(list(folder.iterdir()))}.mp4"
    width, height = window.center.width // 2 * 2, window.center.height // 2 * 2
    rate = Fraction(len(window.frames) * SECOND, window.end - window.start)
    with VideoWriter(file, width, height, rate, window.audio) as video:
        for frame in window.frames:
            if frame.image.shape == window.center.image.shape:
                video.add_image(np.ascontiguousarray(frame.image[:height, :width]), frame.stamp - window.start)
        if window.audio is not None:
            video.add_audio(replace(window.audio, stamp=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--reasoner", default="senses")
    parser.add_argument("--half", choices=["all", "first", "second"], default="second")
    parser.add_argument("--windows", action="store_true", help="a line for each window")
    parser.add_argument("--write", type=Path, help="a folder for the windows as MP4")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    if options.write:
        options.write.mkdir(parents=True)
    asked = reasoner(options.reasoner)
    found: dict[str, list[tuple[bool, bool]]] = {}  # of each trouble: boxed, hit
    clips = chosen(Truth.model_validate_json(options.truth.read_bytes()), options.half)
    for trouble, case in cases(clips, options.folder):
        name, window, true = case
        if options.write:
            write(options.write, trouble, case)
        *_, last = localize(window, asked)
        box = last.sources[0].box if last.sources else None
        hit = box is not None and bool(true.boxes) and judged(box, window, true).hit
        found.setdefault(trouble, []).append((box is not None, hit))
        if options.windows:
            said = last.sources[0].description if last.sources else last.detail
            print(f"{trouble:<13}{name:<22}{true.index:2} {last.outcome.value:<10} {'hit' if hit else '-':<4}{said}")
    print(f"{'%':<14}windows  boxed    hit  boxed elsewhere")
    for trouble, answers in found.items():
        boxed, hits = (100 * sum(one[i] for one in answers) / len(answers) for i in (0, 1))
        print(f"{trouble:<14}{len(answers):7}{boxed:7.0f}{hits:7.0f}{boxed - hits:17.0f}")


if __name__ == "__main__":
    main()
