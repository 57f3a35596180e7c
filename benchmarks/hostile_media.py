"""Parts of hostile.py: damaged recordings and bags, through `gar-ssl localize` and `gar-ssl bag` as processes.

Recordings of five containers and codecs, and bags of both kinds, are damaged in a few ways each: bytes changed here and
there, a stretch zeroed, a stretch left out, the end cut off. The whole recording that stands between the damaged ones
must be localized as ever, and every line that is written must be a record.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import gar_ssl_ros.messages.ros  # noqa: F401  # before whatever needs a message

# isort: split
import av
import numpy as np
from hostile import HANG, Tally
from rosbags.rosbag2 import StoragePlugin

sys.path.append(str(Path(__file__).parents[1] / "test" / "bags"))
from bags import write_bag

from gar_ssl_ros.bags.rosbag import Bag, BagError
from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND, Audio, Frame
from gar_ssl_ros.output.record import read_records

KINDS = (("mp4", "libx264"), ("mkv", "mjpeg"), ("avi", "mpeg4"), ("ts", "mpeg2video"), ("mkv", "ffv1"))
RATE = 25  # pictures a second: one that all these codecs know
AT_ONCE = 10  # recordings that one command line names
Damage = Callable[[bytearray, Random], None]


def clips(tally: Tally) -> None:
    """Damaged recordings, ten to a command line with a whole one between them."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        good = write_scene(Scene(SceneOptions(seconds=6.0)), folder, "good")
        sources = [_transcoded(good, folder / f"{codec}.{suffix}", codec) for suffix, codec in KINDS]
        made = []
        for number in range(tally.cases):
            source = sources[number % len(sources)]
            damage = DAMAGES[number // len(sources) % len(DAMAGES)]
            content = bytearray(source.read_bytes())
            damage(content, Random(f"{tally.seed} {number}"))
            made.append(folder / f"{number:03}_{source.stem}_{damage.__name__.strip('_')}{source.suffix}")
            made[-1].write_bytes(content)
        outcomes: Counter[str] = Counter()
        for first in range(0, len(made), AT_ONCE):
            some = made[first : first + AT_ONCE]
            if tally.out_of_time:
                break
            out = folder / f"out{first}"
            halves = [*some[: AT_ONCE // 2], good, *some[AT_ONCE // 2 :]]
            said = _gar_ssl(tally, ["localize", *map(str, halves), "--out", str(out), "--no-video"], len(some))
            for path in some:
                records = _records(tally, out / f"{path.stem}.jsonl")
                outcomes.update(records or [_refusal(said, path)])
            if (whole := _records(tally, out / "good.jsonl")) != ["LOCALIZED", "LOCALIZED"]:
                tally.broken.append(f"the whole recording beside {some[0].name} gave {whole}")
        tally.notes.append(", ".join(f"{count} {what}" for what, count in outcomes.most_common()))


def bags(tally: Tally) -> None:
    """Damaged bags, one to a command line."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        whole = [_bag(folder, plugin) for plugin in (StoragePlugin.MCAP, StoragePlugin.SQLITE3)]
        outcomes: Counter[str] = Counter()
        for number in range(tally.cases):
            if tally.out_of_time:
                break
            source = whole[number % len(whole)]
            damage = DAMAGES[number // len(whole) % len(DAMAGES)]
            content = bytearray(source.read_bytes())
            damage(content, Random(f"{tally.seed} {number}"))
            path = folder / f"{number:03}{source.suffix}"
            path.write_bytes(content)
            out = folder / f"out{number}"
            said = _gar_ssl(tally, ["bag", str(path), "--out", str(out)], 1)
            if not out.exists():
                outcomes["refused"] += 1
                if str(path) not in said:
                    tally.broken.append(f"{path.name} left nothing, and no sentence: {said[-200:]}")
                continue
            try:
                with Bag(out) as bag:
                    answers = sum(one.topic == "/localizer/sources" for one in bag.messages())
                outcomes["read whole" if answers >= 3 else "read in part"] += 1
            except BagError as problem:
                tally.broken.append(f"the bag made of {path.name} cannot be read: {problem}")
        tally.notes.append(", ".join(f"{count} {what}" for what, count in outcomes.most_common()))


def _changed(content: bytearray, random: Random) -> None:
    for _ in range(max(1, len(content) // 2000)):
        content[random.randrange(len(content))] = random.randrange(256)


def _zeroed(content: bytearray, random: Random) -> None:
    length = len(content) // random.randint(4, 40)
    first = random.randrange(len(content) - length)
    content[first : first + length] = bytes(length)


def _left_out(content: bytearray, random: Random) -> None:
    length = len(content) // random.randint(4, 40)
    first = random.randrange(len(content) - length)
    del content[first : first + length]


def _cut(content: bytearray, random: Random) -> None:
    del content[random.randrange(len(content)) :]


def _headless(content: bytearray, random: Random) -> None:
    for at in range(random.randint(16, 2000)):
        if at < len(content) and random.random() < 0.3:
            content[at] = random.randrange(256)


DAMAGES: tuple[Damage, ...] = (_changed, _zeroed, _left_out, _cut, _headless)


def _gar_ssl(tally: Tally, arguments: list[str], cases: int) -> str:
    """Run a command line of so many cases; what it said."""
    began = time.monotonic()
    command = [sys.executable, "-m", "gar_ssl_ros.cli", *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=os.environ
    ) as process:
        try:
            said, _ = process.communicate(timeout=HANG * cases)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            tally.hangs += 1
            tally.examples.append(f"hangs: {arguments[1]}")
    text = said.decode(errors="replace")
    tally.done += cases
    if "Traceback" in text or "a defect of gar-ssl" in text:
        tally.traceback(text[-300:])
    if process.returncode < 0:
        tally.deaths += 1
        tally.examples.append(f"signal {-process.returncode}: {arguments[1]}: {text[-200:]}")
    took = (time.monotonic() - began) / cases
    if took > tally.slowest:
        tally.slowest, tally.slowest_case = took, Path(arguments[1]).name
    return text


def _records(tally: Tally, path: Path) -> list[str]:
    """The outcomes in a file of records; none where there is no such file."""
    if not path.exists():
        return []
    with tally.case(path.name):
        tally.done -= 1  # counted with its command line
        return [record.outcome.value for record in read_records(path)]
    return []


def _refusal(said: str, path: Path) -> str:
    return "refused in a sentence" if str(path) in said else f"said nothing of {path.name}"


def _transcoded(source: Path, path: Path, codec: str) -> Path:
    clip = Clip(source)
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=RATE)
        video.width, video.height = clip.info.width, clip.info.height
        video.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        sound = container.add_stream("mp2" if path.suffix in (".ts", ".avi") else "aac", rate=16_000, layout="mono")
        to_codec = av.AudioResampler(format=sound.format.name, layout="mono", rate=16_000, frame_size=sound.frame_size)
        latest = -1
        for item in clip.read():
            if isinstance(item, Frame):
                frame = av.VideoFrame.from_ndarray(item.image, format="rgb24")
                latest = max(latest + 1, round(item.stamp * RATE / SECOND))
                frame.pts, frame.time_base = latest, Fraction(1, RATE)
                container.mux(video.encode(frame))
            elif isinstance(item, Audio):
                packed = av.AudioFrame.from_ndarray(np.ascontiguousarray(item.samples[:1]), "fltp", "mono")
                packed.sample_rate = item.rate
                for part in to_codec.resample(packed):
                    container.mux(sound.encode(part))
        container.mux(video.encode(None))
        container.mux(sound.encode(None))
    return path


def _bag(folder: Path, plugin: StoragePlugin) -> Path:
    """The one file of a whole bag of 6 s."""
    made = write_bag(folder / plugin.name.lower(), Scene(SceneOptions(seconds=6.0, width=160, height=120)), plugin)
    (file,) = (path for path in made.iterdir() if path.suffix in (".mcap", ".db3"))
    return file
