"""What a model replies at each stage, as types: the JSON schema that it is decoded under is made from them.

Places and distances are in the model's own coordinates; `reasoner.py` brings them into the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, ValidationError

from gar_ssl_ros.gar.consensus import MAX_ANCHORS, ROLE_TAGS
from gar_ssl_ros.gar.reasoner import Unparseable
from gar_ssl_ros.reasoners.options import PromptSet

# Fields that are decoded before the others of their object, in this order: a model writes from left to right, so that
# what comes first can be no more than a guess, and what comes after it is bound by it.
FIRST: Mapping[PromptSet, tuple[str, ...]] = {
    "paper": (),
    "evidence_first": (
        "anchor", "point_2d", "anchor_votes", "role_tags", "description", "audio_class", "refined_description",
    ),
    "candidates": ("candidates",),
    "anchors": ("anchors",),
}  # fmt: skip
# A place beyond the image's end is clipped once it is read: a schema with bounds would cut it off, 650 of 644 to 65.
MAX_COORDINATE = 1_000_000
# Strings are printable ASCII without backslashes, so that nothing reaches a screen or a later prompt that should not.
# Their lengths end replies that run away; none that means something is so long.
PLAIN = r"[ -\[\]-~]"
LABEL = r"^[a-z0-9][a-z0-9 ,.'()/&-]{0,79}$"
TOKEN = r"^[a-z][a-z0-9_]{0,59}$"
PHRASE = rf"^[A-Za-z0-9]{PLAIN}{{0,299}}$"
REMARK = rf"^[A-Za-z0-9]{PLAIN}{{0,119}}$"
MIN_CANDIDATES, MAX_CANDIDATES = 2, 3
SENTENCES = rf"^[A-Z]{PLAIN}{{7,799}}[.!?]$"

Whole: TypeAlias = Annotated[int, Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE)]
Score: TypeAlias = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False, json_schema_extra={"multipleOf": 0.01})]
Token: TypeAlias = Annotated[str, Field(pattern=TOKEN)]


class Part(BaseModel):
    """Of a reply: frozen, and with no other fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Sides(RootModel[tuple[Whole, Whole, Whole, Whole]]):
    """A box: x1, y1, x2, y2."""


class PointReply(RootModel[tuple[Whole, Whole]]):
    """A point: x, y."""


class Step(RootModel[Whole]):
    """How far something is moved; a step that is too far is cut to the farthest that refinement may take."""


class Heard(Part):
    """Reply to `classify`."""

    audio_class: Annotated[str, Field(pattern=LABEL)]
    audio_confidence: Score


class Seen(Part):
    """One source of a reply to `locate`, which is a list of them, the surest first."""

    bbox_2d: Sides
    description: Annotated[str, Field(pattern=PHRASE)]


class SeenAndHeard(Seen):
    """One source where several are asked for: each with its own share of what is heard."""

    audio_class: Annotated[str, Field(pattern=LABEL)]
    audio_confidence: Score


class Candidate(Part):
    """A box that may be the one, and what is wrong with it."""

    bbox_2d: Sides
    size: Annotated[str, Field(pattern=REMARK)]
    position: Annotated[str, Field(pattern=REMARK)]
    suggestion: Annotated[str, Field(pattern=REMARK)]


Candidates: TypeAlias = Annotated[tuple[Candidate, ...], Field(min_length=MIN_CANDIDATES, max_length=MAX_CANDIDATES)]


class Chosen(Seen):
    """One source, chosen among candidates."""

    candidates: Candidates


class ChosenAndHeard(SeenAndHeard):
    """One source of several, chosen among candidates of its own."""

    candidates: Candidates


class Vote(Part):
    """One anchor of a reply to `analyze`."""

    anchor: Token
    score: Score


class GroundedVote(Vote):
    """One anchor with its place; null where it has none."""

    point_2d: PointReply | None


class Analysis(Part):
    """Reply to `analyze`."""

    av_consistency: Score
    role_tags: Annotated[tuple[Token, ...], Field(max_length=ROLE_TAGS)]
    anchor_votes: Annotated[tuple[Vote, ...], Field(max_length=MAX_ANCHORS)]
    keep: bool


class GroundedAnalysis(Part):
    """Reply to `analyze` where anchors are asked for with their places."""

    av_consistency: Score
    role_tags: Annotated[tuple[Token, ...], Field(max_length=ROLE_TAGS)]
    anchor_votes: Annotated[tuple[GroundedVote, ...], Field(max_length=MAX_ANCHORS)]
    keep: bool


class DeltaOp(Part):
    """Eq. 15."""

    op: Literal["delta"]
    dx: Step
    dy: Step
    dl: Step
    dr: Step
    dt: Step
    db: Step


class ExpandOp(Part):
    """Eq. 16; a negative amount shrinks."""

    op: Literal["expand"]
    amount: Step


class RecenterOp(Part):
    """Eq. 17."""

    op: Literal["recenter"]
    center: PointReply


class Refined(Part):
    """Reply to `refine`."""

    bbox_2d: Sides
    changed: bool
    ops: DeltaOp | ExpandOp | RecenterOp | None
    refined_description: Annotated[str, Field(pattern=SENTENCES)]


class RelatedAnchor(Part):
    """A visible part that makes the sound, and how it stands to the sound and to the first box."""

    anchor: Token
    relation: Annotated[str, Field(pattern=REMARK)]


class AnchoredRefined(Refined):
    """Reply to `refine` where anchors are to be named in it."""

    anchors: Annotated[tuple[RelatedAnchor, ...], Field(max_length=MAX_ANCHORS)]


AnyReply = TypeVar("AnyReply")


@cache
def schema_of(
    reply: TypeAdapter[Any], items: tuple[int, int] | None = None, prompts: PromptSet = "paper"
) -> Mapping[str, object]:
    """The JSON schema of a reply, whose order of fields is that of decoding, as `prompts` has it.

    items: the least and the most sources of a reply that is a list of them.
    """
    first = FIRST[prompts]
    schema = reply.json_schema()
    for part in (schema, *schema.get("$defs", {}).values()):
        if fields := part.get("properties"):
            names = sorted(fields, key=lambda name: first.index(name) if name in first else len(first))
            part["properties"] = {name: fields[name] for name in names}
    return schema if items is None else schema | {"minItems": items[0], "maxItems": items[1]}


def fields_of(schema: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a reply, or of each source of one that is a list of them, in the order of decoding."""
    if "items" in schema:
        schema = schema["$defs"][schema["items"]["$ref"].rpartition("/")[2]]
    return tuple(schema["properties"])


def parse(reply: TypeAdapter[AnyReply], stage: str, text: str) -> AnyReply:
    """The reply that `text` is. Raises Unparseable, which names the stage and shows how it looked."""
    try:
        return reply.validate_json(text)
    except ValidationError as problem:
        first = problem.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "the whole"
        raise Unparseable(
            f"the reply to {stage} is not what was asked for: {where}: {first['msg']}, in {shown(text)}"
        ) from None


def shown(text: str) -> str:
    """The beginning of a reply, on one line."""
    return repr(text[:120]) + ("..." if len(text) > 120 else "")
