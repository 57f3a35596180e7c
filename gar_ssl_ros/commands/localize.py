"""`gar-ssl localize`: recordings in, records, annotated videos and contact sheets out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.commands.choice import add_masks, add_options, add_reasoner, chosen_reasoner
from gar_ssl_ros.commands.hearing import add_hearing, chosen_hearing
from gar_ssl_ros.errors import DONE, FAILED, told
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.options import from_values, options_of


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "localize",
        help="localize what sounds in recordings",
        description="Localize what sounds in recordings. Writes DIR/NAME.jsonl, DIR/NAME_contact.png and "
        "DIR/NAME_annotated.mp4 for each. Exit status: 0 done, 1 something failed, 2 wrong usage.",
    )
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIA", help="video files with sound")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    add_options(parser, options_of(WindowOptions))
    parser.set_defaults(hop=WindowOptions().window)
    add_options(parser, options_of(GarOptions))
    parser.add_argument("--no-video", action="store_true", help="write no annotated video")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    add_masks(parser)
    add_hearing(parser)
    add_reasoner(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.offline.recordings import jobs, localize_clip

    gar, windows = from_values(GarOptions, vars(options)), from_values(WindowOptions, vars(options))
    hearing = chosen_hearing(options)
    chosen, segmenter = chosen_reasoner(options), segmenter_of(from_values(MaskOptions, vars(options)))
    code = DONE
    for job in jobs(options.media, options.out, video=not options.no_video, overwrite=options.overwrite):
        listener = None if hearing is None else hearing()
        try:
            hear = None if listener is None else listener.hear
            done = localize_clip(job, chosen, gar, windows, options.overwrite, hear, segmenter)
        except Exception as problem:  # whatever one recording holds, the others have their turn
            print(told(problem), file=sys.stderr)
            code = FAILED
            continue
        for note in (*done.notes, *(() if listener is None else listener.problems)):
            print(f"gar-ssl: note: {job.media}: {note}", file=sys.stderr)
        counts = ", ".join(f"{count} {outcome.value}" for outcome, count in done.outcomes.most_common())
        results = ", ".join(str(path) for path in (job.records, job.video, job.sheet) if path is not None)
        print(f"{job.media}: {counts or 'no window'} -> {results}")
        for failure in done.failures:
            print(f"gar-ssl: {job.media}: a window failed: {failure} (see `detail` in {job.records})", file=sys.stderr)
        if done.failures or not done.outcomes:
            code = FAILED
    return code
