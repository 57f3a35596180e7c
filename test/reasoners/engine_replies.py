"""What the engines of `engines.py` reply: drawn from a hash of what they were asked, under the schema."""

from __future__ import annotations

import hashlib
import importlib
import json
import random
import re
from collections.abc import Mapping
from typing import Any

from engine_dialects import PATCH, Asked, Engine, schema_in

sre: Any = getattr(re, "_parser", None) or importlib.import_module("sre_parse")  # the latter on Python 3.10
BLOCK = 16  # tokens that vLLM caches together


def seen_box(engine: Engine, asked: Asked) -> list[int] | None:
    """Of the one thing on a plain ground, in the model's coordinates; None where there is none."""
    if asked.thing is None:
        return None
    sides = [round(side * step) for side, step in zip(asked.thing, span(engine, *asked.size) * 2, strict=True)]
    return [sides[i] for i in (1, 0, 3, 2)] if engine.coordinates == "thousandths_y_first" else sides


def span(engine: Engine, width: int, height: int) -> tuple[float, float]:
    """The model's steps for one pixel of the picture as it was sent, across and down."""
    if engine.coordinates.startswith("thousandths"):
        return 1000 / width, 1000 / height
    if engine.coordinates == "longest_1000":
        return 1000 / max(width, height), 1000 / max(width, height)
    if engine.coordinates == "original":
        return 1.0, 1.0
    wide, high = (max(PATCH, round(side / PATCH) * PATCH) for side in (width, height))  # as Qwen2.5-VL's processor
    return wide / width, high / height


def instance(schema: Any, root: Any, draw: random.Random, box: list[int], loose: bool = False) -> Any:
    """What obeys a schema; `loose`: only as far as llama.cpp's grammar holds it, which bounds no number."""
    if "$ref" in schema:
        target = root
        for key in schema["$ref"].removeprefix("#/").split("/"):
            target = target[key]
        return instance(target, root, draw, box, loose)
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return instance(draw.choice(schema[key]), root, draw, box, loose)
    if "const" in schema or "enum" in schema:
        return schema["const"] if "const" in schema else draw.choice(schema["enum"])
    kind = schema.get("type")
    if kind == "object":
        parts = schema.get("properties", {})
        return {name: instance(part, root, draw, box, loose) for name, part in parts.items()}
    if kind == "array":
        fixed, items = schema.get("prefixItems", []), schema.get("items")
        least, most = schema.get("minItems", 0), schema.get("maxItems", 3)
        if (least, most) in ((2, 2), (4, 4)) and (fixed[0] if fixed else items).get("type") == "integer":
            return list(box[:least])
        more = draw.randint(max(least - len(fixed), 0), max(most - len(fixed), 0)) if items else 0
        parts = [*fixed, *[items] * more]
        return [instance(part, root, draw, box, loose) for part in parts]
    if kind == "integer":
        return draw.randint(max(schema.get("minimum", -16), -16), min(schema.get("maximum", 16), 16))
    if kind == "number":
        low, high = schema.get("minimum", 0.0), schema.get("maximum", 1.0)
        return draw.choice([-1.5, 3e9, 0.123456789]) if loose else round(draw.uniform(low, high), 2)
    if kind == "string":
        least, most = schema.get("minLength", 1), schema.get("maxLength", 40)
        pattern = schema.get("pattern") or f"[a-z]{{{draw.randint(least, most)}}}"
        return spelled(sre.parse(pattern), draw)
    return draw.choice([True, False]) if kind == "boolean" else None


def spelled(parsed: Any, draw: random.Random) -> str:
    """A string that a regular expression matches."""
    text = ""
    for name, argument in parsed:
        kind = str(name)
        if kind == "LITERAL":
            text += chr(argument)
        elif kind == "IN":
            which, of = draw.choice(argument)
            text += chr(of if str(which) == "LITERAL" else draw.randint(*of))
        elif kind.endswith("REPEAT"):
            least, most, inner = argument
            text += "".join(spelled(inner, draw) for _ in range(draw.randint(least, min(most, least + 12))))
        elif kind == "SUBPATTERN":
            text += spelled(argument[-1], draw)
        elif kind == "BRANCH":
            text += spelled(draw.choice(argument[1]), draw)
        elif kind == "ANY":
            text += "x"
    return text


def reply(engine: Engine, body: dict[str, Any], asked: Asked, index: int, faults: Mapping[str, str]) -> str:
    """The text of one choice."""
    schema = schema_in(engine, body)
    seed = body.get("seed")
    if not body.get("temperature", 1.0):
        drawn: object = "greedy"
    elif seed is None or engine.dialect == "sglang":  # which heeds it with --enable-deterministic-inference alone
        drawn = random.random()
    else:
        drawn = seed + index
    draw = random.Random(json.dumps([[key for key, _ in asked.parts], schema, drawn]))
    box = seen_box(engine, asked)
    told = json.dumps(body["messages"])
    if schema is None and "<answer>" in told:  # a translator: one answer for each frame that it is shown
        return "\n".join(["<answer>a dog, a bell</answer>"] * max(1, told.count("</frame")))
    if "ignore_schema" in faults or schema is None:
        return json.dumps({"bbox_2d": box}) if box and schema is None else "I see a room, and something sounds in it."
    if box is None:
        steps = zip(span(engine, *asked.size), asked.size, strict=True)
        x, y = (sorted(draw.sample(range(round(step * side)), 2)) for step, side in steps)
        box = [x[0], y[0], x[1], y[1]]
    made = json.dumps(instance(schema, schema, draw, box, "loose" in faults))
    if "wrong_json" in faults:
        return made[: max(len(made) // 2, 1)]
    return mutated(made.encode(), faults["fuzz"]).decode(errors="replace") if "fuzz" in faults else made


def mutated(right: bytes, seed: str) -> bytes:
    """Random bytes, or the right ones with some changed, dropped or doubled."""
    draw = random.Random(f"{seed}{hashlib.sha256(right).hexdigest()}")
    if draw.random() < 0.2:
        return draw.randbytes(draw.randint(0, 400))
    text = bytearray(right)
    for _ in range(draw.randint(1, 6)):
        at = draw.randrange(len(text) + 1)
        text[at : at + draw.randint(0, 3)] = draw.choice([b"", bytes([draw.randrange(256)]), text[at : at + 9], b'"'])
    return bytes(text)


def cached(engine: Engine, asked: Asked) -> int:
    """Tokens of the longest beginning that was seen before, in whole blocks and never all; remembers this one."""
    chain, tokens, found, key = [], 0, 0, ""
    for part, size in asked.parts:
        key, tokens = hashlib.sha256((key + part).encode()).hexdigest(), tokens + size
        chain.append((key, tokens))
    with engine.lock:
        for prefix, until in chain:
            if prefix in engine.prefixes:
                found = until
        engine.prefixes |= {prefix for prefix, _ in chain}
    return max(min(found, tokens - 1), 0) // BLOCK * BLOCK
