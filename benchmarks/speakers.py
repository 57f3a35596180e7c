"""Which of two faces side by side speaks: how often it is right, how sure it says to be, and how long it takes.

python benchmarks/speakers.py FOLDER TRUTH.json --faces YUNET.onnx --weights LIGHT_ASD.model [--half first|second|all]

FOLDER holds the clips that TRUTH.json (such as benchmarks/speakers.json) names, as NAME.EXTENSION. Each pair is one
picture of two people of different clips with the sound of one. `still`: the other listens or looks on, or is one frame
of a talking face that sways by two pixels. `both move`: the other speaks too, unheard. `speaking.py` was fitted to the
first half of the people; the second judges it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from gar_ssl_ros.media.clip import Clip, windows
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Frame, Window
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.light_asd import STEPS_HZ
from gar_ssl_ros.perception.speaking import SpeakerDetector
from gar_ssl_ros.perception.tracks import FaceTracker

LENGTH = 3
SIDE = 240  # pixels of one person's half
AROUND = 2.2  # face sizes that are shown
SWAY = 2.0  # pixels
SHARES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.01)


class Person(BaseModel):
    """Someone in one clip. start, end: s, between which `speaks` holds. right: the share of the width they stay in."""

    name: str
    half: str
    speaks: bool
    source: str
    start: float = 0
    end: float = 1e9
    right: float = 1


class Truth(BaseModel):
    """All of them."""

    clips: list[Person]


@dataclass(frozen=True, eq=False)
class Part:
    """One person for LENGTH seconds: pictures (steps, SIDE, SIDE, 3) and sound, if any."""

    who: str
    pictures: NDArray[np.uint8]
    samples: NDArray[np.float32]


def parts(person: Person, folder: Path, faces: Faces, most: int) -> list[Part]:
    """At most `most`, evenly over the clip."""
    path = next((path for path in sorted(folder.iterdir()) if path.stem == person.name), None)
    if path is None:
        raise SystemExit(f"{folder} holds no {person.name}: put {person.source} there as {person.name}.mp4")
    found = []
    for window in windows(Clip(path), LENGTH * SECOND, SECOND):
        inside = person.start <= window.start / SECOND and window.end / SECOND <= person.end
        seen = [face for face in faces.detect(window.center.image) if inside]
        seen = [face for face in seen if face.box.x2 <= person.right * window.center.width]
        if seen and window.end - window.start == LENGTH * SECOND:
            found.append((window, max(seen, key=lambda face: face.box.area)))
    chosen = {int(i) for i in np.linspace(0, len(found) - 1, min(most, len(found)))}
    return [_part(person.name, *found[i]) for i in sorted(chosen)]


def _part(who, window, face) -> Part:  # type: ignore[no-untyped-def]
    size = AROUND * max(face.box.width, face.box.height)
    stamps = np.array([frame.stamp for frame in window.frames])
    pictures = []
    for step in range(LENGTH * STEPS_HZ):
        frame = window.frames[int(np.abs(stamps - window.start - step * SECOND // STEPS_HZ).argmin())]
        matrix = np.array([[SIDE / size, 0, SIDE / 2], [0, SIDE / size, SIDE / 2]])
        matrix[:, 2] -= matrix[:, :2] @ face.box.center
        pictures.append(cv2.warpAffine(frame.image, matrix, (SIDE, SIDE), flags=cv2.INTER_AREA))
    samples = (
        np.zeros(LENGTH * SPEECH_RATE_HZ, np.float32) if window.audio is None else window.audio.mono(SPEECH_RATE_HZ)
    )
    return Part(who, np.array(pictures), samples)


def frozen(part: Part) -> Part:
    """Its middle frame, swaying."""
    steps = np.arange(LENGTH * STEPS_HZ)
    ways = SWAY * np.sin(2 * np.pi * np.outer(steps / STEPS_HZ, (0.31, 0.47)))
    middle = part.pictures[len(steps) // 2]
    shift = [np.array([[1, 0, x], [0, 1, y]]) for x, y in ways]
    moved = [cv2.warpAffine(middle, m, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE) for m in shift]
    return Part(part.who, np.array(moved), part.samples)


def pairs(speakers: Sequence[Part], still: Sequence[Part]) -> Iterator[tuple[str, Part, Part]]:
    """Kind, who is heard, who is not: each speaker with everyone still, and with two parts of every other speaker."""
    for i, one in enumerate(speakers):
        others = [part for part in speakers if part.who != one.who]
        yield from (("still", one, other) for other in still)
        yield "still", one, frozen(others[i % len(others)])
        for who in dict.fromkeys(part.who for part in others):
            of = [part for part in others if part.who == who]
            yield from (("both move", one, of[(i + k) % len(of)]) for k in range(min(2, len(of))))


def side_by_side(left: Part, right: Part) -> Window:
    """Both in one picture."""
    both = np.concatenate([left.pictures, right.pictures], axis=2)
    frames = tuple(Frame(step * SECOND // STEPS_HZ, image) for step, image in enumerate(both))
    return Window(0, LENGTH * SECOND, frames, None)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--faces", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--half", choices=["first", "second", "all"], default="second")
    parser.add_argument("--parts", type=int, default=3, help="of each clip at most")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    faces, detector = Faces(options.faces), SpeakerDetector(options.weights)
    people = [p for p in Truth.model_validate_json(options.truth.read_bytes()).clips if options.half in (p.half, "all")]
    cut = {person.name: parts(person, options.folder, faces, options.parts) for person in people}
    speakers, still = ([part for p in people if p.speaks is speaks for part in cut[p.name]] for speaks in (True, False))
    right: dict[str, list[tuple[bool, float, float]]] = {}
    costs = []
    for turn, (kind, heard, other) in enumerate(pairs(speakers, still)):
        window = side_by_side(*((heard, other) if turn % 2 else (other, heard)))
        begun = time.process_time()
        tracks = FaceTracker(faces).tracks(window)
        tracked = time.process_time()
        found = detector.speaking(window, tracks, heard.samples)
        costs.append((tracked - begun, (time.process_time() - tracked) / max(1, len(tracks))))
        sides = [0.0, 0.0]
        for one in found:
            side = int(one.track.box.center[0] >= SIDE)
            sides[side] = max(sides[side], one.probability)
        true = int(turn % 2 == 0)  # the side of the one who is heard
        right.setdefault(kind, []).append(
            (sides[true] > sides[1 - true], max(sides) / max(1e-9, sum(sides)), max(sides))
        )
    for kind, answers in right.items():
        table = np.array(answers)
        print(f"{kind}: right in {100 * table[:, 0].mean():.1f} % of {len(table)} pairs")
        for low, high in pairwise(SHARES):
            held = table[(table[:, 1] >= low) & (table[:, 1] < high)]
            if len(held):
                said, was = held[:, 1].mean(), held[:, 0].mean()
                print(
                    f"  where one has {said:.2f} of both faces' probability: right in {100 * was:.0f} % of {len(held)}"
                )
    tracking, judging = (1000 * float(value) for value in np.median(costs, axis=0))
    print(f"{tracking:.0f} ms of one core a window to find and follow faces, {judging:.0f} ms a face to judge it")


if __name__ == "__main__":
    main()
