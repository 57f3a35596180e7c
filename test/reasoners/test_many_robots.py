"""Many robots on one server: each gets the answers about its own window, and nothing is left behind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("httpx2", reason="needs the extra served")

from serving import serving

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.served import served_reasoner

ROBOTS = 16
WINDOWS = 3
REQUESTS = 4  # of one robot at once: trials, and one that it has just given up
OPTIONS = GarOptions(trials=3, refinement=False)


@pytest.fixture(scope="module")
def server():
    with serving("--slots", "4") as one:
        yield one


@pytest.fixture
def robots(server):
    """Their reasoners, each with connections of its own, as in processes of their own."""
    server.fault()
    with ExitStack() as stack:
        options = ServedOptions(server=server.url, coordinates="pixels")
        yield [stack.enter_context(closing(served_reasoner(options))) for _ in range(ROBOTS)]


def view(robot: int) -> tuple[Window, Box]:
    """What one sees: a square of its own place in a picture, pixels."""
    x, y = 16 + 24 * (robot % 8), 16 + 64 * (robot // 8)
    picture = np.full((160, 224, 3), 90, np.uint8)
    picture[y : y + 32, x : x + 16] = (200, 30, 30)
    sound = audio_from_samples(0, np.sin(np.arange(16_000) / (5 + robot))[None] / 2, 16_000)
    frames = tuple(Frame(index * SECOND // 4, picture) for index in range(4))
    return Window(0, SECOND, frames, sound), Box(x, y, x + 16, y + 32)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_each_is_told_what_it_sees_itself_in_each_of_its_windows(server, robots):
    answered = [0] * ROBOTS
    before = len(server.log)
    server.fault("slow 2")  # ms a token: an engine computes, and does not stream one robot's reply in one go

    def live(robot: int) -> None:
        window, square = view(robot)
        for _ in range(WINDOWS):
            *_, found = localize(window, robots[robot], OPTIONS, Deadline(120))
            assert found.outcome is Outcome.LOCALIZED, found.detail
            assert found.sources[0].box.iou(square) > 0.8
            answered[robot] += 1

    with ThreadPoolExecutor(ROBOTS) as pool:
        list(pool.map(live, range(ROBOTS)))
    assert answered == [WINDOWS] * ROBOTS
    log = server.log[before:]
    assert max(entry["running"] for entry in log) <= ROBOTS * REQUESTS
    assert len({entry["connection"] for entry in log}) <= ROBOTS * REQUESTS  # kept, and used again


def test_all_can_be_cancelled_at_once_and_nothing_of_them_is_left(server):
    threads, files = threading.active_count(), open_files()
    server.fault("hang")
    deadlines = [Deadline() for _ in range(ROBOTS)]
    before = len(server.log)
    with ExitStack() as stack:
        options = ServedOptions(server=server.url, coordinates="pixels")
        robots = [stack.enter_context(closing(served_reasoner(options))) for _ in range(ROBOTS)]
        with ThreadPoolExecutor(ROBOTS) as pool:
            ends = [
                pool.submit(lambda robot: [*localize(view(robot)[0], robots[robot], OPTIONS, deadlines[robot])], robot)
                for robot in range(ROBOTS)
            ]
            server.until(lambda log: len(log) >= before + ROBOTS)
            for deadline in deadlines:
                deadline.cancel()
            for end in ends:
                with pytest.raises(Cancelled):
                    end.result()
    log = server.until(lambda log: all("until" in entry for entry in log))
    assert all(entry["gone"] for entry in log[before:])
    assert (threading.active_count(), open_files()) == (threads, files)
