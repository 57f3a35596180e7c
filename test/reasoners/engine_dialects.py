"""What the engines of `engines.py` take in, and what they refuse in which words."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import json
import struct
import threading
import wave
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeAlias

import cv2
import numpy as np

FAULTS = [
    *("refuse", "unauthorized", "rate", "error500", "half", "wrong_json", "html", "hang", "slow", "late", "empty"),
    *("ignore_schema", "loose", "no_audio", "no_image", "schema_400", "huge", "redirect", "fuzz"),
]
TOKEN = 4  # characters
PATCH = 28  # pixels: of a side, that make one token
AUDIO_TOKENS = 25  # a second
Seen: TypeAlias = tuple[tuple[int, int], "tuple[int, int, int, int] | None"]  # as of Asked: size, thing


class Refused(Exception):
    """A status and what stands under `error`, or the whole body where it is a string or a tuple."""

    def __init__(self, status: int, body: Any, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body)
        self.status, self.body, self.headers = status, body, dict(headers or {})


@dataclass
class Engine:
    """What a server was started as, and what it has seen."""

    dialect: str
    model: str
    coordinates: str = "pixels"
    limit: int = 1  # of media of one kind in a prompt
    context: int = 32_768  # tokens
    key: str = ""
    slots: int = 0  # requests that compute at once, the others in their order after them; 0: any
    faults: list[list[Any]] = field(default_factory=list)  # each: name, argument, how many more
    log: list[dict[str, Any]] = field(default_factory=list)
    prefixes: set[str] = field(default_factory=set)
    running: list[object] = field(default_factory=list)  # requests, the first ones first
    lock: threading.Lock = field(default_factory=threading.Lock)

    def set_faults(self, faults: list[str]) -> None:
        parsed = []
        for fault in faults:
            text, _, often = fault.partition("#")
            name, _, argument = text.strip().partition(" ")
            if name not in FAULTS:
                raise ValueError(f"unknown fault {name}: choose among {', '.join(FAULTS)}")
            parsed.append([name, argument, int(often) if often else -1])
        with self.lock:
            self.faults = parsed

    def take_faults(self) -> dict[str, str]:
        """Those of this request."""
        with self.lock:
            taken = {name: argument for name, argument, left in self.faults if left}
            for fault in self.faults:
                fault[2] -= fault[2] > 0
            return taken

    def error(self, status: int, message: str, param: str | None = None, code: object = None) -> Refused:
        """A refusal in the form of the dialect."""
        if self.dialect == "vllm":
            kind = {404: "NotFoundError", 400: "BadRequestError"}.get(status, "InternalServerError")
            message += f" (parameter={param})" if param and status == 400 else ""
            return Refused(status, {"error": {"message": message, "type": kind, "param": param, "code": status}})
        if self.dialect == "sglang":  # flat
            body = {"object": "error", "message": message, "type": "BadRequestError", "param": param, "code": status}
            return Refused(status, body)
        kind = {400: "invalid_request_error", 404: "not_found_error", 401: "authentication_error"}.get(status, "")
        if self.dialect == "llamacpp":
            return Refused(status, {"error": {"code": status, "message": message, "type": kind or "server_error"}})
        said = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
        return Refused(status, {"error": said} | ({"request_id": "0"} if self.dialect == "dashscope" else {}))


@dataclass
class Asked:
    """A chat request as the engine takes it in: parts as (hash, tokens), and of the last picture what is seen.

    size: width, height, pixels. thing: the box of the one thing on a plain ground, pixels; None where there is none.
    """

    parts: list[tuple[str, int]] = field(default_factory=list)
    text: str = ""
    media: dict[str, int] = field(default_factory=dict)
    size: tuple[int, int] = (640, 480)
    thing: tuple[int, int, int, int] | None = None


def taken_in(engine: Engine, body: dict[str, Any]) -> Asked:
    """Raises Refused, as the real one does."""
    asked = Asked()
    for message in body.get("messages", []):
        content = message["content"]
        for part in [{"type": "text", "text": content}] if isinstance(content, str) else content:
            kind = part.get("type")
            if kind == "text":
                asked.text += part["text"] + "\n"
                tokens = len(part["text"]) // TOKEN + 1
            elif kind == "image_url":
                asked.size, asked.thing = image_of(engine, part["image_url"]["url"])
                tokens = max(asked.size[0] * asked.size[1] // PATCH**2, 1)
                asked.media["image"] = asked.media.get("image", 0) + 1
            elif kind in ("input_audio", "audio_url"):
                tokens = int(AUDIO_TOKENS * seconds_of(audio_of(engine, kind, part[kind]))) + 1
                asked.media["audio"] = asked.media.get("audio", 0) + 1
            else:
                raise engine.error(
                    400,
                    {"vllm": f"Unsupported chat content part type: {kind!r}."}.get(
                        engine.dialect, "unsupported content[].type"
                    ),
                )
            key = hashlib.sha256(json.dumps([message.get("role"), part], sort_keys=True).encode()).hexdigest()
            asked.parts.append((key, tokens))
    return asked


def decoded(engine: Engine, text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=engine.dialect == "vllm")
    except binascii.Error as problem:
        raise engine.error(400, str(problem)) from None  # of vLLM: "Incorrect padding"


def image_of(engine: Engine, url: str) -> Seen:
    head, _, data = url.partition(",")
    if not head.startswith("data:image/") or not head.endswith(";base64"):
        raise engine.error(
            400,
            f"Invalid uri format: {head}"
            if engine.dialect == "llamacpp"
            else "The URL must be either a HTTP, data or file URL.",
        )
    if (seen := looked_at(decoded(engine, data))) is None:
        raise engine.error(400, "Failed to load image: cannot identify image file <_io.BytesIO object>")
    return seen


@lru_cache(64)
def looked_at(data: bytes) -> Seen | None:
    """None where it is no picture."""
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if picture is None:
        return None
    size = (picture.shape[1], picture.shape[0])
    apart = (cv2.absdiff(picture, np.full_like(picture, picture[0, 0])).max(axis=2) > 40).astype(np.uint8)
    x, y, width, height = cv2.boundingRect(apart)
    plain = 0.001 < apart.mean() < 0.5
    return size, ((x, y, x + width, y + height) if plain else None)


def audio_of(engine: Engine, kind: str, audio: dict[str, Any]) -> bytes:
    if kind == "audio_url":
        if engine.dialect not in ("vllm", "sglang"):
            raise engine.error(
                400, "Invalid value: audio_url. Supported values are: 'text','image_url','video_url' and 'video'."
            )
        return decoded(engine, audio["url"].partition(",")[2])
    data = str(audio.get("data"))
    if engine.dialect == "dashscope":
        if not data.startswith("data:"):
            raise engine.error(
                400,
                "<400> InternalError.Algo.InvalidParameter: The provided URL does not appear to be "
                "valid. Ensure it is correctly formatted.",
                code="invalid_parameter_error",
            )
        data = data.partition(",")[2]
    elif engine.dialect in ("sglang", "openai") and audio.get("format") not in ("wav", "mp3"):
        raise engine.error(400, "Input should be 'wav' or 'mp3'", param="input_audio.format")
    sound = decoded(engine, data)
    if not sound.startswith((b"RIFF", b"fLaC", b"ID3", b"OggS", b"\xff")):
        raise engine.error(400, "Invalid or corrupted audio data. Ensure the input is a valid audio or video file.")
    return sound


def seconds_of(sound: bytes) -> float:
    try:
        with wave.open(io.BytesIO(sound)) as file:
            return file.getnframes() / file.getframerate()
    except (wave.Error, EOFError, struct.error):
        return len(sound) / 32_000


def schema_in(engine: Engine, body: dict[str, Any]) -> Any:
    """The schema that the reply is to obey, None where it is free."""
    form = body.get("response_format") or {}
    if engine.dialect == "vllm" and (own := body.get("structured_outputs")) is not None:
        kinds = ("json", "regex", "choice", "grammar", "json_object", "structural_tag")
        if (given := sum(own.get(kind) is not None for kind in kinds)) != 1:
            amount = "none are specified" if not given else "multiple are specified"
            raise engine.error(400, f"You must use one kind of structured outputs constraint but {amount}: {own}")
        schema = own.get("json")
        return json.loads(schema) if isinstance(schema, str) else schema
    if form.get("type") == "json_object":
        if engine.dialect == "dashscope" and "json" not in json.dumps(body["messages"]).lower():
            raise engine.error(
                400,
                "<400> InternalError.Algo.InvalidParameter: 'messages' must contain the word "
                "'json' in some form, to use 'response_format' of type 'json_object'.",
            )
        return form.get("schema", {"type": "object"}) if engine.dialect == "llamacpp" else {"type": "object"}
    llama = engine.dialect == "llamacpp"
    if form.get("type") != "json_schema" and not (llama and "json_schema" in body):
        return None
    schema = form["json_schema"].get("schema") if form else body["json_schema"]
    if engine.dialect == "openai" and schema.get("type") != "object":
        raise engine.error(
            400,
            f"Invalid schema for response_format '{form['json_schema'].get('name')}': schema must "
            f"be a JSON Schema of 'type: \"object\"', got 'type: \"{schema.get('type')}\"'.",
            "response_format",
        )
    if llama:
        refuse_unconvertible(engine, schema, "#")
    return schema


def refuse_unconvertible(engine: Engine, schema: Any, path: str) -> None:
    """What llama.cpp's json-schema.cpp does not take."""
    failed = "Unable to generate parser for this template. Automatic parser generation failed: JSON schema error at "
    for key, value in schema.items() if isinstance(schema, dict) else enumerate(schema):
        if key == "$ref" and not str(value).startswith("#"):
            raise engine.error(
                400, f"{failed}{path}: unsupported $ref {value}, only references into the same document are supported"
            )
        if key == "type" and value not in ("object", "array", "string", "number", "integer", "boolean", "null"):
            if isinstance(value, str):
                raise engine.error(400, f"{failed}{path}: unrecognized type {value}")
        elif isinstance(value, (dict, list)) and key not in ("enum", "const", "properties", "$defs"):
            refuse_unconvertible(engine, value, f"{path}/{key}")
        elif key in ("properties", "$defs"):
            for name, inner in value.items():
                refuse_unconvertible(engine, inner, f"{path}/{key}/{name}")


def refuse(engine: Engine, body: dict[str, Any], asked: Asked, faults: Mapping[str, str]) -> None:
    """What the real one says no to; faults that say no in its words."""
    if body.get("model") not in (engine.model, None) and engine.dialect not in ("llamacpp", "sglang"):  # they ignore it
        tail = f". Valid aliases: {engine.model}" if engine.dialect == "vllm" else " or you do not have access to it"
        raise engine.error(404, f"The model `{body['model']}` does not exist{tail}.", "model", "model_not_found")
    if engine.dialect == "llamacpp" and (body.get("n") or 1) > 4:
        raise engine.error(400, f"Field 'n': Value must be between 1 <= value <= 4, but got {body['n']}")
    if engine.dialect == "vllm" and (body.get("n") or 1) > 1 and body.get("temperature") == 0:
        raise engine.error(400, f"n must be 1 when using greedy sampling, got {body['n']}.")
    if body.get("stream_options") and not body.get("stream"):
        raise engine.error(400, "Stream options can only be defined when `stream=True`.", "stream_options")
    if engine.dialect == "dashscope" and not body.get("stream"):
        raise engine.error(
            400,
            "This model only support stream mode, please enable the stream parameter to access the model. ",
            code="invalid_parameter_error",
        )
    for kind, count in asked.media.items():
        limit = 0 if f"no_{kind}" in faults else engine.limit
        if count > limit and engine.dialect == "llamacpp" and not limit:
            raise engine.error(
                500, f"{kind} input is not supported - hint: if this is unexpected, you may need to provide the mmproj"
            )
        if count > limit:
            raise engine.error(400, f"At most {limit} {kind}(s) may be provided in one prompt.", kind)
    if (tokens := sum(size for _, size in asked.parts)) >= engine.context:
        words = {
            "sglang": f"The input ({tokens} tokens) is longer than the model's context length ({engine.context} "
            "tokens).",
            "llamacpp": f"request ({tokens} tokens) exceeds the available context size ({engine.context} tokens), try "
            "increasing it",
        }
        refused = engine.error(
            400,
            words.get(
                engine.dialect,
                f"This model's maximum context length is {engine.context} tokens. However, your prompt contains "
                f"{tokens} input tokens, which exceeds this limit even without any output tokens. Please reduce the "
                "length of the input prompt.",
            ),
            "input_tokens",
        )
        if engine.dialect == "llamacpp":
            refused.body["error"] |= {
                "type": "exceed_context_size_error",
                "n_prompt_tokens": tokens,
                "n_ctx": engine.context,
            }
        raise refused
    if "schema_400" in faults and schema_in(engine, body) is not None:
        raise engine.error(400, 'Grammar error: Unimplemented keys: ["multipleOf"]')


def logged(body: Any) -> Any:
    """A request's body with each medium as its hash and size."""
    if isinstance(body, dict):
        return {key: logged(value) for key, value in body.items()}
    if isinstance(body, list):
        return list(map(logged, body))
    if isinstance(body, str) and len(body) > 512 and " " not in body[:512]:
        head, comma, data = body.rpartition(",")
        return {"head": head + comma, "sha256": hashlib.sha256(data.encode()).hexdigest(), "size": len(data)}
    return body
