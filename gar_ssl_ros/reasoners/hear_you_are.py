"""The reasoner that asks a trained model of spatial questions about a panorama and two ears (`spatial.model`)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from gar_ssl_ros.errors import UserError, pip_install, shortened
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import ReasonerError, Unparseable
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.reasoners.options import HearYouAreOptions
from gar_ssl_ros.spatial.model import NEEDED
from gar_ssl_ros.spatial.panorama import BAND, pixel_of
from gar_ssl_ros.spatial.questions.answerer import turned
from gar_ssl_ros.spatial.questions.forms import Fields, QuestionType, Spot, placed, spot_of_fields
from gar_ssl_ros.spatial.questions.words import Question, question_text, read_answer, wordings

if TYPE_CHECKING:
    from gar_ssl_ros.spatial.model.answering import ModelAnswerer, Told
    from gar_ssl_ros.spatial.model.lessons import Scene

THING_M = 0.5  # the size of what is boxed: the model tells where a thing is, not how large
MIN_SIZE, MAX_SIZE = 4.0, 60.0  # degrees, of a box
MAX_ELEVATION = 180 * BAND  # degrees, of what the model looks at


def hear_you_are_reasoner(options: HearYouAreOptions) -> HearYouAreReasoner:
    """As the registry makes it. Raises ReasonerError."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        told = f"the reasoner hear_you_are needs {' and '.join(missing)}, not found here"
        raise ReasonerError(f"{told}: {pip_install('questions')}")
    return HearYouAreReasoner(Path(options.questions_model))


class HearYouAreReasoner:
    """Raises ReasonerError where the folder holds no trained model, or one that does not both see and hear."""

    name = "hear_you_are"

    def __init__(self, folder: Path) -> None:
        from gar_ssl_ros.spatial.model.answering import ModelAnswerer  # noqa: PLC0415 - torch

        try:
            self._model = ModelAnswerer.of(folder)
        except UserError as problem:
            raise ReasonerError(str(problem)) from None
        config = self._model.config
        if not config.sees or config.hears == "nothing":
            lacks = "pictures" if config.hears != "nothing" else "sounds"
            raise ReasonerError(f"the model in {folder} was trained without {lacks}: name one that has both")
        self.model = str(folder)

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[HearYouAreReading]:
        """Raises ReasonerError where the window has no panorama, or not both ears."""
        from gar_ssl_ros.spatial.model.scenes import scene_of  # noqa: PLC0415 - torch

        try:
            scene = scene_of(window.center, window.audio, self._model.config, window.calibrated)
        except UserError as problem:
            raise ReasonerError(str(problem)) from None
        yield HearYouAreReading(window, scene, self._model, deadline)


class HearYouAreReading:
    """One window. What sounds, whether that is visible, and where, is asked at once; the rest when it is needed."""

    def __init__(self, window: Window, scene: Scene, model: ModelAnswerer, deadline: Deadline) -> None:
        self._window, self._scene, self._model, self._deadline = window, scene, model, deadline
        self._at_first: Mapping[QuestionType, Told] | None = None
        self._spot: Spot | None = None

    def classify(self) -> AudioLabel:
        """The sound's class of Q9. Its confidence is the mean probability of its tokens, and not calibrated.

        The model answers about sound and picture together, so that is no answer from the sound alone.
        """
        told = self._first()[QuestionType.Q9]
        return AudioLabel(str(_read(QuestionType.Q9, told)["sound"]), told.sureness[0])

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:  # noqa: ARG002 - it knows one source
        """The thing of Q7, in a box as large as 0.5 m look at the distance that is told; OFF_SCREEN by Q9."""
        seen, where = (self._first()[one] for one in (QuestionType.Q9, QuestionType.Q7))
        if _read(QuestionType.Q9, seen)["visible"] == "not visible":
            said = f"the model takes its source to be not visible (mean token probability {seen.sureness[1]:.2f})"
            return Unseen(off_screen=True, reason=said)
        fields = _read(QuestionType.Q7, where)
        self._spot = spot = spot_of_fields(fields)
        at = f"{turned(spot.azimuth)}, {spot.elevation:.0f} degrees up, {spot.distance:.1f} m away"
        if abs(spot.elevation) > MAX_ELEVATION:
            said = f"the model tells a place out of the {MAX_ELEVATION:.0f} degrees up and down that it looks at: {at}"
            return Unseen(off_screen=False, reason=said)
        box = box_of(spot, self._window.center.width, self._window.center.height)
        return [Location(box.sides, f"A {fields['object']}, {at}.")]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """Q5 about the place: does what is there sound? Each wording is a look; more trials repeat them in turn."""
        return [self._trials(trials) for _ in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """The box as it is: the model tells no other one."""
        return [Refinement(None, changed=False, operation=None, description=one.description) for one, _ in cases]

    def _trials(self, trials: int) -> list[Trial | Failure]:
        if self._spot is None:
            return []
        slots = placed(self._spot)
        texts = [question_text(Question(QuestionType.Q5, one, slots)) for one in wordings(QuestionType.Q5)][:trials]
        looks = [_trial(one) for one in self._ask(texts)]
        return [looks[trial % len(looks)] for trial in range(trials)]

    def _first(self) -> Mapping[QuestionType, Told]:
        if self._at_first is None:
            types = (QuestionType.Q9, QuestionType.Q7)
            texts = [question_text(Question(one, next(iter(wordings(one))))) for one in types]
            self._at_first = dict(zip(types, self._ask(texts), strict=True))
        return self._at_first

    def _ask(self, questions: Sequence[str]) -> list[Told]:
        return self._model.tell([(self._scene, one) for one in questions], self._deadline.check)


def box_of(spot: Spot, width: int, height: int) -> Box:
    """Around a direction, as large as a thing of 0.5 m looks at its distance, in a panorama or a band of one.

    What lies beyond the picture's edges, behind the listener or above, is left out. The elevation is within it.
    """
    size = math.degrees(2 * math.atan2(THING_M / 2, max(spot.distance, 1e-3)))
    high = min(max(size, MIN_SIZE), MAX_SIZE) / 360 * width
    wide = high / math.cos(math.radians(min(abs(spot.elevation), MAX_ELEVATION)))  # as equirectangular pictures stretch
    x, y = pixel_of(spot.azimuth, spot.elevation, width, height)
    x = min(x, width - 1.0)  # right behind is the first column, and by rounding after the last
    y = min(max(y, 0.0), height - 1.0)
    left, top = max(x - wide / 2, 0.0), max(y - high / 2, 0.0)
    return Box(left, top, min(x + wide / 2, float(width)), min(y + high / 2, float(height)))


def _read(asked: QuestionType, told: Told) -> Fields:
    """Raises Unparseable."""
    fields = read_answer(asked, told.text)
    if fields is None:
        raise Unparseable(f"the model's answer to {asked.value} cannot be read: {shortened(told.text)!r}")
    return fields


def _trial(told: Told) -> Trial | Failure:
    """S_av: the mean token probability of what was said of sounding, or of the contrary of that it does not."""
    fields = read_answer(QuestionType.Q5, told.text)
    if fields is None:
        return Failure(f"its answer to Q5 cannot be read: {shortened(told.text)!r}")
    sounds, sure = fields["sounding"] == "making sound", told.sureness[1]
    return Trial(sure if sounds else 1 - sure, (), (), keep=sounds)
