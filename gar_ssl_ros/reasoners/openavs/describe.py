"""What is heard and seen, in words: each second of a window described by one model or several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.pipeline import SILENCE_DBFS, loudest
from gar_ssl_ros.gar.stages import SILENCE
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Audio, Window
from gar_ssl_ros.perception.detection import Image
from gar_ssl_ros.perception.own import Captioner
from gar_ssl_ros.perception.tags import Tagger
from gar_ssl_ros.reasoners.openavs.prompts import prompt
from gar_ssl_ros.reasoners.prompted.runtime import Question, Runtime, Sampling

SOUND_PROMPTS = ("caption", "sources", "keywords")  # the first is asked where only one answer is wanted
SOUND_TOKENS, PICTURE_TOKENS = 96, 256  # of one description; what is longer is cut off
MAX_WORDS = 200  # of one description, whoever writes it: a translator reads many of them
MIN_TAG, MAX_TAGS = 0.2, 3  # a tag's least score, and how many count; the surest one counts whatever its score


@dataclass(frozen=True, eq=False)
class Moment:
    """A second of a window: its picture, RGB uint8 (H, W, 3), and its sound, mono (n,) at 16 kHz."""

    image: Image
    samples: NDArray[np.float32]

    @property
    def silent(self) -> bool:
        """True if it holds no sound."""
        return loudest(Audio(0, self.samples[None], SPEECH_RATE_HZ)) < SILENCE_DBFS


@dataclass(frozen=True)
class Text:
    """A description, of one line. seen: of the picture; else of the sound."""

    said: str
    seen: bool = False


class Describer(Protocol):
    """Describes one second after another."""

    @property
    def name(self) -> str:
        """Of its model."""

    def describe(self, moment: Moment, several: bool, deadline: Deadline) -> list[Text]:
        """Its answer to one question, or to each that it is asked where several are wanted; none where it says nothing.

        Raises Cancelled, DeadlineExceeded and ReasonerError.
        """


class TagDescriber:
    """An audio tagger's names, the surest first, as words."""

    def __init__(self, tagger: Tagger, name: str) -> None:
        self._tagger = tagger
        self.name = name

    def describe(self, moment: Moment, several: bool, deadline: Deadline) -> list[Text]:  # noqa: ARG002
        """One text; see `Describer`."""
        deadline.check()
        tags = self._tagger.tags(moment.samples)
        scores = tags.all()
        surest = np.argsort(-scores)[:MAX_TAGS]
        named = [tags.names[i] for rank, i in enumerate(surest) if rank == 0 or scores[i] >= MIN_TAG]
        return [Text(", ".join(named))]


class CaptionDescriber:
    """An audio language model of a folder."""

    def __init__(self, captioner: Captioner, name: str) -> None:
        self._captioner = captioner
        self.name = name

    def describe(self, moment: Moment, several: bool, deadline: Deadline) -> list[Text]:
        """See `Describer`."""
        asked = [prompt(name) for name in SOUND_PROMPTS[: None if several else 1]]
        return _texts(self._captioner.caption(moment.samples, asked, SOUND_TOKENS, deadline))


class ModelDescriber:
    """A multimodal model that is shown the sound alone, or the picture alone."""

    def __init__(self, runtime: Runtime, seen: bool = False) -> None:
        self._runtime = runtime
        self._seen = seen

    @property
    def name(self) -> str:
        """As the runtime has it."""
        return self._runtime.model

    def describe(self, moment: Moment, several: bool, deadline: Deadline) -> list[Text]:
        """See `Describer`; of the picture there is one question."""
        names = ("picture",) if self._seen else SOUND_PROMPTS[: None if several else 1]
        tokens = PICTURE_TOKENS if self._seen else SOUND_TOKENS
        questions = [Question(prompt(name), None, Sampling(), (0,), tokens, cut=True) for name in names]
        image, sound = (moment.image, None) if self._seen else (None, moment.samples)
        with self._runtime.encode(prompt("describer"), image, sound, deadline) as encoded:
            replies = encoded.ask(questions, self._seen)
        return _texts([reply for (reply,) in replies if isinstance(reply, str)], self._seen)


def moments(window: Window) -> tuple[list[Moment], int]:
    """A window's seconds, as near as its length allows, and which of them its center frame is of.

    Each has the frame nearest its middle; that of the center frame, the center frame.
    """
    assert window.audio is not None  # the pipeline asks nobody about a window without sound
    length = window.end - window.start
    count = max(1, round(length / SECOND))
    middle = min(count - 1, (window.center.stamp - window.start) * count // length)
    parts = np.array_split(window.audio.mono(SPEECH_RATE_HZ), count)
    found = []
    for number, samples in enumerate(parts):
        at = window.start + (2 * number + 1) * length // (2 * count)
        frame = window.center if number == middle else min(window.frames, key=lambda one: abs(one.stamp - at))
        found.append(Moment(frame.image, samples))
    return found, middle


def described(moment: Moment, describers: Sequence[Describer], several: bool, deadline: Deadline) -> tuple[Text, ...]:
    """All that is said of a second; of one that is silent, that it is, without asking anybody."""
    if moment.silent:
        return (Text(SILENCE),)
    return tuple(text for one in describers for text in one.describe(moment, several, deadline))


def _texts(replies: Sequence[str], seen: bool = False) -> list[Text]:
    """Descriptions without what would look like the translator's own tags, or nothing."""
    told = ("".join(c if c.isprintable() and c not in "<>" else " " for c in reply) for reply in replies)
    plain = [" ".join(one.split()[:MAX_WORDS]) for one in told]
    return [Text(one, seen) for one in plain if one]
