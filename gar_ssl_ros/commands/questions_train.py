"""`gar-ssl questions train`: a model that answers spatial questions, from questions with truth."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from tqdm import tqdm

from gar_ssl_ros.commands.arguments import Commands
from gar_ssl_ros.commands.beginning import begin
from gar_ssl_ros.commands.choice import add_options
from gar_ssl_ros.commands.evaluate import kept
from gar_ssl_ros.errors import DONE, OptionError, UsageError, UserError, misfit, pip_install, sentence, shortened
from gar_ssl_ros.files import read_file
from gar_ssl_ros.options import from_values, options_of
from gar_ssl_ros.perception.quiet import quiet
from gar_ssl_ros.spatial.model import NEEDED
from gar_ssl_ros.spatial.model.options import HEARS, NO_PARTS, SIZES, ModelConfig, Parts, TrainingOptions

if TYPE_CHECKING:
    from gar_ssl_ros.evaluation.questions.record import QuestionRecord
    from gar_ssl_ros.spatial.model.network import HearYouAre
    from gar_ssl_ros.spatial.model.training import Stage

TO_LEARN = (*NEEDED, "accelerate", "tokenizers")
PAGES = ("jinja2", "matplotlib")
SPLIT = "train"
LOSSES = "training.jsonl"


def add_train(actions: Commands) -> None:
    training = actions.add_parser(
        "train",
        help="train a model that answers them",
        description="Train a model (docs/questions.md) on the split train: its encoders warm up, then it is asked "
        "about what is seen and heard alone, then Q1 to Q9. Writes DIR/config.json, model.safetensors and the words, "
        "training.jsonl as it goes, and training.html and training.md. Several GPUs: `accelerate launch -m "
        "gar_ssl_ros.cli questions train ...`.",
    )
    training.add_argument("questions", type=Path, metavar="QUESTIONS", help="folder of questions")
    training.add_argument("--out", required=True, type=Path, metavar="DIR", help="folder for the model")
    told = "tiny: for a CPU (the default); small: for a GPU; paper: for several, with pretrained weights"
    training.add_argument("--size", choices=SIZES, help=told)
    told = "sounds with two ears, with one, or not at all"
    training.add_argument("--hears", choices=HEARS, default="binaural", help=told)
    training.add_argument("--no-picture", action="store_true", help="it is shown no pictures")
    training.add_argument("--resume", action="store_true", help="go on where the training in DIR was stopped")
    training.add_argument(
        "--begin",
        type=Path,
        metavar="DIR",
        help="a trained model to begin with, of the same sizes and words; it may hear and see otherwise. Warm-ups that "
        "both have in common are not done again: of pictures (seeing, looking) where both see, of sounds "
        "(hearing, listening) where both hear alike. All other stages are learned, from its weights",
    )
    own = training.add_argument_group("pretrained weights of your own to begin with (docs/questions.md)")
    own.add_argument("--seeing", type=Path, metavar="DIR", help="of SigLIP 2 (NaFlex), as save_pretrained fills it")
    own.add_argument("--language", type=Path, metavar="DIR", help="of Qwen2-Instruct, so too, with its tokenizer")
    own.add_argument("--former", type=Path, metavar="DIR", help="of BLIP-2: its Q-Former, for what is seen")
    own.add_argument("--spatial-ast", type=Path, metavar="FILE", help="of BAT's Spatial-AST, as published")
    training.add_argument("--config", default="{}", metavar="JSON", help=argparse.SUPPRESS)
    add_options(training, options_of(TrainingOptions))
    training.set_defaults(run=run_train)


def run_train(options: argparse.Namespace) -> int:
    require_learning(PAGES)
    from gar_ssl_ros.evaluation.questions.record import read_split

    with quiet():
        from gar_ssl_ros.evaluation.questions.lessons import QuestionLessons
        from gar_ssl_ros.perception.pretrained.course import first_process, writing
        from gar_ssl_ros.spatial.model.beginning import warmed_up
        from gar_ssl_ros.spatial.model.checkpoint import save
        from gar_ssl_ros.spatial.model.training import stages_of, train

    folder, out, first = options.questions, options.out, first_process()
    chosen = from_values(TrainingOptions, vars(options))
    records = read_split(folder, SPLIT)
    ears = _ears(options, records, first) if options.hears != "nothing" else None
    config = _config(options, records)
    warm = () if options.begin is None else warmed_up(config, options.begin)
    lessons = partial(QuestionLessons, folder, records, ears)
    with kept(out):
        model, tokenizer = _begun(options, chosen, config)  # before a folder is left for what cannot be made
        config = model.config
        stages = stages_of(config, chosen, warm)
        counts = {stage.name: len(lessons(stage.asks)) for stage, _ in stages}
        _check_counts(folder, chosen, stages, counts)
        if first:
            begin(out, options.resume, _told(options, chosen, config), "model")
        about = _about(options, config, sum(one.numel() for one in model.parameters()), len(records), warm)
        if first:
            print(about)
        with _telling(out, first, {stage.name: steps for stage, steps in stages}) as tell:
            train(model, tokenizer, lessons, chosen, out, tell, warm)
        if not first:
            return DONE
        seconds = _write_page(out, about, {stage.name: (steps, counts[stage.name]) for stage, steps in stages})
        with writing(out):
            save(model, tokenizer, out)
    print("CPU seconds: " + ", ".join(f"{name} {each:.0f}" for name, each in seconds.items()))
    print(f"{out}/config.json, model.safetensors, training.html")
    print(f"gar-ssl questions answer {folder} --model {out} --out answers.jsonl")
    return DONE


def require_learning(more: Sequence[str] = ()) -> None:
    """Raise UserError where something of the extra `questions` is missing."""
    missing = [name for name in (*TO_LEARN, *more) if find_spec(name) is None]
    if missing:
        raise UserError(f"a trained model needs {', '.join(missing)}, not found here: {pip_install('questions')}")


def _ears(options: argparse.Namespace, records: Sequence[QuestionRecord], first: bool) -> tuple[int, int]:
    """Which channels are ears; where that is no matter of course, it is told. Raises UsageError where two are wanted
    and one is there, and UserError where the array or a sound cannot be read.
    """
    from gar_ssl_ros.evaluation.questions.lessons import ears_of
    from gar_ssl_ros.evaluation.questions.record import read_config

    array, ears = read_config(options.questions).array, ears_of(options.questions, records)
    if ears[0] == ears[1] and options.hears == "binaural":
        told = f"{options.questions} has sounds of one channel, and two ears need two"
        raise UsageError(f"{told}: give --hears mono, or --hears nothing")
    if ears[0] != ears[1] and array != "binaural" and first:
        told = f"the ears are the channels {ears[0]} and {ears[1]} of {array}, left and right"
        print(f"gar-ssl: note: {told}", file=sys.stderr)
    return ears


def _check_counts(
    folder: Path, chosen: TrainingOptions, stages: Sequence[tuple[Stage, int]], counts: Mapping[str, int]
) -> None:
    """Raises UserError where there is nothing to learn, or too little. counts: lessons of each stage."""
    from gar_ssl_ros.spatial.model.training import batch_of

    if not stages:
        raise UsageError("there is nothing to learn: give steps to a stage, as --joint-steps 1500")
    for stage, _ in stages:
        batch = batch_of(stage, chosen)
        if counts[stage.name] < batch:
            of = f" of {', '.join(one.value for one in stage.asks)}" if stage.asks else ""
            told = f"{folder} has {counts[stage.name]} questions{of} in the split {SPLIT}"
            option = "--asked" if stage.asks else "--batch"
            raise UserError(f"{told}, fewer than a batch of {batch}: make more, or give a smaller {option}")


def _begun(options: argparse.Namespace, chosen: TrainingOptions, config: ModelConfig) -> tuple[HearYouAre, Any]:
    """The model before it learns, and its words. Raises CheckpointError, and OptionError where there is none so."""
    from gar_ssl_ros.spatial.model.beginning import begun
    from gar_ssl_ros.spatial.model.pretrained import begin

    if options.begin is not None:
        return begun(config, chosen.seed, options.begin)
    try:
        return begin(config, _parts(options), chosen.seed)
    except UserError:
        raise
    except Exception as problem:  # of nearly any type, where --config says something odd
        raise OptionError(f"--config: a model cannot be made so ({sentence(problem)})") from None


def _parts(options: argparse.Namespace) -> Parts:
    return Parts(options.seeing, options.language, options.former, options.spatial_ast)


def _config(options: argparse.Namespace, records: Sequence[QuestionRecord]) -> ModelConfig:
    """Raises OptionError, UsageError where --begin fits nothing, and CheckpointError."""
    from gar_ssl_ros.evaluation.questions.lessons import classes_of
    from gar_ssl_ros.spatial.model.beginning import variant
    from gar_ssl_ros.spatial.model.checkpoint import read_config
    from gar_ssl_ros.spatial.model.sizes import config_of
    from gar_ssl_ros.spatial.model.words import vocabulary

    classes, sees = classes_of(records), not options.no_picture
    if options.begin is not None:
        if _parts(options) != NO_PARTS:
            raise UsageError(f"--begin {options.begin} has weights of its own: leave out the pretrained ones")
        config = read_config(options.begin)
        if options.size not in (None, config.size) or options.config != "{}":
            raise UsageError(f"--begin {options.begin} decides the sizes: leave out --size and --config")
        unknown = [one for one in classes if one not in config.classes]
        if unknown:
            told = f"{options.begin} never learned {', '.join(unknown)}"
            raise UsageError(f"{told}, which {options.questions} asks about: train without --begin")
        return variant(config, options.hears, sees)
    config = config_of(options.size or "tiny", classes, options.hears, sees, len(vocabulary(classes)))
    try:
        return ModelConfig.model_validate(_merged(config.model_dump(), json.loads(options.config)))
    except (ValueError, TypeError, AttributeError) as problem:
        told = misfit(problem) if isinstance(problem, ValidationError) else shortened(str(problem), 120)
        raise OptionError(f"--config {options.config!r:.80}: {told}") from None


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The old with the new ones in their places, at every depth."""
    both = {name: _merged(old[name], one) if isinstance(old.get(name), dict) else one for name, one in new.items()}
    return {**old, **both}


def _told(options: argparse.Namespace, chosen: TrainingOptions, config: ModelConfig) -> str:
    """All that a training hangs on."""
    from gar_ssl_ros.evaluation.questions.record import files_of

    lines = b"".join(read_file(path) for path in files_of(options.questions, SPLIT))
    begins = None if options.begin is None else str(options.begin)
    questions = sha256(lines).hexdigest()
    return json.dumps({**asdict(chosen), "begin": begins, "config": config.model_dump(), "questions": questions})


def _about(options: argparse.Namespace, config: ModelConfig, weights: int, count: int, warm: Sequence[str]) -> str:
    hears = {"binaural": "hears with two ears", "mono": "hears with one ear", "nothing": "hears nothing"}[config.hears]
    told = f"{config.size}, {weights:,} weights, {hears}, {'sees' if config.sees else 'sees nothing'}"
    begins = f"; begun with {options.begin}" if options.begin is not None else ""
    has = f", which has been through {', '.join(warm)}" if warm else ""
    return f"{told}; {count:,} questions, {len(config.classes)} classes{begins}{has}"


@contextmanager
def _telling(out: Path, first: bool, steps: Mapping[str, int]) -> Iterator[Callable[[str, int, float], None]]:
    """What keeps and shows the losses that it is told: in the first process alone. steps: of each stage."""
    from gar_ssl_ros.evaluation.questions.losses import LossRecord
    from gar_ssl_ros.output.record import RecordWriter

    if not first:
        yield lambda *_: None
        return
    names, began = list(steps), [process_time()]
    with (
        closing(RecordWriter(out / LOSSES, resume=True)) as log,
        tqdm(total=sum(steps.values()), unit="step", disable=None) as bar,
    ):

        def tell(stage: str, step: int, loss: float) -> None:
            now = process_time()
            log.write(LossRecord(stage=stage, step=step, loss=loss, seconds=now - began[0]))
            began[0] = now
            if bar.disable:
                print(f"{stage}: step {step} of {steps[stage]}: loss {loss:.3f}", flush=True)
                return
            before = sum(steps[name] for name in names[: names.index(stage)])
            bar.set_postfix_str(f"{stage}, loss {loss:.3f}", refresh=False)
            bar.update(before + step - bar.n)

        yield tell


def _write_page(out: Path, about: str, stages: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    """training.html and .md. stages: steps and lessons of each. Returns the CPU seconds of each. Raises OSError."""
    from gar_ssl_ros.evaluation.questions.losses import LossRecord, by_stage
    from gar_ssl_ros.evaluation.report.training import StageRow, write_training_page
    from gar_ssl_ros.output.record import read_lines

    learned = by_stage(read_lines(out / LOSSES, LossRecord))
    write_training_page(
        out, "A model of spatial questions", (about,), [StageRow(one.stage, *stages[one.stage], one) for one in learned]
    )
    return {one.stage: one.seconds for one in learned}
