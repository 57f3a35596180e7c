"""A model looked into before a robot relies on it: does it fit, how fast is it, in which coordinates does it speak."""

from __future__ import annotations

from collections.abc import Iterator
from time import perf_counter

from gar_ssl_ros.checks import Finding
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions
from gar_ssl_ros.gar.pipeline import GarOptions, localize
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.reasoners.omni import LoadOptions, load, plan
from gar_ssl_ros.reasoners.prompted.probe import Probed, probe
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Runtime

GIB = 2**30
STAGES = ("read", "classify", "locate", "analyze", "refine")
ALL_STAGES = GarOptions(tau_av=1.0, tau_aud=1.0)  # so that a window is refined unless the model is sure of everything


def check_model(model: str, options: LoadOptions | None = None) -> Iterator[Finding]:
    """Findings as they come. Where one is not right, those that need it do not come."""
    try:
        planned = plan(model, options)
        need = planned.need
        yield Finding("model", True, f"{planned.description.name}, whole, in {planned.checkpoint.folder}")
        yield Finding(
            "memory",
            True,
            f"about {need.total / GIB:.1f} GiB, {need.weights / GIB:.1f} of them weights, of "
            f"{planned.free / GIB:.1f} GiB free on {planned.device}",
        )
        start = perf_counter()
        runtime = load(model, options)
        yield Finding("loading", True, f"{perf_counter() - start:.1f} s, the first answer included")
        yield _window(runtime)
        yield _coordinates(runtime)
    except ReasonerError as problem:
        yield Finding("model", False, str(problem))


def _window(runtime: Runtime) -> Finding:
    window = Scene(SceneOptions(width=640, height=480)).window()
    *_, found = localize(window, PromptedReasoner(runtime), ALL_STAGES)
    stages = ((stage, getattr(found.timing, stage)) for stage in STAGES)
    parts = ", ".join(f"{stage} {took:.2f} s" for stage, took in stages if took is not None)
    why = f" ({found.detail})" if found.detail else ""
    text = f"a rendered one of 640x480 and 3 s: {found.outcome.value}{why} in {found.timing.total:.2f} s: {parts}"
    return Finding("window", not found.outcome.failed, text)


def _coordinates(runtime: Runtime) -> Finding:
    probed = probe(runtime)
    expected = runtime.description.coordinates
    saw = "; ".join(f"{color} square: {reply!r}" for color, reply in probed.replies.items())
    fits = ", ".join(f"{convention} {share:.2f}" for convention, share in probed.agreement.items())
    return Finding(
        "coordinates",
        None if probed.convention is None else probed.convention == expected,
        f"{_verdict(probed, expected)}; agreement with what was drawn: {fits}; it said: {saw}",
    )


def _verdict(probed: Probed, expected: str) -> str:
    if probed.convention is None:
        return f"its replies do not tell in which it speaks, so {expected} are assumed, as its description says"
    if probed.convention == expected:
        return f"it speaks in {expected}, as its description says"
    return (
        f"it speaks in {probed.convention}, and its description says {expected}: correct `coordinates` in its file in "
        "gar_ssl_ros/reasoners/prompted/models"
    )
