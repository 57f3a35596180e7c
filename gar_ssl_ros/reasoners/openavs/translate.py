"""Descriptions made the names of things that can be sought in a picture: by a language model, a table, or not at all.

User input is laid out as in appendix F of OpenAVS; the instructions are our own (`prompts/`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol, TypeAlias

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import Unparseable
from gar_ssl_ros.gar.stages import SILENCE
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.reasoners.openavs.describe import Text
from gar_ssl_ros.reasoners.openavs.prompts import prompt
from gar_ssl_ros.reasoners.options import Consistency
from gar_ssl_ros.reasoners.prompted.replies import shown
from gar_ssl_ros.reasoners.prompted.runtime import Question, Runtime, Sampling

Phrases: TypeAlias = tuple[str, ...]  # names of things, lower case, the first named first

MAX_PHRASES = 8  # names of one second that are sought
MAX_NAME = 80  # characters of one of a translator's: a longer one is no name
ANSWER = re.compile(r"<answer>([^<>]*)</answer>")
TAG = re.compile(r"</?answer>")
ARTICLE = re.compile(r"^(a|an|the|some)\s+")
NOTHING = frozenset(("", "none", "nothing", "no sound", "n/a", "unknown", SILENCE))
# What a reply may be where a runtime can see to that: a trained model needs it little, one of random weights very much.
LINE = r"<answer>([a-z]([a-z ,'-]{0,60}[a-z])?)?</answer>"
REASONING = r"[ -;=?-~\n]{0,1200}"
LINE_TOKENS, REASONING_TOKENS = 64, 700


class Translator(Protocol):
    """Names what sounds in each second of a window."""

    def translate(self, frames: Sequence[Sequence[Text]], deadline: Deadline) -> list[Phrases]:
        """Of each second the names of what sounds in it, none where nothing does. frames: what was said of each.

        Raises Unparseable where the answer cannot be read, and Cancelled, DeadlineExceeded and ReasonerError.
        """


class AsTheyAre:
    """No translator: descriptions are taken as names, cut where they have commas."""

    def translate(self, frames: Sequence[Sequence[Text]], deadline: Deadline) -> list[Phrases]:
        """See `Translator`."""
        deadline.check()
        return [phrases(", ".join(text.said.rstrip(".") for text in texts if not text.seen)) for texts in frames]


class MakersTranslator:
    """The project's table of who makes which sound: AudioSet's names in what was said, put into what makes them."""

    def __init__(self, makers: Makers) -> None:
        self._group = {sound: group for group in reversed(makers.groups) for sound in group.sounds}
        longest = sorted(self._group, key=lambda sound: -len(sound))
        self._sound = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest))})(?!\w)")

    def translate(self, frames: Sequence[Sequence[Text]], deadline: Deadline) -> list[Phrases]:
        """See `Translator`."""
        deadline.check()
        return [self._named(" , ".join(text.said.lower() for text in texts if not text.seen)) for texts in frames]

    def _named(self, said: str) -> Phrases:
        sounds = self._sound.findall(said)
        telling = [sound for sound in sounds if not self._group[sound].broad] or sounds
        groups = [self._group[sound] for sound in telling]
        made = (thing for sound, group in zip(telling, groups, strict=True) for thing in group.made_with(sound))
        names = dict.fromkeys((*made, *(kind for group in groups for kind in group.seen)))
        return tuple(names)[:MAX_PHRASES]


class ModelTranslator:
    """A language model, told what is to agree. See `options.OpenAvsOptions.consistency`."""

    def __init__(self, runtime: Runtime, consistency: Consistency) -> None:
        self._runtime = runtime
        self._consistency = consistency

    def translate(self, frames: Sequence[Sequence[Text]], deadline: Deadline) -> list[Phrases]:
        """See `Translator`; with the consistency of models, each second is asked about by itself."""
        if self._consistency != "model":
            given = [user_input(frames, several=self._consistency in ("prompt", "prompt_frame"))]
            pattern, tokens = rf"({LINE}\n){{{len(frames) - 1}}}{LINE}", LINE_TOKENS * len(frames)
        else:
            given = [agents(texts) for texts in frames]
            pattern, tokens = REASONING + LINE, REASONING_TOKENS + LINE_TOKENS
        questions = [Question(text, None, Sampling(), (0,), tokens, pattern=pattern) for text in given]
        with self._runtime.encode(instructions(self._consistency), None, None, deadline) as encoded:
            replies = encoded.ask(questions, seen=False)
        each = len(frames) // len(given)
        found = []
        for (reply,) in replies:
            if not isinstance(reply, str):
                raise Unparseable(f"the translator's reply fails: {reply.reason if reply else 'it has no end'}")
            found += answers(reply, each)
        return found


def instructions(consistency: Consistency) -> str:
    """What a translator is told of its task."""
    if consistency == "model":
        return prompt("model")
    hints = {"basic": (), "prompt": ("prompt",), "frame": ("frame",), "prompt_frame": ("prompt", "frame")}
    return prompt("translate", hints="\n".join(map(prompt, hints[consistency])))


def user_input(frames: Sequence[Sequence[Text]], several: bool) -> str:
    """What was said of each second, in the paper's form. several: what several experts say; else the first alone."""
    parts = []
    for number, texts in enumerate(frames):
        said = [f"  <exp{i}>{_told(text)}</exp{i}>" for i, text in enumerate(texts, start=1)]
        if not several:
            said = [f"  {_told(text)}" for text in texts[:1]]
        parts.append("\n".join([f"<frame{number}>", *said, f"</frame{number}>"]))
    return "\n".join(parts)


def agents(texts: Sequence[Text]) -> str:
    """What several models say of one second, in the paper's form."""
    seen, heard = ([text.said for text in texts if text.seen is kind] for kind in (True, False))
    lines = [f"Image agent {i}: {said}" for i, said in enumerate(seen)]
    return "\n\n".join([*lines, *(f"Audio agent {i}: {said}" for i, said in enumerate(heard))])


def answers(reply: str, count: int) -> list[Phrases]:
    """The names in a translator's reply, of each second. Raises Unparseable where they are not of so many seconds."""
    reply = reply.rpartition("</think>")[2]
    found = ANSWER.findall(reply)
    if len(found) != count or len(TAG.findall(reply)) != 2 * count:
        raise Unparseable(
            f"the translator answered of {len(found)} seconds where {count} were asked about, in {shown(reply)}"
        )
    named = [phrases(one) for one in found]
    for name in (name for names in named for name in names):
        if len(name) > MAX_NAME:
            raise Unparseable(f"the translator answered with what is no name of a thing: {shown(name)}")
    return named


def phrases(text: str) -> Phrases:
    """The names that a text has between its commas, each once, without articles; none where it says so."""
    parts = (" ".join(part.lower().split()).strip(" .;:\"'") for part in text.split(","))
    names = (ARTICLE.sub("", part) for part in parts)
    return tuple(dict.fromkeys(name for name in names if name not in NOTHING))[:MAX_PHRASES]


def _told(text: Text) -> str:
    return f"(seen, not heard) {text.said}" if text.seen else text.said
