"""How much memory grows while a long recording is localized.

    python benchmarks/memory.py [--minutes 30] [--size 320x240]

A recording of that length is rendered, then `gar-ssl localize` runs on it in a process of its own whose resident size
is read once a second of its life. Printed: the size a minute of recording into it, and the greatest after that.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import av
import psutil

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--size", default="320x240")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(folder) / "long.mp4"
        lengthen(clip, options.size, options.minutes)
        records = Path(folder) / "out" / "long.jsonl"
        process = subprocess.Popen([*COMMAND, "localize", str(clip), "--out", str(records.parent)])
        watched = psutil.Process(process.pid)
        sizes: list[tuple[float, float]] = []  # s of recording done, MB
        started = time.monotonic()
        while process.poll() is None:
            try:
                sizes.append((done_seconds(records), watched.memory_info().rss / 1e6))
            except psutil.NoSuchProcess:
                break
            time.sleep(0.25)
        took = time.monotonic() - started
    after = [size for done, size in sizes if done >= 60]
    print(f"{options.minutes:g} min at {options.size}: {took:.0f} s in all, exit status {process.returncode}")
    print(f"resident size a minute in: {after[0]:.0f} MB; greatest after that: {max(after):.0f} MB; ", end="")
    print(f"growth {max(after) - after[0]:.0f} MB (records, then the annotated video)")


def lengthen(clip: Path, size: str, minutes: float) -> None:
    """A minute is rendered once and repeated by FFmpeg's own means, its packets copied."""
    folder = clip.parent / "minute"
    wanted = ["--size", size, "--seconds", "60", "--difficulty", "easy", "--seed", "1"]
    subprocess.run([*COMMAND, "scenes", "--out", str(folder), *wanted], check=True, stdout=subprocess.DEVNULL)
    minute = next(folder.glob("*.mp4"))
    with av.open(str(clip), "w") as target, av.open(str(minute)) as first:
        kinds = {stream.type: target.add_stream_from_template(stream) for stream in first.streams}
        last = dict.fromkeys(kinds, -math.inf)
        for turn in range(max(1, round(minutes))):
            with av.open(str(minute)) as source:
                for packet in source.demux(*source.streams):
                    if packet.dts is None or packet.pts is None:
                        continue
                    kind, shift = packet.stream.type, round(60 * turn / packet.time_base)
                    packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                    if packet.dts <= last[kind]:  # the sound of a minute is a little longer than its pictures
                        continue
                    last[kind] = packet.dts
                    packet.stream = kinds[kind]
                    target.mux(packet)


def done_seconds(records: Path) -> float:
    """How much of the recording the last whole record reaches."""
    if not records.exists() or records.stat().st_size < 100:
        return 0.0
    with records.open("rb") as file:
        file.seek(max(0, records.stat().st_size - 60_000))
        lines = file.read().split(b"\n")
    return float(json.loads(lines[-2])["end_s"]) if len(lines) > 1 and lines[-2].startswith(b"{") else 0.0


if __name__ == "__main__":
    main()
