"""`gar-ssl scenes`: rendered scenes whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path
from tempfile import TemporaryDirectory

from gar_ssl_ros.commands.arguments import Commands, number, seconds, seed, size, whole
from gar_ssl_ros.errors import DONE
from gar_ssl_ros.files import check_outputs, put


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "scenes",
        help="render scenes whose truth is known",
        description="Render scenes whose truth is known: NAME.mp4 and NAME.truth.json for each.",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the scenes")
    kinds = ("one", "two", "silent", "offscreen", "face")
    parser.add_argument("--kind", choices=(*kinds, "all"), default="one", help="what they are a test of")
    parser.add_argument("--difficulty", choices=("easy", "medium", "hard"), default="medium", help="to see what moves")
    parser.add_argument("--count", type=whole(1, 100_000), default=1, metavar="N", help="scenes of each kind")
    parser.add_argument("--seed", type=seed, default=0, metavar="N", help="of the first; the others follow")
    parser.add_argument("--size", type=size, default="320x240", metavar="WxH", help="pixels, even")
    parser.add_argument("--fps", type=number(1, 240), default=15.0, metavar="F", help="frames a second")
    parser.add_argument("--seconds", type=seconds, default=3.0, metavar="S", help="length, s")
    parser.add_argument(
        "--distractors",
        type=whole(0, 6),
        metavar="N",
        help="things that move out of time (default: 2, and 1 beside two sources)",
    )
    parser.add_argument("--noise", type=number(0, 255), default=4.0, metavar="SIGMA", help="of the sensor, grey levels")
    parser.add_argument(
        "--shake", type=number(0, 100), default=0.5, metavar="SIGMA", help="of the camera, pixels a frame"
    )
    parser.add_argument("--wav", action="store_true", help="write the sound apart, as NAME.wav")
    parser.add_argument("--overwrite", action="store_true", help="replace scenes that exist")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.scenes.files import write_scene
    from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions

    kinds = list(Kind) if options.kind == "all" else [Kind(options.kind)]
    width, height = options.size
    wanted = {
        f"{kind.value}_{options.difficulty}_{number:04d}": SceneOptions(
            kind=kind,
            difficulty=Difficulty(options.difficulty),
            seed=number,
            width=width,
            height=height,
            fps=options.fps,
            seconds=options.seconds,
            distractors=options.distractors,
            noise=options.noise,
            shake=options.shake,
        )
        for kind in kinds
        for number in range(options.seed, options.seed + options.count)
    }
    endings = (".mp4", ".wav", ".truth.json") if options.wav else (".mp4", ".truth.json")
    check_outputs([options.out / f"{name}{ending}" for name in wanted for ending in endings], [], options.overwrite)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, scene in wanted.items():
        with TemporaryDirectory(prefix=".scene-", dir=options.out) as unfinished:
            write_scene(Scene(scene), Path(unfinished), name, options.wav)
            for ending in endings:
                put(Path(unfinished, f"{name}{ending}"), options.out / f"{name}{ending}", options.overwrite)
        print(options.out / f"{name}.mp4")
    return DONE
