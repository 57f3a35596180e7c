"""`gar-ssl calibrate`: how the camera is turned in a microphone array's frame, from recordings of both."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.commands.choice import add_options, add_reasoner, chosen_reasoner
from gar_ssl_ros.commands.hearing import add_hearing
from gar_ssl_ros.errors import DONE, UsageError
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.options import from_values, options_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions

if TYPE_CHECKING:
    from gar_ssl_ros.media.window import Window
    from gar_ssl_ros.spatial.camera import Camera
    from gar_ssl_ros.spatial.hearing.windows import Lens
    from gar_ssl_ros.spatial.panorama import Panorama


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "calibrate",
        help="measure how a camera is turned in a microphone array's frame",
        description="Measure how a camera is turned in a microphone array's frame, from recordings in which things in "
        "view make sounds, all over the picture, and print the array_to_camera to set. Whether the array's channels "
        "are in order is looked at, too. --array-to-camera tells where the camera is, how it is rolled, and how pitched"
        " where the array hears no elevation; 0 where not given. Exit status: 0 done, 1 not known, 2 wrong usage.",
    )
    parser.add_argument("media", nargs="+", type=Path, metavar="CLIP|BAG", help="videos with all channels, or rosbag2")
    add_options(parser, options_of(WindowOptions))
    parser.set_defaults(window=2.0, hop=1.0)
    parser.add_argument("--image", metavar="TOPIC", help="where a bag has several of images")
    parser.add_argument("--audio", metavar="TOPIC", help="where a bag has several of sound")
    add_hearing(parser)
    add_reasoner(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from gar_ssl_ros.gar.options import GarOptions
    from gar_ssl_ros.gar.pipeline import localize
    from gar_ssl_ros.spatial.hearing.catalog import array_of
    from gar_ssl_ros.spatial.hearing.coincidences import Coincidences
    from gar_ssl_ros.spatial.hearing.mounting import Mounting, mounting_from_text
    from gar_ssl_ros.work.calibration import told

    hearing = from_values(HearingOptions, vars(options))
    array = array_of(hearing)
    if array is None:
        raise UsageError("calibrate needs an array: name it with --array, or describe it with --array-positions")
    given = mounting_from_text(hearing.array_to_camera) if hearing.array_to_camera else Mounting()
    kept = Coincidences(array, hearing, given)
    reasoner, asked = chosen_reasoner(options), GarOptions(sources=3, analysis=False, refinement=False)
    problems: dict[str, None] = {}
    seen = 0
    for window, camera in tqdm(_windows(options, problems), desc="looking and listening", disable=None, leave=False):
        *_, found = localize(window, reasoner, asked)
        kept.add(window, [source.box for source in found.sources], camera)
        seen += 1
    for problem in problems:
        print(f"gar-ssl: note: {problem}", file=sys.stderr)
    print(f"{seen} windows: in {len(kept)} of them a sound was heard while something in view may have made it")
    print(told(kept.calibration()))
    return DONE


def _windows(options: argparse.Namespace, problems: dict[str, None]) -> Iterator[tuple[Window, Camera | Panorama]]:
    """Of each recording, with the camera of its pictures."""
    from gar_ssl_ros.commands.hearing import lens_of
    from gar_ssl_ros.media.clip import Clip, windows

    told = options.camera_info is not None or options.hfov is not None
    lens: Lens | None = lens_of(options) if told else None
    lengths = from_values(WindowOptions, vars(options))
    for path in options.media:
        if path.is_dir() or path.suffix in (".mcap", ".db3"):
            yield from _of_bag(path, options, lens, problems)
            continue
        clip, lens = Clip(path), lens or lens_of(options)
        for window in windows(clip, lengths.length_ns, lengths.hop_ns):
            yield window, lens(window.center.width, window.center.height)
        problems.update(dict.fromkeys(f"{path}: {note}" for note in clip.notes))


def _of_bag(
    path: Path, options: argparse.Namespace, lens: Lens | None, problems: dict[str, None]
) -> Iterator[tuple[Window, Camera | Panorama]]:
    from gar_ssl_ros.bags.rosbag import Bag
    from gar_ssl_ros.bags.topics import choose_topics
    from gar_ssl_ros.bags.windows import windows_of_bag

    lengths = from_values(WindowOptions, vars(options))
    with Bag(path) as bag:
        topics = choose_topics(bag, options.image, options.audio)
        said = lambda problem: problems.update({f"{path}: {problem}": None})  # noqa: E731
        for window, camera in windows_of_bag(bag, topics, lengths, said):
            seen = camera if lens is None else lens(window.center.width, window.center.height)
            if seen is None:
                raise UsageError(f"{path} has no CameraInfo of {topics.image}: give --camera-info or --hfov")
            yield window, seen
