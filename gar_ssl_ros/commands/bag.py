"""`gar-ssl bag`: a rosbag2 in, the same with the localizer's topics beside the recorded ones out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, node_name
from gar_ssl_ros.commands.choice import add_masks, add_options, add_reasoner, check_choice, chosen_reasoner
from gar_ssl_ros.commands.hearing import add_hearing, chosen_hearing
from gar_ssl_ros.errors import DONE, FAILED, UserError
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.options import from_values, options_of


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "bag",
        help="localize what sounds in a rosbag2",
        description="Localize what sounds in a rosbag2 (mcap or sqlite3) in its own time, and write every topic of the "
        "localizer beside the recorded ones into a new bag. Exit status: 0 done, 1 something failed, 2 wrong usage.",
    )
    parser.add_argument("bag", type=Path, metavar="IN", help="the bag's folder, or its .mcap or .db3 file")
    parser.add_argument("--out", type=Path, metavar="OUT", help="folder of the new bag (default: IN_localized)")
    parser.add_argument("--image", metavar="TOPIC", help="where the bag has several of images")
    parser.add_argument("--audio", metavar="TOPIC", help="where the bag has several of sound")
    parser.add_argument("--name", default="/localizer", metavar="NODE", type=node_name, help="whose topics are written")
    add_options(parser, options_of(WindowOptions))
    add_options(parser, options_of(GarOptions))
    add_masks(parser)
    add_hearing(parser, camera=False)
    add_reasoner(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from tqdm import tqdm

    from gar_ssl_ros.bags.localize import BagJob, BagSummary, localize_bag, refuse_answered
    from gar_ssl_ros.bags.rosbag import Bag, BagWriter
    from gar_ssl_ros.bags.topics import choose_topics
    from gar_ssl_ros.media.window import SECOND

    check_choice(options)  # before anything is written
    gar, windows = from_values(GarOptions, vars(options)), from_values(WindowOptions, vars(options))
    hearing = chosen_hearing(options, camera=False)
    listener = None if hearing is None else hearing()
    given = options.bag.absolute()
    out = options.out or given.parent / f"{given.stem}_localized"
    done = BagSummary()
    code = DONE
    try:
        with Bag(options.bag) as bag:
            topics = choose_topics(bag, options.image, options.audio)
            refuse_answered(bag, options.name)
            chosen = chosen_reasoner(options)  # before anything is made that would stand in the way of the next try
            segmenter = segmenter_of(from_values(MaskOptions, vars(options)))
            hear = None if listener is None else listener.hear
            job = BagJob(topics, options.name, gar, windows, hear, segmenter)
            form = "{desc} |{bar}| {n:.1f}/{total:.1f} s [{elapsed}<{remaining}]"
            length = bag.duration / SECOND
            with (
                BagWriter(out, bag.plugin) as writer,
                tqdm(total=length, desc=options.bag.name, bar_format=form, disable=None, leave=False) as bar,
            ):
                localize_bag(bag, writer, job, chosen, done, lambda read: bar.update(read / SECOND - bar.n))
    except UserError as problem:
        print(f"gar-ssl: {problem}", file=sys.stderr)
        code = FAILED
    for complaint in (*done.complaints, *(() if listener is None else listener.problems)):
        print(f"gar-ssl: note: {options.bag}: {complaint}", file=sys.stderr)
    if done.left_out:
        print(f"gar-ssl: note: {options.bag}: {done.left_out} messages were left out", file=sys.stderr)
    for reason, times in done.failures.items():
        print(f"gar-ssl: {options.bag}: {times} windows failed: {reason}", file=sys.stderr)
    if code == DONE and not done.outcomes:
        print(f"gar-ssl: {options.bag}: no window of {options.window:g} s is in it", file=sys.stderr)
    if done.outcomes or code == DONE:
        counts = ", ".join(f"{times} {outcome.value}" for outcome, times in done.outcomes.most_common())
        print(f"{options.bag}: {counts or 'no window'} -> {out}")
    return FAILED if done.failures or not done.outcomes else code
