"""`gar-ssl demo`: see it work."""

from __future__ import annotations

import argparse
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.commands.choice import add_reasoner, node_parameters
from gar_ssl_ros.errors import DONE, FAILED, UsageError
from gar_ssl_ros.reasoners import AUTO


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "demo",
        help="see it work live on rendered scenes, or on your own clip",
        description="Play 30 rendered scenes, six of each of five kinds, to the localizer, a node of its own, record "
        "what it says and compare it with the truth: it fails where fewer are right than the rates of docs/figures.md "
        "let one expect. Or play a clip of your own.",
    )
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a video file with sound")
    told = "scenes that a microphone array hears, too: two things alike, and sounds from out of view"
    parser.add_argument("--spatial", action="store_true", help=told)
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder for the results")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    add_reasoner(parser, None, " (default: signal for the scenes, auto for a clip)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.messages import ros  # noqa: F401  # before whatever needs rclpy or a message
    from gar_ssl_ros.offline import demo, demo_spatial

    if options.spatial and options.clip is not None:
        raise UsageError("--spatial plays scenes of its own: leave --clip out")

    # Rendered things are none that a trained model knows, and the rates promised are those of signal.
    options.reasoner = options.reasoner or ("signal" if options.clip is None else AUTO)
    who = node_parameters(options)
    if options.spatial:
        right = demo_spatial.scenes(options.out, who, overwrite=options.overwrite)
    elif options.clip is None:
        right = demo.scenes(options.out, who, overwrite=options.overwrite)
    else:
        right = demo.recording(options.clip, options.out, who, overwrite=options.overwrite)
    return DONE if right else FAILED
