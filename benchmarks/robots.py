"""Many robots on one server, and an evaluation with many samples in flight: throughput, fairness, what it holds.

python benchmarks/robots.py robots    --robots 16 --seconds 30 --slots 8 --slow 20
python benchmarks/robots.py in-flight --at-once 1 4 16 32 --samples 64 --slots 32 --slow 20

Without --server, against test/reasoners/engines.py, which takes so many ms for a token and answers so many requests at
once, the others in their order: figures are those of waiting and of our side, not of a model.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections import Counter
from contextlib import ExitStack, closing, nullcontext
from pathlib import Path

import numpy as np
import psutil

sys.path.append(str(Path(__file__).parents[1] / "test"))
from serving import Serving, serving

from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.engines import locally
from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.settings import settings_from_values
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.served import served_reasoner

MIB = 2**20


def view(robot: int, number: int) -> Window:
    """What a robot sees in its window of that number: noise of its own, so that nothing is in any cache."""
    draw = np.random.default_rng((robot, number))
    picture = draw.integers(0, 255, (15, 20, 3), np.uint8).repeat(32, 0).repeat(32, 1)
    sound = audio_from_samples(0, draw.normal(0, 0.1, (1, 32_000)), 16_000)
    return Window(0, 2 * SECOND, tuple(Frame(i * SECOND // 4, picture) for i in range(8)), sound)


def robots(told: argparse.Namespace, server: Serving) -> None:
    took: list[list[float]] = [[] for _ in range(told.robots)]
    failed: list[str] = []
    end = time.monotonic() + told.seconds
    options = ServedOptions(server=server.url, model=told.model, coordinates="pixels")
    us = psutil.Process()
    before, cpu = us.memory_info().rss, time.process_time()
    most = {"threads": 0, "files": 0, "rss": 0}

    def live(robot: int, reasoner: object) -> None:
        number = 0
        while time.monotonic() < end:
            started = time.monotonic()
            *_, found = localize(view(robot, number), reasoner, GarOptions(trials=told.trials), Deadline(told.deadline))  # type: ignore[arg-type]
            if found.outcome.failed:
                failed.append(f"{found.outcome.value}: {found.detail}")
            else:
                took[robot].append(time.monotonic() - started)
            number += 1

    with ExitStack() as stack:
        made = [stack.enter_context(closing(served_reasoner(options))) for _ in range(told.robots)]
        threads = [threading.Thread(target=live, args=(robot, each)) for robot, each in enumerate(made)]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            most["threads"] = max(most["threads"], us.num_threads())
            most["files"] = max(most["files"], us.num_fds())
            most["rss"] = max(most["rss"], us.memory_info().rss)
            time.sleep(0.2)
    counts = [len(one) for one in took]
    every = sorted(second for one in took for second in one)
    seconds = time.monotonic() - end + told.seconds
    print(
        f"{told.robots} robots, {told.trials} trials, {seconds:.1f} s: "
        f"{sum(counts)} windows answered, {len(failed)} failed"
    )
    print(f"  fair: {min(counts)} to {max(counts)} windows a robot (least/most {min(counts) / max(*counts, 1):.2f})")
    for why, often in Counter(failed).most_common(3):
        print(f"  failed {often} times: {why}")
    if every:
        half, late = every[len(every) // 2], every[int(len(every) * 0.95)]
        print(
            f"  a window took {half:.2f} s (median), {late:.2f} s (95 %); {sum(counts) / seconds:.2f} windows a second"
        )
    spent = (time.process_time() - cpu) / max(sum(counts), 1)
    print(
        f"  our side: {spent * 1000:.0f} ms of CPU a window, {(most['rss'] - before) / MIB:.0f} MiB more for all robots"
    )
    print(f"  at most {most['threads']} threads, {most['files']} files; after: {us.num_threads()}, {us.num_fds()}")
    if told.server is None:
        log = server.log
        connections = len({entry["connection"] for entry in log})
        print(
            f"  {len(log)} requests over {connections} connections, "
            f"at most {max(one['running'] for one in log)} at once"
        )


def in_flight(told: argparse.Namespace, server: Serving) -> None:
    folder = told.folder
    if not folder.exists():
        folder.mkdir(parents=True)
        for seed in range(told.samples):
            write_scene(
                Scene(SceneOptions(kind=Kind.ONE, seed=seed, width=160, height=120, seconds=2.0)), folder, f"{seed}"
            )
    samples = dataset("folder", folder).samples[: told.samples]
    given = {"reasoner": "served", "server": server.url, "model": told.model, "coordinates": "pixels"}
    settings = settings_from_values({**given, "trials": told.trials})
    alone = 0.0
    for count in told.at_once:
        started, cpu = time.monotonic(), time.process_time()
        records = list(locally(samples, settings, count))
        seconds, spent = time.monotonic() - started, time.process_time() - cpu
        alone = alone or len(records) / seconds
        failed = sum(record.failure is not None for record in records)
        rate = len(records) / seconds
        print(
            f"{count} in flight: {len(records)} samples in {seconds:.1f} s, {rate:.2f} a second, "
            f"{rate / alone:.1f} times the first; {failed} failed; "
            f"{spent / len(records) * 1000:.0f} ms of our CPU a sample"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("robots", "in-flight"))
    parser.add_argument("--server", help="a real one's address")
    parser.add_argument("--model", default="")
    parser.add_argument("--trials", type=int, default=5)
    parser.add_argument("--slots", default="8")
    parser.add_argument("--slow", default="20", help="ms a token")
    parser.add_argument("--robots", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--deadline", type=float, default=60, help="s, of a window")
    parser.add_argument("--at-once", type=int, nargs="+", default=[1, 4, 16])
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/gar_ssl_robots"), help="for the scenes")
    told = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    own = serving("--slots", told.slots, "--fault", f"slow {told.slow}")
    with nullcontext(Serving(told.server)) if told.server else own as server:
        (robots if told.what == "robots" else in_flight)(told, server)


if __name__ == "__main__":
    main()
