"""A trained model that answers `~/ask`: one question at a time, on a thread of its own, within a deadline. No rclpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock, Thread
from typing import TYPE_CHECKING

from gar_ssl_ros.errors import UserError, pip_install, sentence, shortened
from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.spatial.model import NEEDED
from gar_ssl_ros.spatial.questions.answerer import QuestionAnswer
from gar_ssl_ros.spatial.questions.forms import FORMS, QuestionType
from gar_ssl_ros.spatial.questions.words import Question, question_text, read_answer, wordings

if TYPE_CHECKING:
    from gar_ssl_ros.spatial.model.answering import Told
    from gar_ssl_ros.spatial.model.lessons import Scene

GRACE_S = 1.0  # s after the deadline that the model has to notice it: it looks at it before each token
HEARS = {"binaural": "two ears", "mono": "one ear", "nothing": "no sound"}


class NoAnswerError(UserError):
    """The model has no answer that can be used: one sentence that says why."""


@dataclass(frozen=True, eq=False)
class SoundingWindow:
    """What is kept of a window in which something sounds, and nothing more. start, end: ns. calibrated: see Window."""

    start: int
    end: int
    frame: Frame
    audio: Audio | None
    calibrated: bool

    @classmethod
    def of(cls, window: Window) -> SoundingWindow:
        """Its center frame, and its sound."""
        return cls(window.start, window.end, window.center, window.audio, window.calibrated)


@dataclass(frozen=True)
class AskedModelStatistics:
    """asked, answered: questions. problem: why the newest one got no answer; empty where it got one."""

    asked: int = 0
    answered: int = 0
    problem: str = ""


class AskedModel:
    """The model in a folder. Raises UserError where there is none. `ask` is called by one thread at a time."""

    def __init__(self, folder: str) -> None:
        missing = [name for name in NEEDED if find_spec(name) is None]
        if missing:
            raise UserError(f"ask_model needs {' and '.join(missing)}, not found here: {pip_install('questions')}")
        from gar_ssl_ros.spatial.model.answering import ModelAnswerer  # noqa: PLC0415 - torch

        self._model = ModelAnswerer.of(Path(folder))
        self.folder = folder
        config = self._model.config
        sees = "{}x{} pixels".format(*config.picture) if config.sees else "no picture"
        self.facts: Mapping[str, object] = {"model": folder, "hears": HEARS[config.hears], "sees": sees}
        self._guard = Lock()
        self._statistics = AskedModelStatistics()
        self._deadline = Deadline()
        self._thread: Thread | None = None

    @property
    def statistics(self) -> AskedModelStatistics:
        """A snapshot."""
        with self._guard:
            return self._statistics

    def ask(self, question: Question, window: SoundingWindow, limit: float) -> QuestionAnswer:
        """About a window, within so many seconds. Raises NoAnswerError, at the latest when they are over."""
        problem = ""
        try:
            return self._asked(question, window, limit)
        except NoAnswerError as why:
            problem = str(why)
            raise
        finally:
            with self._guard:
                asked, answered = self._statistics.asked + 1, self._statistics.answered + (not problem)
                self._statistics = AskedModelStatistics(asked, answered, problem)

    def close(self, patience: float) -> bool:
        """Give up what is asked. Returns True if the model stopped in so many seconds."""
        self._deadline.cancel()
        thread = self._thread
        if thread is not None:
            thread.join(patience)
        return thread is None or not thread.is_alive()

    def _asked(self, question: Question, window: SoundingWindow, limit: float) -> QuestionAnswer:
        if self._thread is not None and self._thread.is_alive():
            raise NoAnswerError("the model is stuck in an earlier question")
        self._check_words(question)
        self._deadline = deadline = Deadline(limit)
        answer: Future[QuestionAnswer] = Future()
        self._thread = Thread(
            target=self._work, args=(question, window, deadline, answer), name="asked model", daemon=True
        )
        self._thread.start()
        try:
            return answer.result(limit + GRACE_S)
        except NotYet:
            deadline.cancel()
            raise NoAnswerError(f"the model did not stop at its deadline of {limit:g} s") from None

    def _check_words(self, question: Question) -> None:
        """Raises NoAnswerError where the question is about what the model never learned to tell."""
        classes = self._model.config.classes
        for name in ("sound", "object"):
            label = question.slots.get(name)
            if label is not None and label not in classes:
                raise NoAnswerError(f"the model knows no {label}, but {shortened(', '.join(classes), 200)}")

    def _work(
        self, question: Question, window: SoundingWindow, deadline: Deadline, answer: Future[QuestionAnswer]
    ) -> None:
        try:
            answer.set_result(self._answer(question, window, deadline))
        except NoAnswerError as problem:
            answer.set_exception(problem)
        except DeadlineExceeded:
            answer.set_exception(NoAnswerError("the model took longer than its deadline"))
        except Cancelled:
            answer.set_exception(NoAnswerError("the model was told to stop"))
        except BaseException as problem:  # of nearly any type: of a GPU's memory, say
            answer.set_exception(NoAnswerError(sentence(problem)))

    def _answer(self, question: Question, window: SoundingWindow, deadline: Deadline) -> QuestionAnswer:
        from gar_ssl_ros.spatial.model.scenes import scene_of  # noqa: PLC0415 - torch

        config = self._model.config
        scene = scene_of(window.frame, window.audio, config, window.calibrated)
        told = self._tell(scene, as_taught(question, lambda: self._sound(scene, deadline)), deadline)
        fields = read_answer(question.type, told.text)
        if fields is None:
            raise NoAnswerError(f"the model's answer cannot be read: {shortened(told.text)!r}")
        sure = ", ".join(f"{one:.2f}" for one in told.sureness)
        heard_and_seen = f"it hears {self.facts['hears']} and sees {self.facts['sees']}"
        stretch = f"{window.start / SECOND:.2f} to {window.end / SECOND:.2f} s"
        evidence = (
            f"told by the model in {self.folder}: {heard_and_seen}",
            f"about the window of {stretch}: its sound, and its image of {window.frame.stamp / SECOND:.2f} s",
            f"mean token probability of each field, which is not calibrated: {sure}",
        )
        return QuestionAnswer(told.text, fields, evidence)

    def _sound(self, scene: Scene, deadline: Deadline) -> str:
        """The class of what sounds, where a question is about `it`."""
        told = self._tell(scene, Question(QuestionType.Q9, next(iter(wordings(QuestionType.Q9)))), deadline)
        fields = read_answer(QuestionType.Q9, told.text)
        if fields is None:
            raise NoAnswerError(f"the model does not tell what sounds: {shortened(told.text)!r}")
        return str(fields["sound"])

    def _tell(self, scene: Scene, question: Question, deadline: Deadline) -> Told:
        (told,) = self._model.tell([(scene, question_text(question))], deadline.check)
        return told


def as_taught(question: Question, sound: Callable[[], str]) -> Question:
    """A question as people say it, in the words in which models are taught. sound: tells which one `it` is."""
    known = wordings(question.type)
    if question.template in known:
        return question
    missing = set(FORMS[question.type].slots) - set(question.slots)
    slots = {**question.slots, **({"sound": sound()} if "sound" in missing else {})}
    return Question(question.type, next(iter(known)), slots)
