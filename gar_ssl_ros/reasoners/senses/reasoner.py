"""The reasoner of small trained models: an audio tagger says what is heard, detectors what is seen, synchrony which."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from gar_ssl_ros.gar.boxes import box_from_reply
from gar_ssl_ros.gar.consensus import consensus, unit
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.heard import explains, out_of_view, preferred, ratio
from gar_ssl_ros.gar.reasoner import NotLocated
from gar_ssl_ros.gar.stages import (
    SILENCE,
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
from gar_ssl_ros.media.window import SPEECH_RATE_HZ, Sighting, Window
from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.perception.makers import TELLING, By, Heard
from gar_ssl_ros.perception.once import DetectorOncePerPicture, OncePerPicture
from gar_ssl_ros.perception.tags import Tags
from gar_ssl_ros.perception.tracks import FaceTracker
from gar_ssl_ros.reasoners.blas import one_blas_thread
from gar_ssl_ros.reasoners.senses.candidates import (
    IN_TIME,
    INSTRUMENT,
    MOVING,
    PERSON,
    Candidate,
    again,
    head,
    seen,
    with_sighted,
)
from gar_ssl_ros.reasoners.senses.moving import moving
from gar_ssl_ros.reasoners.senses.senses import Senses
from gar_ssl_ros.reasoners.senses.weighing import (
    LIPS,
    MIN_GROUP_SHARE,
    MIN_KNOWN_SURENESS,
    UNNAMED,
    Evidence,
    Weighed,
    apart,
    asked,
    lips_tell,
    moves_count,
    nameless_may,
    part_of,
    weigh,
)
from gar_ssl_ros.reasoners.signal.motion import Motion, Views, measure
from gar_ssl_ros.reasoners.signal.reasoner import SignalReading
from gar_ssl_ros.reasoners.signal.sound import Sound
from gar_ssl_ros.reasoners.signal.synchrony import Courses, Match

SIGNAL_LOOKS = 3  # of `signal`, at what it finds to be in time
BRIEF_LIPS_ODDS = 0.2  # of a face that is seen too briefly for its lips to be judged, where none is judged
SAME_FACE = 0.3  # overlap from which a face and a followed one are the same
MIN_SUPPORT = 0.18  # support from which a candidate is named
MIN_SUPPORT_AWAY = 0.5  # and from which it is although the sound comes from out of view: it is the likelier then
MIN_SURENESS_OFF_SCREEN = 0.5  # how sure a sound must be before something is said to be out of view
KEEP_SHARE = 0.8  # of the best support: a source that has as much stands
EVEN_SCORE = 0.6  # of a match: as likely in time as by chance
SCORE_WIDTH = 0.12  # of score: how gradually that changes


class SensesReasoner:
    """See above. `seed` makes its trials differ from run to run; the same seed gives the same answers."""

    name = "senses"

    def __init__(self, senses: Senses, seed: int = 0) -> None:
        self._tracker = None if senses.faces is None else FaceTracker(senses.faces)
        objects = None if senses.objects is None else DetectorOncePerPicture(senses.objects)
        self._senses = replace(senses, faces=self._tracker, objects=objects)
        own = Views()
        look = OncePerPicture(own.look) if self._tracker is None else self._tracker.look
        self._views = Views(look, OncePerPicture(own.small))
        self._seed = seed
        self._one_thread = one_blas_thread()
        self.model: str | None = ", ".join(senses.names)

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[_SensesReading]:
        """Take in a window's sound; its picture is looked at when it is asked for."""
        with self._one_thread():
            yield _SensesReading(window, deadline, self._senses, self._tracker, self._views, self._seed)

    def prepare(self, window: Window, deadline: Deadline) -> None:
        """Look at the center frame, and where a voice is heard so far, at all faces: see `Preparing`."""
        last = window.frames[-1].stamp
        with self._one_thread():
            tags = None if window.audio is None else self._senses.tagger.tags(window.audio.mono(SPEECH_RATE_HZ))
            heard = [] if tags is None else self._senses.heard(tags)
            if 2 * last > window.start + window.end:
                seen(self._senses, window.center, _wanted(heard))
            self._views.prepare(window)
            deadline.check()
            if self._tracker is not None and self._senses.speakers is not None and lips_tell(heard):
                so_far = replace(window, end=last + 1, audio=None)
                self._senses.speakers.prepare(self._tracker.tracks(so_far), deadline.check)


@dataclass(frozen=True, eq=False)
class _Sight:
    """What was seen: all candidates, what their lips say, how they move, and those that were named.

    counted: the candidates whose motion counts, by their places among all: courses are theirs. ratios: of the
    directions' likelihoods for each candidate. overruled: what went best with the sound, where it was not named because
    of them.
    """

    candidates: list[Candidate]
    lips: list[tuple[float, float] | None]
    counted: list[int]
    courses: Courses | None
    ratios: list[float]
    named: list[Weighed]
    overruled: list[Weighed]


class _SensesReading:
    """One window: heard at once, seen when `locate` asks."""

    def __init__(
        self, window: Window, deadline: Deadline, senses: Senses, tracker: FaceTracker | None, views: Views, seed: int
    ) -> None:
        assert window.audio is not None  # the pipeline asks nobody about a window without sound
        self._window = window
        self._deadline = deadline
        self._senses = senses
        self._tracker = tracker
        self._views = views
        self._seed = seed
        self._samples = window.audio.mono(SPEECH_RATE_HZ)
        self._tags = senses.tagger.tags(self._samples)
        self._heard = senses.heard(self._tags)
        self._sight: _Sight | None = None

    def classify(self) -> AudioLabel:
        label, share = self._senses.makers.label(self._tags)
        known = SILENCE in self._tags.names
        silence = float(self._tags.scores[:, self._tags.names.index(SILENCE)].min()) if known else 0.0
        return (
            AudioLabel(SILENCE, silence) if silence > max(share, MIN_SURENESS_OFF_SCREEN) else AudioLabel(label, share)
        )

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        groups = asked(self._heard)
        known = with_sighted(seen(self._senses, self._window.center, _wanted(self._heard)), self._window)
        wanted = groups[0].group.seen if groups else ()
        if not any(candidate.kind in wanted for candidate in known):
            known += again(self._senses, self._window, wanted)
        with ThreadPoolExecutor(1) as beside:  # lips and motion have nothing to do with each other
            speaking = beside.submit(self._lips, known)
            motion = measure(self._window, self._views)
            self._deadline.check()
            nameless = []
            if motion is not None and nameless_may(self._heard, known):
                nameless = [*moving(motion), *self._in_time(motion)]
            candidates = [*known, *nameless]
            counted = [i for i, candidate in enumerate(candidates) if moves_count(self._heard, candidate)]
            courses = self._courses(motion, [candidates[i] for i in counted])
            lips = [*speaking.result(), *(None for _ in nameless)]
        self._deadline.check()
        ratios = [ratio(self._window, candidate.box) for candidate in candidates]
        sight = _Sight(candidates, lips, counted, courses, ratios, [], [])
        weighed = weigh(self._heard, candidates, _evidence(sight))
        for one in weighed:
            if (
                len(sight.named) < max_sources
                and one.support >= MIN_SUPPORT
                and all(apart(one, other) for other in sight.named)
            ):
                sight.named.append(one)
        self._sight = sight
        best = max(weighed, key=lambda one: one.alone, default=None)
        if best is not None and all(apart(best, one) for one in sight.named):
            sight.overruled.append(best)
        away = out_of_view(self._window)
        if not sight.named and best is not None and best.alone >= MIN_SUPPORT and not away:
            sight.named.append(
                best
            )  # far from where the sound comes from, which the answer says, but all that there is
            sight.overruled.clear()
        doubted = [one for one in sight.named if one.support < MIN_SUPPORT_AWAY]
        doubted = [one for one in doubted if away and not explains(self._window, one.candidate.box)]
        if doubted and len(doubted) == len(sight.named):
            kinds = " and ".join(f"the {one.candidate.kind} in view" for one in sight.named)
            return Unseen(off_screen=True, reason=f"{kinds} would make it, and is elsewhere")
        return [self._location(one) for one in sight.named] or self._unseen(weighed)

    def seen(self) -> Sequence[Sighting]:
        """What the detectors are sure enough of."""
        known = (one for one in self._seen().candidates if one.kind not in (MOVING, IN_TIME))
        return [Sighting(c.kind, c.sure, c.box.sides, c.id) for c in known if c.sure >= MIN_KNOWN_SURENESS]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        sight = self._seen()
        looks = [self._look(sight, trial) for trial in range(trials)]
        return [[self._trial(_of(hypothesis, sight), look) for look in looks] for hypothesis in hypotheses]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        sight = self._seen()
        return [self._refinement(_of(hypothesis, sight), sight) for hypothesis, _ in cases]

    def _seen(self) -> _Sight:
        if self._sight is None:
            raise NotLocated("senses is asked about what it has not located: ask `locate` first")
        return self._sight

    def _in_time(self, motion: Motion) -> list[Candidate]:
        """What `signal` finds to move in time with the sound, whatever it may be; as sure as that is of it."""
        alone = replace(self._window, heard=None)  # where it comes from is weighed once, for all candidates
        reading = SignalReading(alone, self._deadline, self._seed, motion)
        found = reading.locate(1)
        if isinstance(found, Unseen):
            return []
        image = self._window.center
        boxes = [box_from_reply(one.sides, image.width, image.height) for one in found]
        hypotheses = [Hypothesis(box, "", AudioLabel("", 0.0)) for box in boxes if box is not None]
        looks = reading.analyze(hypotheses, SIGNAL_LOOKS)
        return [
            Candidate(IN_TIME, hypothesis.box, consensus(trials).av_consistency)
            for hypothesis, trials in zip(hypotheses, looks, strict=True)
        ]

    def _lips(self, candidates: Sequence[Candidate]) -> list[tuple[float, float] | None]:
        """How surely the sound is each face's, and its part of all faces'; None where nobody could look at its lips."""
        faces = [i for i, candidate in enumerate(candidates) if candidate.kind == FACE]
        lips: list[tuple[float, float] | None] = [None for _ in candidates]
        if self._tracker is None or self._senses.speakers is None or not lips_tell(self._heard) or not faces:
            return lips
        tracks = self._tracker.tracks(self._window)
        speaking = self._senses.speakers.speaking(self._window, tracks, self._samples)
        total = max(sum(one.probability for one in speaking), 1e-9)
        for one in speaking:
            its = head(one.track.box, self._window.center)
            nearest = max(faces, key=lambda i: candidates[i].box.iou(its))
            if candidates[nearest].box.iou(its) >= SAME_FACE:
                lips[nearest] = (one.probability, one.probability / total)
        if all(one is None for one in lips):
            lips = [(BRIEF_LIPS_ODDS, 1 / len(faces)) if c.kind == FACE else None for c in candidates]
        return lips

    def _courses(self, motion: Motion | None, candidates: Sequence[Candidate]) -> Courses | None:
        """How each candidate moves beside the sound; None where nothing can be said of that."""
        if motion is None or not candidates:
            return None
        height, width = motion.energy.shape
        rects = []
        for candidate in candidates:
            x1, y1, x2, y2 = (int(side / motion.scale) for side in candidate.box.sides)
            x1, y1 = min(x1, width - 2), min(y1, height - 2)
            rects.append((x1, y1, min(width, max(x2, x1 + 2)), min(height, max(y2, y1 + 2))))
        return Courses(motion.times, [motion.region(rect) for rect in rects], [Sound(self._samples).loudness])

    def _location(self, one: Weighed) -> Location:
        sound = AudioLabel(one.heard.sound, one.heard.share)
        return Location(one.candidate.box.sides, self._words(one), sound, id=one.candidate.id)

    def _words(self, one: Weighed) -> str:
        """What is seen, where, and why it is thought to make what."""
        kind, group = one.candidate.kind, one.heard.group
        what = {MOVING: "What moves most", IN_TIME: "What moves in time"}.get(kind, f"The {kind}")
        why = f"a {kind} makes that"
        if group is UNNAMED:
            why = "which nothing here names"
        elif kind in (MOVING, IN_TIME):
            why = "somebody's hands make that" if group.by is By.HANDS else "nothing else in view would make that"
        elif group.by in LIPS:
            why = "its lips move with it" if one.speaks else "a voice comes from a face"
        timed = "" if one.way is None else f", and it {one.way.words}"
        other = self._seen().overruled
        rather = preferred(self._window, other[0].candidate.box) if other and self._window.heard else ""
        place = self._window.center.place(*one.candidate.box.center)
        return f"{what} in the {place}: {one.heard.sound}, {why}{timed}.{rather}"

    def _unseen(self, weighed: Sequence[Weighed]) -> Unseen:
        """Why no place is named; off screen where what would make the sound was looked for, and is not there."""
        telling = (one for one in self._heard if not one.group.broad and one.share >= TELLING)
        first = next(telling, self._heard[0])
        if first.share < MIN_GROUP_SHARE:
            return Unseen(off_screen=False, reason="nothing that is heard is clear enough to be named")
        if (
            first.share < MIN_SURENESS_OFF_SCREEN
            or not first.group.seen
            or not all(map(self._senses.sees, first.group.seen))
        ):
            return Unseen(off_screen=False, reason=f"{first.sound} is heard, and no model here knows what makes that")
        there = any(c.kind in first.group.seen and c.sure >= MIN_KNOWN_SURENESS for c in self._seen().candidates)
        if there or not first.group.only or (weighed and weighed[0].support >= MIN_SUPPORT / 2):
            return Unseen(off_screen=False, reason=f"{first.sound} is heard, and nothing shows which thing makes it")
        return Unseen(
            off_screen=True, reason=f"{first.sound} is heard, and no {' or '.join(first.group.seen)} is in view"
        )

    def _look(self, sight: _Sight, trial: int) -> list[Weighed]:
        """Everything weighed again by a part of the sound's looks and a stretch of the motion, drawn anew."""
        self._deadline.check()
        random = np.random.default_rng([self._seed, abs(self._window.start), trial])
        looks = len(self._tags.scores)
        heard = random.choice(looks, size=max(2, round(0.6 * looks)), replace=looks < 2)
        tags = Tags(self._tags.scores[heard], self._tags.names)
        part = slice(None) if sight.courses is None else sight.courses.stretch(random)
        return weigh(self._senses.heard(tags), sight.candidates, _evidence(sight, part))

    def _trial(self, own: Weighed, look: list[Weighed]) -> Trial:
        """How the source fares in one look, against whatever else is in view."""
        mine = next(
            (w for w in look if w.candidate is own.candidate and w.heard.group.name == own.heard.group.name), None
        )
        best = look[0] if look else None
        frame = self._window.center
        votes = []
        for one in look[:5]:
            name = one.candidate.tag if one.candidate is own.candidate else f"other_{one.candidate.tag}"
            votes.append(
                AnchorVote(
                    f"{name} in the {frame.place(*one.candidate.box.center)}",
                    unit(one.support),
                    one.candidate.box.center,
                )
            )
        return Trial(
            av_consistency=0.0 if mine is None else mine.likelihood,
            role_tags=() if mine is None else mine.tags,
            anchor_votes=tuple(votes),
            keep=mine is not None and best is not None and mine.support >= KEEP_SHARE * best.support,
        )

    def _refinement(self, one: Weighed, sight: _Sight) -> Refinement:
        """From part to whole: what moves in time is met halfway with the known thing that it is a part of."""
        box, words = one.candidate.box, self._words(one)
        if one.candidate.kind != IN_TIME:  # a whole thing, or what hands move: nearer to the sound than all of them
            return Refinement(box.sides, False, None, words)
        whole = next(
            (c for c in sight.candidates if c.kind in one.heard.group.seen and part_of(one.candidate, c)), None
        )
        if whole is None:
            return Refinement(box.sides, False, None, f"{words} Nothing shows that it reaches further.")
        sides = tuple((a + b) / 2 for a, b in zip(box.sides, whole.box.sides, strict=True))
        return Refinement(
            sides, True, None, f"{words} It is a part of the {whole.kind}, and met halfway with its bounds."
        )


def _wanted(heard: Sequence[Heard]) -> list[str]:
    """The makers that are looked for, and where anything may be one, instruments: what moves at these plays them."""
    groups = [one.group for one in asked(heard)]
    anything = any(not group.seen or (group.by is By.HANDS and not group.played) for group in groups)
    return [*(kind for group in groups for kind in group.seen), PERSON, *([INSTRUMENT] if anything else [])]


def _evidence(sight: _Sight, part: slice = slice(None)) -> list[Evidence]:
    """What each candidate does over a part of the window."""
    matches = {} if sight.courses is None else dict(zip(sight.counted, sight.courses.matches(part), strict=True))
    return [
        Evidence(_timing(match) if (match := matches.get(i)) else 0.0, lips, match.way if match else None, one)
        for i, (lips, one) in enumerate(zip(sight.lips, sight.ratios, strict=True))
    ]


def _timing(match: Match) -> float:
    return float(1 / (1 + np.exp((EVEN_SCORE - match.score) / SCORE_WIDTH)))


def _of(hypothesis: Hypothesis, sight: _Sight) -> Weighed:
    return max(sight.named, key=lambda one: one.candidate.box.iou(hypothesis.box))
