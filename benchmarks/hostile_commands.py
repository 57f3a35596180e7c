"""Part of hostile.py: command lines that nobody should type, each a process of its own among files that somebody needs.

Each must end by itself with exit status 1 or 2 and a few lines without a traceback, and leave every file in the folder
as it was, the results of good command lines among them.
"""

from __future__ import annotations

import hashlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hostile import HANG, Tally

from gar_ssl_ros.evaluation.scenes.files import write_scene
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions

LONGEST = 60  # lines that a mistake is answered with: usage, and a sentence for each of several files
COUNTS = ("0", "-1", "1.5", "nan", "inf", "", "x", "99999999999999999999", "0x10", "1e3")
SHARES = ("-0.1", "1.1", "nan", "inf", "-inf", "", "half", "1e999", "0,5")
TIMES = ("0", "-3", "nan", "inf", "", "soon", "1e999", "601")
NAMES = ("oracle", "", "signal,omni", "os:abort:x", ":", "no_such_module:f", "os:getcwd", "../signal")
GAR = {"--trials": COUNTS, "--sources": COUNTS, "--tau-av": SHARES, "--tau-aud": SHARES, "--reasoner": NAMES}
CUTS = {"--window": TIMES, "--hop": TIMES}
MODEL = {
    "--dtype": ("int4", ""),
    "--quantization": ("all", ""),
    "--attention": ("none", ""),
    "--seed": ("x", "1.5", ""),
}
PLAIN = (
    [], ["fly"], ["--nonsense"], ["localize"], ["bag"], ["run"], ["run", "walker"], ["evaluate"], ["ablate"],
    ["report"], ["scenes"], ["localize", "--out"], ["report", "--out", "fresh"], ["demo", "--clip"],
)  # fmt: skip


def run(tally: Tally) -> None:
    with TemporaryDirectory() as name:
        folder = Path(name)
        bad = _furnish(folder)
        lines = list(_lines(bad))
        Random(tally.seed).shuffle(lines)
        before = _digests(folder)
        tally.cases = min(tally.cases, len(lines))
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for line, ended in pool.map(lambda line: (line, _run(line, folder, tally)), lines[: tally.cases]):
                if ended is not None:
                    _judge(tally, line, *ended)
        lost = [path for path, digest in before.items() if _digest(folder / path) != digest]
        tally.broken += [f"{path} is not what it was" for path in lost]
        tally.notes.append(f"{len(before)} files of the user's: {len(lost)} lost or changed")


def _run(line: list[str], folder: Path, tally: Tally) -> tuple[int | None, str, float] | None:
    """Exit status (None where it had to be killed), what it said, and the seconds that it took."""
    if tally.out_of_time:
        return None
    began = time.monotonic()
    command = [sys.executable, "-m", "gar_ssl_ros.cli", *line]
    environment = {**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "PYTHONUNBUFFERED": ""}
    with subprocess.Popen(
        command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
    ) as process:
        try:
            said, _ = process.communicate(timeout=HANG)
        except subprocess.TimeoutExpired:
            process.kill()
            said, _ = process.communicate()
            return None, said.decode(errors="replace"), time.monotonic() - began
    return process.returncode, said.decode(errors="replace"), time.monotonic() - began


def _judge(tally: Tally, line: list[str], status: int | None, said: str, took: float) -> None:
    what = " ".join(map(repr, line))[:200]
    with tally.case(what):
        if "Traceback" in said or "a defect of gar-ssl" in said:
            tally.traceback(f"{what}: {said[-300:]}")
        elif status is None:
            tally.hangs += 1
            tally.examples.append(f"{what}: hangs: {said[-200:]}")
        elif status < 0:
            tally.deaths += 1
            tally.examples.append(f"{what}: signal {-status}")
        elif status not in (1, 2) or not said.strip() or len(said.splitlines()) > LONGEST:
            tally.broken.append(f"{what}: status {status}, {len(said.splitlines())} lines: {said[-200:]}")
    if took > tally.slowest:
        tally.slowest, tally.slowest_case = took, what


def _furnish(folder: Path) -> list[Path]:
    """Good and precious files, results of good command lines, and files of every bad kind, which are returned."""
    write_scene(Scene(SceneOptions(seconds=3.0)), folder, "good")
    for good in ("localize good.mp4 --out done --no-video", "evaluate --dataset scenes --limit 1 --out figures"):
        command = [sys.executable, "-m", "gar_ssl_ros.cli", *good.split()]
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    content = (folder / "good.mp4").read_bytes()
    bad = {
        "empty.mp4": b"",
        "text.mp4": b"hello\n" * 100,
        "half.mp4": content[: len(content) // 2],
        "head.mp4": content[:4000],
        "zero.mp4": bytes(100_000),
        "picture.png": b"\x89PNG\r\n\x1a\n" + bytes(60),
        "list.m3u8": b"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:9/a.ts\n#EXTINF:3,\ngood.mp4\n",
        "list.ffconcat": b"ffconcat version 1.0\nfile good.mp4\n",
        "binary.yaml": bytes(range(256)),
        "deep.yaml": b"[" * 5000,
        "alias.yaml": b"title: x\nvariants: &a [*a]\n",
        "study.yaml": b"title: x\nvariants: [{name: a, reasoner: 'os:abort'}]\n",
        "list.yaml": b"- 1\n- 2\n",
        "bag.mcap": b"\x89MCAP0\r\n" + bytes(200),
        "bag.db3": b"SQLite format 3\0" + bytes(500),
        "old.bag": b"#ROSBAG V2.0\n",
        "long.csv": b"file,label\n" + b"x" * 200_000 + b",dog\n",
        "up.csv": b"file,x1,y1,x2,y2\n../../etc/passwd,0,0,10,10\n",
        "odd.csv": b"file,outcome\ngood.mp4,PERHAPS\n",
        "odd.json": b'{"samples": [{"file": "good.mp4", "sources": [{"box": [1,2,3]}]}]}',
        "latin.json": '{"samples": [{"file": "caf\xe9.mp4"}]}'.encode("latin-1"),
    }
    for name, data in bad.items():
        (folder / name).write_bytes(data)
    os.mkfifo(folder / "pipe.mp4")
    (folder / "round.mp4").symlink_to("round.mp4")
    (folder / "nowhere.mp4").symlink_to("gone.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "secret.mp4").write_bytes(content)
    (folder / "secret.mp4").chmod(0)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(folder / "socket.mp4"))
    listening.close()
    strange = folder / os.fsdecode(b"caf\xe9.mp4")
    strange.write_bytes(b"hello")
    for broken in ("cut", "other", "torn"):
        (folder / broken).mkdir()
    (folder / "cut" / "config.json").write_bytes(b"\xff\xfe{")
    (folder / "other" / "config.json").write_text('{"configuration": 3}')
    for name in ("config.json", "results.jsonl"):
        (folder / "torn" / name).write_bytes((folder / "figures" / name).read_bytes())
    (folder / "torn" / "results.jsonl").write_bytes(b"\xff" * 50 + b"\n")
    (folder / "store.sqlite").write_bytes(b"not a cache at all" * 100)
    others = ("pipe.mp4", "round.mp4", "nowhere.mp4", "folder.mp4", "socket.mp4", "none.mp4", "", ".", "/", "x" * 300)
    return [folder / name for name in bad] + [Path(name) for name in others] + [strange]


def _lines(bad: list[Path]) -> Iterator[list[str]]:
    yield from map(list, PLAIN)
    yield from _bad_values()
    for path in map(str, bad):
        yield from _bad_inputs(path)
    yield from _bad_outputs()
    yield from _bad_nodes()


def _bad_values() -> Iterator[list[str]]:
    """Values that an option cannot have, and options that mean nothing here."""
    evaluate = ["evaluate", *SCORED]
    bases: list[tuple[list[str], dict[str, tuple[str, ...]]]] = [
        (["localize", "good.mp4", *FRESH], {**GAR, **CUTS, **MODEL, "--fallback": NAMES}),
        (["bag", "bag.mcap", *FRESH], {**GAR, **CUTS, "--name": ("", "a b", "/", "1x", "ä"), "--image": ("/no",)}),
        (evaluate, {**GAR, "--limit": COUNTS, "--shard": ("0/1", "2/1", "x", "1", "1/0", ""), "--engine": ("moon",)}),
        (["ablate", "trials", "--dataset", "scenes", *FRESH], {"--limit": COUNTS, "--denominator": ("some",)}),
        (["scenes", *FRESH], SCENES),
        (["check"], {"--listen": TIMES}),
    ]
    for base, options in bases:
        for option, values in options.items():
            for value in values:
                if (base[0], option, value) not in VALID:
                    yield [*base, f"{option}={value}"]
    for option in ("--grounded", "--off-screen", "--early", "--compile"):
        yield ["localize", "good.mp4", *FRESH, option]
    for model in ("done", "none", "", "good.mp4", "a/b/c/d"):
        yield ["localize", "good.mp4", *FRESH, "--reasoner", "omni", "--model", model]
        yield ["localize", "good.mp4", *FRESH, "--model", model or "x"]


def _bad_inputs(path: str) -> Iterator[list[str]]:
    """What is no recording, bag, result, truth or study, given as each of them."""
    for asked in (["localize"], ["bag"], ["demo", "--clip"], ["report"]):
        yield [*asked, path, *FRESH]
    yield ["evaluate", "--dataset", "folder", "--root", ".", "--annotations", path, *FRESH]
    yield ["evaluate", "--dataset", "rosbag", "--root", path, *FRESH]
    yield ["ablate", path, *SCORED]
    yield ["run", "player", "--ros-args", "-p", f"clip:={path}"]
    if Path(path).name not in ("", "folder.mp4", "none.mp4"):  # which are, or can be, folders
        yield ["localize", "good.mp4", "--out", f"{path}/inside"]


def _bad_outputs() -> Iterator[list[str]]:
    """Folders that cannot be written, or hold what would be replaced; results that are none."""
    for out in ("good.mp4", "/proc/nowhere", "/dev/null", "text.mp4/inside"):
        yield ["localize", "good.mp4", "--out", out]
        yield ["evaluate", "--dataset", "scenes", "--limit", "1", "--out", out]
        yield ["scenes", "--out", out]
        yield ["demo", "--clip", "good.mp4", "--out", out]
    for limit in ("1", "2"):
        yield ["evaluate", "--dataset", "scenes", "--limit", limit, "--out", "figures"]
    yield ["localize", "good.mp4", "--out", "done"]
    yield ["localize", "http://127.0.0.1:9/a.mp4", *FRESH]
    yield ["localize", "concat:good.mp4|secret.mp4", *FRESH]
    for results in ("cut", "other", "torn", "done"):
        yield ["report", results, *FRESH]
        if results != "done":  # which holds nothing of an evaluation's: it begins
            yield ["evaluate", "--dataset", "scenes", "--limit", "1", "--resume", "--out", results]
    yield ["ablate", "trials", *SCORED, "--cache", "store.sqlite"]


def _bad_nodes() -> Iterator[list[str]]:
    """Parameters and arguments that a node cannot have."""
    for value in ("window:=0", "window:=x", "sources:=-1", "reasoner:=oracle", "reliability:=x", "trials:=1.5"):
        yield ["run", "localizer", "--ros-args", "-p", value]
    for arguments in (["-p", "novalue"], ["--params-file", "binary.yaml"], ["--params-file", "none.yaml"], ["-r", "x"]):
        yield ["run", "localizer", "--ros-args", *arguments]
    for bag in ("done", "good.mp4"):
        yield ["run", "recorder", "--ros-args", "-p", f"bag:={bag}", "-p", "topics:=image"]


FRESH = ["--out", "fresh"]
SCORED = ["--dataset", "scenes", "--limit", "1", *FRESH]
SCENES = {
    "--count": COUNTS,
    "--size": ("0x0", "1x1", "321x240", "999999x999998", "", "axb", "-2x-2"),
    "--fps": TIMES,
    "--shake": SHARES[:4],
    "--noise": ("-1", "nan", "inf", ""),
    "--kind": ("three", ""),
    "--difficulty": ("nightmare",),
    "--seed": ("-1", "x", "1.5"),
    "--distractors": ("-1", "7", "x"),
    "--seconds": TIMES,
}
VALID = {("check", "--listen", "601"), ("scenes", "--shake", "1.1"), ("scenes", "--fps", "601"), ("bag", "--name", "/")}


def _digests(folder: Path) -> dict[Path, str]:
    inside = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.is_symlink())
    return {path.relative_to(folder): _digest(path) for path in inside}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else "gone"
