"""The reasoner `served` against a server that speaks as the engines do, without a model (test/reasoners/engines.py).

    python benchmarks/served.py fuzz [--replies 10000]     replies spoiled at random, of each engine
    python benchmarks/served.py cancels [--windows 300]    windows cancelled and out of time at random: what is left?
    python benchmarks/served.py cost [--windows 30]        what a window costs beside the server's own time

cost: the same requests are sent again, in the same order and as parallel, by plain sockets, and each window's time is
compared with that. Exit status 1 where something broke, a box lies outside its image, or something is left.
"""

from __future__ import annotations

import argparse
import gc
import logging
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from random import Random
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import psutil
from hostile_replies import Unforeseen

from gar_ssl_ros.gar.boxes import Box, box_from_reply, clamp_refinement
from gar_ssl_ros.gar.consensus import consensus
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reading, ReasonerError, Unparseable
from gar_ssl_ros.gar.stages import AudioLabel, Failure, Hypothesis, Trial, Unseen
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.served import breaker, runtime, served_reasoner
from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner
from gar_ssl_ros.reasoners.served.server import Server

sys.path.insert(0, str(Path(__file__).parents[1] / "test"))
from serving import Serving, serving

DIALECTS = ("vllm", "sglang", "llamacpp", "dashscope", "openai")
MIB = 2**20
START = Box(10, 10, 40, 40)


def window(width: int, height: int, seed: int, seconds: float = 3.0) -> Window:
    """A picture like a camera's, smooth with some noise, and a tone."""
    draw = np.random.default_rng(seed)
    coarse = draw.integers(0, 255, (height // 16 + 1, width // 16 + 1, 3)).astype(np.float32)
    picture = np.kron(coarse, np.ones((16, 16, 1), np.float32))[:height, :width] + draw.normal(0, 3, (height, width, 3))
    frames = tuple(Frame(int(i * seconds * SECOND / 4), picture.clip(0, 255).astype(np.uint8)) for i in range(4))
    sound = np.sin(np.arange(int(16_000 * seconds)) / 5)[None] / 2
    return Window(0, int(seconds * SECOND), frames, audio_from_samples(0, sound, 16_000))


def made(server: Serving, **options: Any) -> ServedReasoner:
    return served_reasoner(ServedOptions(**{"server": server.url, "coordinates": "pixels", **options}))


def fuzz(options: argparse.Namespace) -> bool:
    breaker.FAILURES = 10**9  # each window is to be asked about
    runtime.FIRST_PAUSE_S = 0.0
    unforeseen, outside = Unforeseen(), 0
    logging.getLogger("gar_ssl_ros").addHandler(unforeseen)
    logging.getLogger("gar_ssl_ros").propagate = False
    draw = Random(options.seed)
    for dialect in options.dialect or DIALECTS:
        outcomes: Counter[str] = Counter()
        replies = windows = 0
        with serving("--dialect", dialect) as server:
            while replies < options.replies:
                told = {"seed": draw.randrange(2**31), "together": draw.random() < 0.9, "grounded": draw.random() < 0.5}
                told |= {"dialect": dialect, "off_screen": draw.random() < 0.5}
                one, shown = made(server, **told), window(96, 64, windows, 0.5)
                server.fault(f"fuzz {draw.random()}")
                for found in localize(shown, one, GarOptions(sources=draw.choice([1, 3]))):
                    outcomes[found.outcome.value] += 1
                with one.read(shown, Deadline()) as reading:
                    for name, sides in stages(reading, outcomes):
                        outcomes[name] += 1
                        box = box_from_reply(sides, 96, 64)
                        outside += name == "location" and not inside(sides)
                        outside += box is not None and not inside(clamp_refinement(START, box.sides, 96, 64).sides)
                windows += 1
                replies += sum(len(answer.replies) for answer in one._runtime.answers)
                server.fault()
                one.close()
        counts = ", ".join(f"{count} {name}" for name, count in outcomes.most_common())
        print(f"{dialect:<10}{replies:,} replies: {counts}", flush=True)
    print(f"{len(unforeseen.told)} crashes, {outside} boxes outside their image")
    print("\n".join(unforeseen.told[:5]))
    return not unforeseen.told and not outside


def stages(reading: Reading, outcomes: Counter[str]) -> Iterator[tuple[str, Sequence[float]]]:
    """Each stage whatever became of those before: the boxes that it names, and what it is."""
    asked = [Hypothesis(START, "a thing", AudioLabel("bell", 0.9)) for _ in range(3)]
    with suppress(Unparseable, ReasonerError):
        reading.classify()
        outcomes["label"] += 1
    with suppress(Unparseable, ReasonerError):
        located = reading.locate(3)
        for location in () if isinstance(located, Unseen) else located:
            yield "location", location.sides
    with suppress(Unparseable, ReasonerError):
        for trials in reading.analyze(asked, 50):
            outcomes.update("trial" if isinstance(trial, Trial) else "failed trial" for trial in trials)
    with suppress(Unparseable, ReasonerError):
        for refined in reading.refine([(one, consensus(())) for one in asked]):
            if isinstance(refined, Failure):
                outcomes["failed refinement"] += 1
            elif refined.sides is not None:
                yield "refinement", refined.sides


def inside(sides: Sequence[float], width: int = 96, height: int = 64) -> bool:
    x1, y1, x2, y2 = sides
    return 0 <= x1 < x2 <= width and 0 <= y1 < y2 <= height


def sockets() -> int:
    return len(psutil.Process().net_connections())


def cancels(options: argparse.Namespace) -> bool:
    breaker.FAILURES = 10**9
    draw, process = Random(options.seed), psutil.Process()
    outcomes: Counter[str] = Counter()
    shown = window(96, 64, 0, 0.5)
    memory = []
    with serving("--dialect", "vllm") as server:
        threads, before = threading.active_count(), sockets()
        one = made(server)
        server.fault("slow 3")
        late = 0.0
        for index in range(options.windows):
            deadline = Deadline(draw.choice([None, draw.uniform(0, 0.4)]))
            end = time.monotonic() + draw.uniform(0, 0.4)
            timer = threading.Timer(end - time.monotonic(), deadline.cancel)
            timer.start()
            try:
                (*_, last) = localize(shown, one, GarOptions(trials=5), deadline)
                outcomes[last.outcome.value] += 1
            except Cancelled:
                outcomes["cancelled"] += 1
                late = max(late, time.monotonic() - end)
            timer.cancel()
            timer.join()
            if index % max(1, options.windows // 10) == 0:
                gc.collect()
                memory.append(process.memory_info().rss / MIB)
        one.close()
        server.until(lambda log: all("until" in entry for entry in log))
        left = threading.active_count() - threads, sockets() - before
        asked = len(server.log)
    print(f"{options.windows} windows, {asked} requests: {dict(outcomes)}; a cancel was late by {late:.3f} s at most")
    print(f"left: {left[0]} threads, {left[1]} sockets; resident MiB: {' '.join(f'{each:.1f}' for each in memory)}")
    return not any(left)


class Recorded(Server):
    """Keeps what it sends, and when."""

    kept: list[tuple[float, float, bytes]]

    async def chat(self, body: bytes, *more: Any) -> Any:
        """As it does."""
        began = time.perf_counter()
        answer = await super().chat(body, *more)
        self.kept.append((began, time.perf_counter(), body))
        return answer


def cost(options: argparse.Namespace) -> bool:
    for together in (False, True):
        with serving("--dialect", "vllm") as server:
            runtime.Server = Recorded  # type: ignore[misc]
            one = made(server, together=together)
            server.fault(f"slow {options.token}")
            Recorded.kept = []
            shown = [window(640, 480, seed) for seed in range(options.windows)]
            [*localize(shown[0], one)]
            ours, theirs, busy, apart = [], [], [], []
            requests = size = 0
            for each in shown:
                Recorded.kept = []
                one.prepare(each, Deadline())  # as the localizer does, while the window comes
                began, used = time.perf_counter(), time.process_time()
                (*_, found) = localize(each, one, GarOptions(tau_av=1.0))
                ours.append(time.perf_counter() - began)
                busy.append(time.process_time() - used)
                if found.outcome is not Outcome.LOCALIZED:
                    raise SystemExit(found.detail)
                kept = sorted(Recorded.kept)
                requests, size = len(kept), sum(len(body) for *_, body in kept)
                theirs.append(replay(server.url, waves(kept)))
                apart.append(ours[-1] - theirs[-1])
            pictures = sum(b"image_url" in body for *_, body in kept)
            one.close()
        name = "together" if together else "each trial its own request"
        print(f"{name}: {requests} requests a window, {pictures} of them with the picture, {size / MIB:.1f} MiB; "
              f"median of {len(ours)}: {1000 * median(ours):.1f} ms, by plain sockets {1000 * median(theirs):.1f} ms, "
              f"difference {1000 * median(apart):.1f} ms; busy {1000 * median(busy):.1f} ms")  # fmt: skip
    return True


def waves(kept: list[tuple[float, float, bytes]]) -> list[list[bytes]]:
    """Requests that were under way at the same time, together."""
    made: list[tuple[float, list[bytes]]] = []
    for began, ended, body in kept:
        if made and began < made[-1][0]:
            made[-1] = max(ended, made[-1][0]), [*made[-1][1], body]
        else:
            made.append((ended, [body]))
    return [bodies for _, bodies in made]


def replay(url: str, asked: list[list[bytes]]) -> float:
    """How long the server takes for the same, s."""
    place = urlsplit(url)
    most = max(map(len, asked))
    lines = [socket.create_connection((place.hostname, place.port)) for _ in range(most)]
    began = time.perf_counter()
    for bodies in asked:
        threads = [threading.Thread(target=post, args=(*pair, place.path)) for pair in zip(lines, bodies, strict=False)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    took = time.perf_counter() - began
    for line in lines:
        line.close()
    return took


def post(line: socket.socket, body: bytes, path: str) -> None:
    head = f"POST {path}/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    line.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    seen = b""
    while not seen.endswith(b"0\r\n\r\n"):
        seen += line.recv(65536)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parts = parser.add_subparsers(required=True)
    for name, work in (("fuzz", fuzz), ("cancels", cancels), ("cost", cost)):
        part = parts.add_parser(name)
        part.set_defaults(work=work)
        part.add_argument("--seed", type=int, default=1)
        part.add_argument("--token", type=float, default=10, help="that the server takes for one, as engines do, ms")
        part.add_argument("--dialect", action="append", choices=DIALECTS, help="of fuzz: only that one")
        part.add_argument("--replies", type=int, default=10_000)
        part.add_argument("--windows", type=int, default={"cancels": 300}.get(name, 30))
    options = parser.parse_args()
    return 0 if options.work(options) else 1


if __name__ == "__main__":
    sys.exit(main())
