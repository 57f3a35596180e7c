"""Who speaks: which voice of a window is which of the last ones, and which face and body are its. No rclpy, no clock.

A voice is known by its face or body, where it has one, and else by its source, which stays while its box does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SECOND, Sighting
from gar_ssl_ros.messages.answers import box_from_bounding_box
from gar_ssl_ros.msg import SoundSourceArray

KEEP_NS = 10 * SECOND  # for so long a voice may be still before its id is given up
MAX_VOICES = 20  # at a time; of more, the one that has been still for longest goes
LEAST_INSIDE = 0.5  # of the smaller box in the other, from which on a face or body may be the voice's
LEAST_LIKELIHOOD = 0.01  # of a match that is told, since 0 says that there is none
FACE, BODY = "face", "body"
KINDS = {"face": FACE, "person": BODY}  # by what their sightings are called
VOICE = re.compile(
    r"\b(speech|speak(s|ing)|voices?|talk(s|ing)?|conversations?|narrations?|monologues?|babbling|whisper(s|ing)?|"
    r"sing(s|ing)?(?! bowl)|rapping|chant(ing)?|humming|yodeling|shout(s|ing)?|yell(s|ing)?|scream(s|ing)?)\b"
)
NO_VOICE = re.compile(r"\b(birds?|animals?|noise|machines?|synthesi[sz]er)\b")

Key: TypeAlias = tuple[str, str]  # a human's kind and id


def is_voice(label: str) -> bool:
    """True if a sound called so, in an open vocabulary, is a human voice."""
    words = label.lower().replace("_", " ")
    return VOICE.search(words) is not None and NO_VOICE.search(words) is None


@dataclass(frozen=True)
class Human:
    """A face or body that is tracked. kind: FACE or BODY. box: in the window's image; None where it is not known."""

    kind: str
    id: str
    box: Box | None

    @property
    def key(self) -> Key:
        """By which it is known."""
        return self.kind, self.id


@dataclass(frozen=True)
class HeardVoice:
    """A source of a window that is a voice. source: its id. consistency: S_av, 0..1. detection: the robot's own id."""

    source: int
    box: Box
    consistency: float
    detection: str = ""


@dataclass(frozen=True)
class Match:
    """A voice and a human's part that may be one human's. likelihood: 0..1; 0 where they are no longer."""

    voice: str
    kind: str
    human: str
    likelihood: float


@dataclass(frozen=True)
class Voice:
    """source: the id of its source. heard: ns, when last. speaking: False once it is known to be still."""

    id: str
    source: int
    heard: int
    speaking: bool
    matches: Mapping[Key, float] = field(default_factory=dict)


class VoiceTracker:
    """Follows voices through one final answer after another. Not thread-safe."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        """new_id: makes ids, none twice."""
        self._new_id = new_id
        self._voices: dict[str, Voice] = {}
        self.problem = ""  # of the last answer: a face or body that two voices would have, a sentence

    @property
    def voices(self) -> tuple[Voice, ...]:
        """Those that are tracked, the oldest first."""
        return tuple(self._voices.values())

    def hear(self, heard: Sequence[HeardVoice], humans: Sequence[Human], stamp: int, known: bool) -> list[Match]:
        """An answer has come; the matches to tell: those that are over, and those of who speaks, as they are now.

        heard: its voices, the surest first. humans: all that are tracked. stamp: of its image, ns. known: True if who
        is not heard is still; False where the answer does not say.
        """
        claims, lost = _claims(heard, humans)
        ids = self._identify(heard, claims, humans)
        told = [f"two voices for the {kind} {human}: {ids[owner]}, the surer, has it" for (kind, human), owner in lost]
        self.problem = told[0] if told else ""
        mine: dict[str, tuple[HeardVoice | None, dict[Key, float]]]
        mine = dict(zip(ids, zip(heard, claims, strict=True), strict=True))
        left = {human.key for human in humans} - {key for claim in claims for key in claim}
        now: dict[str, Voice] = {}
        for voice in (*self.voices, *(Voice(one, 0, stamp, True) for one in ids if one not in self._voices)):
            source, claim = mine.get(voice.id, (None, {}))
            if source is None and abs(stamp - voice.heard) > KEEP_NS:
                continue
            kinds = {kind for kind, _ in claim}
            kept = {key: one for key, one in voice.matches.items() if key in left and key[0] not in kinds}
            now[voice.id] = replace(voice, matches={**kept, **claim}, speaking=voice.speaking and not known)
            if source is not None:
                now[voice.id] = replace(now[voice.id], source=source.source, heard=stamp, speaking=True)
        still = sorted(now.keys() - set(ids), key=lambda one: now[one].heard)
        for longest in still[: max(0, len(now) - MAX_VOICES)]:
            del now[longest]
        over = self._become(now)
        return [*over, *(Match(one, *key, now[one].matches[key]) for one in ids for key in now[one].matches)]

    def forget(self) -> list[Match]:
        """There are no voices any more; the matches that are over."""
        self.problem = ""
        return self._become({})

    def _become(self, now: dict[str, Voice]) -> list[Match]:
        """The matches that are over."""
        before, self._voices = self._voices, now
        return [
            Match(voice.id, *key, 0.0)
            for voice in before.values()
            for key in voice.matches
            if voice.id not in now or key not in now[voice.id].matches
        ]

    def _identify(
        self, heard: Sequence[HeardVoice], claims: Sequence[Mapping[Key, float]], humans: Sequence[Human]
    ) -> list[str]:
        """The ids of the voices heard, all different."""
        ids: dict[int, str] = {}
        seen = {human.key for human in humans if human.box is not None}
        ranked = [(one, index, key) for index, claim in enumerate(claims) for key, one in claim.items()]
        for _, index, key in sorted(ranked, key=lambda one: -one[0]):
            free = [one.id for one in self.voices if one.id not in ids.values() and key in one.matches]
            if free and index not in ids:
                ids[index] = free[0]
        for index, voice in enumerate(heard):
            elsewhere = seen - claims[index].keys()  # whose voice this is not, though it may come from where theirs did
            same = [one for one in self.voices if one.source == voice.source and not elsewhere & one.matches.keys()]
            free = [one.id for one in same if one.id not in ids.values()]
            if free and index not in ids:
                ids[index] = free[0]
        return [ids[index] if index in ids else self._new_id() for index in range(len(heard))]


def heard_voices(answer: SoundSourceArray) -> list[HeardVoice]:
    """The sources of an answer that are voices."""
    return [
        HeardVoice(one.id, box_from_bounding_box(one.box), one.av_consistency, one.detection_id)
        for one in answer.sources
        if is_voice(one.label)
    ]


def humans_of(tracked: Mapping[str, Sequence[str]], sightings: Sequence[Sighting]) -> list[Human]:
    """tracked: ids, by what their sightings are called, of KINDS. sightings: of a window."""
    boxes = {(one.label, one.id): Box(*one.sides) for one in sightings}
    return [Human(KINDS[name], one, boxes.get((name, one))) for name, ids in tracked.items() for one in ids]


def _claims(
    heard: Sequence[HeardVoice], humans: Sequence[Human]
) -> tuple[list[dict[Key, float]], list[tuple[Key, int]]]:
    """Of each voice how likely which humans are its own, each human one voice's; and the humans that two would have.

    A box of a voice may be a face's, a body's or more: so it counts how much of the smaller box lies in the other.
    Where it holds several of a kind they share the likelihood.
    """
    wanted = []
    for index, voice in enumerate(heard):
        for kind in (FACE, BODY):
            inside = {
                human.key: max(human.box.share_in(voice.box), voice.box.share_in(human.box))
                for human in humans
                if human.kind == kind and human.box is not None
            }
            named = (kind, voice.detection)
            inside = {named: 1.0} if named in inside else {k: s for k, s in inside.items() if s >= LEAST_INSIDE}
            whole = sum(inside.values())
            sure = min(max(LEAST_LIKELIHOOD, voice.consistency), 1.0)  # NaN is the least
            wanted += [(max(share / whole * sure, LEAST_LIKELIHOOD), index, key) for key, share in inside.items()]
    claims: list[dict[Key, float]] = [{} for _ in heard]
    owner: dict[Key, int] = {}
    contested = []
    for likelihood, index, key in sorted(wanted, key=lambda one: -one[0]):
        if owner.setdefault(key, index) == index:
            claims[index][key] = likelihood
        else:
            contested.append((key, owner[key], index))
    return claims, [(key, first) for key, first, second in contested if not any(k == key[0] for k, _ in claims[second])]
