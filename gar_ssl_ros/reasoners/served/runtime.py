"""Servers as a runtime of the prompted reasoner: each window's media encoded once, its questions asked in parallel."""

from __future__ import annotations

import asyncio
import json
import os
import re
import weakref
from collections import deque
from collections.abc import Callable, Coroutine, Iterator, Sequence
from concurrent.futures import Future, wait
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from threading import Event, Thread, current_thread
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.description import ModelDescription, described_as
from gar_ssl_ros.reasoners.prompted.runtime import BatchError, ModelError, Question, Reply
from gar_ssl_ros.reasoners.served.dialects import WRAPPED, as_object, flat
from gar_ssl_ros.reasoners.served.media import fitted_size, picture_url, sound_base64
from gar_ssl_ros.reasoners.served.problems import ServerError
from gar_ssl_ros.reasoners.served.server import Answer, Attempt, Served, Server, client

POLL_S = 0.05  # s: how often a window looks at its deadline
PATIENCE_S = 5.0  # s at most for the thread to end, which a name that is looked up may hold
CLOSING_S = 0.5  # s at most for a cancelled request to close its connection
ATTEMPTS = 3  # at one request
FIRST_PAUSE_S = 0.2  # s before the second of them; twice as long before each further one
SEED_BITS = 31  # as many as every engine takes
KEPT_ANSWERS = 1000  # of which what they cost is known
FENCE = re.compile(r"```(?:json)?\s*(.*?)\s*```", re.DOTALL)

Result = TypeVar("Result")


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What the loop's thread does. ended: it does no more, cancelled or not."""

    future: Future[Result]
    ended: Event


class ServedRuntime:
    """One or more servers with the same model. Several threads may ask it. `close` it, or let it go, in the end.

    answers: the newest ones, for what they cost.
    """

    def __init__(self, options: ServedOptions) -> None:
        """Raises ModelError where the key is not where it should be."""
        key = _key(options.api_key_variable)
        self.answers: deque[Answer] = deque(maxlen=KEPT_ANSWERS)
        self.together = options.together
        self._model = options.model
        self._description: ModelDescription | None = None
        self._picture: tuple[NDArray[np.uint8], bytes] | None = None
        self._loop = asyncio.new_event_loop()
        http = client()
        self._servers = [Server(url, http, options, key) for url in options.server.split(",")]
        thread = Thread(target=self._loop.run_forever, name="served", daemon=True)
        thread.start()
        self.close = weakref.finalize(self, _close, self._loop, thread, http)

    @property
    def model(self) -> str:
        """Its name on the server, or the one that is wanted before one has answered."""
        return self._model

    @property
    def description(self) -> ModelDescription:
        """What is known of it."""
        return self._description or described_as(self._model)

    def connect(self, deadline: Deadline) -> Served:
        """What the first server that answers has. Raises ServerError where none does, and as the deadline does."""
        return self.wait(self.start(self._connected(deadline)), deadline)

    @contextmanager
    def encode(
        self, system: str, image: NDArray[np.uint8] | None, audio: NDArray[np.float32] | None, deadline: Deadline
    ) -> Iterator[ServedWindow]:
        """Take in a window; it is encoded when it is first asked about."""
        window = ServedWindow(self, system, image, audio, deadline)
        try:
            yield window
        finally:
            window.close()

    def picture(self, image: NDArray[np.uint8]) -> bytes:
        """As a data URL, of the size that the model sees; the last one is kept."""
        last = self._picture
        if last is None or last[0] is not image:
            size = fitted_size(image.shape[1], image.shape[0], self.description)
            self._picture = last = image, picture_url(image, size).encode()
        return last[1]

    def start(self, work: Coroutine[Any, Any, Result]) -> Work[Result]:
        """Have it done on the loop's thread. Raises ModelError where that has ended."""
        if not self.close.alive:
            work.close()
            raise ModelError("the connections to the server have been closed: make another reasoner")
        ended = Event()

        async def told() -> Result:
            try:
                return await work
            finally:
                ended.set()

        return Work(asyncio.run_coroutine_threadsafe(told(), self._loop), ended)

    def wait(self, work: Work[Result], deadline: Deadline) -> Result:
        """What comes of it; where the deadline raises, it is cancelled, and its connections are closed."""
        future = work.future
        try:
            while not future.done():
                deadline.check()
                left = deadline.left
                wait([future], POLL_S if left is None else min(POLL_S, left + 0.001))
            return future.result()
        finally:
            if future.cancel():
                work.ended.wait(CLOSING_S)

    async def answered(self, window: ServedWindow, question: Question, seeds: Sequence[int], seen: bool) -> Answer:
        """The replies of one request, of the first server that gives them. Raises ServerError."""
        pause, deadline = FIRST_PAUSE_S, window.deadline
        for attempt in (Attempt(deadline, number) for number in range(ATTEMPTS)):
            problems = []
            for server in list(self._servers):
                try:
                    served = self._agreed(await server.ready(attempt))
                    body = _body(served, window, question, seeds, seen)
                    enough = question.enough if len(seeds) > 1 else None
                    answer = await server.chat(body, len(seeds), attempt, enough, question.cut)
                except ServerError as problem:
                    problems.append(problem)
                    continue
                self._prefer(server)
                self.answers.append(answer)
                if question.schema is not None or question.pattern is not None:
                    answer.replies[:] = [_bare(reply, served.dialect.objects_only) for reply in answer.replies]
                return answer
            pause = max([pause, *(problem.wait for problem in problems)])
            left = deadline.left
            if not any(problem.again for problem in problems) or attempt.number + 1 == ATTEMPTS:
                break
            if left is not None and pause >= left:
                break
            await asyncio.sleep(pause)
            pause *= 2
        raise _together(problems)

    async def _connected(self, deadline: Deadline) -> Served:
        problems = []
        for server in self._servers:
            try:
                served = self._agreed(await server.ready(Attempt(deadline)))
            except ServerError as problem:
                problems.append(problem)
            else:
                self._model, self._description = served.model, served.description
                return served
        raise _together(problems)

    def _agreed(self, served: Served) -> Served:
        """Raises ServerError where it is not the model that the others have."""
        known = self._description
        same = served.description == known and (known.served_as or served.model == self._model)
        if known is not None and not same:
            raise ServerError(
                f"{served.model} is another model than {self._model}: have all servers serve the same, or start anew",
                again=False,
                healthy=True,
            )
        return served

    def _prefer(self, server: Server) -> None:
        if self._servers[0] is not server:
            self._servers.sort(key=lambda one: one is not server)


class ServedWindow:
    """One window's image and sound, and who is asked about them."""

    def __init__(
        self,
        runtime: ServedRuntime,
        system: str,
        image: NDArray[np.uint8] | None,
        audio: NDArray[np.float32] | None,
        deadline: Deadline,
    ) -> None:
        self.system = json.dumps({"role": "system", "content": system}).encode()
        self.deadline = deadline
        self.image_size = (0, 0)
        if image is not None:
            self.image_size = fitted_size(image.shape[1], image.shape[0], runtime.description)
        self._runtime = runtime
        self._given = image, audio
        self._begun: list[Work[list[list[Reply]]]] = []
        self._closed = False

    @cached_property
    def sound(self) -> bytes:
        """As base64 of a WAV file; empty where there is none."""
        return b"" if self._given[1] is None else sound_base64(self._given[1]).encode()

    @cached_property
    def picture(self) -> bytes:
        """As a data URL."""
        if self._given[0] is None:
            raise ValueError("it is asked about an image that it was not given")
        return self._runtime.picture(self._given[0])

    def ask(self, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:
        """A reply for each seed of each question, all of them in parallel."""
        self._give_up()
        return self._runtime.wait(self._start(questions, seen), self.deadline)

    def begin(self, questions: Sequence[Question], seen: Sequence[bool]) -> Callable[[int], Sequence[Reply]]:
        """The same of each question for itself, all of them under way once the first reply is waited for."""
        self._give_up()
        begun = self._begun

        def replies(number: int) -> Sequence[Reply]:
            if begun is not self._begun:
                raise BatchError("these questions were dropped for others: ask them again")
            if not begun:
                begun.extend(map(self._start, ([question] for question in questions), seen))
            return self._runtime.wait(begun[number], self.deadline)[0]

        return replies

    def close(self) -> None:
        """Ask no more; what is still asked is given up."""
        self._give_up()
        self._closed = True

    def _give_up(self) -> None:
        for work in self._begun:
            work.future.cancel()
        self._begun = []

    def _start(self, questions: Sequence[Question], seen: bool) -> Work[list[list[Reply]]]:
        if self._closed:
            raise ModelError("this window has been closed: take it in again to ask about it")
        # Encoded here, where somebody waits for it, and not on the thread that serves all windows.
        _ = self.sound, self.picture if seen else None
        return self._runtime.start(self._answers(questions, seen))

    async def _answers(self, questions: Sequence[Question], seen: bool) -> list[list[Reply]]:
        return await _all([self._replies(question, seen) for question in questions])

    async def _replies(self, question: Question, seen: bool) -> list[Reply]:
        """To one question: each from a request of its own, since no engine gives several each its own seed."""
        seeds = question.seeds
        if len(seeds) == 1 or self._runtime.together:
            return (await self._runtime.answered(self, question, seeds, seen)).replies
        replies: list[Reply] = [None] * len(seeds)

        async def one(place: int) -> bool:
            answer = await self._runtime.answered(self, question, seeds[place : place + 1], seen)
            replies[place] = answer.replies[0]
            return question.enough is not None and question.enough(replies)

        await _all([one(place) for place in range(len(seeds))], until=True)
        return replies


async def _all(work: Sequence[Coroutine[Any, Any, Any]], until: object = None) -> list[Any]:
    """What each gives, or what comes first of what they raise; the rest is cancelled, also once one gives `until`."""
    tasks = [asyncio.ensure_future(one) for one in work]
    try:
        left = set(tasks)
        while left:
            done, left = await asyncio.wait(left, return_when=asyncio.FIRST_COMPLETED)
            if until is not None and any(task.result() == until for task in done):
                return []
            for task in done:
                task.result()
        return [task.result() for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _body(served: Served, window: ServedWindow, question: Question, seeds: Sequence[int], seen: bool) -> bytes:
    """One request: the media first, in the same bytes each time."""
    dialect, sampling = served.dialect, question.sampling
    said: dict[str, object] = {
        "model": served.model,
        "stream": True,
        "stream_options": {"include_usage": True},
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "seed": seeds[0] % 2**SEED_BITS,
        "max_tokens": question.max_new_tokens,
        **dialect.extra,
    }
    if len(seeds) > 1:
        said["n"] = len(seeds)
    if dialect.processor and seen and served.description.processor:
        said["mm_processor_kwargs"] = dict(served.description.processor)
    if question.schema is not None:
        schema = flat(question.schema)
        wrapped = dialect.objects_only and schema.get("type") != "object"
        said |= dialect.constraint(as_object(schema) if wrapped else schema)
    sound = b'{"type": "input_audio", "input_audio": {"data": "%b%b", "format": "wav"}}'
    parts = [sound % (dialect.sound_head.encode(), window.sound)] if window.sound else []
    if seen:
        parts.append(b'{"type": "image_url", "image_url": {"url": "%b"}}' % window.picture)
    parts.append(json.dumps({"type": "text", "text": question.text}).encode())
    messages = b'"messages": [%b, {"role": "user", "content": [%b]}]' % (window.system, b", ".join(parts))
    return b"{%b, %b" % (messages, json.dumps(said).encode()[1:])


def _bare(reply: Reply, objects_only: bool) -> Reply:
    """A reply without what some models put around it: what they thought before, a fence, an object for its sake."""
    if not isinstance(reply, str):
        return reply
    text = reply.rpartition("</think>")[2].strip()
    if (fenced := FENCE.fullmatch(text)) is not None:
        text = fenced[1]
    if objects_only:
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            return text
        if isinstance(found, dict) and found.keys() == {WRAPPED}:
            return json.dumps(found[WRAPPED])
    return text


def _together(problems: Sequence[ServerError]) -> ServerError:
    """One sentence for all servers."""
    return problems[0] if len(problems) == 1 else ServerError("; ".join(dict.fromkeys(map(str, problems))))


def _key(variable: str) -> str:
    """The key of the environment variable; empty where there is none. Raises ModelError."""
    key = os.environ.get(variable, "").strip()
    if not key and variable != ServedOptions.api_key_variable:
        raise ModelError(f"the environment variable {variable} is empty: put the server's key there")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ModelError(f"the environment variable {variable} holds no key, but what no header can have: mend it")
    return key


def _close(loop: asyncio.AbstractEventLoop, thread: Thread, http: Any) -> None:
    """End all requests, connections and the thread."""

    async def end() -> None:
        left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        await http.aclose()
        await loop.shutdown_default_executor()

    ended = asyncio.run_coroutine_threadsafe(end(), loop)
    ended.add_done_callback(lambda _: loop.call_soon_threadsafe(loop.stop))
    if current_thread() is thread:  # where what is collected there held the last reference: it ends by itself
        return
    thread.join(PATIENCE_S)
    if not thread.is_alive():
        loop.close()
