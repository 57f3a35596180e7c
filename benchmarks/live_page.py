"""The live page in a real browser that is the robot's camera and microphone: what is seen when, and at what cost.

    python benchmarks/live_page.py [--seconds 60] [--minutes 5] [--ahead] [--json benchmarks/live_page.json]

A rendered scene, 640x480 at 30 Hz, whose source hops at known times with a knock, is what Chromium's camera and
microphone see and hear (its --use-file-for-fake-... flags). `gar-ssl live --browser --reasoner signal` runs as
processes of its own; the page of that browser is the sensor, and shows what it sees. Measured on one clock, to the
frame of the screen after what is drawn:

clap: from a knock to the box of the first window that holds it, and from that window's end; and, of knocks after four
seconds of silence, from the first to a box. picture, level: from what was taken to what is drawn. page: what it weighs,
and when it shows its first picture. stopped: four clients, of which two are pages, and one of these is stopped in the
debugger for so many minutes: the others' pictures, the server's memory, the localizer's latency.

A knock's time is found by what was heard, its envelope against the file's; of the pictures by their likeness. --ahead,
as root, lets what is measured go ahead of whatever else a busy machine does: browser and page at real-time priority.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

import cv2
import numpy as np
import psutil
from numpy.typing import NDArray
from playwright.sync_api import Browser, Page, sync_playwright
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from gar_ssl_ros.evaluation.scenes import sounds
from gar_ssl_ros.evaluation.scenes.files import write_wav
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.sounds import SceneSound
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.page.feed import PICTURE, PICTURE_HEAD, SOUND, SOUND_HEAD

BROWSER = shutil.which("chromium-headless-shell")
FPS = 30
RHYTHM_S, BURSTS, BURST_S = 42.0, 5, 6.0  # an irregular rhythm, then knocks in threes with silence between
QUALITY = 85  # of the JPEGs of the camera's file
THUMB = (64, 48)
FINE_S = 0.002  # to which the sound's beginning is sought
SETTLE_S = 8.0
LEAST_IOU = 0.3  # of a box with the truth, to count as the knock's
MIB = 2**20

WATCH = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


class Knocks(Scene):
    """A thing that knocks: first in an irregular rhythm, then three times between silences."""

    def _heard(self) -> list[SceneSound]:
        self._labels = ("impact",)
        random = self._random
        rhythm = sounds.rhythm(random, RHYTHM_S, gap=(0.35, 0.75))
        self.firsts = [RHYTHM_S + 4.0 + BURST_S * burst for burst in range(BURSTS)]
        onsets = rhythm + [first + step for first in self.firsts for step in (0.0, 0.45, 1.0)]

        def stroke(t: NDArray[np.float64]) -> NDArray[np.float64]:
            ring = sum(np.sin(2 * np.pi * 400 * m * t) / m for m in (1.0, 1.59, 2.14))
            return np.asarray((0.7 * ring + random.normal(0, 0.8, len(t)) * np.exp(-t / 0.01)) * np.exp(-t / 0.07))

        sound = sounds.events("impact", self.options.seconds, onsets, [0.56] * len(onsets), stroke, random)
        self.onsets = onsets
        return [sound]


@dataclass
class Clip:
    """The camera's and the microphone's file, and what is true of them. thumbs: (frames, height, width)."""

    video: Path
    sound: Path
    seconds: float
    onsets: NDArray[np.float64]
    firsts: list[float]
    boxes: Sequence[Box | None]
    thumbs: NDArray[np.float32]
    samples: NDArray[np.float32]


@dataclass
class Seen:
    """What a client of ours is sent. sound: (ms of a column, its level). received, bytes: of pictures."""

    received: int = 0
    bytes: int = 0
    pictures: list[tuple[float, NDArray[np.float32]]] = field(default_factory=list)
    sound: list[tuple[float, int]] = field(default_factory=list)


def rendered(folder: Path) -> Clip:
    """The first scene whose source hops."""
    seconds = RHYTHM_S + BURSTS * BURST_S
    for seed in range(100):
        options = SceneOptions(difficulty=Difficulty.EASY, seed=seed, width=640, height=480, fps=FPS, seconds=seconds)
        scene = Knocks(options)
        if scene.truth().sources[0].motion == "hop":
            break
    thumbs = []
    with (folder / "scene.mjpeg").open("wb") as file:
        for index in range(scene.frames):
            image = scene.image(index)
            coded = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
            file.write(coded.tobytes())
            thumbs.append(thumb(image))
    write_wav(folder / "scene.wav", scene.samples)
    return Clip(
        folder / "scene.mjpeg",
        folder / "scene.wav",
        seconds,
        np.array(scene.onsets),
        scene.firsts,
        scene.truth().sources[0].boxes,
        np.array(thumbs),
        scene.samples,
    )


def wait(page: Page, expression: str, seconds: float = 60.0) -> None:
    """Until that is true. Playwright's own way to wait takes eval, which the page forbids."""
    end = time.monotonic() + seconds
    while not page.evaluate(expression):
        if time.monotonic() > end:
            raise TimeoutError(f"{expression} is not so after {seconds:g} s; the page says: {page.inner_text('main')}")
        page.wait_for_timeout(100)


def thumb(image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Small and grey."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(cv2.resize(grey, THUMB, interpolation=cv2.INTER_AREA))


@contextmanager
def served() -> Iterator[tuple[psutil.Process, str]]:
    """`gar-ssl live --browser`, and its address."""
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "live", "--browser", "--reasoner", "signal", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield psutil.Process(process.pid), process.stdout.readline().strip()
        finally:
            process.terminate()


@contextmanager
def watching(address: str, seen: Seen) -> Iterator[None]:
    """A client that takes in sound, and the pictures of every second."""
    url = address.replace("http", "ws", 1) + "stream"
    with connect(url, origin=address.rstrip("/"), max_size=None) as client:

        def read() -> None:
            try:
                for message in client:
                    if isinstance(message, str):
                        continue
                    if message[0] == PICTURE:
                        stamp = PICTURE_HEAD.unpack_from(message)[3]
                        seen.received += 1
                        seen.bytes += len(message)
                        if not seen.pictures or stamp > seen.pictures[-1][0] + 900:
                            coded = np.frombuffer(message, np.uint8, offset=PICTURE_HEAD.size)
                            image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
                            seen.pictures.append((stamp, thumb(image[..., ::-1])))
                    elif message[0] == SOUND:
                        _, size, count, step, stamp = SOUND_HEAD.unpack_from(message)
                        levels = message[SOUND_HEAD.size :: size]
                        seen.sound += [(stamp + index * step, level) for index, level in enumerate(levels[:count])]
            except ConnectionClosed:
                pass

        reader = Thread(target=read, daemon=True)
        reader.start()
        yield
        client.close()
        reader.join(5)


def picture_start(clip: Clip, seen: Seen) -> tuple[float, float]:
    """When the camera's file began, ms, as its pictures' stamps have it, and how they differ on that."""
    found = []
    for stamp, small in seen.pictures:
        index = int(np.square(clip.thumbs - small).mean(axis=(1, 2)).argmin())
        found.append(stamp - 1000 * index / FPS)
    lap = 1000 * clip.seconds
    turned = (np.array(found) - found[0] + lap / 2) % lap - lap / 2  # whole laps are the same
    middle = float(np.median(turned))
    return found[0] + middle, float(np.percentile(np.abs(turned - middle), 90))


def sound_start(clip: Clip, seen: Seen) -> tuple[float, float]:
    """When the microphone's file began, ms, as its sound's stamps have it, and how parts of 10 s differ on that."""
    fine = round(FINE_S * SPEECH_RATE_HZ)
    width = SPEECH_RATE_HZ // 50
    energy = np.concatenate([[0.0], np.cumsum(np.concatenate([clip.samples, clip.samples[:width]]).astype(float) ** 2)])
    begins = np.arange(0, len(clip.samples), fine)
    rms = np.sqrt((energy[begins + width] - energy[begins]) / width)
    course = np.clip(20 * np.log10(rms + 1e-5), -60, 0)
    course -= course.mean()

    def best(sound: list[tuple[float, int]], near: float | None = None) -> float:
        """Where the file began, ms; within a second of `near`, where that is given."""
        stamps, levels = np.array(sound).T
        heard = np.clip(levels / 2.55 - 100, -60, 0)
        heard -= heard.mean()
        fits = np.zeros(len(course))
        for place, level in zip(np.round((stamps - stamps[0]) / 1000 / FINE_S).astype(int), heard, strict=True):
            fits += level * np.roll(course, -(place % len(course)))
        if near is None:
            return float(stamps[0] - 1000 * FINE_S * int(fits.argmax()))
        middle, reach = round((stamps[0] - near) / 1000 / FINE_S), round(1 / FINE_S)
        around = np.arange(middle - reach, middle + reach + 1)
        return float(stamps[0] - 1000 * FINE_S * int(around[fits[around % len(course)].argmax()]))

    whole = best(seen.sound)
    parts = [best(seen.sound[first : first + 500], whole) for first in range(0, len(seen.sound) - 500, 500)]
    return whole, float(np.percentile(np.abs(np.array(parts) - whole), 90))


def summary(values: Sequence[float] | NDArray[np.float64], digits: int = 0) -> dict[str, float]:
    """Median, 95 % and number."""
    if not len(values):
        return {"n": 0}
    middle, most = np.percentile(values, (50, 95))
    return {"median": round(float(middle), digits), "p95": round(float(most), digits), "n": len(values)}


def claps(clip: Clip, log: dict[str, Any], start: float, begin: float) -> dict[str, Any]:
    """From knocks after `begin`, ms, to boxes. start: of the microphone's file, ms."""
    lap = 1000 * clip.seconds
    end = max(one["drawn"] for one in log["boxes"])
    boxes = sorted(log["boxes"], key=lambda one: float(one["drawn"]))

    def true(one: dict[str, Any]) -> bool:
        index = round((one["stamp"] - start) % lap / 1000 * FPS) % len(clip.boxes)
        truth = clip.boxes[index]
        return truth is not None and any(Box(*box).iou(truth) >= LEAST_IOU for box in one["boxes"])

    def first(knock: float) -> dict[str, Any] | None:
        """The first box of a window that holds it."""
        return next((one for one in boxes if one["begin"] <= knock < one["end"] and true(one)), None)

    laps = range(int((begin - start) // lap), int((end - start) // lap) + 1)
    every, quiet = [], []
    missed = 0
    for number in laps:
        for onset in clip.onsets:
            knock = start + number * lap + 1000 * onset
            if not begin < knock < end - 3000:
                continue
            found = first(knock)
            if found is None:
                missed += 1
            elif onset in clip.firsts:
                quiet.append((found["drawn"] - knock, found["drawn"] - found["end"]))
            else:
                every.append((found["drawn"] - knock, found["drawn"] - found["end"]))
    table = np.array(every) if every else np.zeros((0, 2))
    silence = np.array(quiet) if quiet else np.zeros((0, 2))
    wrong = sum(not true(one) for one in boxes if one["outcome"] == "LOCALIZED")
    return {
        "to_box_ms": summary(table[:, 0]),
        "window_end_to_box_ms": summary(table[:, 1]),
        "first_after_silence_to_box_ms": summary(silence[:, 0]),
        "knocks_without_box": missed,
        "boxes": len(boxes),
        "boxes_beside_the_source": wrong,
    }


def stopped(browser: Browser, process: psutil.Process, address: str, sensor: Page, minutes: float) -> dict[str, Any]:
    """Of four clients, the sensor's page, another, and two of ours, the other page stopped in the debugger."""
    victim = browser.new_context().new_page()
    victim.add_init_script(WATCH)
    victim.goto(address)
    wait(victim, "watched.pictures.length > 30")
    ours = [Seen(), Seen()]

    def phase(seconds: float) -> dict[str, Any]:
        def counts() -> list[int]:
            return [sensor.evaluate("watched.received"), *(one.received for one in ours)]

        before, answers, began, sizes = counts(), sensor.evaluate("watched.answers.length"), time.monotonic(), []
        while time.monotonic() < began + seconds:
            sizes.append(process.memory_info().rss)
            sensor.wait_for_timeout(2000)
        took = time.monotonic() - began
        rates = [round((b - a) / took, 1) for a, b in zip(before, counts(), strict=True)]
        found = sensor.evaluate(f"watched.answers.slice({answers})")
        kept = len({one["key"] for one in found}) * sum(one.bytes for one in ours) / sum(one.received for one in ours)
        return {
            "seconds": round(took),
            "pictures_per_s": rates,
            "localizer_latency_s": summary([one["latency"] for one in found], 3),
            "rss_mib_first_last_most": [round(one / MIB, 1) for one in (sizes[0], sizes[-1], max(sizes))],
            "pictures_of_answers_mib": round(kept / MIB, 1),
            "load": round(os.getloadavg()[0], 1),
        }

    with watching(address, ours[0]), watching(address, ours[1]):
        sensor.wait_for_timeout(1000 * SETTLE_S)
        before = phase(60.0 if minutes >= 1 else 20.0)
        debugger = victim.context.new_cdp_session(victim)
        debugger.send("Debugger.enable")
        debugger.send("Debugger.pause")
        return {"before": before, "while_one_is_stopped": phase(60 * minutes)}


def loaded(browser: Browser, address: str) -> dict[str, Any]:
    """A page's bytes over the wire, and its first picture, of several loads without a cache."""
    weights, firsts = [], []
    for _ in range(5):
        context = browser.new_context()
        page = context.new_page()
        network = context.new_cdp_session(page)
        network.send("Network.enable")
        sizes: list[float] = []
        network.on("Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"]))
        page.add_init_script(WATCH)
        page.goto(address)
        wait(page, "watched.first !== null")
        firsts.append(page.evaluate("watched.first"))
        weights.append(sum(sizes))
        context.close()
    return {"bytes": round(max(weights)), "first_picture_ms": summary(firsts)}


def go_ahead() -> None:
    """Keep all that is started here ahead of other work, sound first: else it is that work which is measured."""
    own = psutil.Process()
    while True:
        for one in own.children(recursive=True):
            with suppress(OSError, psutil.Error):
                command = " ".join(one.cmdline())
                if "chrom" not in command and " live " not in command:
                    Path(f"/proc/{one.pid}/autogroup").write_text("-15")  # since real time is not to be all of it
                    continue
                for thread in Path(f"/proc/{one.pid}/task").iterdir():
                    name = (thread / "comm").read_text()
                    heard = "AudioService" in command or name.startswith(("AudioOutputDevi", "Realtime Audio"))
                    os.sched_setscheduler(int(thread.name), os.SCHED_RR, os.sched_param(5 if heard else 2))
        time.sleep(1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=60, help="of knocks, pictures and levels")
    parser.add_argument("--minutes", type=float, default=5, help="that one of four pages is stopped; 0: none")
    parser.add_argument("--ahead", action="store_true", help="of all else that this machine does; as root")
    parser.add_argument("--json", type=Path, help="where to write the figures, too")
    options = parser.parse_args()
    if BROWSER is None:
        parser.exit(1, "it needs chromium-headless-shell, which is not installed: sudo apt install it\n")
    with ExitStack() as kept:
        clip = rendered(Path(kept.enter_context(TemporaryDirectory())))
        if options.ahead:
            Thread(target=go_ahead, daemon=True).start()
        process, address = kept.enter_context(served())
        browser = kept.enter_context(sync_playwright()).chromium.launch(
            executable_path=BROWSER,
            args=[
                *("--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
                *(f"--use-file-for-fake-video-capture={clip.video}", f"--use-file-for-fake-audio-capture={clip.sound}"),
            ],
        )
        sensor = browser.new_context(permissions=["camera", "microphone"]).new_page()
        sensor.add_init_script(WATCH)
        sensor.goto(address)
        sensor.click("#sense button")
        wait(sensor, "watched.boxes.length > 0")
        time.sleep(SETTLE_S)
        seen, begin = Seen(), 1000 * time.time()
        with watching(address, seen):
            sensor.wait_for_timeout(1000 * options.seconds)
        log = sensor.evaluate("watched")
        sight, sound = picture_start(clip, seen), sound_start(clip, seen)
        pictures, levels = (np.array([one for one in log[name] if one[0] > begin]) for name in ("pictures", "levels"))
        took = (pictures[-1, 0] - pictures[0, 0]) / 1000
        answers = [one for one in log["answers"] if one["came"] > begin]
        figures: dict[str, Any] = {
            "load": round(os.getloadavg()[0], 1),
            "clap": claps(clip, log, sound[0], begin),
            "picture": {"age_ms": summary(pictures @ (1, -1)), "drawn_per_s": round(len(pictures) / took, 1)},
            "level": {"age_ms": summary(levels @ (1, -1))},
            "sync": {
                "sound_began_after_pictures_ms": round(sound[0] - sight[0]),
                "spread_ms": [round(sight[1]), round(sound[1])],
                "skew_of_answers_s": summary([one["skew"] for one in answers], 3),
            },
            "localizer_latency_s": summary([one["latency"] for one in answers], 3),
            "page": loaded(browser, address),
        }
        print(json.dumps(figures, indent=2), flush=True)
        if options.minutes:
            figures["stopped"] = stopped(browser, process, address, sensor, options.minutes)
            print(json.dumps(figures["stopped"], indent=2))
        if options.json:
            options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
