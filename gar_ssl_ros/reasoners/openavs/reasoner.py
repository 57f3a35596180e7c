"""The reasoner that goes by words: what is heard is described, named and sought in the picture (OpenAVS, sec. 3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.heard import explains, joined, out_of_view, ratio
from gar_ssl_ros.gar.reasoner import Reading, Unparseable
from gar_ssl_ros.gar.stages import (
    SILENCE,
    AudioLabel,
    Consensus,
    Failure,
    Hypothesis,
    Location,
    Refinement,
    Trial,
    Unseen,
)
from gar_ssl_ros.media.window import Window
from gar_ssl_ros.perception.naming import words
from gar_ssl_ros.reasoners.openavs.describe import Describer, Text, described, moments
from gar_ssl_ros.reasoners.openavs.ground import Grounder
from gar_ssl_ros.reasoners.openavs.translate import Phrases, Translator
from gar_ssl_ros.reasoners.options import Consistency
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner

SEVERAL_PROMPTS = ("prompt", "prompt_frame", "model")  # what asks each describer more than one question
MAX_QUOTED = 160  # characters of a description that an answer repeats
MAX_LABEL = 80  # characters


@dataclass(frozen=True)
class Parts:
    """Who does what. verifier: gives who analyses and refines, while the deadline holds; None where nobody does."""

    describers: Sequence[Describer]
    translator: Translator
    consistency: Consistency
    grounder: Grounder
    verifier: Callable[[Deadline], PromptedReasoner] | None = None


class OpenAvsReasoner:
    """See above. close: what ends its connections, if it has any."""

    name = "openavs"

    def __init__(self, parts: Parts, close: Callable[[], object] = lambda: None) -> None:
        self._parts = parts
        self.close = close

    @property
    def model(self) -> str:
        """Of all its models, those of the sound first."""
        names = (*(one.name for one in self._parts.describers), self._parts.grounder.name)
        return ", ".join(dict.fromkeys(name for name in names if name))

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[OpenAvsReading]:
        """Take a window in; it is described when it is asked about."""
        with ExitStack() as held:
            yield OpenAvsReading(window, deadline, self._parts, held)


class OpenAvsReading:
    """One window: described and named by `classify`, sought by `locate`."""

    def __init__(self, window: Window, deadline: Deadline, parts: Parts, held: ExitStack) -> None:
        self._window = window
        self._deadline = deadline
        self._parts = parts
        self._held = held
        self._heard: _Heard | None = None
        self._verifying: Reading | None = None

    def classify(self) -> AudioLabel:
        """What sounds in the center frame's second, by name; where nothing does, in the second nearest to that."""
        heard = self._listen()
        if not heard.names:
            return AudioLabel(SILENCE, 1.0)
        return AudioLabel(", ".join(heard.names)[:MAX_LABEL], max(map(heard.agreement, heard.names)))

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        """The boxes of what sounds, in the center frame."""
        heard, frame = self._listen(), self._window.center
        found = self._parts.grounder.boxes(frame.image, heard.names, self._deadline)
        if not found:
            sought = " or ".join(heard.names) or "what sounds"
            reason = f"{self._parts.grounder.name} sees no {shortened(sought)}; {heard.quoted}"
            return Unseen(off_screen=False, reason=reason)
        if out_of_view(self._window) and not any(explains(self._window, one.box) for one in found):
            what = " and ".join(dict.fromkeys(f"the {one.label} in view" for one in found))
            return Unseen(off_screen=True, reason=f"{what} would make it, and is elsewhere")
        fits = [joined(one.score, ratio(self._window, one.box)) for one in found]  # of like things, where it comes from
        found = [one for _, one in sorted(zip(fits, found, strict=True), key=lambda pair: -pair[0])]
        return [
            Location(
                one.box.sides,
                f"{one.label} in the {frame.place(*one.box.center)} ({one.score:.2f}); {heard.quoted}",
                AudioLabel(one.label[:MAX_LABEL], heard.agreement(one.label)),
            )
            for one in found[:max_sources]
        ]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """GAR's analysis by the model that verifies; none at all without one."""
        verifying = self._verified()
        return [()] * len(hypotheses) if verifying is None else verifying.analyze(hypotheses, trials)

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """GAR's refinement by the same; without one, boxes stay as they are."""
        verifying = self._verified()
        if verifying is None:
            return [Refinement(None, False, None, hypothesis.description) for hypothesis, _ in cases]
        return verifying.refine(cases)

    def _listen(self) -> _Heard:
        if self._heard is None:
            self._heard = self._described()
        return self._heard

    def _described(self) -> _Heard:
        parts, deadline = self._parts, self._deadline
        seconds, middle = moments(self._window)
        if parts.consistency == "model":  # of one second: that which sounds next to the center frame
            sounding = min(range(len(seconds)), key=lambda i: (seconds[i].silent, abs(i - middle)))
            seconds, middle = [replace(seconds[sounding], image=self._window.center.image)], 0
        frames = []
        for moment in seconds:
            deadline.check()
            frames.append(described(moment, parts.describers, parts.consistency in SEVERAL_PROMPTS, deadline))
        if not any(frames):
            raise Unparseable(f"{self._names()} said nothing of what is heard")
        deadline.check()
        answers = parts.translator.translate(frames, deadline)
        nearest = sorted(range(len(answers)), key=lambda i: abs(i - middle))
        chosen = next((i for i in nearest if answers[i]), middle)
        return _Heard(frames, answers, chosen)

    def _names(self) -> str:
        return " and ".join(dict.fromkeys(one.name for one in self._parts.describers))

    def _verified(self) -> Reading | None:
        if self._verifying is None and self._parts.verifier is not None:
            reasoner = self._parts.verifier(self._deadline)
            self._verifying = self._held.enter_context(reasoner.read(self._window, self._deadline))
        return self._verifying


@dataclass(frozen=True)
class _Heard:
    """What was said of each second, what it was called, and the second that counts."""

    frames: Sequence[Sequence[Text]]
    answers: Sequence[Phrases]
    chosen: int

    @property
    def names(self) -> Phrases:
        """Of what sounds."""
        return self.answers[self.chosen]

    @property
    def quoted(self) -> str:
        """What was said of the sound first."""
        said = next((text.said for text in self.frames[self.chosen] if not text.seen), "")
        return f'heard: "{shortened(said, MAX_QUOTED)}"' if said else "nobody described the sound"

    def agreement(self, name: str) -> float:
        """The share of all that was said, descriptions and answers, in which the words of a name are, 0..1."""
        votes = [name in answer for answer in self.answers]
        told = set(words(name))
        votes += [told <= set(words(text.said)) for texts in self.frames for text in texts]
        return sum(votes) / len(votes)
