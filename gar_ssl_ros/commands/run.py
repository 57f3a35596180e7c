"""`gar-ssl run`: the nodes, with ROS 2 installed or without."""

from __future__ import annotations

import argparse

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.nodes.main import NAMES, main


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "run",
        help="run a node: localizer, player, camera, microphone, recorder or fuse",
        description="Run a node on the ROS 2 graph, with ROS 2 installed or without. docs/ros.md lists the parameters.",
        epilog="example: gar-ssl run player --ros-args -p clip:=talk.mp4 -p loop:=true -r image:=/camera/image_raw",
    )
    parser.add_argument("node", choices=NAMES, help="which one")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        metavar="--ros-args ...",
        help="as ros2 run takes them: -p, -r, --params-file",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    return main(options.node, options.arguments)
