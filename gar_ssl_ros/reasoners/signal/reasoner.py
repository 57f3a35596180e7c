"""The reasoner that needs no weights: what moves in time with the sound makes it.

Classical audio-visual synchrony. How much each part of the picture changes between frames, the camera's own motion
taken out, is compared with the sound's loudness and its changes; the part that goes with it best, if any does better
than chance allows, is the source.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.consensus import unit
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.heard import explains, nearness, out_of_view, preferred, ratio
from gar_ssl_ros.gar.reasoner import NotLocated
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
from gar_ssl_ros.perception.sound import warm
from gar_ssl_ros.reasoners.blas import one_blas_thread
from gar_ssl_ros.reasoners.signal.camera import Rect
from gar_ssl_ros.reasoners.signal.candidates import bounds, gap, inside, moving, whole
from gar_ssl_ros.reasoners.signal.growing import grown
from gar_ssl_ros.reasoners.signal.hearing import hear
from gar_ssl_ros.reasoners.signal.motion import Motion, Region, measure
from gar_ssl_ros.reasoners.signal.outline import MAX_VIEWS, outline
from gar_ssl_ros.reasoners.signal.sound import BAND_EDGES_HZ, BandedSound, Sound
from gar_ssl_ros.reasoners.signal.synchrony import Courses, Match, swing, synchrony_map

# Chosen on every other real clip, with its own and with other clips' sounds, and on scenes with the seeds 0 to 59.
VARIED_DB = 16.0  # dB that loudness swings: such a sound has a rhythm to go by
EVENTFUL_DB = 28.0  # dB: such a sound comes and goes so clearly that what makes it would be seen to
MIN_SCORE_VARIED = 0.65  # score from which a match with a varied sound is told
MIN_SCORE_SEVERAL = 0.62  # score from which each of several sources is, if two have it: each has less of all motion
MIN_SCORE_EVEN = (
    0.45  # score from which one with an even sound is: that what moves makes it is the better part of it then
)
EVEN_ODDS_ABOVE = (
    0.1  # of score above that: there a match is as likely a hit as not, if half of all sounds are of things in view
)
SCORE_WIDTH = 0.17  # of score: how gradually that changes
MIN_NEAR = 0.04  # of fit: within 2.5 standard deviations
MIN_HELD = 0.5  # of what moves in time in a part, where a sound comes from: with less, there is more than one thing
SAME_BEARING = SCORE_WIDTH * math.log(5)  # of score: a part to which its direction adds less by that is another thing's
SAME_BEARING_APART = SCORE_WIDTH * math.log(1.5)  # of score: the same, where nothing that moves lies between the two
MIN_GAP = 3  # pixels of motion that do


class SignalReasoner:
    """See above. `seed` makes its trials differ from run to run; the same seed gives the same answers."""

    name = "signal"
    model = None

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        warm()
        hear(np.sin(np.arange(SPEECH_RATE_HZ, dtype=np.float32)))  # loads the rest of librosa: not in the first window
        self._one_thread = one_blas_thread()

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[SignalReading]:
        """Take in a window's sound; its picture is looked at when it is asked for."""
        with self._one_thread():
            yield SignalReading(window, deadline, self._seed)


@dataclass(frozen=True, eq=False)
class _Found:
    """A located source: its box, the parts that make it up, all of them as one region, and the best one's match."""

    box: Box
    parts: tuple[int, ...]
    region: Region
    match: Match


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was seen: all motion, how far it is in time with the sound, its parts, their courses, and the sources.

    enough: the score from which a match is told. bearing: for each part, what the directions that were heard add to its
    score: as much as makes the odds that it sounds as much greater as they are likelier then. held: how much of what
    moves in time in each part is where a sound comes from, 0..1.
    """

    motion: Motion
    synchrony_map: NDArray[np.float64]
    parts: list[Rect]
    courses: Courses
    found: list[_Found]
    enough: float
    bearing: list[float]
    held: list[float]


class SignalReading:
    """One window: heard at once, seen when `locate` asks. motion: of the window, where it has been measured already."""

    def __init__(self, window: Window, deadline: Deadline, seed: int, motion: Motion | None = None) -> None:
        assert window.audio is not None  # the pipeline asks nobody about a window without sound
        self._window = window
        self._deadline = deadline
        self._seed = seed
        self._motion = motion
        self._samples = window.audio.mono(SPEECH_RATE_HZ)
        self._sight: _Sight | None = None

    def classify(self) -> AudioLabel:
        """What is heard, coarsely."""
        return hear(self._samples)

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        """What moves in time with the sound."""
        motion = self._motion or measure(self._window)
        if motion is None:
            return Unseen(off_screen=False, reason="there are too few pictures to see anything move")
        self._deadline.check()
        sound = Sound(self._samples)
        swung = swing(sound.loudness, motion.times)
        self._sight = self._see(motion, sound, MIN_SCORE_VARIED if swung >= VARIED_DB else MIN_SCORE_EVEN, max_sources)
        found = self._sight.found
        if found and out_of_view(self._window) and not any(explains(self._window, one.box) for one in found):
            moving = " and ".join(f"in the {self._window.center.place(*one.box.center)}" for one in found)
            return Unseen(off_screen=True, reason=f"what moves in time with it is elsewhere, {moving}")
        if self._sight.found:
            return [self._location(found, self._sight) for found in self._sight.found]
        return self._unseen(self._sight, swung)

    @staticmethod
    def _unseen(sight: _Sight, swung: float) -> Unseen:
        """Why nothing is located. swung: how far the loudness swings, dB.

        Only a sound that comes and goes clearly is evidence, against what moves otherwise or does not move at all.
        """
        if swung < VARIED_DB:
            return Unseen(off_screen=False, reason="the sound is too even to tell what moves with it")
        if swung < EVENTFUL_DB:
            return Unseen(off_screen=False, reason="what moves goes with the sound no better than by chance")
        if sight.parts:
            return Unseen(off_screen=True, reason="what moves in view moves out of time with the sound")
        if len(sight.motion.stills) > 1:
            return Unseen(off_screen=False, reason="the camera moves too much to see anything else move")
        return Unseen(off_screen=True, reason="the sound comes and goes, and nothing in view moves")

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """How each hypothesis fares over parts of the window."""
        sight = self._seen()
        looks = [self._look(sight, trial) for trial in range(trials)]
        return [[self._trial(_of(hypothesis, sight), sight, look) for look in looks] for hypothesis in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """Its bounds, drawn again."""
        sight = self._seen()
        return [self._refinement(_of(hypothesis, sight), sight) for hypothesis, _ in cases]

    def _seen(self) -> _Sight:
        if self._sight is None:
            raise NotLocated("signal is asked about what it has not located: ask `locate` first")
        return self._sight

    def _see(self, motion: Motion, sound: Sound, enough: float, most: int) -> _Sight:
        """Find at most `most` sources whose score is `enough`.

        Several are looked for in the sound's bands. Where fewer than two are met there, the answer is that of the sound
        as a whole, as if one had been asked for: so one source is found where one is allowed, and nowhere else.
        """
        hot = synchrony_map(motion, sound.loudness)
        near = nearness(self._window, hot.shape)
        parts = moving(motion, hot if near is None else hot * near)
        regions = [motion.region(rect) for rect in parts]
        bearing = [SCORE_WIDTH * math.log(ratio(self._window, _box(rect, motion))) for rect in parts]
        held = [1.0 if near is None else _held(hot, near, rect) for rect in parts]
        if most > 1:
            banded = BandedSound(self._samples)
            loudnesses = [sound.loudness, *(banded.band(i) for i in range(len(BAND_EDGES_HZ) - 1))]
            banded_courses = Courses(motion.times, regions, loudnesses)
            several = _Sight(motion, hot, parts, banded_courses, [], MIN_SCORE_SEVERAL, bearing, held)
            self._find(several, regions, most)
            if len(several.found) > 1:
                return several
        sight = _Sight(motion, hot, parts, Courses(motion.times, regions, [sound.loudness]), [], enough, bearing, held)
        self._find(sight, regions, 1)
        if not sight.found and self._window.heard and not out_of_view(self._window):  # then what is far from the sound
            sight = replace(sight, bearing=[0.0 for _ in parts])
            self._find(sight, regions, 1)
        return sight

    def _find(self, sight: _Sight, regions: Sequence[Region], most: int) -> None:
        """Fill in the parts that go best with the sound, each with what moves as one with it. regions: of its parts."""
        self._deadline.check()
        motion, parts, courses = sight.motion, sight.parts, sight.courses
        matches = courses.matches()
        scores = [match.score + bearing for match, bearing in zip(matches, sight.bearing, strict=True)]
        taken: set[int] = set()

        def here(part: int, best: int) -> bool:
            """True if it holds nothing that is elsewhere, as one of two like things that move alike is."""
            bearing = sight.bearing[best]
            if sight.bearing[part] < bearing - SAME_BEARING_APART and gap(parts[part], parts[best]) > MIN_GAP:
                return False
            away = [p for p, b in zip(parts, sight.bearing, strict=True) if b < bearing - SAME_BEARING]
            return sight.held[part] >= MIN_HELD and not any(inside(one, parts[part]) for one in away)

        for best in sorted(range(len(matches)), key=lambda i: -scores[i]):
            if len(sight.found) == most or scores[best] < sight.enough:
                break
            if best in taken:
                continue
            own = [i for i in whole(best, parts, matches, courses) if i == best or (i not in taken and here(i, best))]
            region = regions[best] if len(own) == 1 else motion.region(bounds([parts[i] for i in own]))
            box = self._bounds(motion, region)
            sight.found.append(_Found(box, tuple(own), region, matches[best]))
            x1, y1, x2, y2 = (round(side / motion.scale) for side in box.sides)
            held = bounds([region.rect, (x1, y1, x2, y2)])
            taken |= {i for i, part in enumerate(parts) if i in own or inside(part, held)}

    def _location(self, found: _Found, sight: _Sight) -> Location:
        match = found.match
        description = (
            f"The thing in the {self._window.center.place(*found.box.center)} {match.way.words} "
            f"(correlation {match.correlation:.2f} with the sound {_lag(match.lag)})."
        )
        matches = sight.courses.matches() if self._window.heard else []
        best = max(range(len(matches)), key=lambda i: matches[i].score, default=None)
        if best is not None and not inside(sight.parts[best], found.region.rect):
            description += preferred(self._window, _box(sight.parts[best], sight.motion))
        if len(sight.found) == 1:
            return Location(found.box.sides, description)
        sound, share = self._contribution(found, sight)
        return Location(found.box.sides, description, sound, share)

    def _contribution(self, found: _Found, sight: _Sight) -> tuple[AudioLabel, float]:
        """The part of the sound that a source explains, as it would sound alone, and how much of the whole it is."""
        own = np.array(found.match.bands[1:]) ** 2  # of each band's loudness, the variance that it explains
        explained = np.sum([np.array(f.match.bands[1:]) ** 2 for f in sight.found], axis=0)
        middles = np.sqrt(np.array(BAND_EDGES_HZ[:-1]) * np.array(BAND_EDGES_HZ[1:]))
        spectrum = np.fft.rfft(self._samples)
        frequency = np.fft.rfftfreq(len(self._samples), 1 / SPEECH_RATE_HZ)
        alone = spectrum * np.sqrt(np.interp(frequency, middles, own / np.maximum(explained, 1e-9)))
        power = np.abs(spectrum) ** 2
        share = power @ np.interp(frequency, middles, own / np.maximum(explained, 1.0)) / power.sum()
        return hear(np.fft.irfft(alone, len(self._samples)).astype(np.float32)), float(share)

    def _look(self, sight: _Sight, trial: int) -> list[Match]:
        """All parts' matches over a stretch of the window, drawn anew for each trial."""
        self._deadline.check()
        random = np.random.default_rng([self._seed, abs(self._window.start), trial])
        return sight.courses.matches(sight.courses.stretch(random))

    def _trial(self, found: _Found, sight: _Sight, look: list[Match]) -> Trial:
        own = max((look[i] for i in found.parts), key=lambda match: match.score)
        scores = [match.score + bearing for match, bearing in zip(look, sight.bearing, strict=True)]
        rivals = [
            score
            for part, score in zip(sight.parts, scores, strict=True)
            if not any(inside(part, source.region.rect) for source in sight.found)
        ]
        return Trial(
            av_consistency=float(1 / (1 + np.exp((sight.enough + EVEN_ODDS_ABOVE - own.score) / SCORE_WIDTH))),
            role_tags=tuple(dict.fromkeys(look[i].way.tag for i in found.parts)),
            anchor_votes=self._anchors(found, sight, look),
            keep=max(scores[i] for i in found.parts) >= max([sight.enough, *rivals]),
        )

    def _anchors(self, found: _Found, sight: _Sight, look: list[Match]) -> tuple[AnchorVote, ...]:
        """The heat's peaks in the parts that move most in time, inside the source and out."""
        votes = []
        for part, match in sorted(zip(sight.parts, look, strict=True), key=lambda both: -both[1].score)[:5]:
            x, y = _peak(sight, part)
            whose = "source" if inside(part, found.region.rect) else "other"
            where = self._window.center.place(x, y)
            votes.append(AnchorVote(f"{whose} moving in the {where}", unit(match.correlation), (x, y)))
        return tuple(votes)

    def _refinement(self, found: _Found, sight: _Sight) -> Refinement:
        """The bounds again from twice as many frames, met halfway."""
        again = self._bounds(sight.motion, found.region, views=2 * MAX_VIEWS)
        sides = tuple((a + b) / 2 for a, b in zip(found.box.sides, again.sides, strict=True))
        return Refinement(
            sides=sides,
            changed=max(abs(a - b) for a, b in zip(sides, found.box.sides, strict=True)) >= 1,
            operation=None,
            description=f"The thing in the {self._window.center.place(*found.box.center)} {found.match.way.words}. "
            f"Its bounds were drawn again from {2 * MAX_VIEWS} frames and met halfway.",
        )

    def _bounds(self, motion: Motion, region: Region, views: int = MAX_VIEWS) -> Box:
        """Of a region's thing in the center frame: of what moves, or of the whole that it is a part of."""
        return grown(self._window.center.image, outline(motion, region, views))


def _of(hypothesis: Hypothesis, sight: _Sight) -> _Found:
    return max(sight.found, key=lambda found: found.box.iou(hypothesis.box))


def _held(synchrony: NDArray[np.float64], near: NDArray[np.float64], rect: Rect) -> float:
    """How much of a part's synchrony is near a direction, 0..1."""
    x1, y1, x2, y2 = rect
    own = synchrony[y1:y2, x1:x2]
    return float((own * (near[y1:y2, x1:x2] > MIN_NEAR)).sum() / max(float(own.sum()), 1e-9))


def _box(rect: Rect, motion: Motion) -> Box:
    x1, y1, x2, y2 = (float(side * motion.scale) for side in rect)
    return Box(x1, y1, x2, y2)


def _peak(sight: _Sight, part: Rect) -> tuple[float, float]:
    """Where the heat of a part is greatest, pixels of the image."""
    x1, y1, x2, y2 = part
    row, column = np.unravel_index(int(sight.synchrony_map[y1:y2, x1:x2].argmax()), (y2 - y1, x2 - x1))
    return (x1 + float(column) + 0.5) * sight.motion.scale, (y1 + float(row) + 0.5) * sight.motion.scale


def _lag(seconds: float) -> str:
    if not seconds:
        return "at the same time"
    return f"{abs(1000 * seconds):.0f} ms {'later' if seconds > 0 else 'earlier'}"
