"""The reasoner that asks a multimodal LLM: one prompt a stage, every reply decoded under the stage's own type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from random import Random
from typing import Any, TypeVar

from pydantic import TypeAdapter

from gar_ssl_ros.gar.boxes import Delta, Expand, Operation, Recenter, max_delta
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.heard import spot, sure
from gar_ssl_ros.gar.reasoner import ReasonerError, Unparseable
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
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, HeardDirection, Window
from gar_ssl_ros.reasoners.options import Coordinates, PromptOptions
from gar_ssl_ros.reasoners.prompted.coordinates import View, view
from gar_ssl_ros.reasoners.prompted.prompts import prompt
from gar_ssl_ros.reasoners.prompted.replies import (
    Analysis,
    AnchoredRefined,
    Chosen,
    ChosenAndHeard,
    DeltaOp,
    ExpandOp,
    GroundedAnalysis,
    GroundedVote,
    Heard,
    Refined,
    Seen,
    SeenAndHeard,
    Vote,
    fields_of,
    parse,
    schema_of,
)
from gar_ssl_ros.reasoners.prompted.runtime import BatchError, Batching, Encoded, Question, Reply, Runtime, Sampling

GREEDY = Sampling()
STOCHASTIC = Sampling(temperature=0.4, top_p=0.9)  # of the analysis

HEARD = TypeAdapter(Heard)
SEEN = TypeAdapter(tuple[Seen, ...])
SEEN_AND_HEARD = TypeAdapter(tuple[SeenAndHeard, ...])
CHOSEN = TypeAdapter(tuple[Chosen, ...])
CHOSEN_AND_HEARD = TypeAdapter(tuple[ChosenAndHeard, ...])
ANALYSIS = TypeAdapter(Analysis)
GROUNDED_ANALYSIS = TypeAdapter(GroundedAnalysis)
REFINED = TypeAdapter(Refined)
ANCHORED_REFINED = TypeAdapter(AnchoredRefined)

Read = TypeVar("Read")


class PromptedReasoner:
    """Answers the stages by asking a model."""

    def __init__(
        self,
        runtime: Runtime,
        coordinates: Coordinates,
        options: PromptOptions | None = None,
        name: str = "omni",
    ) -> None:
        """coordinates: in which it speaks of places, as of `probe.coordinates_of`."""
        self.name = name
        self._runtime = runtime
        self._coordinates = coordinates
        self._options = options or PromptOptions()

    @property
    def model(self) -> str:
        """The folder or hub id of its weights."""
        return self._runtime.model

    @contextmanager
    def read(self, window: Window, deadline: Deadline) -> Iterator[PromptedReading]:
        """Take a window in. Raises ReasonerError where the model cannot take its picture or its sound."""
        known, image = self._runtime.description, window.center
        aspect = max(image.width, image.height) / min(image.width, image.height)
        if aspect > known.most_aspect:
            raise ReasonerError(
                f"a picture of {image.width}x{image.height} is too long for {self.model}, which takes up to "
                f"{known.most_aspect:g}:1: crop it or scale it"
            )
        seconds = (window.end - window.start) / SECOND
        if seconds > known.most_audio:
            raise ReasonerError(
                f"{seconds:g} s of sound are too much for {self.model}, which takes up to {known.most_audio:g} s: "
                "choose a shorter window"
            )
        if window.audio is None:
            raise ReasonerError("there is no sound in the window: check the audio source")
        system = " ".join(map(prompt, ("persona", "system") if self._options.persona else ("system",)))
        with self._runtime.encode(system, image.image, window.audio.mono(SPEECH_RATE_HZ), deadline) as encoded:
            seen_as = view(self._coordinates, (image.width, image.height), encoded.image_size)
            yield PromptedReading(encoded, seen_as, self._options, window)


class PromptedReading:
    """One window as the model has taken it in."""

    def __init__(self, encoded: Encoded, seen_as: View, options: PromptOptions, window: Window) -> None:
        self._encoded = encoded
        self._view = seen_as
        self._options = options
        self._window = window
        self._expected: Sequence[Question] = ()
        self._begun: Callable[[int], Sequence[Reply]] | None = None

    def expect(self, max_sources: int) -> None:
        """Have `classify` and `locate(max_sources)`, which come next, answered in one batch where that can be."""
        if isinstance(self._encoded, Batching):
            self._expected = [self._hearing(), self._locating(max_sources)[1]]
            self._begun = self._encoded.begin(self._expected, [False, True])

    def classify(self) -> AudioLabel:
        """What is heard, from the sound alone."""
        heard = parse(HEARD, "classify", self._reply(self._hearing(), seen=False))
        return AudioLabel(heard.audio_class, heard.audio_confidence)

    def locate(self, max_sources: int) -> Sequence[Location] | Unseen:
        """Where the sound is made; where several sources are asked for, each with its own label."""
        reply, question = self._locating(max_sources)
        found: Sequence[Seen] = parse(reply, "locate", self._reply(question, seen=True))
        if not found and not self._options.off_screen:
            raise Unparseable("the reply to locate is empty, although something in view was to be named")
        if not found:
            return Unseen(off_screen=True, reason="the model answered that nothing in view makes the sound")
        return [self._location(seen) for seen in found]

    def analyze(self, hypotheses: Sequence[Hypothesis], trials: int) -> Sequence[Sequence[Trial | Failure]]:
        """All trials of all hypotheses as one batch. Trials that were not needed any more are left out."""
        schema = schema_of(self._analysis, prompts=self._options.prompts)
        places = "\n\n" + prompt("grounded", **self._units()) if self._options.grounded else ""
        questions = [
            Question(
                self._about("analyze", schema, hypothesis) + places,
                schema,
                STOCHASTIC,
                _seeds(self._options.seed, trials),
                max_new_tokens=1024,
                enough=self._settled if self._options.early else None,
            )
            for hypothesis in hypotheses
        ]
        return [
            [self._trial(reply) for reply in replies if reply is not None]
            for replies in self._encoded.ask(questions, seen=True)
        ]

    def refine(self, cases: Sequence[tuple[Hypothesis, Consensus]]) -> Sequence[Refinement | Failure]:
        """A better box for each, all of them one batch."""
        width, height = self._view.image
        farthest = ceil(max_delta(width, height) / min(self._view.scale))
        schema = schema_of(self._refined, prompts=self._options.prompts)
        questions = [
            Question(
                self._about("refine", schema, hypothesis, checks=_checks(agreed), farthest=farthest),
                schema,
                GREEDY,
                (0,),
                max_new_tokens=1024,
            )
            for hypothesis, agreed in cases
        ]
        return [self._refinement(replies[0]) for replies in self._encoded.ask(questions, seen=True)]

    def _reply(self, question: Question, seen: bool) -> str:
        """To one question of one seed, from the batch that was begun with it or else by itself."""
        if self._begun is not None and question in self._expected:
            try:
                return _one(self._begun(self._expected.index(question)))
            except BatchError:
                pass
        self._begun = None
        return _one(self._encoded.ask([question], seen)[0])

    @staticmethod
    def _hearing() -> Question:
        return Question(prompt("classify"), schema_of(HEARD), GREEDY, (0,), max_new_tokens=128)

    def _locating(self, max_sources: int) -> tuple[TypeAdapter[Any], Question]:
        """What locate asks, and the type of the reply."""
        several, compared = max_sources > 1, self._options.prompts == "candidates"
        replies = (CHOSEN, CHOSEN_AND_HEARD) if compared else (SEEN, SEEN_AND_HEARD)
        reply: TypeAdapter[Any] = replies[several]
        least = 0 if self._options.off_screen else 1
        schema = schema_of(reply, (least, max_sources), self._options.prompts)
        stage = "locate_several" if several else "locate"
        text = prompt(stage, fields_of(schema), most=max_sources, **self._units())
        places = " and ".join(self._place(one) for one in sure(self._window))
        if places:
            text += "\n\n" + prompt("bearing", places=places)
        if self._options.off_screen:
            text += "\n\n" + prompt("off_screen")
        most_tokens = (1280 if compared else 320) * max_sources
        return reply, Question(text, schema, GREEDY, (0,), max_new_tokens=most_tokens)

    def _place(self, one: HeardDirection) -> str:
        """A direction in the units of the model's coordinates, for a prompt."""
        there = spot(one)
        if there is None:
            return f"from out of the picture ({one.words})"
        across, _, down = there
        width, height = self._view.image
        x, y = self._point_to_model(across * width, (0.5 if down is None else down) * height)
        return f"from around x = {x}" + ("" if down is None else f", y = {y}")

    def _point_to_model(self, x: float, y: float) -> tuple[int, int]:
        left, top, *_ = map(round, self._view.to_model((x, y, x, y)))
        return (top, left) if self._view.y_first else (left, top)

    @property
    def _analysis(self) -> TypeAdapter[Any]:
        return GROUNDED_ANALYSIS if self._options.grounded else ANALYSIS

    @property
    def _refined(self) -> TypeAdapter[Any]:
        return ANCHORED_REFINED if self._options.prompts == "anchors" else REFINED

    def _location(self, seen: Seen) -> Location:
        sound = AudioLabel(seen.audio_class, seen.audio_confidence) if isinstance(seen, SeenAndHeard) else None
        return Location(self._view.box_to_image(seen.bbox_2d.root), seen.description, sound)

    def _trial(self, text: str | Failure) -> Trial | Failure:
        if isinstance(text, Failure):
            return text
        try:
            said: Analysis | GroundedAnalysis = parse(self._analysis, "analyze", text)
        except Unparseable as problem:
            return Failure(str(problem))
        votes = tuple(AnchorVote(vote.anchor, vote.score, self._point(vote)) for vote in said.anchor_votes)
        return Trial(said.av_consistency, said.role_tags, votes, said.keep)

    def _point(self, vote: Vote) -> tuple[float, float] | None:
        if not isinstance(vote, GroundedVote) or vote.point_2d is None:
            return None
        x, y = self._view.to_image(vote.point_2d.root)
        return min(max(x, 0.0), float(self._view.image[0])), min(max(y, 0.0), float(self._view.image[1]))

    def _settled(self, replies: Sequence[Reply]) -> bool:
        """True if the trials still to come cannot change the majority on keep (eq. 12)."""
        ended = [self._trial(reply) for reply in replies if reply is not None]
        yes = sum(isinstance(trial, Trial) and trial.keep for trial in ended)
        return 2 * yes > len(replies) or 2 * (len(ended) - yes) >= len(replies)

    def _refinement(self, text: Reply) -> Refinement | Failure:
        if not isinstance(text, str):
            return text or Failure("the reply to refine did not end")
        try:
            said: Refined = parse(self._refined, "refine", text)
        except Unparseable as problem:
            return Failure(str(problem))
        sides = self._view.to_image(said.bbox_2d.root)
        return Refinement(sides, said.changed, self._operation(said), said.refined_description)

    def _operation(self, said: Refined) -> Operation | None:
        """The operation in pixels of the original image."""
        across, down = self._view.scale
        op = said.ops
        if isinstance(op, DeltaOp):
            return Delta(
                dx=op.dx.root * across,
                dy=op.dy.root * down,
                dl=op.dl.root * across,
                dr=op.dr.root * across,
                dt=op.dt.root * down,
                db=op.db.root * down,
            )
        if isinstance(op, ExpandOp):
            return Expand(op.amount.root * (across * down) ** 0.5)  # the same on every side, as eq. 16 has it
        return None if op is None else Recenter(*self._view.to_image(op.center.root))

    def _about(self, stage: str, schema: Mapping[str, object], hypothesis: Hypothesis, **more: object) -> str:
        return prompt(
            stage,
            fields_of(schema),
            label=hypothesis.sound.label,
            confidence=f"{hypothesis.sound.confidence:.2f}",
            box=[round(side) for side in self._view.to_model(hypothesis.box.sides)],
            **self._units(),
            **more,
        )

    def _units(self) -> Mapping[str, object]:
        """How places are named, for a prompt."""
        width, height = map(round, self._view.span)
        ordered = ("[y1, x1, y2, x2]", "[y, x]") if self._view.y_first else ("[x1, y1, x2, y2]", "[x, y]")
        return {"width": width, "height": height, "corners": ordered[0], "point": ordered[1]}


def _checks(agreed: Consensus) -> str:
    """What the analysis said, for a prompt; nothing where there was none."""
    if not agreed.trials:
        return ""
    return "\n\n" + prompt(
        "checks",
        trials=agreed.trials,
        consistency=f"{agreed.av_consistency:.2f}",
        tags=", ".join(agreed.role_tags) or "none",
        anchors=", ".join(f"{vote.anchor} {vote.score:.2f}" for vote in agreed.anchor_votes) or "none",
        keep="yes" if agreed.keep else "no",
    )


def _one(replies: Sequence[Reply]) -> str:
    """The only one. Raises Unparseable where it failed."""
    (reply,) = replies
    if not isinstance(reply, str):
        raise Unparseable(reply.reason if reply else "the reply did not end")
    return reply


def _seeds(seed: int, trials: int) -> tuple[int, ...]:
    drawn = Random(seed)
    return tuple(drawn.getrandbits(63) for _ in range(trials))
