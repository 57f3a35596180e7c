"""How each inference engine wants to be asked, beyond what OpenAI's protocol says; seen in the engines' own sources.

A server that says of none that it is it is asked as OpenAI's own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from gar_ssl_ros.reasoners.prompted.replies import PLAIN

Schema = Mapping[str, object]

# xgrammar 0.2 aborts, and a vLLM around it, at a repetition of more than 128 (github.com/mlc-ai/xgrammar/pull/647).
MAX_REPEAT = 128
# Nor does llguidance take ever so many of them: from four on, vLLM 0.32 ends each reply in the middle of the string, as
# if it were whole ("too many expressions constructed", in its log alone).
MAX_PARTS = 2
REPEATED = re.compile(r"(\[(?:\\.|[^\]\\])*\]|\w)\{(\d+),(\d+)\}")
UNQUOTED = r"[ !#-\[\]-~]"  # llama.cpp puts a pattern's quotes into a JSON string as they are

# Kept out of the model's way: generation_config.json's own sampling, which engines apply unasked, and thinking aloud.
PLAIN_SAMPLING = {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}
NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}


def _as_response_format(schema: Schema) -> dict[str, object]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}}


def _strictly(schema: Schema) -> dict[str, object]:
    form = {"name": "reply", "schema": schema, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": form}}


def _with_listed_numbers(schema: Any) -> Any:
    """Bounded numbers as a list of their hundredths: llama.cpp heeds no bounds of others than whole ones."""
    if isinstance(schema, (list, tuple)):
        return [_with_listed_numbers(one) for one in schema]
    if not isinstance(schema, Mapping):
        return schema
    if schema.get("type") == "number" and "minimum" in schema and "maximum" in schema:
        least, most = round(100 * schema["minimum"]), round(100 * schema["maximum"])
        return {"enum": [hundredth / 100 for hundredth in range(least, most + 1)]}
    return {name: _with_listed_numbers(value) for name, value in schema.items()}


@dataclass(frozen=True)
class Dialect:
    """One engine's.

    owned_by, host, says: what tells it, as `/v1/models` has it, the end of its address, or an address beside `/v1` and
    a field of what is there. constraint: what a request says of the schema, flat, that its reply is to obey. extra:
    what every request says beside. sound_head: before the base64 of a sound. objects_only: True if a reply must be an
    object. processor: True if a request may tell the processor of its media something.
    """

    name: str
    owned_by: str = ""
    host: str = ""
    says: tuple[str, str] | None = None
    constraint: Callable[[Schema], dict[str, object]] = _as_response_format
    extra: Mapping[str, object] = field(default_factory=dict)
    sound_head: str = ""
    objects_only: bool = False
    processor: bool = False


DIALECTS = (
    Dialect(
        "vllm",
        owned_by="vllm",
        says=("/version", "version"),
        constraint=lambda schema: {"structured_outputs": {"json": schema}},
        extra={**PLAIN_SAMPLING, **NO_THINKING},
        processor=True,
    ),
    Dialect(
        "sglang",
        owned_by="sglang",
        says=("/get_model_info", "model_path"),
        extra={**PLAIN_SAMPLING, **NO_THINKING},
    ),
    Dialect(
        "llamacpp",
        owned_by="llamacpp",
        says=("/props", "total_slots"),
        constraint=lambda schema: _as_response_format(_with_listed_numbers(schema)),
        # Of itself it keeps the 40 most probable tokens, of those what has a twentieth of the best one's probability.
        extra={"top_k": 0, "min_p": 0.0, "cache_prompt": True, **NO_THINKING},
    ),
    Dialect(
        "dashscope",
        host="aliyuncs.com",
        constraint=lambda _: {},  # its Omni models take no schema: prompts say the form, and replies are checked
        extra={"modalities": ["text"]},
        sound_head="data:;base64,",
    ),
    Dialect("openai", constraint=_strictly, objects_only=True),
)
BY_NAME: Mapping[str, Dialect] = {one.name: one for one in DIALECTS}
OPENAI = BY_NAME["openai"]
WRAPPED = "reply"  # under which a reply stands that is no object, where it must be one


def flat(schema: Any, definitions: Mapping[str, Any] | None = None) -> Any:
    """A schema as every engine takes it: no references, no tuples, nothing that only tells people something.

    Of tuples all places are alike here. Steps of numbers are left out: xgrammar does not know them. Patterns are spelt
    so that the engines' grammars can be made of them.
    """
    if not isinstance(schema, Mapping):
        return [flat(one, definitions) for one in schema] if isinstance(schema, (list, tuple)) else schema
    definitions = schema.get("$defs", definitions or {})
    if "$ref" in schema:
        return flat(definitions[str(schema["$ref"]).rpartition("/")[2]], definitions)
    made: dict[str, Any] = {}
    for name, value in schema.items():
        if name == "properties":
            made[name] = {key: flat(one, definitions) for key, one in value.items()}
        elif name == "prefixItems":
            made["items"] = flat(value[0], definitions)
        elif name == "pattern":
            made[name] = REPEATED.sub(_in_parts, value.replace(PLAIN, UNQUOTED))
        elif name not in ("$defs", "title", "description", "multipleOf"):
            made[name] = flat(value, definitions)
    return made


def _in_parts(repeated: re.Match[str]) -> str:
    """The same as several repetitions that are short enough, up to as long as they may be together."""
    item, least, most = repeated[1], int(repeated[2]), min(int(repeated[3]), MAX_PARTS * MAX_REPEAT)
    parts = []
    while most:
        step = min(most, MAX_REPEAT)
        parts.append(f"{item}{{{min(least, step)},{step}}}")
        least, most = max(0, least - step), most - step
    return "".join(parts)


def as_object(schema: Schema) -> dict[str, object]:
    """The schema of an object that holds what obeys the schema."""
    held = {WRAPPED: schema}
    return {"type": "object", "properties": held, "required": [WRAPPED], "additionalProperties": False}
