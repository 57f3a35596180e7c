"""The reasoner that `gar-ssl train` makes: a small network that tells box, mask and label in milliseconds on a CPU."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.gar.stages import (
    AnchorVote,
    AudioLabel,
    Consensus,
    Failure,
    Hypothesis,
    Location,
    Refinement,
    Trial,
    Unseen,
)
from gar_ssl_ros.media.window import SPEECH_RATE_HZ, Window
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.tags import Tagger, Yamnet
from gar_ssl_ros.reasoners.options import StudentOptions

if TYPE_CHECKING:
    from gar_ssl_ros.students.asking import Asked

TAGGER = "yamnet"
UNKNOWN = "sound"  # the label where nobody learned any, and no tagger is here
MIN_PROBABILITY = 0.5  # of a pixel that sounds
MIN_AREA = 0.0008  # of the picture: what is smaller is no thing
# Chosen on rendered scenes of the seeds 90120 to 90159, with their own and with others' sounds.
MIN_CONFIDENCE = 0.7  # mean probability in a piece, from which on it is told


def student_reasoner(options: StudentOptions) -> StudentReasoner:
    """As the registry makes it. Raises ReasonerError."""
    needed = [name for name in ("torch", "safetensors") if find_spec(name) is None]
    if needed:
        told = f"the reasoner student needs {' and '.join(needed)}, not found here"
        raise ReasonerError(f"{told}: {pip_install('students')}")
    return StudentReasoner(Path(options.student))


class StudentReasoner:
    """Raises ReasonerError where the folder holds no student."""

    name = "student"

    def __init__(self, folder: Path) -> None:
        from gar_ssl_ros.students.asking import Asked  # noqa: PLC0415 - torch

        self._student = Asked(folder)
        self._tagger = None if self._student.labels else _tagger()
        self.model = str(folder)

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[StudentReading]:
        """Nothing is looked at before it is asked for."""
        yield StudentReading(window, deadline, self._student, self._tagger)


@dataclass(frozen=True, eq=False)
class Piece:
    """A connected piece of what sounds. confidence: its pixels' mean probability."""

    mask: Mask
    confidence: float


class StudentReading:
    """One window: looked at once, and once in a mirror where the answer is to be analyzed."""

    def __init__(self, window: Window, deadline: Deadline, student: Asked, tagger: Tagger | None) -> None:
        self._window, self._deadline, self._student, self._tagger = window, deadline, student, tagger
        self._taken = student.take(window)
        self._looks: dict[bool, NDArray[np.float32]] = {}

    def classify(self) -> AudioLabel:
        """By what the student learned from its teacher, or else a tagger; or else that it is a sound."""
        if self._student.labels:
            return self._student.label(self._taken)
        if self._tagger is None or self._window.audio is None:
            return AudioLabel(UNKNOWN, 1.0)
        return AudioLabel(*Makers().label(self._tagger.tags(self._window.audio.mono(SPEECH_RATE_HZ))))

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        """The pieces of what it takes to sound, the surest first, each with its pixels."""
        seen = self._seen(mirrored=False)
        sure = [piece for piece in pieces(seen) if piece.confidence >= MIN_CONFIDENCE]
        if found := outlines(sure, self._student.outlined(self._taken, self._look(mirrored=False)))[:max_sources]:
            return [self._location(piece) for piece in found]
        told = f"the student takes nothing in view to make it (at most {float(seen.max()):.2f} of 1)"
        return Unseen(off_screen=False, reason=told)  # of what is unlike all that it learned from, it proves nothing

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """How sure it is of each place, as it is and in a mirror, in turn: it has no more than two looks to give."""
        return [
            [self._trial(hypothesis, mirrored=bool(trial % 2)) for trial in range(trials)] for hypothesis in hypotheses
        ]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """The box that its pixels have: it knows no better one."""
        return [Refinement(None, changed=False, operation=None, description=one.description) for one, _ in cases]

    def _look(self, mirrored: bool) -> NDArray[np.float32]:
        """Of the network's size."""
        self._deadline.check()
        if mirrored not in self._looks:
            self._looks[mirrored] = self._student.sounding(self._taken, mirrored)
        return self._looks[mirrored]

    def _seen(self, mirrored: bool) -> NDArray[np.float32]:
        """Of the picture's size."""
        size = self._window.center.width, self._window.center.height
        return np.asarray(cv2.resize(self._look(mirrored), size), np.float32)

    def _location(self, piece: Piece) -> Location:
        box = piece.mask.box
        assert box is not None  # a piece has pixels
        where = self._window.center.place(*box.center)
        described = f"The thing in the {where}, as the student learned (sure by {piece.confidence:.2f})."
        return Location(box.sides, described, mask=piece.mask)

    def _trial(self, hypothesis: Hypothesis, mirrored: bool) -> Trial:
        seen = self._seen(mirrored)
        x1, y1, x2, y2 = hypothesis.box.sides
        inside = seen[int(y1) : math.ceil(y2), int(x1) : math.ceil(x2)]
        sounding = inside[inside >= MIN_PROBABILITY]
        sure = float(sounding.mean()) if sounding.size >= MIN_AREA * seen.size else float(inside.max(initial=0.0)) / 2
        x, y = hypothesis.box.center
        vote = AnchorVote(f"sounding in the {self._window.center.place(x, y)}", sure, (x, y))
        return Trial(sure, (), (vote,), keep=sure >= MIN_CONFIDENCE)


def pieces(probability: NDArray[np.float32]) -> list[Piece]:
    """The connected pieces of what sounds (height, width), the surest first; specks are left out."""
    count, labels, stats, _ = cv2.connectedComponentsWithStats((probability >= MIN_PROBABILITY).astype(np.uint8))
    large = [one for one in range(1, count) if stats[one, cv2.CC_STAT_AREA] >= MIN_AREA * probability.size]
    found = [Piece(Mask(mask), float(probability[mask].mean())) for mask in (labels == one for one in large)]
    return sorted(found, key=lambda piece: -piece.confidence)


def outlines(found: Sequence[Piece], outline: NDArray[np.float32]) -> list[Piece]:
    """Pieces with the pixels that a finer map (height, width) gives them; one that a surer one has a part of is none.

    A piece of which the finer map has nothing stays as it is.
    """
    _, labels = cv2.connectedComponents((outline >= MIN_PROBABILITY).astype(np.uint8))
    taken: set[int] = set()
    told = []
    for piece in found:
        its = set(np.unique(labels[piece.mask.pixels]).tolist()) - {0}
        if not its:
            told.append(piece)
        elif not its & taken:
            told.append(Piece(Mask(np.isin(labels, list(its))), piece.confidence))
        taken |= its
    return told


def _tagger() -> Tagger | None:
    """The one that is here."""
    path = store.find(TAGGER) if find_spec("ai_edge_litert") is not None else None
    return None if path is None else Yamnet(path)
