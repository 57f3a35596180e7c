"""`gar-ssl demo`: see it work."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gar_ssl_ros.commands.arguments import DONE, FAILED, Commands
from gar_ssl_ros.commands.choice import add_reasoner, chosen_reasoner


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "demo",
        help="see it work on rendered scenes, or on your own clip",
        description="Render scenes, localize them and compare with their truth; or localize a clip of your own.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a video file with sound")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder for the results")
    add_reasoner(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros import demo
    from gar_ssl_ros.gar.reasoner import ReasonerError
    from gar_ssl_ros.media.clip import ClipError
    from gar_ssl_ros.offline import OutputError

    try:
        reasoner = chosen_reasoner(options)
        if options.clip is None:
            right = demo.scenes(options.out, reasoner)
        else:
            right = demo.recording(options.clip, options.out, reasoner)
    except (ClipError, OutputError, ReasonerError, OSError) as problem:
        print(f"gar-ssl: {problem}", file=sys.stderr)
        return FAILED
    return DONE if right else FAILED
