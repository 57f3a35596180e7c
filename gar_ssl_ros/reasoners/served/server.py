"""One server over HTTP: which engine and model it is, and its chat completions, each read as it streams."""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Annotated, Any, TypeVar

import httpx2
from pydantic import BaseModel, Field, ValidationError

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.description import ModelDescription, described_as
from gar_ssl_ros.reasoners.prompted.runtime import Reply
from gar_ssl_ros.reasoners.served.breaker import Breaker
from gar_ssl_ros.reasoners.served.dialects import BY_NAME, DIALECTS, OPENAI, Dialect
from gar_ssl_ros.reasoners.served.problems import Asked, ServerError, refused, said

CONNECT_S = 3.0  # s: of a robot's network, from which on nobody is there
DISCOVERY_S = 5.0  # s: to say which model it has
SILENCE_S = 120.0  # s: without a byte of a reply, where no deadline ends it before
MAX_CONNECTIONS = 64  # at once, as an evaluation with many samples in flight wants them; further requests wait for one
MAX_BYTES = 2**24  # of one answer: 50 trials of 1024 tokens, of some 300 bytes each as they are streamed
MAX_NAMES = 5  # of models, in a sentence
TIMEOUT = httpx2.Timeout(SILENCE_S, connect=CONNECT_S, pool=None)
LIMITS = httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=MAX_CONNECTIONS)
# Not compressed, so that what is counted is what is held.
HEADERS = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
Enough = Callable[[Sequence[Reply]], bool]
Count = Annotated[int, Field(ge=0, le=2**53)]
Result = TypeVar("Result")


class _Details(BaseModel):
    cached_tokens: Count | None = None


class _Usage(BaseModel):
    prompt_tokens: Count = 0
    prompt_tokens_details: _Details | None = None


class _Text(BaseModel):
    content: str | None = None


class _Choice(BaseModel):
    index: int = 0
    delta: _Text | None = None
    message: _Text | None = None
    finish_reason: str | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: Any = None


class _Card(BaseModel):
    id: str
    owned_by: str | None = None
    root: str | None = None
    parent: str | None = None


class _Cards(BaseModel):
    data: list[_Card]


@dataclass(frozen=True)
class Served:
    """What a server has: the engine, the model's name there, and what is known of it."""

    dialect: Dialect
    model: str
    description: ModelDescription


@dataclass(frozen=True)
class Answer:
    """One request's replies, None for those that nobody needed any more.

    prompt_tokens: None where the server does not say; cached_tokens: those of them that it had from before.
    """

    replies: list[Reply]
    prompt_tokens: int | None = None
    cached_tokens: int | None = None


@dataclass(frozen=True)
class Attempt:
    """The how manieth, from 0, to have an answer in that time."""

    deadline: Deadline
    number: int = 0


def client() -> httpx2.AsyncClient:
    """Verifies certificates, follows no redirect, and takes proxies from the environment."""
    return httpx2.AsyncClient(timeout=TIMEOUT, limits=LIMITS, headers=HEADERS, follow_redirects=False)


class Server:
    """One address. Used on one event loop."""

    def __init__(self, url: str, http: httpx2.AsyncClient, options: ServedOptions, key: str) -> None:
        self.url = url.rstrip("/") if re.search(r"//[^/]+/+[^/]", url) else url.rstrip("/") + "/v1"
        self._http = http
        self._options = options
        self._key = key
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._breaker = Breaker()
        self._problem = ""
        self._served: Served | None = None
        self._discovering = asyncio.Lock()

    async def ready(self, attempt: Attempt) -> Served:
        """What it has. Raises ServerError: at once, where it has failed too often just now."""
        async with self._discovering:
            if rest := self._breaker.rest:
                raise ServerError(f"{self._problem}; it is asked again in {ceil(rest)} s", again=False)
            if self._served is None or self._breaker.half_open:
                self._served = await self._watched(asyncio.wait_for(self._discovered(), DISCOVERY_S), attempt)
            return self._served

    async def chat(
        self, body: bytes, choices: int, attempt: Attempt, enough: Enough | None, cut: bool = False
    ) -> Answer:
        """The replies to a request for so many of them. enough, cut: as of Question. Raises ServerError."""
        answer = await self._watched(self._chat(body, choices, enough, cut), attempt)
        self._breaker.succeeded()
        return answer

    async def _watched(self, work: Awaitable[Result], attempt: Attempt) -> Result:
        """What the work gives; what goes wrong is remembered, and becomes a ServerError."""
        try:
            return await work
        except asyncio.CancelledError:
            if attempt.deadline.left == 0:
                self._problem = f"{self.url} answers too late: give windows a longer deadline, or use a faster model"
                self._breaker.failed(attempt)
            raise
        except ServerError as problem:
            found = problem
        except (asyncio.TimeoutError, TimeoutError):
            found = ServerError(f"{self.url} does not answer within {DISCOVERY_S:g} s: look into its log")
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            found = self._unreachable(problem)
        self._problem = str(found)
        if not found.healthy:
            self._breaker.failed(attempt)
        raise found from None

    def _unreachable(self, problem: Exception) -> ServerError:
        told = shortened(" ".join(str(problem).split()) or type(problem).__name__, 120)
        cause: BaseException | None = problem
        while cause is not None:
            if isinstance(cause, ssl.SSLError) and not isinstance(cause, ssl.SSLCertVerificationError):
                return ServerError(f"{self.url} speaks no TLS ({told}): if it has none, write http://", again=False)
            if isinstance(cause, ssl.SSLError):
                return ServerError(
                    f"{self.url} cannot be trusted ({told}): name it by the host of its certificate, and set "
                    "SSL_CERT_FILE to the authority that signed it, where that is your own",
                    again=False,
                )
            cause = cause.__cause__ or cause.__context__
        if isinstance(problem, (httpx2.ConnectError, httpx2.ConnectTimeout)):
            return ServerError(f"nobody answers at {self.url} ({told}): start a server there, or mend `server`")
        if isinstance(problem, (httpx2.InvalidURL, httpx2.UnsupportedProtocol)):
            return ServerError(f"{self.url} is no address ({told}): mend `server`", again=False)
        return ServerError(f"{self.url} broke off ({told}): look into its log")

    async def _discovered(self) -> Served:
        wanted, named = self._options.model, self._options.dialect
        found = await self._get(self.url + "/models")
        try:
            cards = _Cards.model_validate(found).data if found is not None else []
        except ValidationError:
            raise self._another_api("a list of models that is none") from None
        if found is None and not (wanted and named != "auto"):
            raise self._another_api("404 Not Found")
        dialect = BY_NAME[named] if named != "auto" else await self._dialect(cards)
        names = [card.id for card in cards if card.parent is None]
        chosen = [card for card in cards if wanted in (card.id, card.root)] or cards[: len(cards) == 1]
        if not wanted and not names:
            raise ServerError(f"{self.url} has no model yet: have it load one", healthy=True)
        told = ", ".join(shortened(name) for name in names[:MAX_NAMES]) + (", ..." if len(names) > MAX_NAMES else "")
        if not wanted and len(names) > 1:
            raise ServerError(f"{self.url} has several models: choose with `model` among {told}", False, healthy=True)
        if wanted and cards and wanted not in {name for card in cards for name in (card.id, card.root)}:
            raise ServerError(f"{self.url} has no {wanted}: choose with `model` among {told}", False, healthy=True)
        card = chosen[0] if chosen else _Card(id=wanted)
        return Served(dialect, card.id, described_as(card.id, card.root or ""))

    async def _dialect(self, cards: Sequence[_Card]) -> Dialect:
        for one in DIALECTS:
            if one.owned_by and any(card.owned_by == one.owned_by for card in cards):
                return one
            if one.host and (httpx2.URL(self.url).host or "").endswith(one.host):
                return one
        for one in DIALECTS:  # behind a proxy with names of its own, say
            if one.says is not None:
                path, field = one.says
                facts = await self._get(self.url.removesuffix("/v1") + path, strict=False)
                if isinstance(facts, dict) and field in facts:
                    return one
        return OPENAI

    def _another_api(self, what: str) -> ServerError:
        return ServerError(
            f"{self.url} is no OpenAI-compatible server ({what}): name the address that it gives, mostly up to /v1",
            again=False,
        )

    async def _get(self, url: str, strict: bool = True) -> Any:
        """The JSON of an address; None where there is none, and, where not strict, for whatever goes wrong."""
        async with self._http.stream("GET", url, headers=self._headers) as response:
            body = await self._whole(response)
            if response.status_code == 404 or (not strict and not response.is_success):
                return None
            if not response.is_success:
                raise self._refused(response, body)
            try:
                return json.loads(body)
            except (ValueError, RecursionError):
                if strict:
                    raise self._another_api(response.headers.get("Content-Type", "no JSON")) from None
                return None

    def _refused(self, response: httpx2.Response, body: bytes) -> ServerError:
        asked = Asked(self.url, self._served.model if self._served else "", self._options.api_key_variable, self._key)
        after = response.headers.get("Retry-After", "")
        wait = float(after) if re.fullmatch(r"\d{1,6}(\.\d+)?", after) else 0.0
        if response.status_code == 404:
            self._served = None  # it may have another model now
        return refused(asked, response.status_code, body, wait, response.headers.get("Location", ""))

    async def _whole(self, response: httpx2.Response) -> bytes:
        return b"".join([piece async for piece in self._pieces(response)])

    async def _pieces(self, response: httpx2.Response) -> AsyncIterator[bytes]:
        """The body as it comes. Raises ServerError where it is too long."""
        size = 0
        async for piece in response.aiter_raw():
            size += len(piece)
            if size > MAX_BYTES:
                raise ServerError(f"{self.url} sends more than {MAX_BYTES >> 20} MiB: look into its log", again=False)
            yield piece

    async def _chat(self, body: bytes, choices: int, enough: Enough | None, cut: bool) -> Answer:
        request = self._http.stream("POST", self.url + "/chat/completions", content=body, headers=self._headers)
        async with request as response:
            if response.status_code != 200:
                raise self._refused(response, await self._whole(response))
            kind = response.headers.get("Content-Type", "")
            texts: list[list[str]] = [[] for _ in range(choices)]
            replies: list[Reply] = [None] * choices
            usage: _Usage | None = None
            async for line in self._lines(response, streamed="event-stream" in kind):
                chunk = self._chunk(line, kind)
                usage = chunk.usage or usage
                for choice in chunk.choices or ():
                    if not 0 <= choice.index < choices:
                        raise self._another_api(f"a reply numbered {choice.index} of {choices}")
                    text = choice.delta or choice.message
                    texts[choice.index].append((text and text.content) or "")
                    if choice.finish_reason is not None:
                        replies[choice.index] = _reply("".join(texts[choice.index]), choice.finish_reason, cut)
                        if enough is not None and enough(replies):
                            return Answer(replies)
            if None in replies:
                raise ServerError(f"{self.url} broke off in the middle of a reply: look into its log")
        if usage is None:
            return Answer(replies)
        details = usage.prompt_tokens_details
        return Answer(replies, usage.prompt_tokens, None if details is None else details.cached_tokens)

    async def _lines(self, response: httpx2.Response, streamed: bool) -> AsyncIterator[bytes]:
        """The JSON of each event of a stream (server-sent events), or of an answer that is none."""
        if not streamed:
            yield await self._whole(response)
            return
        rest = b""
        async for piece in self._pieces(response):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                # Read on after [DONE], to the end of the body: a connection that is not is not used again.
                if line.startswith(b"data:") and (event := line[5:].strip()) != b"[DONE]":
                    yield event

    def _chunk(self, line: bytes, kind: str) -> _Chunk:
        try:
            chunk = _Chunk.model_validate_json(line)
        except ValidationError:
            raise self._another_api(kind.partition(";")[0] if "json" not in kind else "no chat completion") from None
        if chunk.error is not None:
            raise ServerError(f"{self.url} fails in the middle of a reply ({said(line, self._key)}): look into its log")
        if chunk.choices is None and chunk.usage is None:
            raise self._another_api("an answer without choices")
        return chunk


def _reply(text: str, end: str, cut: bool) -> str | Failure:
    if end == "length" and not cut:
        return Failure("the reply did not end within as many tokens as it may have")
    if end in ("content_filter", "abort", "error"):
        return Failure(f"the server ended the reply ({end})")
    return text if text.strip() else Failure("the reply is empty")
