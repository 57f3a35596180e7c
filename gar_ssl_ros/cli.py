"""`gar-ssl`: which thing in view is making the sound, from the command line."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

DONE, FAILED, USAGE = 0, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns 0 where all was done, 1 where something failed; usage errors exit with 2."""
    parser = _parser()
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        code = options.run(options)
    except KeyboardInterrupt:
        print("gar-ssl: interrupted; what was computed so far is on disk", file=sys.stderr)
        return FAILED
    assert isinstance(code, int)
    return code


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="gar-ssl", description="Which thing in view is making the sound, and why.")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_localize(commands)
    _add_scenes(commands)
    _add_demo(commands)
    return parser


def _add_localize(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "localize",
        help="localize what sounds in recordings",
        description="Localize what sounds in recordings. Writes DIR/NAME.jsonl, DIR/NAME_contact.png and "
        "DIR/NAME_annotated.mp4 for each. Exit status: 0 done, 1 something failed, 2 wrong usage.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("media", nargs="+", type=Path, metavar="MEDIA", help="video files with sound")
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the results")
    parser.add_argument("--reasoner", choices=("signal",), default="signal", help="who answers the stages")
    parser.add_argument("--window", type=_seconds, default=3.0, metavar="S", help="length of a window, s")
    parser.add_argument("--hop", type=_seconds, default=3.0, metavar="S", help="from one window to the next, s")
    parser.add_argument("--trials", type=_count, default=5, metavar="N", help="analysis trials")
    parser.add_argument("--sources", type=_count, default=1, metavar="K", help="sources to look for at most")
    parser.add_argument("--tau-av", type=_share, default=0.5, metavar="T", help="gate: least audio-visual consistency")
    parser.add_argument("--tau-aud", type=_share, default=0.75, metavar="T", help="gate: least audio confidence")
    parser.add_argument("--no-video", action="store_true", help="write no annotated video")
    parser.add_argument("--overwrite", action="store_true", help="replace results that exist")
    parser.set_defaults(run=_localize)


def _localize(options: argparse.Namespace) -> int:
    from gar_ssl_ros.gar.pipeline import GarOptions
    from gar_ssl_ros.media.clip import ClipError
    from gar_ssl_ros.media.window import SECOND
    from gar_ssl_ros.offline import Cut, OutputError, jobs, localize_clip
    from gar_ssl_ros.reasoners.signal import SignalReasoner

    gar = GarOptions(options.sources, options.trials, options.tau_av, options.tau_aud)
    cut = Cut(round(options.window * SECOND), round(options.hop * SECOND))
    code = DONE
    for job in jobs(options.media, options.out, video=not options.no_video):
        try:
            done = localize_clip(job, SignalReasoner(), gar, cut, options.overwrite)
        except (ClipError, OutputError) as problem:
            print(f"gar-ssl: {problem}", file=sys.stderr)
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


def _add_scenes(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "scenes",
        help="render scenes whose truth is known",
        description="Render scenes whose truth is known: NAME.mp4 and NAME.truth.json for each.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the scenes")
    kinds = ("one", "two", "silent", "offscreen", "face")
    parser.add_argument("--kind", choices=(*kinds, "all"), default="one", help="what they are a test of")
    parser.add_argument("--difficulty", choices=("easy", "medium", "hard"), default="medium", help="to see what moves")
    parser.add_argument("--count", type=_count, default=1, metavar="N", help="scenes of each kind")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of the first; the others follow")
    parser.add_argument("--size", type=_size, default=(320, 240), metavar="WxH", help="pixels, even")
    parser.add_argument("--fps", type=float, default=15.0, metavar="F", help="frames a second")
    parser.add_argument("--seconds", type=_seconds, default=3.0, metavar="S", help="length, s")
    parser.add_argument(
        "--distractors", type=int, metavar="N", help="things that move out of time (2; 1 beside two sources)"
    )
    parser.add_argument("--noise", type=float, default=4.0, metavar="SIGMA", help="of the sensor, grey levels")
    parser.add_argument("--shake", type=float, default=0.5, metavar="SIGMA", help="of the camera, pixels a frame")
    parser.add_argument("--wav", action="store_true", help="write the sound apart, as NAME.wav")
    parser.set_defaults(run=_scenes)


def _scenes(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.scenes.files import write_scene
    from gar_ssl_ros.evaluation.scenes.scene import Difficulty, Kind, Scene, SceneOptions

    kinds = list(Kind) if options.kind == "all" else [Kind(options.kind)]
    width, height = options.size
    try:
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
                print(
                    write_scene(
                        Scene(wanted), options.out, f"{kind.value}_{options.difficulty}_{seed:04d}", options.wav
                    )
                )
    except (ValueError, OSError) as problem:
        print(f"gar-ssl: {problem}", file=sys.stderr)
        return FAILED
    return DONE


def _add_demo(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "demo",
        help="see it work on rendered scenes, or on your own clip",
        description="Render scenes, localize them and compare with their truth; or localize a clip of your own.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--clip", type=Path, metavar="FILE", help="a video file with sound")
    parser.add_argument("--out", type=Path, default=Path("demo"), metavar="DIR", help="folder for the results")
    parser.set_defaults(run=_demo)


def _demo(options: argparse.Namespace) -> int:
    from gar_ssl_ros import demo
    from gar_ssl_ros.media.clip import ClipError
    from gar_ssl_ros.offline import OutputError

    try:
        right = demo.scenes(options.out) if options.clip is None else demo.recording(options.clip, options.out)
    except (ClipError, OutputError, OSError) as problem:
        print(f"gar-ssl: {problem}", file=sys.stderr)
        return FAILED
    return DONE if right else FAILED


def _count(text: str) -> int:
    if not text.lstrip("+").isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    value = _number(text)
    if not 0.05 <= value <= 600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time from 0.05 to 600 s")
    return value


def _share(text: str) -> float:
    value = _number(text)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} does not lie in 0..1")
    return value


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.partition("x")
    if not (width.isdigit() and height.isdigit()) or int(width) % 2 or int(height) % 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 320x240, both sides even")
    return int(width), int(height)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number") from None


if __name__ == "__main__":
    sys.exit(main())
