"""Rendered scenes in which every picture stands for itself, some of them broken."""

from __future__ import annotations

import random
from collections.abc import Iterable
from pathlib import Path

import av
from clips import write_clip

from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions
from gar_ssl_ros.media.window import SPEECH_RATE_HZ


def scenes_as_mjpeg(folder: Path, seeds: Iterable[int], share: float) -> list[Path]:
    """A scene of 3 s for each seed, 10 pictures a second, of which that share is broken."""
    return [_broken(_written(folder / f"scene_{seed}.mkv", seed), seed, share) for seed in seeds]


def _written(path: Path, seed: int) -> Path:
    scene = Scene(SceneOptions(seed=seed, fps=10.0))
    return write_clip(
        path, size=(320, 240), image=scene.image, codec="mjpeg", pix_fmt="yuvj420p", rate=SPEECH_RATE_HZ,
        audio=scene.samples[None], options={"qscale": "3"},
    )  # fmt: skip


def _broken(path: Path, seed: int, share: float) -> Path:
    data, dice = bytearray(path.read_bytes()), random.Random(seed)
    with av.open(str(path)) as container:
        packets = [(one.pos, one.size) for one in container.demux(video=0) if one.size and one.pos is not None]
    for pos, size in packets:
        if dice.random() < share:
            for at in range(pos + size // 4, pos + size // 4 + 16):
                data[at] = dice.randrange(256)
    path.write_bytes(bytes(data))
    return path
