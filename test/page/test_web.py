"""The page's server: real sockets, real clients, and whoever means harm."""

from __future__ import annotations

import asyncio
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as connected
from websockets.exceptions import ConnectionClosed

from gar_ssl_ros.page.access import Access
from gar_ssl_ros.page.commands import Command, CommandError, Enable, Localize, SetParameter
from gar_ssl_ros.page.feed import Feed, Picture
from gar_ssl_ros.page.server import MAX_MESSAGE_BYTES, Server, ServerError
from gar_ssl_ros.page.web import FULL, MOST_CLIENTS, MOST_IN_HAND, REFUSED, application

MS = 10**6


class Told:
    """Stands behind the page, and notes what it is asked for."""

    def __init__(self) -> None:
        self.feed = Feed()
        self.hello = {"mode": "live", "title": "a test", "can": {}, "lanes": [{"name": ""}], "version": "0"}
        self.asked: list[Command] = []
        self.held = Event()
        self.held.set()

    def picture(self, stamp: int) -> Picture | None:
        return self.feed.picture(stamp)

    def sound(self, begin: int, end: int) -> bytes:
        return self.feed.sound(begin, end)

    def do(self, command: Command) -> str:
        self.asked.append(command)
        self.held.wait(30)
        if isinstance(command, Enable):
            raise CommandError("it cannot be enabled: there is nothing to enable")
        if isinstance(command, SetParameter):
            raise ZeroDivisionError
        return "done"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Told, int]]:
    behind = Told()
    with Server(application(behind, Access()), "127.0.0.1", 0) as server:
        yield behind, server.port


@pytest.fixture
def behind(served) -> Told:
    served[0].feed.reset()
    served[0].asked.clear()
    return served[0]


@pytest.fixture
def port(served) -> int:
    return served[1]


def get(port: int, path: str, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read(), dict(answer.headers)
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, problem.read(), dict(problem.headers)


def stream(port: int, **more: Any) -> connected:
    options = {"origin": f"http://127.0.0.1:{port}", "max_size": None, "max_queue": None, **more}
    return connected(f"ws://127.0.0.1:{port}/stream", **options)


async def until(page: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of that kind."""
    while True:
        message = await asyncio.wait_for(page.recv(), 30)
        if isinstance(message, str) and json.loads(message)["type"] == kind:
            return json.loads(message)


async def picture(page: ClientConnection) -> bytes:
    while True:
        message = await asyncio.wait_for(page.recv(), 30)
        if isinstance(message, bytes) and message[0] == 1:
            return message


async def command(page: ClientConnection, **values: Any) -> None:
    await page.send(json.dumps(values))


def test_a_page_is_told_what_it_looks_at_first_and_then_what_is_new(behind, port):
    async def look() -> None:
        behind.feed.see(Picture(5 * MS, 4, 3, b"first"))
        async with stream(port) as page:
            assert json.loads(await page.recv())["type"] == "hello"
            assert (await picture(page)).endswith(b"first")
            behind.feed.see(Picture(6 * MS, 4, 3, b"second"))
            assert (await picture(page)).endswith(b"second")

    asyncio.run(look())


def test_commands_are_answered_each_by_its_number(behind, port):
    async def ask() -> None:
        async with stream(port) as page:
            await command(page, do="ping", id=1)
            assert (await until(page, "pong"))["id"] == 1
            await command(page, do="localize", id=2)
            assert await until(page, "told") == {"type": "told", "id": 2, "ok": True, "text": "done"}
            await command(page, do="enable", id=3, on=True)
            refused = await until(page, "told")
            assert (refused["ok"], refused["text"]) == (False, "it cannot be enabled: there is nothing to enable")
            await command(page, do="set", id=4, name="hop", value=1)  # which breaks what stands behind
            assert (await until(page, "told"))["ok"] is False
        assert behind.asked == [
            Localize(do="localize", id=2),
            Enable(do="enable", id=3, on=True),
            SetParameter(do="set", id=4, name="hop", value=1),
        ]

    asyncio.run(ask())


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"do": "fly", "id": 1}', '{"do": "ping"}', '{"do": "ping", "id": 1, "more": 2}',
     '{"do": "seek", "id": 1, "to": NaN}', '{"do": "rate", "id": 1, "rate": 1e9}',
     '{"do": "set", "id": 1, "name": "a", "value": []}',
     '{"do": "ping", "id": ' + "1" * 5000 + "}", "[" * 3000],
)  # fmt: skip
def test_a_command_that_means_nothing_is_told_in_a_sentence_and_breaks_nothing(behind, port, text):
    async def ask() -> None:
        async with stream(port) as page:
            await page.send(text)
            told = await until(page, "told")
            assert told["ok"] is False
            assert len(told["text"].splitlines()) == 1
            assert "command" in told["text"]
            await command(page, do="ping", id=9)
            assert (await until(page, "pong"))["id"] == 9
        assert behind.asked == []

    asyncio.run(ask())


@pytest.mark.parametrize("message", [b"\0" * 10, "x" * (MAX_MESSAGE_BYTES + 1)])
def test_bytes_and_what_is_too_large_end_that_page_alone(behind, port, message):
    async def ask() -> None:
        async with stream(port) as other, stream(port) as page:
            with suppress(ConnectionClosed):  # which may be while it is being sent
                await page.send(message)
            await asyncio.wait_for(page.wait_closed(), 30)
            await command(other, do="ping", id=1)
            assert (await until(other, "pong"))["id"] == 1

    asyncio.run(ask())


def test_a_page_may_have_a_few_commands_in_hand(behind, port):
    async def ask() -> None:
        async with stream(port) as page:
            behind.held.clear()
            for number in range(MOST_IN_HAND + 1):
                await command(page, do="localize", id=number)
            told = await until(page, "told")
            assert (told["id"], told["ok"]) == (MOST_IN_HAND, False)
            await command(page, do="ping", id=99)  # which waits for none of them
            assert (await until(page, "pong"))["id"] == 99
            behind.held.set()
            assert {(await until(page, "told"))["id"] for _ in range(MOST_IN_HAND)} == set(range(MOST_IN_HAND))

    asyncio.run(ask())


def test_a_page_that_hides_is_sent_no_pictures(behind, port):
    async def look() -> None:
        async with stream(port) as page:
            await command(page, do="look", id=1, on=False)
            await until(page, "told")
            behind.feed.see(Picture(MS, 4, 3, b"unseen"))
            behind.feed.tell("health", problems=["after the picture"])
            await until(page, "health")
            await command(page, do="look", id=2, on=True)
            await until(page, "told")
            behind.feed.see(Picture(2 * MS, 4, 3, b"seen"))
            assert (await picture(page)).endswith(b"seen")

    asyncio.run(look())


def test_a_page_that_takes_nothing_costs_no_memory_and_the_others_lose_nothing(behind, port):
    """Its pictures go nowhere: sent through, they would be 400 MB."""

    async def look() -> None:
        async with stream(port, max_queue=1) as stopped, stream(port) as page:
            await until(stopped, "hello")
            await until(page, "hello")
            content = bytes(2**21)
            for number in range(1, 201):
                behind.feed.see(Picture(number * MS, 4, 3, content))
                seen = await picture(page)
                assert len(seen) == 16 + len(content)
            stopped.transport.abort()

    asyncio.run(look())


def test_so_many_may_look_and_one_more_is_told_why_not(behind, port):
    async def look() -> None:
        pages = [await stream(port) for _ in range(MOST_CLIENTS)]
        for page in pages:
            await until(page, "hello")
        async with stream(port) as one_more:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(one_more.recv(), 30)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == FULL
            assert "close one" in closed.value.rcvd.reason
        for page in pages:
            await page.close()
        async with stream(port) as page:  # there is room again
            await until(page, "hello")

    asyncio.run(look())


@pytest.mark.parametrize("origin", ["http://evil.example", None, "null"])
def test_a_page_of_another_server_is_not_listened_to(behind, port, origin):
    async def look() -> None:
        async with stream(port, origin=origin) as page:
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(page.recv(), 30)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == REFUSED

    asyncio.run(look())
    assert get(port, "/", Host="evil.example")[0] == 403


def test_every_answer_tells_the_browser_what_a_page_may_do(behind, port):
    for path in ("/", "/static/none", "/picture?stamp=1", "/none"):
        headers = get(port, path)[2]
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"


def test_a_picture_and_sound_of_a_time_are_given(behind, port):
    assert get(port, "/picture?stamp=5")[0] == 404
    behind.feed.see(Picture(5 * MS, 4, 3, b"there"))
    status, content, headers = get(port, "/picture?stamp=5.2")
    assert (status, content, headers["x-stamp"], headers["content-type"]) == (200, b"there", "5.0", "image/jpeg")
    assert get(port, "/sound?begin=0&end=10")[:2] == (200, b"")
    for path in ("/picture?stamp=x", "/picture?stamp=nan", "/sound?begin=0", "/sound?begin=0&end=inf", "/picture"):
        assert get(port, path)[0] in (400, 404), path
    assert get(port, "/static/../web.py")[0] == 404
    assert get(port, "/static/%2e%2e/web.py")[0] == 404


def test_with_a_token_only_who_has_it_sees_anything():
    behind = Told()
    access = Access("0.0.0.0")
    with Server(application(behind, access), "127.0.0.1", 0) as server:
        status, content, headers = get(server.port, "/")
        assert (status, b"token" in content, "set-cookie" in headers) == (403, True, False)
        assert get(server.port, "/static/page.js")[0] == 403
        status, _, headers = get(server.port, f"/?token={access.token}")
        cookie = headers["set-cookie"].partition(";")[0]
        assert status in (200, 404)

        async def look(**headers: str) -> Any:
            async with stream(server.port, additional_headers=headers) as page:
                return json.loads(await asyncio.wait_for(page.recv(), 30))["type"]

        assert asyncio.run(look(Cookie=cookie)) == "hello"
        with pytest.raises(ConnectionClosed):
            asyncio.run(look())


def test_a_port_that_is_taken_is_one_sentence(port):
    with pytest.raises(ServerError, match=rf"port {port} .*choose another --port"):
        Server(application(Told(), Access()), "127.0.0.1", port)
    with pytest.raises(ServerError, match="choose another"):
        Server(application(Told(), Access()), "no.such.host.invalid", 0)
