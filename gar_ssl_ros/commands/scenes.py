"""`gar-ssl scenes`: rendered scenes whose truth is known."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import Commands, number, seconds, seed, size, whole
from gar_ssl_ros.errors import DONE, UsageError
from gar_ssl_ros.files import check_outputs, put

if TYPE_CHECKING:
    from gar_ssl_ros.evaluation.scenes.heard import HearingPlace

IDENTICAL = "identical"  # two things that look and move alike


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "scenes",
        help="render scenes whose truth is known",
        description="Render scenes whose truth is known: NAME.mp4 and NAME.truth.json for each.",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the scenes")
    kinds = ("one", "two", "silent", "offscreen", "face", IDENTICAL)
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
    group = parser.add_argument_group("scenes that a microphone array beside the camera hears")
    group.add_argument("--array", metavar="NAME", help="record them with that array, in a room with echoes and noise")
    group.add_argument("--rt60", type=number(0, 2), default=0.4, metavar="S", help="the room's reverberation time, s")
    group.add_argument("--snr", type=number(-20, 100), default=10.0, metavar="DB", help="of the noise from everywhere")
    group.add_argument("--hfov", type=number(10, 120), default=60.0, metavar="DEGREES", help="of the camera, across")
    told = "by which the camera is turned away from where it is told to look, to the left or right"
    group.add_argument("--mounting-error", type=number(0, 30), default=0.0, metavar="DEGREES", help=told)
    told = f"between the two things of --kind {IDENTICAL}, which look and move alike, and one of which sounds"
    group.add_argument("--separation", type=number(1, 100), default=20.0, metavar="DEGREES", help=told)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.scenes.files import write_scene
    from gar_ssl_ros.evaluation.scenes.heard import HeardScene
    from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions

    place = _place(options)
    kinds = {kind.value: kind for kind in Kind} if options.kind == "all" else {options.kind: Kind.ONE}
    if options.kind not in ("all", IDENTICAL):
        kinds = {options.kind: Kind(options.kind)}
    width, height = options.size
    wanted = {
        f"{name}_{options.difficulty}_{number:04d}": SceneOptions(
            kind=kind,
            difficulty=Difficulty(options.difficulty),
            seed=number,
            width=width,
            height=height,
            fps=options.fps,
            seconds=options.seconds,
            distractors=0 if options.kind == IDENTICAL else options.distractors,
            noise=options.noise,
            shake=options.shake,
        )
        for name, kind in kinds.items()
        for number in range(options.seed, options.seed + options.count)
    }
    endings = (".mp4", ".wav", ".truth.json") if options.wav else (".mp4", ".truth.json")
    check_outputs([options.out / f"{name}{ending}" for name in wanted for ending in endings], [], options.overwrite)
    options.out.mkdir(parents=True, exist_ok=True)
    for name, scene in wanted.items():
        with TemporaryDirectory(prefix=".scene-", dir=options.out) as unfinished:
            drawn = Scene(scene) if place is None else HeardScene(scene, place)
            write_scene(drawn, Path(unfinished), name, options.wav)
            for ending in endings:
                put(Path(unfinished, f"{name}{ending}"), options.out / f"{name}{ending}", options.overwrite)
        print(options.out / f"{name}.mp4")
    return DONE


def _place(options: argparse.Namespace) -> HearingPlace | None:
    """Where the scenes are heard; None without an array. Raises UserError."""
    from gar_ssl_ros.evaluation.scenes.heard import HearingPlace
    from gar_ssl_ros.spatial.hearing.catalog import array_of
    from gar_ssl_ros.spatial.hearing.options import HearingOptions

    array = array_of(HearingOptions(array=options.array or ""))
    if array is None:
        if options.kind == IDENTICAL:
            raise UsageError(f"--kind {IDENTICAL}: only a direction tells which one sounds: give --array")
        return None
    separation = math.radians(options.separation) if options.kind == IDENTICAL else None
    mounting = math.radians(options.mounting_error)
    return HearingPlace(array, options.rt60, options.snr, options.hfov, mounting, separation)
