"""`gar-ssl localize`: recordings in, records, annotated videos and contact sheets out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from gar_ssl_ros.commands.arguments import Commands, seconds, share, sources, trials
from gar_ssl_ros.commands.choice import add_reasoner, chosen_reasoner
from gar_ssl_ros.errors import DONE, FAILED, told


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "localize",
        help="localize what sounds in recordings",
        description="Localize what sounds in recordings. Writes DIR/NAME.jsonl, DIR/NAME_contact.png and "
        "DIR/NAME_annotated.mp4 for each. Exit status: 0 done, 1 something failed, 2 wrong usage.",
    )
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIA", help="video files with sound")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument("--window", type=seconds, default=3.0, metavar="S", help="length of a window, s")
    parser.add_argument("--hop", type=seconds, default=3.0, metavar="S", help="from one window to the next, s")
    parser.add_argument("--trials", type=trials, default=5, metavar="N", help="analysis trials")
    parser.add_argument("--sources", type=sources, default=1, metavar="K", help="sources to look for at most")
    parser.add_argument("--tau-av", type=share, default=0.5, metavar="T", help="gate: least audio-visual consistency")
    parser.add_argument("--tau-aud", type=share, default=0.75, metavar="T", help="gate: least audio confidence")
    parser.add_argument("--no-video", action="store_true", help="write no annotated video")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    add_reasoner(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    from gar_ssl_ros.gar.pipeline import GarOptions
    from gar_ssl_ros.media.window import SECOND
    from gar_ssl_ros.offline.recordings import Cut, jobs, localize_clip

    gar = GarOptions(options.sources, options.trials, options.tau_av, options.tau_aud)
    cut = Cut(round(options.window * SECOND), round(options.hop * SECOND))
    chosen = chosen_reasoner(options)
    code = DONE
    for job in jobs(options.media, options.out, video=not options.no_video, overwrite=options.overwrite):
        try:
            done = localize_clip(job, chosen, gar, cut, options.overwrite)
        except Exception as problem:  # whatever one recording holds, the others have their turn
            print(told(problem), file=sys.stderr)
            code = FAILED
            continue
        for note in done.notes:
            print(f"gar-ssl: note: {job.media}: {note}", file=sys.stderr)
        counts = ", ".join(f"{count} {outcome.value}" for outcome, count in done.outcomes.most_common())
        results = ", ".join(str(path) for path in (job.records, job.video, job.sheet) if path is not None)
        print(f"{job.media}: {counts or 'no window'} -> {results}")
        for failure in done.failures:
            print(f"gar-ssl: {job.media}: a window failed: {failure} (see `detail` in {job.records})", file=sys.stderr)
        if done.failures or not done.outcomes:
            code = FAILED
    return code
