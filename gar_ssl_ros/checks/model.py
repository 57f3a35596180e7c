"""A model looked into before a robot relies on it: does it fit, how fast is it, in which coordinates does it speak."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from time import perf_counter

from gar_ssl_ros.checks import Finding
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.consensus import consensus
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import ReasonerError, Unparseable
from gar_ssl_ros.gar.stages import Failure, Hypothesis, Unseen
from gar_ssl_ros.nodes.parameters import DEADLINE_S
from gar_ssl_ros.reasoners.omni import LoadOptions, folder_checkpoint, load, plan
from gar_ssl_ros.reasoners.omni.checkpoint import Checkpoint
from gar_ssl_ros.reasoners.options import Coordinates
from gar_ssl_ros.reasoners.prompted.description import describe
from gar_ssl_ros.reasoners.prompted.probe import Probed, probe
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Runtime

GIB = 2**30
TRIALS = 5
DEADLINE_MARGIN = 1.5  # of a deadline over what a window took: others take longer


def check_model(model: str, options: LoadOptions | None = None) -> Iterator[Finding]:
    """Findings as they come. Where one is not right, those that need it do not come."""
    try:
        seen = folder_checkpoint(model)
        if seen is not None:
            yield _whole(seen)  # before what is installed is judged
        planned = plan(model, options)
        need = planned.need
        if seen is None:
            yield _whole(planned.checkpoint)
        yield Finding(
            "memory",
            f"about {need.total / GIB:.1f} GiB, {need.weights / GIB:.1f} of them weights, of "
            f"{planned.free / GIB:.1f} GiB free on {planned.device}",
        )
        start = perf_counter()
        runtime = load(model, options)
        yield Finding("loading", f"{perf_counter() - start:.1f} s, the first answer included")
        probed, stated = probe(runtime), runtime.description.coordinates
        yield window_finding(runtime, probed.convention or stated or "pixels")  # whose places are not looked at
        yield coordinates_finding(probed, stated)
    except (ReasonerError, Unparseable) as problem:
        fact, _, remedy = str(problem).partition(": ")
        yield Finding("model", fact, remedy or "choose another model", needed=True)


def _whole(checkpoint: Checkpoint) -> Finding:
    description = describe(checkpoint.config)
    name = description.name if description is not None else checkpoint.config["model_type"]
    return Finding("model", f"{name}, whole, in {checkpoint.folder}")


def window_finding(runtime: Runtime, coordinates: Coordinates) -> Finding:
    """How long each stage takes, refinement included, which a robot's window often does without."""
    window = Scene(SceneOptions(width=640, height=480)).window()
    took: dict[str, float] = {}
    with PromptedReasoner(runtime, coordinates).read(window, Deadline()) as reading:
        with _timed(took, "classify"):
            sound = reading.classify()
        with _timed(took, "locate"):
            located = reading.locate(1)
        if isinstance(located, Unseen):
            raise Unparseable(f"it names no place in a rendered scene ({located.reason})")
        location = located[0]
        hypothesis = Hypothesis(Box(*location.sides), location.description, sound)
        with _timed(took, "analyze"):
            trials = reading.analyze([hypothesis], TRIALS)[0]
        with _timed(took, "refine"):
            refinement = reading.refine([(hypothesis, consensus(trials))])[0]
    failed = [part.reason for part in (*trials, refinement) if isinstance(part, Failure)]
    parts = ", ".join(f"{stage} {seconds:.2f} s" for stage, seconds in took.items())
    text = f"{sum(took.values()):.2f} s for 3 s of a rendered 640x480 scene, {TRIALS} trials: {parts}"
    return Finding("window", text, "; ".join(failed) or too_slow(sum(took.values())), needed=True)


def too_slow(seconds: float) -> str:
    """What to do where a window takes about as long as the node's default deadline, or longer."""
    if DEADLINE_MARGIN * seconds <= DEADLINE_S:
        return ""
    return (
        f"give the node deadline:={ceil(DEADLINE_MARGIN * seconds)}: at its default of {DEADLINE_S:g} s windows "
        "would end in TIMEOUT"
    )


@contextmanager
def _timed(took: dict[str, float], stage: str) -> Iterator[None]:
    start = perf_counter()
    yield
    took[stage] = perf_counter() - start


def coordinates_finding(probed: Probed, stated: Coordinates | None) -> Finding:
    """What was found out, and what is known. stated: by its makers."""
    saw = "; ".join(f"{color} square: {reply!r}" for color, reply in probed.replies.items())
    fits = ", ".join(f"{convention} {share:.2f}" for convention, share in probed.agreement.items())
    verdict, remedy = f"it speaks in {probed.convention}", ""
    if probed.convention is None:
        verdict = "its replies do not tell in which it speaks"
        verdict += f"; its makers say {stated}" if stated else ""
        remedy = "" if stated else "look at its replies, and choose `coordinates` yourself: it is not used without"
    elif stated is not None and stated != probed.convention:
        verdict += f", and its makers say {stated}"
        remedy = f"choose coordinates {probed.convention}, if the boxes of a clip of your own say so, too"
    return Finding(
        "coordinates", f"{verdict}; agreement with what was drawn: {fits}; it said: {saw}", remedy, needed=bool(remedy)
    )
