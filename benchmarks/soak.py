"""Whether the localizer grows: a clip played to it in a loop, its memory, threads and sockets watched.

    python benchmarks/soak.py [--minutes 10] [--everything]

Printed every minute, and in the end how resident memory grew from the second minute to the last (medians of a sample
every 5 s, since windows in hand come and go) and whether the numbers of threads and sockets stayed as they were. Exit
status 1 where memory grew by 5 MB or more, or they did not. With --everything all inputs and outputs are on
(`everything.py`), at 640x480 and 30 Hz.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from everything import EVERYTHING, SIZE, everything

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Scene, SceneOptions
from gar_ssl_ros.offline.processes import graph, isolated

MOST = 5.0  # MB
EVERY = 5.0  # s


@dataclass(frozen=True)
class Sample:
    """s since the start; resident memory, MB; threads; sockets."""

    at: float
    memory: float
    threads: int
    sockets: int


def sample(process: psutil.Process, began: float) -> Sample:
    """As it is now."""
    files = Path(f"/proc/{process.pid}/fd").iterdir()
    sockets = sum(str(file.readlink()).startswith("socket:") for file in files if file.is_symlink())
    return Sample(time.monotonic() - began, process.memory_info().rss / 1e6, process.num_threads(), sockets)


def thread_names(process: psutil.Process) -> list[str]:
    """As the system knows them."""
    found = []
    for task in Path(f"/proc/{process.pid}/task").iterdir():
        with suppress(OSError):  # it has ended
            found.append((task / "comm").read_text().strip())
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--everything", action="store_true", help="all inputs and outputs on")
    options = parser.parse_args()
    minutes = options.minutes
    size = {"width": SIZE[0], "height": SIZE[1], "fps": 30} if options.everything else {}
    with tempfile.TemporaryDirectory() as folder:
        wanted = SceneOptions(difficulty=Difficulty.EASY, seed=1, seconds=20, **size)
        clip = write_scene(Scene(wanted), Path(folder), "clip")
        with isolated(), graph() as start, everything() if options.everything else nullcontext():
            localizer = start("localizer", EVERYTHING if options.everything else {})
            player = start("player", {"clip": clip, "loop": True, "wait": 20.0})
            watched, began = psutil.Process(localizer.process.pid), time.monotonic()
            samples: list[Sample] = []
            minute = round(60 / EVERY)
            while not samples or samples[-1].at < 60 * minutes:
                time.sleep(EVERY)
                localizer.ended()  # for its error
                player.ended()
                samples.append(sample(watched, began))
                if len(samples) > minute and samples[-1].threads != samples[minute].threads:
                    print(f"{samples[-1].threads} threads: {', '.join(sorted(thread_names(watched)))}", flush=True)
                if len(samples) % minute == 0:
                    print(samples[-1], flush=True)
    after = [one for one in samples if one.at >= 60] or samples
    first, last = (median(one.memory for one in part) for part in (after[:minute], after[-minute:]))
    growth = last - first
    most = max(one.memory for one in after)
    threads, sockets = ({getattr(one, what) for one in after} for what in ("threads", "sockets"))
    print(f"{minutes:g} min: resident memory {first:.1f} MB in the second minute, {last:.1f} MB in the last, ", end="")
    print(f"greatest {most:.1f} MB: grew by {growth:.1f} MB")
    print(f"threads {sorted(threads)}, sockets {sorted(sockets)}")
    return 0 if growth < MOST and len(threads) == len(sockets) == 1 else 1


if __name__ == "__main__":
    sys.exit(main())
