"""What a model replies at each stage, as types: the JSON schema that it is decoded under is made from them.

Places and distances are in the model's own coordinates; `reasoner.py` brings them into the image.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, Field, RootModel, TypeAdapter, ValidationError

from gar_ssl_ros.gar.consensus import MAX_ANCHORS, ROLE_TAGS
from gar_ssl_ros.gar.reasoner import Unparseable

MAX_COORDINATE = 1_000_000  # no model names a place further out; a reply that does, outside any schema, is no reply
# Strings are plain ASCII without quotes and backslashes, so that nothing in them is escaped, nothing reaches a screen
# or a later prompt that should not, and their length bounds their tokens.
PLAIN = r"[ !#-\[\]-~]"
LABEL = r"^[a-z][a-z0-9' -]{0,47}$"
TOKEN = r"^[a-z][a-z0-9_]{0,39}$"
PHRASE = rf"^[A-Za-z0-9]{PLAIN}{{0,119}}$"
SENTENCE = r"[A-Z][ #-,\-/->@-\[\]-~]{7,119}[.!?]"
SENTENCES = rf"^{SENTENCE}( {SENTENCE}){{1,3}}$"  # 2 to 4

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
    """How far something is moved."""


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


AnyReply = TypeVar("AnyReply")


@dataclass(frozen=True)
class Bounds:
    """Of a reply: places lie in 0..span (x, y), steps in -step..step; a list of sources has `least` to `most`."""

    span: tuple[int, int]
    step: int = 0
    least: int = 1
    most: int = 1


@lru_cache(64)  # a camera's pictures are all of one size
def schema_of(reply: TypeAdapter[Any], bounds: Bounds | None = None) -> Mapping[str, object]:
    """The JSON schema of a reply, its places, steps and number of sources bounded."""
    schema = reply.json_schema()
    if bounds is not None:
        width, height = ({"type": "integer", "minimum": 0, "maximum": end} for end in bounds.span)
        parts = schema.get("$defs", {})
        for name, sides in (("Sides", [width, height, width, height]), ("PointReply", [width, height])):
            if name in parts:
                parts[name] = {
                    "type": "array",
                    "prefixItems": sides,
                    "minItems": len(sides),
                    "maxItems": len(sides),
                    "items": False,
                }
        if "Step" in parts:
            parts["Step"] = {"type": "integer", "minimum": -bounds.step, "maximum": bounds.step}
        if schema["type"] == "array":
            schema |= {"minItems": bounds.least, "maxItems": bounds.most}
    return schema


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
