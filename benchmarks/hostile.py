"""What it stands: hostile messages, requests and replies by the ten thousand, part by part, each bounded in time.

    python benchmarks/hostile.py [--part NAME ...] [--seconds S] [--share X] [--seed N]

Prints a line for each part: cases, of how many; tracebacks (whatever is raised that nobody foresaw), hangs (a case that
took longer than 30 s), deaths (of a process), the slowest case, and what else the part has to say. A part that is out
of time says how far it came. Exit status 1 where a part found any of those, or missed what it promises.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module

HANG = 30.0  # s
SHOWN = 5  # examples of what went wrong


@dataclass(frozen=True)
class Part:
    """name: as of --part. run: module:function, given a Tally. cases: to do, within so many seconds."""

    name: str
    about: str
    run: str
    cases: int
    seconds: float


# A part is a module beside this one, and a line here.
PARTS = (
    Part("commands", "command lines that nobody should type, each a process", "hostile_commands:run", 1000, 1800),
    Part("clips", "damaged recordings, whole ones between them", "hostile_media:clips", 60, 600),
    Part("bags", "damaged bags", "hostile_media:bags", 40, 600),
    Part("conversions", "direct calls of each conversion of a message", "hostile_conversions:run", 240_000, 600),
    Part("replies", "model replies of any text, through the method", "hostile_replies:run", 100_000, 600),
    Part("node", "raw messages and requests to a live localizer", "hostile_node:run", 50_000, 600),
)


@dataclass
class Tally:
    """What a part is to do, and what became of it. share: of its cases. notes: sentences. broken: promises missed."""

    part: Part
    seed: int
    cases: int
    end: float  # monotonic s
    done: int = 0
    tracebacks: int = 0
    hangs: int = 0
    deaths: int = 0
    slowest: float = 0.0  # s
    slowest_case: str = ""
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def out_of_time(self) -> bool:
        """True if the part is to come to its end."""
        return time.monotonic() > self.end

    @contextmanager
    def case(self, what: str, *foreseen: type[BaseException]) -> Iterator[None]:
        """One case: what it raises is a traceback unless foreseen."""
        began = time.perf_counter()
        try:
            yield
        except foreseen:
            pass
        except Exception as problem:
            self.traceback(f"{what}: {type(problem).__name__}: {problem}")
        took = time.perf_counter() - began
        self.done += 1
        self.hangs += took > HANG
        if took > self.slowest:
            self.slowest, self.slowest_case = took, what

    def traceback(self, told: str) -> None:
        """Something was raised that nobody foresaw."""
        self.tracebacks += 1
        if len(self.examples) < SHOWN:
            self.examples.append(" ".join(told.split())[:300])

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Without what C libraries say of damaged pictures on standard error."""
        kept = os.dup(2)
        with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # a descriptor, not a file
            os.dup2(nowhere.fileno(), 2)
        try:
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)

    @property
    def right(self) -> bool:
        """True if nothing went wrong."""
        return not (self.tracebacks or self.hangs or self.deaths or self.broken)


def run(part: Part, seconds: float | None, share: float, seed: int) -> Tally:
    """Do one part."""
    limit = part.seconds if seconds is None else seconds
    tally = Tally(part, seed, max(1, round(part.cases * share)), time.monotonic() + limit)
    module, _, function = part.run.partition(":")
    work: Callable[[Tally], None] = getattr(import_module(module), function)
    work(tally)
    return tally


def told(tally: Tally, took: float) -> str:
    """A part's line, with what belongs to it below."""
    counts = f"{tally.done:>8,} of {tally.cases:,}"
    found = f"{tally.tracebacks:>3} tracebacks {tally.hangs:>3} hangs {tally.deaths:>3} deaths"
    slowest = f"slowest {tally.slowest:.3f} s" + (f" ({tally.slowest_case})" if tally.slowest_case else "")
    lines = [f"{tally.part.name:<12}{counts:>20}  {found}  {took:6.1f} s  {slowest}"]
    lines += [f"{'':<12}{note}" for note in tally.notes]
    lines += [f"{'':<12}BROKEN: {one}" for one in tally.broken]
    return "\n".join([*lines, *(f"{'':<12}{one}" for one in tally.examples)])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=[part.name for part in PARTS], help="only that one")
    parser.add_argument("--seconds", type=float, help="at most so long for each part, instead of its own bound")
    parser.add_argument("--share", type=float, default=1.0, help="of each part's cases")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    right = True
    for part in PARTS:
        if options.part and part.name not in options.part:
            continue
        print(f"{part.name}: {part.about} ...", flush=True)
        began = time.monotonic()
        tally = run(part, options.seconds, options.share, options.seed)
        print(told(tally, time.monotonic() - began), flush=True)
        right = right and tally.right
    return 0 if right else 1


if __name__ == "__main__":
    sys.modules["hostile"] = sys.modules["__main__"]  # the parts know it by this name
    sys.exit(main())
