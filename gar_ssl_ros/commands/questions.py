"""`gar-ssl questions`: spatial questions with truth, made, looked at, checked, learned, answered and scored."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import (
    CommandParser,
    Commands,
    add_parts,
    number,
    require_evaluation,
    seed,
    size,
    whole,
)
from gar_ssl_ros.commands.evaluate import kept
from gar_ssl_ros.commands.questions_train import add_train, require_learning
from gar_ssl_ros.errors import DONE, FAILED, UsageError
from gar_ssl_ros.files import check_outputs, write_whole
from gar_ssl_ros.perception.quiet import quiet

if TYPE_CHECKING:
    from gar_ssl_ros.evaluation.questions.answering import AnswerRecord, See
    from gar_ssl_ros.evaluation.questions.options import QuestionOptions
    from gar_ssl_ros.evaluation.questions.record import QuestionRecord

SPLITS = ("train", "val", "test")
MOST = 10_000_000  # questions of a split: their ids have seven digits
LABELS = "labels"  # of a detector


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "questions",
        help="make, check and answer spatial questions whose truth is known",
        description="Questions about what is heard and seen (docs/questions.md): where a sound comes from, how it "
        "lies to a thing, which of several things makes it, whether that is visible.",
    )
    actions = parser.add_subparsers(title="actions", metavar="ACTION", required=True, parser_class=CommandParser)
    _add_make(actions)
    _add_show(actions)
    _add_check(actions)
    add_train(actions)
    _add_answer(actions)
    _add_evaluate(actions)


def _add_make(actions: Commands) -> None:
    making = actions.add_parser(
        "make",
        help="render panoramas, record sounds in rooms, and ask about them",
        description="Make a split's questions: DIR/SPLIT.jsonl, and a panorama and a recording for each.",
    )
    making.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the questions")
    making.add_argument("--split", choices=SPLITS, required=True, help="they share nothing")
    making.add_argument("--count", type=whole(1, MOST), default=900, metavar="N", help="questions of the split in all")
    making.add_argument("--types", metavar="T,T", help="that are asked in turn (default: Q1 to Q9; A1, A2, V1, V2)")
    making.add_argument("--seed", type=seed, default=0, metavar="N", help="the same gives the same bytes")
    making.add_argument("--array", default="binaural", metavar="NAME", help="that hears: a name, or a YAML file")
    making.add_argument(
        "--sofa", default="", metavar="FILE", help="a head's responses for `binaural`, instead of KEMAR's"
    )
    making.add_argument("--size", type=size, metavar="WxH", help="of a panorama, pixels, even (default: 812x224)")
    making.add_argument("--seconds", type=number(0.2, 60), metavar="S", help="of each recording, s (default: 3)")
    making.add_argument("--tiny", action="store_true", help="204x56 pixels and 1 s")
    making.add_argument("--rt60", type=number(0, 2), default=0.4, metavar="S", help="the rooms' reverberation time, s")
    making.add_argument("--snr", type=number(-20, 100), default=20.0, metavar="DB", help="of the noise from everywhere")
    making.add_argument("--rooms", type=whole(1, 10_000), metavar="N", help="of the split (default: 40, 8 and 16)")
    making.add_argument(
        "--places", type=whole(10, 64), default=16, metavar="N", help="of things and sources in each room"
    )
    making.add_argument("--pictures", type=Path, metavar="DIR", help="your own, in a folder for each class")
    making.add_argument("--sounds", type=Path, metavar="DIR", help="your own, so too, or as VGGSound has them")
    add_parts(making, "questions")
    making.set_defaults(run=run_make)


def _add_show(actions: Commands) -> None:
    showing = actions.add_parser("show", help="show one question", description="Show one question with its truth.")
    showing.add_argument("questions", type=Path, metavar="DIR", help="folder of questions")
    showing.add_argument("id", metavar="ID", help="such as test-0000012")
    showing.add_argument("--out", type=Path, metavar="FILE.png", help="write its panorama, with what is where")
    showing.add_argument("--overwrite", action="store_true", help="replace that file")
    showing.set_defaults(run=run_show)


def _add_check(actions: Commands) -> None:
    checking = actions.add_parser(
        "check",
        help="whether they are what they say",
        description="Check a folder of questions: lines, ids, words, media, and that splits share nothing. Exit "
        "status: 0 where all is well, else 1.",
    )
    checking.add_argument("questions", type=Path, metavar="DIR", help="folder of questions")
    checking.add_argument("--lines-only", action="store_true", help="open no pictures and sounds")
    checking.add_argument(
        "--again", type=whole(0, MOST), default=3, metavar="N", help="that are made anew: the same bytes?"
    )
    checking.set_defaults(run=run_check)


def _add_answer(actions: Commands) -> None:
    answering = actions.add_parser(
        "answer",
        help="answer them without weights, or by a trained model",
        description="Answer them by geometry and rules, from what an array hears and what is given of the picture; or "
        "with --model by one that `train` has filled, from sounds and pictures themselves.",
    )
    answering.add_argument("questions", type=Path, metavar="DIR", help="folder of questions")
    answering.add_argument("--split", choices=SPLITS, default="test", help="whose")
    answering.add_argument("--out", required=True, type=Path, metavar="FILE.jsonl", help="for the answers")
    answering.add_argument("--model", type=Path, metavar="DIR", help="a trained model: it hears and sees as it learned")
    heard = "what is heard: all channels, one microphone's, the true source, or nothing (default: array)"
    answering.add_argument("--heard", choices=("array", "mono", "truth", "none"), help=heard)
    seen = "what is given of the picture: classes, places and distances; no distances; labels of a detector; or nothing"
    answering.add_argument("--seen", choices=("objects", "boxes", LABELS, "none"), help=f"{seen} (default: objects)")
    told = "for --seen labels: a detector in ONNX (default: nanodet or yolox-nano, whichever is here)"
    answering.add_argument("--detector", type=Path, metavar="FILE", help=told)
    answering.add_argument("--resume", action="store_true", help="go on where the answers in FILE end")
    answering.set_defaults(run=run_answer)


def _add_evaluate(actions: Commands) -> None:
    scoring = actions.add_parser(
        "evaluate",
        help="score answers, beside the paper's figures",
        description="Score answers to a split's questions: of `answer`, or of a model of your own (a line of JSON "
        "each, with id and answer). Writes OUT/report.html and report.md.",
    )
    scoring.add_argument("questions", type=Path, metavar="DIR", help="folder of questions")
    scoring.add_argument("--split", choices=SPLITS, default="test", help="whose")
    scoring.add_argument(
        "--answers", nargs="+", required=True, metavar="[NAME=]FILE", help="answers, several to compare"
    )
    scoring.add_argument("--out", required=True, type=Path, metavar="OUT", help="folder for the report")
    scoring.set_defaults(run=run_evaluate)


def run_make(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.questions.make import QuestionWork, append_all, open_questions
    from gar_ssl_ros.evaluation.questions.record import read_split
    from gar_ssl_ros.evaluation.run import progress

    asked = _options(options)
    index, of = options.shard
    part = range(index - 1, options.count, of)
    work = QuestionWork(asked, options.out)  # before the folder is said to hold what cannot be made
    with kept(options.out):
        writer = open_questions(asked, options.out, options.split, options.shard, options.resume)
        done = set()
        if options.resume and any(path.stat().st_size for path in options.out.glob(f"{options.split}*.jsonl")):
            done = {one.index for one in read_split(options.out, options.split)}
        wanted = [one for one in part if one not in done]
        if options.engine == "ray":
            records = _on_ray(asked, options.out, options.split, wanted)
        else:
            records = (work.make(options.split, one) for one in wanted)
        with progress(options.split, len(part), len(part) - len(wanted)) as bar:
            for _ in append_all(writer, records):
                bar.update()
    print(f"{options.out}: {len(wanted)} questions of the split {options.split}, {len(part) - len(wanted)} were there")
    return DONE


def run_show(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.questions.record import QuestionsError, read_config, read_split
    from gar_ssl_ros.evaluation.questions.show import drawn, in_words

    split = options.id.partition("-")[0]
    found = [one for one in read_split(options.questions, split) if one.id == options.id]
    if not found:
        raise QuestionsError(f"{options.questions} has no question {options.id}: ids are such as test-0000012")
    if options.out is not None:
        check_outputs([options.out], [], options.overwrite)
        write_whole(options.out, drawn(options.questions, found[0], read_config(options.questions)), options.overwrite)
    print(in_words(found[0]))
    return DONE


def run_check(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.questions.check import check, lines_of, same_again
    from gar_ssl_ros.evaluation.questions.make import RESPONSES, Maker
    from gar_ssl_ros.evaluation.questions.record import each_split, read_config, read_split
    from gar_ssl_ros.evaluation.run import progress

    with progress("check", lines_of(options.questions), 0) as bar:
        found = check(options.questions, not options.lines_only, bar)
    for split, counts in found.counts.items():
        print(f"{split}: {sum(counts.values())} questions: {_counted(counts)}")
    problems = list(found.problems)
    if options.again:
        maker = Maker(read_config(options.questions), options.questions / RESPONSES)
        for split in each_split(options.questions):
            records = read_split(options.questions, split)
            some = records[:: max(1, len(records) // options.again)][: options.again]
            problems += [f"{one.id}: {told}" for one in some if (told := same_again(options.questions, one, maker))]
    for problem in problems:
        print(f"gar-ssl: {problem}", file=sys.stderr)
    if found.more:
        print(f"gar-ssl: and {found.more} problems more", file=sys.stderr)
    if not found.counts:
        raise UsageError(f"{options.questions} holds no questions: make them first")
    print("all is well" if not problems else f"{len(problems) + found.more} problems")
    return FAILED if problems else DONE


def run_answer(options: argparse.Namespace) -> int:
    from gar_ssl_ros.evaluation.questions.answering import AnswerRecord
    from gar_ssl_ros.evaluation.questions.record import read_split
    from gar_ssl_ros.evaluation.run import progress
    from gar_ssl_ros.output.record import RecordWriter, read_lines

    records = read_split(options.questions, options.split)
    if not options.resume:
        check_outputs([options.out], [], overwrite=False)
    answers = _answerer(options, records)
    with kept(options.out):
        writer = RecordWriter(options.out, resume=options.resume)
        done = {one.id for one in read_lines(options.out, AnswerRecord)} if options.resume else set()
        unanswered = 0
        with progress("answer", len(records), len(done)) as bar:
            for told in answers([one for one in records if one.id not in done]):
                writer.write(told)
                unanswered += told.fields is None
                bar.update()
        writer.close()
    lacks = "answered" if options.model is None else "read"
    print(f"{options.out}: {len(records)} answers, {unanswered} questions of them could not be {lacks}")
    return DONE


def run_evaluate(options: argparse.Namespace) -> int:
    require_evaluation()
    from gar_ssl_ros.evaluation.metrics.questions import METRICS
    from gar_ssl_ros.evaluation.questions.answering import Ears, answers, see
    from gar_ssl_ros.evaluation.questions.record import read_config, read_split
    from gar_ssl_ros.evaluation.report.questions import (
        ORACLE,
        by_chance,
        compared,
        paired_cells,
        scored,
        told,
        write_questions_report,
    )

    records = read_split(options.questions, options.split)
    asked = read_config(options.questions)
    named = [_named(text) for text in options.answers]
    given = [(name, _answers(path, records)) for name, path in named]
    rows, pairs = [scored(name, records, answered) for name, answered in given], compared(records, given)
    rows.append(by_chance(records))
    true = answers(records, Ears(options.questions, asked, "truth"), partial(see, how="objects"))
    rows.append(scored(ORACLE, records, {one.id: one.answer for one in true}))
    about = (
        f"{len(records)} questions of the split {options.split}, seed {asked.seed}, heard by {asked.array} in rooms of "
        f"RT60 {asked.rt60:g} s, {asked.snr:g} dB, in recordings of {asked.seconds:g} s."
    )
    with kept(options.out):
        write_questions_report(options.out, f"Spatial questions: {options.split}", about, rows, pairs)
    print(about)
    width = max(len(one.name) for one in METRICS)
    print(f"{'':{width}}  " + "  ".join(one.name for one in rows))
    for metric in METRICS:
        if any(metric.name in one.figures for one in rows):
            cells = [f"{told(metric, one.figures.get(metric.name)):>{len(one.name)}}" for one in rows]
            print(f"{metric.name:{width}}  {'  '.join(cells)}  {metric.unit}")
    _print_paired(paired_cells(pairs), [one.name for one in pairs])
    for one in rows:
        if one.unread:
            print(f"{one.name}: {one.unread} answers could not be read")
    print(f"{options.out}/report.html, report.md")
    return DONE


def _print_paired(cells: list[tuple[str, ...]], names: list[str]) -> None:
    if not cells:
        return
    lines = [("paired differences", *names), *((name, *told) for name, _, *told in cells)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for name, *told in lines:
        print(f"{name:{widths[0]}}  " + "  ".join(f"{one:>{to}}" for one, to in zip(told, widths[1:], strict=True)))


def _options(options: argparse.Namespace) -> QuestionOptions:
    """Raises UsageError where they mean nothing."""
    from gar_ssl_ros.evaluation.questions.options import TINY, QuestionOptions
    from gar_ssl_ros.spatial.questions.forms import PAPER_TYPES, QuestionType

    types: tuple[QuestionType, ...] = PAPER_TYPES
    if options.types:
        names = [one.strip().upper() for one in options.types.split(",") if one.strip()]
        known = [one.value for one in QuestionType]
        if not names or (unknown := next((one for one in names if one not in known), "")):
            raise UsageError(f"--types: {unknown if names else options.types} is none of {', '.join(known)}")
        types = tuple(QuestionType(one) for one in dict.fromkeys(names))
    drawn = {} if options.size is None else dict(zip(("width", "height"), options.size, strict=True))
    if drawn and not (64 <= drawn["width"] >= 2 * drawn["height"] >= 32):
        wanted = "a panorama is at least twice as wide as high, and 64x16 or more"
        raise UsageError(f"--size {drawn['width']}x{drawn['height']}: {wanted}")
    if options.seconds is not None:
        drawn["seconds"] = options.seconds
    if options.tiny and drawn:
        raise UsageError("--tiny is a size and a length of its own: leave it out, or --size and --seconds")
    same = {name: getattr(options, name) for name in ("seed", "array", "sofa", "rt60", "snr", "rooms", "places")}
    own = {name: path.absolute() for name in ("pictures", "sounds") if (path := getattr(options, name))}
    for name in ("array", "sofa"):  # whoever reads the folder is somewhere else
        if same[name] and (name == "sofa" or Path(same[name]).suffix in (".yaml", ".yml")):
            same[name] = str(Path(same[name]).absolute())
    return QuestionOptions(types=types, **same, **own, **(TINY if options.tiny else drawn))


def _on_ray(asked: QuestionOptions, folder: Path, split: str, wanted: list[int]) -> Iterator[QuestionRecord]:
    """The same on a Ray cluster, in the same order; each machine needs the folder at the same place."""
    from gar_ssl_ros.evaluation.cluster import ray_cluster, spread
    from gar_ssl_ros.evaluation.questions.make import QuestionWork

    order, held = iter(wanted), {}
    following = next(order, None)
    with ray_cluster() as ray:
        for one in spread(ray, QuestionWork, [asked, folder.absolute()], "make", [(split, index) for index in wanted]):
            held[one.index] = one
            while following in held:
                yield held.pop(following)
                following = next(order, None)


def _answerer(
    options: argparse.Namespace, records: list[QuestionRecord]
) -> Callable[[list[QuestionRecord]], Iterator[AnswerRecord]]:
    """Who answers. Raises UsageError where that is not clear, UserError where it cannot be had."""
    if options.model is None:
        from gar_ssl_ros.evaluation.questions.answering import Ears, answers
        from gar_ssl_ros.evaluation.questions.record import read_config

        ears = Ears(options.questions, read_config(options.questions), options.heard or "array")
        return partial(answers, ears=ears, eyes=_eyes(options))
    if any(one is not None for one in (options.heard, options.seen, options.detector)):
        raise UsageError("--model hears and sees as it learned: leave out --heard, --seen and --detector")
    require_learning()
    with quiet():
        from gar_ssl_ros.evaluation.questions.asking import Asking

    asking = Asking(options.questions, records, options.model)
    for note in asking.notes:
        print(f"gar-ssl: note: {note}", file=sys.stderr)
    return asking.answers


def _eyes(options: argparse.Namespace) -> See:
    from gar_ssl_ros.evaluation.questions.answering import see

    if options.seen != LABELS:
        if options.detector is not None:
            raise UsageError("--detector: it is looked with for --seen labels alone")
        return partial(see, how=options.seen or "objects")
    from gar_ssl_ros.evaluation.questions.eyes import Eyes
    from gar_ssl_ros.perception.objects import Objects
    from gar_ssl_ros.perception.store import first_here, load_path
    from gar_ssl_ros.reasoners.senses.senses import OBJECTS

    objects = Objects(options.detector or load_path(first_here(OBJECTS)))
    return Eyes(options.questions, lambda image: [(one.label, one.score, one.box) for one in objects.detect(image)]).see


def _named(text: str) -> tuple[str, Path]:
    name, equals, path = text.partition("=")
    return (name, Path(path)) if equals and name and path else (Path(text).stem, Path(text))


def _answers(path: Path, records: list[QuestionRecord]) -> dict[str, str]:
    """By id. Raises UserError where a line is no answer, or none is to one of these questions."""
    from gar_ssl_ros.evaluation.questions.answering import AnswerRecord
    from gar_ssl_ros.output.record import read_lines

    told = {one.id: one.answer for one in read_lines(path, AnswerRecord)}
    if not any(one.id in told for one in records):
        raise UsageError(f"{path} answers none of the {len(records)} questions of this split: name the right --split")
    return told


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
