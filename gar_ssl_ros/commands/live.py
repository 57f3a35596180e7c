"""`gar-ssl live`: a page on which one watches the robot's ears and eyes."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import ExitStack, closing
from importlib.util import find_spec
from pathlib import Path
from time import sleep
from typing import TYPE_CHECKING, Any

from gar_ssl_ros.commands.arguments import Commands, node_name, whole
from gar_ssl_ros.commands.choice import add_masks, add_options, add_reasoner, chosen_reasoner, node_parameters
from gar_ssl_ros.errors import DONE, UsageError, UserError, pip_install
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.interrupts import heeded
from gar_ssl_ros.masks import MaskOptions
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.options import from_values, options_of
from gar_ssl_ros.reasoners import AUTO
from gar_ssl_ros.spatial.hearing.options import HearingOptions

if TYPE_CHECKING:
    from gar_ssl_ros.page.commands import Behind
    from gar_ssl_ros.page.graph import Graph
    from gar_ssl_ros.page.web import Sense

PORT = 8230
HOP_S = 0.5  # from one window to the next: one watches
CHUNK_S = 0.04  # of sound a message, so that the level is seen at once
LOOK_S = 0.2  # from one look at the nodes to the next
UNITS = {"": 1, "s": 1, "m": 60, "h": 3600}


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "live",
        help="watch camera, microphone and answers on a page, or a recorded session",
        description="Start camera, microphone and localizer on a graph of their own on this machine, and serve a page "
        "on which one watches them. Or look at a graph that runs (--graph), or at a session that was recorded. "
        "docs/live.md tells more. Exit status: 0 ended, 1 something failed, 2 wrong usage.",
        epilog="example: gar-ssl live --clip talk.mp4",
    )
    told = "a recorded session: a rosbag2's folder, or its .mcap or .db3 file"
    parser.add_argument("session", nargs="?", type=Path, metavar="SESSION", help=told)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--clip", type=Path, metavar="FILE", help="a video with sound, again and again, for a camera")
    where.add_argument("--browser", action="store_true", help="the page's own camera and microphone, as of a phone")
    where.add_argument("--graph", action="store_true", help="start no nodes: look at the graph of ROS_DOMAIN_ID")
    parser.add_argument("--camera", default="", metavar="DEVICE", help="as the camera node's parameter `device`")
    parser.add_argument("--microphone", default="", metavar="DEVICE", help="as the microphone node's `device`")
    graph = parser.add_argument_group("topics and node of --graph")
    graph.add_argument("--image", default="/image", type=node_name, metavar="TOPIC", help="of the images")
    graph.add_argument("--audio", default="/audio", type=node_name, metavar="TOPIC", help="of the sound")
    graph.add_argument("--localizer", default="/localizer", type=node_name, metavar="NODE", help="who answers")
    page = parser.add_argument_group("the page")
    told = "address to serve; another than this machine's own needs the token that is printed"
    page.add_argument("--host", default="127.0.0.1", metavar="ADDRESS", help=told)
    page.add_argument("--port", default=PORT, type=whole(0, 65535), metavar="N", help="0: any that is free")
    told = "serve https, with a certificate of one's own: what a phone's camera asks for"
    page.add_argument("--https", action="store_true", help=told)
    kept = parser.add_argument_group("recording")
    told = "record from the start, into a new folder in DIR (default of the page's button: ./sessions)"
    kept.add_argument("--record", type=Path, metavar="DIR", help=told)
    kept.add_argument("--keep", type=_duration, metavar="TIME", help="of a recording only the last, such as 10m")
    add_options(parser, options_of(WindowOptions))
    parser.set_defaults(hop=HOP_S)
    add_options(parser, options_of(GarOptions))
    add_options(parser.add_argument_group("a microphone array"), options_of(HearingOptions))
    add_masks(parser)
    add_reasoner(parser, None, " (default: auto; of a session: none beside its recorded answers)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    missing = [name for name in ("starlette", "uvicorn", "websockets", "cryptography") if find_spec(name) is None]
    if missing:
        raise UserError(f"the page needs {', '.join(missing)}, not found here: {pip_install('live')}")
    if options.session is not None and (options.clip or options.browser or options.graph or options.record):
        raise UsageError("a recorded session is played by itself: leave --clip, --browser, --graph and --record out")
    if options.clip is not None and not options.clip.is_file():
        raise UsageError(f"{options.clip} does not exist: check the path")
    anew = options.reasoner is not None
    options.reasoner = options.reasoner or AUTO
    who = node_parameters(options)
    with ExitStack() as kept:
        return _graph(options, who, kept) if options.session is None else _session(options, anew, kept)


def _graph(options: argparse.Namespace, who: dict[str, object], kept: ExitStack) -> int:
    from gar_ssl_ros.offline.processes import graph, isolated
    from gar_ssl_ros.page.graph import Graph
    from gar_ssl_ros.page.live_node import Names

    try:
        if not options.graph:
            kept.enter_context(isolated())
        processes = kept.enter_context(graph())
        names = Names(options.image, options.audio, options.localizer)
        folder = options.record or Path("sessions")
        hello = {"mode": _mode(options), "title": _title(options), "can": _can(options), "lanes": [{"name": ""}]}
        behind = kept.enter_context(
            closing(Graph(processes, _wanted(options, who), names, hello, folder, options.keep))
        )
        if options.record is not None:
            behind.recordings.begin()
        sense = _sensor(behind, kept) if options.browser else None
        kept.enter_context(_served(options, behind, sense))
        while True:
            behind.look()
            sleep(LOOK_S)
    except KeyboardInterrupt:  # which is how it ends
        heeded()
        return DONE


def _session(options: argparse.Namespace, anew: bool, kept: ExitStack) -> int:
    """anew: True if the reasoner that is chosen answers it, too."""
    from gar_ssl_ros.page.session import Session

    try:
        reasoner = chosen_reasoner(options) if anew else None
        behind = kept.enter_context(Session(options.session, reasoner, from_values(GarOptions, vars(options))))
        kept.enter_context(_served(options, behind))
        while True:
            sleep(LOOK_S)
    except KeyboardInterrupt:
        heeded()
        return DONE


def _served(options: argparse.Namespace, behind: Behind, sense: Sense | None = None) -> ExitStack:
    """The page's server, which has begun, and has printed where it is."""
    from gar_ssl_ros.page.access import Access
    from gar_ssl_ros.page.certificate import certificate
    from gar_ssl_ros.page.server import Server
    from gar_ssl_ros.page.web import application

    access = Access(options.host, options.https)
    serving = ExitStack()
    pair = certificate(options.host) if options.https else None
    server = serving.enter_context(Server(application(behind, access, sense), options.host, options.port, pair))
    shown = f"[{options.host}]" if ":" in options.host else options.host
    token = "" if access.open else f"?token={access.token}"
    print(f"http{'s' if options.https else ''}://{shown}:{server.port}/{token}", flush=True)
    if not access.open and not options.https:
        told = "whoever is on this network can read along: --https keeps it private"
        print(f"gar-ssl: note: {told}", file=sys.stderr)
    return serving


def _sensor(behind: Graph, kept: ExitStack) -> Sense:
    """What takes in a page's own camera and microphone."""
    from gar_ssl_ros.page.sensor import Sensor

    return kept.enter_context(closing(Sensor(behind.node, behind.feed))).serve


def _wanted(options: argparse.Namespace, who: dict[str, object]) -> list[Any]:
    """The nodes that are to run."""
    from gar_ssl_ros.page.graph import Wanted

    if options.graph:
        return []
    kinds = (WindowOptions, GarOptions, HearingOptions, MaskOptions)
    declared = [one for kind in kinds for one in options_of(kind)]
    chosen = {one.name: getattr(options, one.name) for one in declared if one.offered}
    nodes = [Wanted("localizer", {**chosen, **who, "overlay_rate": 0.0})]
    if options.clip is not None:
        played = {"clip": options.clip.absolute(), "loop": True, "compressed": True, "wait": 20.0}
        return [*nodes, Wanted("player", played)]
    if options.browser:
        return nodes
    heard = {"device": options.microphone, "array": options.array, "chunk": CHUNK_S}
    return [*nodes, Wanted("camera", {"device": options.camera, "compressed": True}), Wanted("microphone", heard)]


def _mode(options: argparse.Namespace) -> str:
    return (
        "clip" if options.clip is not None else "browser" if options.browser else "graph" if options.graph else "live"
    )


def _title(options: argparse.Namespace) -> str:
    titles = {"clip": options.clip and options.clip.name, "browser": "this page's camera", "graph": options.localizer}
    return str(titles.get(_mode(options)) or "this machine's camera")


def _can(options: argparse.Namespace) -> dict[str, bool]:
    can = dict.fromkeys(("localize", "enable", "record", "parameters"), True)
    return {**can, "play": False, "sense": bool(options.browser)}


def _duration(text: str) -> float:
    """A time such as 90s, 10m or 1h, in s."""
    found = re.fullmatch(r"([0-9]{1,6}(?:\.[0-9]{1,3})?)([smh]?)", text)
    seconds = float(found.group(1)) * UNITS[found.group(2)] if found else 0.0
    if not 10 <= seconds <= 7 * 24 * 3600:
        raise argparse.ArgumentTypeError(f"{text[:40]!r} is not a time from 10s to 168h, such as 10m")
    return seconds
