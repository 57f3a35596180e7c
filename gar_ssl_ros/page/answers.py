"""Answers as a page is given them: what a SoundSourceArray says, as JSON."""

from __future__ import annotations

import json
import math
from contextlib import suppress
from typing import Any

from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.messages.answers import OUTCOMES, box_from_bounding_box
from gar_ssl_ros.messages.stamps import ns_of
from gar_ssl_ros.page.feed import Feed

MOST_REASONING = 2**20  # characters of JSON that are read
MOST_COUNTS = 2**16  # characters of a mask's run lengths
STAGES = {1: "initial", 2: "final"}
PARTS = ("stages", "timing_s", "directions")  # of the reasoning, which no field of the message has


def show_answer(feed: Feed, message: Any, lane: int = 0) -> None:
    """Put a SoundSourceArray, of rclpy or of a bag, into the feed. lane: 1 of a second reasoner's beside the first's.

    What it says is shown as it is: whoever sends on the graph may write into it what they like. Raises ValueError where
    that cannot be.
    """
    stamp = ns_of(message.header.stamp)
    feed.answer(f"{lane}:{stamp}", stamp, {"lane": lane, **answer_of_message(message)})


def answer_of_message(message: Any) -> dict[str, Any]:
    """Its fields, times in ms, angles in degrees, numbers that are not known None. Raises ValueError where it has an
    outcome or a stage of another version.
    """
    if message.outcome not in OUTCOMES or message.stage not in STAGES:
        raise ValueError(
            f"an answer has outcome {message.outcome} and stage {message.stage}: send those of this version"
        )
    outcome: Outcome = OUTCOMES[message.outcome]
    told = _reasoning(message.reasoning)
    return {
        "stamp": _ms(message.header.stamp),
        "begin": _ms(message.window_start),
        "end": _ms(message.window_end),
        "outcome": outcome.name,
        "stage": STAGES[message.stage],
        "detail": message.detail,
        "label": message.label,
        "audio_confidence": _number(message.audio_confidence),
        "width": int(message.image_width),
        "height": int(message.image_height),
        "sources": [
            {**_source(one), "mask": mask} for one, mask in zip(message.sources, _masks(message, told), strict=True)
        ],
        "unmatched": [_direction(one) for one in message.unmatched],
        "reasoner": message.reasoner,
        "model": message.model,
        "fallback": bool(message.fallback),
        **{
            name: _number(getattr(message, name))
            for name in ("frames", "frame_gap", "audio_gap", "skew", "dropped_windows", "dropped_inputs", "latency")
        },
        "inference": _number(message.inference),
        **{part: told[part] for part in PARTS if part in told},
    }


def _source(source: Any) -> dict[str, Any]:
    return {
        "id": int(source.id),
        "detection_id": source.detection_id,
        "label": source.label,
        "audio_confidence": _number(source.audio_confidence),
        "av_consistency": _number(source.av_consistency),
        "share": _number(source.share),
        "box": [_number(side) for side in box_from_bounding_box(source.box).sides],
        "initial_box": [_number(side) for side in box_from_bounding_box(source.initial_box).sides],
        "refined": bool(source.refined),
        "bearing": _degrees(source.bearing),
        "heard_bearing": _degrees(source.heard_bearing),
        "distance": _number(source.distance),
        "description": source.description,
        "role_tags": list(source.role_tags),
        "anchor_votes": [
            {
                "anchor": vote.anchor,
                "score": _number(vote.score),
                "point": [_number(vote.point.x), _number(vote.point.y)],
            }
            for vote in source.anchor_votes
        ],
    }


def _direction(direction: Any) -> dict[str, Any]:
    return {
        "id": int(direction.id),
        "azimuth": _degrees(direction.azimuth),
        "elevation": _degrees(direction.elevation),
        "sd": _degrees(direction.sd),
        "front_back_known": bool(direction.front_back_known),
        "description": direction.description,
    }


def _masks(message: Any, told: dict[str, Any]) -> list[dict[str, Any] | None]:
    """Those of its sources, as COCO's run lengths; None where there is none of its image."""
    found: list[dict[str, Any] | None] = [None] * len(message.sources)
    sources = told.get("sources")
    for index, source in enumerate(sources[: len(found)] if isinstance(sources, list) else []):
        given = source.get("mask") if isinstance(source, dict) else None
        size = [int(message.image_height), int(message.image_width)]
        if isinstance(given, dict) and given.get("size") == size and len(str(given.get("counts"))) <= MOST_COUNTS:
            with suppress(ValueError):
                found[index] = Mask.from_rle(given).rle
    return found


def _reasoning(text: str) -> dict[str, Any]:
    """What the text tells, as far as it can be read: it is for people, and others may write other things into it."""
    if len(text) > MOST_REASONING:
        return {}
    try:
        told = json.loads(text, parse_constant=lambda _: None)
    except (ValueError, RecursionError):
        return {}
    return told if isinstance(told, dict) else {}


def _number(value: Any) -> float | int | None:
    if isinstance(value, int):
        return value
    return round(float(value), 6) if math.isfinite(value) else None


def _degrees(angle: Any) -> float | int | None:
    return _number(math.degrees(angle))


def _ms(time: Any) -> float:
    return ns_of(time) / 1e6
