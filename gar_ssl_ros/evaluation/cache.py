"""What a reasoner answered, remembered on disk: a sweep over thresholds or trials asks the model nothing twice.

The key of an answer is the window's own pixels and samples, who was asked, and the question; so a file that changed
under the same name, another model or another prompt never gets an old answer.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.files import open_file
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import Expecting, NotLocated, Reading, Reasoner, Unparseable
from gar_ssl_ros.gar.stages import AudioLabel, Consensus, Failure, Hypothesis, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import Window

T = TypeVar("T")


class CacheError(UserError):
    """A cache that cannot be used: one sentence that names it and what to do."""


class CachedReasoner:
    """A reasoner that answers from the file `path` what was answered before, and asks `inner` the rest.

    identity: whatever decides `inner`'s answers beside the window: model, prompts, seed, version. trials: so many are
    asked for at once, that fewer can come from the first of them. The reading of the last window stays open, so that
    several runs over one window encode it once at most; `close` frees it. Raises CacheError where `path` is no cache.
    """

    def __init__(self, inner: Reasoner, path: Path, identity: str, trials: int = 1) -> None:
        self._inner = inner
        self._identity = identity
        self._trials = trials
        self._store = _Store(path)
        self._last: _CachedReading | None = None

    @property
    def name(self) -> str:
        """The inner one's."""
        return self._inner.name

    @property
    def model(self) -> str | None:
        """The inner one's."""
        return self._inner.model

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[Reading]:
        """Take a window in; `inner` does so only when it is first asked something."""
        place = f"{self._identity} {_digest(window)}"
        if self._last is None or self._last.place != place:
            self._leave()
            self._last = _CachedReading(place, self._store, self._inner, window, deadline, self._trials)
        yield self._last

    def check(self) -> None:
        """Raises CacheError where the file has failed: an answer since then need not be one."""
        if self._store.failure is not None:
            raise self._store.failure

    def close(self) -> None:
        """Free the last window and the file."""
        self._leave()
        self._store.close()

    def _leave(self) -> None:
        if self._last is not None:
            self._last.close()
            self._last = None


class _Question(BaseModel):
    """What is asked about a window, as it enters the key."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="strings")

    stage: str
    most: int | None = None
    hypothesis: Hypothesis | None = None
    consensus: Consensus | None = None


class _Answer(BaseModel):
    """One stage's, or why it could not be read: a greedy reply reads no better the second time."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    sound: AudioLabel | None = None
    located: tuple[Location, ...] | Unseen | None = None
    trials: tuple[Trial | Failure, ...] | None = None
    refinement: Refinement | Failure | None = None
    unparseable: str | None = None


class _CachedReading:
    """One window; opened by the inner reasoner only where an answer is not known."""

    def __init__(
        self, place: str, store: _Store, inner: Reasoner, window: Window, deadline: Deadline, trials: int
    ) -> None:
        self.place = place
        self._store = store
        self._inner = inner
        self._window = window
        self._deadline = deadline
        self._trials = trials
        self._most = 1
        self._open = ExitStack()
        self._reading: Reading | None = None

    def expect(self, max_sources: int) -> None:
        """Tell the inner reading, where both are to be asked of it."""
        both = (_Question(stage="classify"), _Question(stage="locate", most=max_sources))
        if all(self._store.get(_key(self.place, question)) is None for question in both):
            inner = self._opened()
            if isinstance(inner, Expecting):
                inner.expect(max_sources)

    def classify(self) -> AudioLabel:
        (answer,) = self._answers([_Question(stage="classify")], lambda inner, _: [_Answer(sound=inner.classify())])
        assert answer.sound is not None
        return answer.sound

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        def ask(inner: Reading, _: Sequence[int]) -> list[_Answer]:
            located = inner.locate(max_sources)
            return [_Answer(located=located if isinstance(located, Unseen) else tuple(located))]

        self._most = max_sources
        (answer,) = self._answers([_Question(stage="locate", most=max_sources)], ask)
        assert answer.located is not None
        return answer.located

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        def ask(inner: Reading, lacking: Sequence[int]) -> list[_Answer]:
            asked = inner.analyze([hypotheses[i] for i in lacking], max(trials, self._trials))
            return [_Answer(trials=tuple(each)) for each in asked]

        questions = [_Question(stage="analyze", hypothesis=hypothesis) for hypothesis in hypotheses]
        return [(answer.trials or ())[:trials] for answer in self._answers(questions, ask, trials)]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        def ask(inner: Reading, lacking: Sequence[int]) -> list[_Answer]:
            return [_Answer(refinement=each) for each in inner.refine([cases[i] for i in lacking])]

        questions = [_Question(stage="refine", hypothesis=one, consensus=agreed) for one, agreed in cases]
        return [answer.refinement for answer in self._answers(questions, ask) if answer.refinement is not None]

    def close(self) -> None:
        self._open.close()

    def _answers(
        self,
        questions: Sequence[_Question],
        ask: Callable[[Reading, Sequence[int]], list[_Answer]],
        trials: int = 0,
    ) -> list[_Answer]:
        """An answer to each question, those that are not known asked of the inner reading, all at once.

        ask: from the indices of what is lacking to its answers. trials: known answers with fewer are lacking too.
        """
        keys = [_key(self.place, question) for question in questions]
        known = [self._store.get(key) for key in keys]
        lacking = [
            i
            for i, answer in enumerate(known)
            if answer is None or (answer.unparseable is None and len(answer.trials or ()) < trials)
        ]
        if lacking:
            try:
                fresh = self._asked(lambda inner: ask(inner, lacking))
            except Unparseable as problem:
                fresh = [_Answer(unparseable=str(problem))] * len(lacking)
            self._store.put([keys[i] for i in lacking], fresh)
            for i, answer in zip(lacking, fresh, strict=True):
                known[i] = answer
        answers = [answer for answer in known if answer is not None]
        for answer in answers:
            if answer.unparseable is not None:
                raise Unparseable(answer.unparseable)
        return answers

    def _asked(self, ask: Callable[[Reading], T]) -> T:
        reading = self._opened()
        try:
            return ask(reading)
        except NotLocated:  # its boxes came from the file
            reading.locate(self._most)
            return ask(reading)

    def _opened(self) -> Reading:
        if self._reading is None:
            self._reading = self._open.enter_context(self._inner.read(self._window, self._deadline))
        return self._reading


class _Store:
    """Answers by key, in one SQLite file: whole or absent whenever a process ends, and shared by several."""

    def __init__(self, path: Path) -> None:
        self.failure: CacheError | None = None
        self._path = path
        with suppress(FileNotFoundError):
            open_file(path).close()  # so that it is a file
        with self._usable():
            self._file = sqlite3.connect(path, timeout=60, isolation_level=None)
            self._check_ours()
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=NORMAL")
            self._file.execute("CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL)")

    def get(self, key: str) -> _Answer | None:
        with self._usable():
            row = self._file.execute("SELECT answer FROM answers WHERE key = ?", (key,)).fetchone()
        try:
            return None if row is None else _Answer.model_validate_json(row[0])
        except ValidationError:  # of another version: asked anew, and replaced
            return None

    def put(self, keys: Sequence[str], answers: Sequence[_Answer]) -> None:
        rows = [(key, answer.model_dump_json()) for key, answer in zip(keys, answers, strict=True)]
        with self._usable():
            self._file.executemany("INSERT OR REPLACE INTO answers VALUES (?, ?)", rows)

    def close(self) -> None:
        self._file.close()

    def _check_ours(self) -> None:
        """Raises CacheError where it is a database of something else, before anything is written into it."""
        tables = [name for (name,) in self._file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        columns = [name for (_, name, *_) in self._file.execute("PRAGMA table_info(answers)")]
        if tables and (tables != ["answers"] or columns != ["key", "answer"]):
            raise CacheError(f"{self._path} is a database of something else: give another --cache")

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as problem:
            self.failure = CacheError(
                f"{self._path} cannot be used as a cache of stage results ({problem}): give another --cache"
            )
            raise self.failure from None


def _key(place: str, question: _Question) -> str:
    return hashlib.sha256(f"{place} {question.model_dump_json()}".encode()).hexdigest()


def _digest(window: Window) -> str:
    """Of all that a reasoner could look at or listen to."""
    content = hashlib.sha256(repr((window.start, window.end)).encode())
    for frame in window.frames:
        content.update(repr((frame.stamp, frame.image.shape)).encode())
        content.update(frame.image.tobytes())
    if window.audio is not None:
        content.update(repr((window.audio.stamp, window.audio.rate, window.audio.samples.shape)).encode())
        content.update(window.audio.samples.tobytes())
    for direction in window.heard or ():
        content.update(repr(direction).encode())
        content.update(direction.fits.tobytes())
    return content.hexdigest()
