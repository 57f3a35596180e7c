"""Take the pictures of `gar-ssl live` in docs/, while it plays rendered scenes, or a clip that is given."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from time import monotonic

from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright

from gar_ssl_ros.evaluation.scenes.files import write_film
from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions

SEED = 20_003
SCENES = (Kind.FACE, Kind.SILENT, Kind.OFFSCREEN, Kind.ONE)
SHOWN = "Speech"  # of the first of them
SCENE_S = 8.0
ANSWERS = 60  # that have come before a picture is taken
IN_A_ROW = 6  # that say the same then, so that no window is of two scenes
LIVE = "import sys; from gar_ssl_ros.cli import main; sys.exit(main(sys.argv[1:]))"
MOVES_S = 6.0  # that the moving picture lasts
MOVES_SIZE = (800, 538)
SLOWLY = 0.25  # times as fast as life, so that there are frames enough
LOOKS = (("live_dark", "dark", 1600, 1000), ("live_light", "light", 1600, 1000), ("live_narrow", "dark", 400, 860))


def main() -> None:
    """Needs the browser chromium-headless-shell, or chromium."""
    browser = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        clip = Path(sys.argv[1]) if len(sys.argv) > 1 else rendered(Path(folder))
        made = playwright.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        with served(Path(folder), "--clip", str(clip), "--sources", "2", "--record", "sessions") as address:
            pages = [opened(made, address, scheme, width, height) for _, scheme, width, height in LOOKS]
            for page, (name, *_) in zip(pages, LOOKS, strict=True):
                take(page, Path(__file__).with_name(f"{name}.jpg"))
            for page in pages:
                page.close()
        session = next((Path(folder) / "sessions").iterdir())
        with served(Path(folder), str(session)) as address:
            move(made, address, Path(__file__).with_name("live.webp"))
        made.close()


def rendered(folder: Path) -> Path:
    """A clip of one scene of each kind."""
    looks = {"seed": SEED, "difficulty": Difficulty.EASY, "width": 640, "height": 480, "seconds": SCENE_S}
    write_film([Scene(SceneOptions(kind=kind, **looks)) for kind in SCENES], folder / "a rendered room.mp4")
    return folder / "a rendered room.mp4"


@contextmanager
def served(folder: Path, *what: str) -> Iterator[str]:
    """The address at which it is watched."""
    command = [sys.executable, "-c", LIVE, "live", "--port", "0", *what]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder, env={**os.environ}) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().strip()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(30)


def opened(browser: Browser, address: str, scheme: str, width: int, height: int) -> Page:
    """A page on it, once there are answers."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)  # type: ignore[arg-type]
    page.goto(address)
    expect(page.locator("#state")).to_have_text("All is well", timeout=60_000)
    while int(page.locator("#timeline").get_attribute("aria-valuemax") or 0) < ANSWERS:
        page.wait_for_timeout(500)
    return page


def take(page: Page, path: Path) -> None:
    """A picture of something that is found, as it is shown undimmed."""
    found, answers, told = page.locator(".outcome.found"), page.locator("#timeline"), "aria-valuemax"
    fresh = page.locator(".overlay .lane0[style='opacity: 1;'] g[data-source]").first
    first = last = int(answers.get_attribute(told) or 0)
    while last - first < IN_A_ROW or not fresh.is_visible() or "refined" in found.inner_text():
        page.wait_for_timeout(40)
        last = int(answers.get_attribute(told) or 0)
        if not found.is_visible() or SHOWN not in found.inner_text():
            first = last
    page.screenshot(path=path, type="jpeg", quality=60)


def move(browser: Browser, address: str, path: Path) -> None:
    """A moving picture of a scene from one of its first answers on, as a session that was recorded is played."""
    page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="dark")
    page.goto(address)
    said, rate = page.locator(".outcome .what").first, page.locator("#rate")
    rate.select_option("4")
    for expected in (expect(said).not_to_contain_text, expect(said).to_contain_text):
        expected(SHOWN, timeout=60_000)
    rate.select_option(str(SLOWLY))
    frames, times = [], [monotonic()]
    while times[-1] - times[0] < MOVES_S / SLOWLY:
        frames.append(
            Image.open(BytesIO(page.screenshot())).convert("RGB").resize(MOVES_SIZE, Image.Resampling.LANCZOS)
        )
        times.append(monotonic())
        page.wait_for_timeout(200)
    lasting = [round(1000 * SLOWLY * (end - begin)) for begin, end in pairwise(times)]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=lasting, loop=0, quality=30, method=3)


if __name__ == "__main__":
    main()
