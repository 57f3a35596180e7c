"""Questions about the last windows, answered from what was found in them: what `~/ask` tells. No rclpy."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, replace
from threading import Lock

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.spatial.direction import SD_OF_UNIFORM, body_of_angles
from gar_ssl_ros.spatial.hearing.sound_direction import Known, SoundDirection
from gar_ssl_ros.spatial.questions.answerer import HeardSound, QuestionAnswer, SeenThing, answer
from gar_ssl_ros.spatial.questions.forms import Spot
from gar_ssl_ros.spatial.questions.words import Question, read_question
from gar_ssl_ros.spatial.view import View
from gar_ssl_ros.work.model_asking import AskedModel, NoAnswerError, SoundingWindow

MAX_KEPT = 200  # windows
USUAL_S, MAX_S = 10.0, 60.0  # s, back from the newest window
USUAL_LIMIT_S = 10.0  # s, of a model
SOUNDS, SILENT = 10.0, 0.1  # weights of what a reasoner found to sound, and of what it did not
SAME_IOU = 0.3  # from which on a source and a sighting are one thing
ACROSS = (0.0, 1.0, 0.0)  # where a pair of microphones is not told: beside each other, as seen from the camera


@dataclass(frozen=True)
class AskedAnswer:
    """type: of the question, as understood. start, end: of the window that it is about, ns."""

    type: str
    answer: QuestionAnswer
    start: int
    end: int


@dataclass(frozen=True)
class _Kept:
    start: int
    end: int
    heard: HeardSound | None  # None where nothing was
    seen: tuple[SeenThing, ...]


class AnsweredWindows:
    """Keeps what was found in the last windows. Thread-safe, but for `ask`, which one thread at a time calls."""

    def __init__(self, model: AskedModel | None = None) -> None:
        """model: is asked first, about the newest window in which something sounds, whose media are kept for it."""
        self._model = model
        self._guard = Lock()
        self._kept: deque[_Kept] = deque(maxlen=MAX_KEPT)
        self._sounding: SoundingWindow | None = None

    def take(self, window: Window, found: Localization, view: View) -> None:
        """A window has been answered; only final answers count. view: of its center frame."""
        if found.stage is not Stage.FINAL or found.outcome.failed:
            return
        kept = _Kept(window.start, window.end, _heard(found, view), _seen(window, found, view))
        with self._guard:
            if self._kept and window.end < self._kept[-1].end:  # time has jumped back
                self._kept.clear()
                self._sounding = None
            self._kept.append(kept)
            if self._model is not None and kept.heard is not None:
                self._sounding = SoundingWindow.of(window)

    def ask(self, question: str, seconds: float = 0.0, limit: float = USUAL_LIMIT_S) -> AskedAnswer:
        """About the newest window in which something sounds, at most so many seconds old; 0: USUAL_S.

        limit: s that the model may take; where it gives no answer, it is answered without, and the evidence says why.
        Raises UserError, one sentence, where the question has no form that is known, or there is nothing to answer it
        from.
        """
        if not 0 <= seconds <= MAX_S:
            raise UserError(f"seconds is {seconds:g}: it must lie in 0..{MAX_S:g}")
        asked = read_question(question)
        span = seconds or USUAL_S
        with self._guard:
            kept, sounding = list(self._kept), self._sounding
        if not kept:
            raise UserError("no window has been answered yet: see /diagnostics")
        fresh = [one for one in kept if kept[-1].end - one.end <= span * SECOND]
        about = next((one for one in reversed(fresh) if one.heard is not None), fresh[-1])
        if self._model is None or sounding is None or about.heard is None:
            told = answer(asked, about.heard or HeardSound(), about.seen)
        else:
            told = _told(self._model, asked, about, sounding, limit)
        return AskedAnswer(asked.type.value, told, about.start, about.end)


def _told(model: AskedModel, asked: Question, about: _Kept, sounding: SoundingWindow, limit: float) -> QuestionAnswer:
    """By the model, or else without. Raises UserError."""
    try:
        return model.ask(asked, sounding, limit)
    except NoAnswerError as problem:
        why = f"answered without the model in {model.folder}: {problem}"
    try:
        told = answer(asked, about.heard or HeardSound(), about.seen)
    except UserError as problem:
        raise UserError(f"{problem}; {why}") from None
    return replace(told, evidence=(*told.evidence, why))


def _heard(found: Localization, view: View) -> HeardSound | None:
    if found.outcome is Outcome.SILENT:
        return None
    labels = {} if found.sound is None or not found.sound.label else {found.sound.label: found.sound.confidence}
    directions = tuple(_direction(one) for one in found.directions)
    searched = found.outcome.conclusive or bool(directions and view.camera is not None)
    return HeardSound(directions, labels, searched)


def _direction(one: AnsweredDirection) -> SoundDirection:
    """About the camera, as things are seen from there."""
    known = Known.LATERAL if not one.front_back_known else Known.AZIMUTH if one.elevation is None else Known.SPHERE
    axis = ACROSS if known is Known.LATERAL else (0.0, 0.0, 1.0)
    power = 10 * math.log10(max(one.share, 1e-6))
    return SoundDirection(
        body_of_angles(one.bearing, one.elevation or 0.0), one.sd, power, one.probability, known, axis, identity=one.id
    )


def _seen(window: Window, found: Localization, view: View) -> tuple[SeenThing, ...]:
    """What sounds, by its name where the robot's own detectors have one, and what else these see."""
    things: list[SeenThing] = []
    left = [one for one in window.sightings if one.label]
    for source in found.sources:
        same = [one for one in left if one.id == source.id != "" or Box(*one.sides).iou(source.box) >= SAME_IOU]
        left = [one for one in left if one not in same]
        label = same[0].label if same else source.label
        things.append(_thing(label, source.box, view, SOUNDS, source.label))
    other = SILENT if found.outcome.conclusive else 1.0
    return (*things, *(_thing(one.label, Box(*one.sides), view, other) for one in left))


def _thing(label: str, box: Box, view: View, weight: float, sound: str = "") -> SeenThing:
    place = view.place(box)
    bearing, elevation = math.degrees(place.direction.bearing), math.degrees(place.direction.elevation)
    width = math.degrees(place.direction.bearing_sd) / SD_OF_UNIFORM
    spot = Spot(bearing, elevation, place.distance)
    return SeenThing(label, spot, 0.0 if math.isnan(width) else width, weight, sound)
