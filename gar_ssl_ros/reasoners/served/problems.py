"""What a server says or does instead of answering, as one sentence that says what to do."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

MAX_TOLD = 200  # characters of what a server says
NO_SENSE = re.compile(
    r"at most 0 |not support|does not (have|accept|understand)|no (audio|image|multimodal)|mmproj", re.I
)
SENSES = {"sound": re.compile(r"audio", re.I), "pictures": re.compile(r"image|vision|multimodal", re.I)}
GRAMMAR = re.compile(r"schema|grammar|structured|response_format|guided", re.I)
TOO_LONG = re.compile(r"context (length|size)|longer than|too (long|large|many tokens)|exceed", re.I)


class ServerError(ModelError):
    """A server that did not answer.

    again: True if it, or another one, may answer the same request. wait: s that it asks for first. healthy: True if it
    is no sign that it fails.
    """

    def __init__(self, sentence: str, again: bool = True, wait: float = 0.0, healthy: bool = False) -> None:
        super().__init__(sentence)
        self.again = again
        self.wait = wait
        self.healthy = healthy


@dataclass(frozen=True)
class Asked:
    """Of whom: the address, the model's name, the variable of the key, the key."""

    url: str
    model: str
    key_variable: str
    key: str


def said(body: bytes | str, key: str = "") -> str:
    """The message of an error's body, in one line, without the key."""
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    try:
        found: Any = json.loads(text)
        for name in ("error", "message", "detail"):
            found = found[name] if isinstance(found, dict) and name in found else found
    except (ValueError, RecursionError):
        found = text
    found = " ".join((found if isinstance(found, str) else json.dumps(found)).split())
    return shortened(found.replace(key, "***") if key else found, MAX_TOLD)


def refused(asked: Asked, status: int, body: bytes, wait: float = 0.0, where: str = "") -> ServerError:
    """What a status that is no success means. where: a redirect leads."""
    url, told = asked.url, said(body, asked.key)
    if 300 <= status < 400:
        return ServerError(
            f"{url} sends requests elsewhere ({shortened(where)}): name the address that answers itself", False
        )
    if status in (401, 403):
        if asked.key:
            problem = f"{url} refuses the key in {asked.key_variable} ({status}): put one there that it knows"
        else:
            problem = f"{url} wants a key ({status}): put it into the environment variable {asked.key_variable}"
        return ServerError(problem, again=False, healthy=True)
    if status == 429:
        return ServerError(f"{url} is asked too often ({told}): ask it less often, or have it allow more", wait=wait)
    for sense, names in SENSES.items():  # llama.cpp refuses them with a 500
        if NO_SENSE.search(told) and names.search(told):
            return ServerError(
                f"{asked.model} at {url} takes no {sense} ({told}): serve a model that sees and hears, with both "
                "switched on (docs/served.md)",
                again=False,
                healthy=True,
            )
    if status == 404:
        known = f"there is no {asked.model}" if "model" in told.lower() else "there is no chat completion"
        return ServerError(f"{known} at {url} ({told}): check the address and the model's name", False, healthy=True)
    if status in (400, 413, 422):
        if TOO_LONG.search(told):
            todo = "have it take longer requests (--max-model-len of vLLM, --context-length of SGLang, -c of llama.cpp)"
        elif GRAMMAR.search(told):
            todo = "take another grammar backend or a newer version of it, or name its `dialect` (docs/served.md)"
        else:
            todo = "see whether it speaks as `dialect` says (docs/served.md)"
        return ServerError(f"{url} refuses the request ({status}: {told}): {todo}", again=False, healthy=True)
    return ServerError(
        f"{url} fails ({status}: {told}): look into its log", again=status >= 500 or status == 408, wait=wait
    )
