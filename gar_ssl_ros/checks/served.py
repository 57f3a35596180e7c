"""A server looked into before a robot relies on it: which model answers there, does it see and hear, how fast is it."""

from __future__ import annotations

from collections.abc import Iterator

from gar_ssl_ros.checks import Finding
from gar_ssl_ros.checks.model import coordinates_finding, window_finding
from gar_ssl_ros.evaluation.scenes.scene import Scene, SceneOptions
from gar_ssl_ros.gar.deadline import Deadline, DeadlineExceeded
from gar_ssl_ros.gar.reasoner import ReasonerError, Unparseable
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.probe import probe
from gar_ssl_ros.reasoners.prompted.prompts import prompt
from gar_ssl_ros.reasoners.prompted.replies import shown
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply, Sampling
from gar_ssl_ros.reasoners.served import connect
from gar_ssl_ros.reasoners.served.runtime import ServedRuntime

PATIENCE_S = 15.0  # s, until it says which model it has


def check_served(options: ServedOptions) -> Iterator[Finding]:
    """Findings as they come. Where one is not right, those that need it do not come."""
    try:
        runtime = connect(options)
        try:
            yield from _found(runtime, options.server)
        finally:
            runtime.close()
    except (ReasonerError, Unparseable) as problem:
        fact, _, remedy = str(problem).rpartition(": ")
        yield Finding("server", fact or remedy, remedy if fact else "look into its log", needed=True)
    except DeadlineExceeded:
        yield Finding(
            "server", f"{options.server} has not answered in {PATIENCE_S:g} s", "look into its log", needed=True
        )


def _found(runtime: ServedRuntime, address: str) -> Iterator[Finding]:
    served = runtime.connect(Deadline(PATIENCE_S))
    known = f"{served.model}, asked as {served.description.name}"
    yield Finding("server", f"{address} speaks as {served.dialect.name}, and has {known}")
    yield _senses(runtime)
    probed, stated = probe(runtime), runtime.description.coordinates
    runtime.answers.clear()
    yield window_finding(runtime, probed.convention or stated or "pixels")  # whose places are not looked at
    yield _cache(runtime)
    yield coordinates_finding(probed, stated)


def _senses(runtime: ServedRuntime) -> Finding:
    """Whether picture and sound reach the model together: servers have been known to drop one beside the other."""
    window = Scene(SceneOptions(width=640, height=480)).window()
    assert window.audio is not None
    sound = window.audio.mono(SPEECH_RATE_HZ)
    question = Question(prompt("notice"), None, Sampling(), seeds=(0,), max_new_tokens=128)
    tokens: list[int | None] = []
    reply: Reply = None
    for samples, seen in ((sound, True), (sound[: len(sound) // 3], True), (sound, False)):
        with runtime.encode(prompt("system"), window.center.image, samples, Deadline()) as encoded:
            replies = encoded.ask([question], seen)
        tokens.append(runtime.answers[-1].prompt_tokens)
        reply = reply or replies[0][0]
    told = f"it says of a rendered scene: {shown(reply)}" if isinstance(reply, str) else "it says nothing"
    remedy = reply.reason if isinstance(reply, Failure) else ""
    both, shorter, alone = tokens
    if not (both and shorter and alone):
        return Finding("sight and hearing", f"{told}; it does not count tokens", remedy, needed=bool(remedy))
    seconds = len(sound) / SPEECH_RATE_HZ
    fact = f"{told}; the picture is {both - alone} tokens beside the sound, {2 * seconds / 3:.0f} s more of sound are "
    fact += f"{both - shorter} beside the picture"
    if both <= alone:
        remedy = "the picture does not reach the model: serve it with pictures switched on"
    elif both <= shorter:
        remedy = "the sound seems not to reach the model beside a picture: see whether it says what is heard"
    return Finding("sight and hearing", fact, remedy, needed=both <= alone)


def _cache(runtime: ServedRuntime) -> Finding:
    """Whether a window's media are computed once."""
    asked = sum(answer.prompt_tokens or 0 for answer in runtime.answers)
    cached = [answer.cached_tokens for answer in runtime.answers if answer.cached_tokens is not None]
    if not cached:
        return Finding("cache", "it does not say what it had from before (vLLM: --enable-prompt-tokens-details)")
    fact = f"{sum(cached)} of {asked} tokens of the window's {len(runtime.answers)} requests were there from before"
    remedy = "" if any(cached) else "switch on its prefix cache, so that each window's media are computed once"
    return Finding("cache", fact, remedy)
