"""How well a reasoner localizes real clips, beside baselines on the same windows.

python benchmarks/real.py FOLDER TRUTH.json [--reasoner signal] [--half first|second|all] [--swapped N] [--sheet FILE]
    [--reasoner-options NAME=VALUE]

FOLDER holds the clips, TRUTH.json what is true of them. Hit: the first box's middle lies in a true box; lenient: or in
an accepted one. --swapped gives each visible window the sound of N other clips: nothing in view makes that.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
from real_clips import Judged, TrueClip, TrueWindow, Truth, chosen, cut, judged
from real_sheet import sheet

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.media.window import Audio, Window
from gar_ssl_ros.reasoners import reasoner

BINS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)


@dataclass(frozen=True)
class Answer:
    """What was said of one window, and how right it is; None where no box was given or none is true."""

    clip: str
    kind: str
    index: int
    truth: str
    by: str
    outcome: str
    label: str
    s_aud: float
    s_av: float | None
    judged: Judged | None
    box: tuple[float, ...] | None
    detail: str
    seconds: float


def centered(window: Window) -> Box:
    """The middle half of each side."""
    width, height = window.center.width, window.center.height
    return Box(width / 4, height / 4, 3 * width / 4, 3 * height / 4)


def most_motion(window: Window) -> Box:
    """The connected part of the picture with most change between frames, of what changes more than usual."""
    center = window.center
    scale = 160 / max(center.width, center.height)
    size = (max(1, round(center.width * scale)), max(1, round(center.height * scale)))
    grey = [
        cv2.resize(cv2.cvtColor(frame.image, cv2.COLOR_RGB2GRAY), size, interpolation=cv2.INTER_AREA).astype(np.float32)
        for frame in window.frames
        if frame.image.shape == center.image.shape
    ]
    change = np.abs(np.diff(np.array(grey), axis=0)).mean(axis=0) if len(grey) > 1 else np.zeros_like(grey[0])
    change = cv2.blur(change, (9, 9))
    _, labels, stats, _ = cv2.connectedComponentsWithStats(
        (change >= change.mean() + change.std() / 2).astype(np.uint8)
    )
    sums = np.bincount(labels.ravel(), change.ravel())
    sums[0] = -1.0
    x, y, across, down, _ = (float(value) for value in stats[int(sums.argmax())])
    return Box(x / scale, y / scale, (x + across) / scale, (y + down) / scale)


BASELINES: dict[str, Callable[[Window], Box]] = {"most motion": most_motion, "centre": centered}


def answers(clip: TrueClip, folder: Path, name: str, told: str, baselines: bool) -> list[Answer]:
    """Of the reasoner, told its options, and of each baseline on a clip's windows."""
    cv2.setNumThreads(1)
    asked = reasoner(name, {"reasoner_options": told})
    found = []
    for true, window in cut(folder, clip):
        found.append(_answer(asked, clip, true, window))
        if baselines and true.truth == "VISIBLE":
            for by, baseline in BASELINES.items():
                box = baseline(window)
                right = judged(box, window, true)
                head = (clip.name, clip.kind, true.index, true.truth, by, "LOCALIZED")
                found.append(Answer(*head, "", 0, None, right, box.sides, "", 0))
    return found


def _answer(asked: Reasoner, clip: TrueClip, true: TrueWindow, window: Window) -> Answer:
    *_, last = localize(window, asked)
    box = last.sources[0].box if last.sources else None
    right = judged(box, window, true) if box is not None and true.boxes else None
    return Answer(
        clip=clip.name,
        kind=clip.kind,
        index=true.index,
        truth=true.truth,
        by=asked.name,
        outcome=last.outcome.value,
        label=last.sound.label if last.sound else "",
        s_aud=last.sound.confidence if last.sound else 0.0,
        s_av=last.sources[0].av_consistency if last.sources else None,
        judged=right,
        box=box.sides if box else None,
        detail=last.sources[0].description if last.sources else last.detail,
        seconds=last.timing.total,
    )


def sounds(clip: TrueClip, folder: Path) -> tuple[str, str, list[Audio]]:
    """The sounds of a clip's windows, for others."""
    return clip.name, clip.kind, [window.audio for _, window in cut(folder, clip) if window.audio is not None]


def swapped(
    clip: TrueClip, folder: Path, name: str, told: str, others: Sequence[tuple[str, str, list[Audio]]], count: int
) -> list[Answer]:
    """What is said of a clip's visible windows with the sound of `count` other clips of other kinds, in turn."""
    cv2.setNumThreads(1)
    asked = reasoner(name, {"reasoner_options": told})
    foreign = [
        audio
        for other, kind, heard in others
        if other != clip.name and kind not in (clip.kind, "silent")
        for audio in heard
    ]
    found, turn = [], sum(map(ord, clip.name))
    for true, window in cut(folder, clip):
        for _ in range(count if true.truth == "VISIBLE" else 0):
            turn += 7
            audio = foreign[turn % len(foreign)]
            samples = np.array(audio.samples)
            moved = replace(window, audio=Audio(window.start, samples, audio.rate))
            found.append(replace(_answer(asked, clip, true, moved), judged=Judged(False, False, 0.0)))
    return found


def table(name: str, found: Sequence[Answer]) -> str:
    """One row: the shares of the visible windows."""
    n = max(1, len(found))
    boxed = [a.judged for a in found if a.judged]
    said = Counter(a.outcome for a in found)
    share = [len(boxed), sum(j.hit for j in boxed), sum(j.lenient for j in boxed)]
    share += [sum(j.overlap >= least for j in boxed) for least in (0.3, 0.5)]
    row = "".join(f"{100 * count / n:9.0f}" for count in (*share, said["OFF_SCREEN"], said["UNCERTAIN"]))
    return f"{name:<34}{len(found):4}{row}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("truth", type=Path)
    parser.add_argument("--reasoner", default="signal")
    parser.add_argument("--reasoner-options", default="", help="as NAME=VALUE, several with spaces between")
    parser.add_argument("--half", choices=["all", "first", "second"], default="all")
    parser.add_argument("--swapped", type=int, default=0, help="sounds of other clips for each visible window")
    parser.add_argument("--no-baselines", action="store_true")
    parser.add_argument("--windows", action="store_true", help="a line for each window")
    parser.add_argument("--sheet", type=Path, help="a picture of the results, the worst first")
    parser.add_argument("--json", type=Path, help="where each answer is written")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    clips = chosen(Truth.model_validate_json(options.truth.read_bytes()), options.half)
    with ProcessPoolExecutor(options.jobs) as pool:
        who = partial(answers, name=options.reasoner, told=options.reasoner_options)
        ask = partial(who, folder=options.folder, baselines=not options.no_baselines)
        found = [answer for part in pool.map(ask, clips) for answer in part]
        _report(found, options.reasoner, options.windows)
        if options.swapped:
            others = list(pool.map(partial(sounds, folder=options.folder), clips))
            swap = partial(swapped, name=options.reasoner, told=options.reasoner_options, count=options.swapped)
            swap = partial(swap, folder=options.folder, others=others)
            foreign = [answer for part in pool.map(swap, clips) for answer in part]
            said = Counter(a.outcome for a in foreign)
            print(f"\nwith another clip's sound, {len(foreign)} windows: {_shares(said)}")
            own = [a for a in found if a.by == options.reasoner and a.truth == "VISIBLE"] * options.swapped
            both = [a for a in own + foreign if a.s_av is not None]
            print("S_av against hits, half with such a sound, which nothing hits: " + ", ".join(_bins(both)))
            if options.windows:
                print(*(f"  {a.clip:<14}{a.index:2} {a.outcome:<10} {a.label} {a.detail}" for a in foreign), sep="\n")
    if options.sheet:
        asked = [answer for answer in found if answer.by not in BASELINES]
        worst = sorted(asked, key=lambda a: a.judged.overlap if a.judged else float(a.outcome == a.truth))
        drawn = {(a.clip, a.index): (a.outcome, a.box, f"{a.label}; {a.detail}") for a in worst}
        sheet(clips, options.folder, drawn, options.sheet)
    if options.json:
        options.json.write_text(json.dumps([asdict(a) for a in found], indent=1))


def _report(found: Sequence[Answer], name: str, each: bool) -> None:
    visible = [a for a in found if a.truth == "VISIBLE"]
    heads = ("windows", "answered", "hit", "lenient", "IoU>=.3", "IoU>=.5", "off scr.", "uncert.")
    print(f"{'visible sources, %':<34}" + heads[0][:4] + "".join(f"{head:>9}" for head in heads[1:]))
    for by in dict.fromkeys(a.by for a in visible):
        own = [a for a in visible if a.by == by]
        print(table(by, own))
        for kind in dict.fromkeys(a.kind for a in own):
            print(table(f"  {kind}", [a for a in own if a.kind == kind]))
    asked = [a for a in found if a.by == name]
    for truth in ("OFF_SCREEN", "SILENT"):
        print(f"{truth}: {_shares(Counter(a.outcome for a in asked if a.truth == truth))}")
    print("S_av against hits: " + ", ".join(_bins([a for a in asked if a.judged and a.s_av is not None])))
    print(f"median {1000 * float(np.median([a.seconds for a in asked])):.0f} ms a window")
    for a in asked if each else ():
        right = "" if a.judged is None else f"{'hit' if a.judged.hit else 'miss'} {a.judged.overlap:.2f}"
        s_av = "" if a.s_av is None else f"{a.s_av:.2f}"
        print(f"{a.clip:<14}{a.index:2} {a.outcome:<10} {right:<9} {s_av:<5} {a.label} {a.s_aud:.2f}: {a.detail}")


def _bins(boxed: Sequence[Answer]) -> list[str]:
    lines = []
    for low, high in pairwise(BINS):
        held = [(a.s_av, a.judged.hit) for a in boxed if a.judged and a.s_av is not None]
        held = [(s_av, hit) for s_av, hit in held if low <= s_av < high + (high == 1)]
        if held:
            mean, hits = np.mean(held, axis=0)
            lines.append(f"{low:.1f}-{high:.1f} (mean {mean:.2f}): {100 * hits:.0f} % of {len(held)}")
    return lines


def _shares(said: Counter[str]) -> str:
    return ", ".join(f"{100 * count / said.total():.0f} % {outcome}" for outcome, count in said.most_common())


if __name__ == "__main__":
    main()
