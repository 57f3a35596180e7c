"""`gar-ssl scenes`: rendered scenes whose truth is known."""

from __future__ import annotations

import argparse
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, count, seconds, size
from gar_ssl_ros.errors import DONE


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
    parser.add_argument("--count", type=count, default=1, metavar="N", help="scenes of each kind")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first; the others follow")
    parser.add_argument("--size", type=size, default="320x240", metavar="WxH", help="pixels, even")
    parser.add_argument("--fps", type=float, default=15.0, metavar="F", help="frames a second")
    parser.add_argument("--seconds", type=seconds, default=3.0, metavar="S", help="length, s")
    parser.add_argument(
        "--distractors",
        type=int,
        metavar="N",
        help="things that move out of time (default: 2, and 1 beside two sources)",
    )
    parser.add_argument("--noise", type=float, default=4.0, metavar="SIGMA", help="of the sensor, grey levels")
    parser.add_argument("--shake", type=float, default=0.5, metavar="SIGMA", help="of the camera, pixels a frame")
    parser.add_argument("--wav", action="store_true", help="write the sound apart, as NAME.wav")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.scenes.files import write_scene
    from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions

    kinds = list(Kind) if options.kind == "all" else [Kind(options.kind)]
    width, height = options.size
    options.out.mkdir(parents=True, exist_ok=True)
    for kind in kinds:
        for seed in range(options.seed, options.seed + options.count):
            wanted = SceneOptions(
                kind=kind,
                difficulty=Difficulty(options.difficulty),
                seed=seed,
                width=width,
                height=height,
                fps=options.fps,
                seconds=options.seconds,
                distractors=options.distractors,
                noise=options.noise,
                shake=options.shake,
            )
            name = f"{kind.value}_{options.difficulty}_{seed:04d}"
            print(write_scene(Scene(wanted), options.out, name, options.wav))
    return DONE
