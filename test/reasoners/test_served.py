"""`served` over servers that speak as the engines do: real processes on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("httpx2", reason="needs the extra served")

from served_windows import PATIENCE_S, TRIALS, final, served, window
from serving import Serving, serving

from gar_ssl_ros.checks.served import check_served
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Outcome, Stage
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.gar.stages import AudioLabel, Hypothesis, Trial
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Sampling
from gar_ssl_ros.reasoners.served import connect, runtime, served_reasoner
from gar_ssl_ros.reasoners.served.media import picture_url
from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner

QUESTION = Question("Which sound?", {"type": "boolean"}, Sampling(), (0,), 8)


def since(server: Serving, seen: int) -> list[dict[str, Any]]:
    """What was asked of it since, once all of it has been answered."""
    return server.until(lambda log: all("until" in one for one in log))[seen:]


def content(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What a request holds beside the system's message."""
    return entry["body"]["messages"][1]["content"]


FORMS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "vllm": lambda body: body["structured_outputs"]["json"],
    "sglang": lambda body: body["response_format"]["json_schema"]["schema"],
    "llamacpp": lambda body: body["response_format"]["json_schema"]["schema"],
    "openai": lambda body: body["response_format"]["json_schema"]["schema"],
    "dashscope": lambda body: None,
}


@pytest.mark.parametrize("dialect", FORMS)
def test_each_engine_is_asked_in_its_own_way_and_answers(dialect):
    with (
        serving("--dialect", dialect) as server,
        served(server, dialect=dialect if dialect == "dashscope" else "auto") as made,
    ):
        found = final(made)
        log = since(server, 0)
    if dialect != "dashscope":  # which holds no reply to its schema
        assert found.outcome is Outcome.LOCALIZED, found.detail
        assert (found.reasoner, found.model) == ("served", "tiny-omni")
        assert all(case.consensus is not None and case.consensus.failed == 0 for case in found.cases)
    for entry in log:
        assert entry["body"]["stream"] is True
        schema = FORMS[dialect](entry["body"])
        told = json.dumps(schema)
        assert not any(word in told for word in ("$ref", "prefixItems", "multipleOf", "title"))
        if dialect == "openai":
            assert schema["type"] == "object"
        kinds = [part["type"] for part in content(entry)]
        assert kinds in (["input_audio", "text"], ["input_audio", "image_url", "text"])
        head = content(entry)[0]["input_audio"]["data"]["head"]
        assert head == ("data:;base64," if dialect == "dashscope" else "")
        if dialect == "llamacpp":
            assert (entry["body"]["top_k"], entry["body"]["min_p"]) == (0, 0)


def test_the_sound_alone_is_classified_and_media_are_the_same_bytes_each_time(vllm):
    seen = len(vllm.log)
    with served(vllm) as made:
        final(made)
    log = since(vllm, seen)
    assert [part["type"] for part in content(log[0])] == ["input_audio", "text"]
    assert len({content(entry)[0]["input_audio"]["data"]["sha256"] for entry in log}) == 1
    assert len({content(entry)[1]["image_url"]["url"]["sha256"] for entry in log[1:]}) == 1
    assert all(answer.cached_tokens for answer in list(made._runtime.answers)[2:])  # what the engine knew again


def test_where_the_sound_is_is_asked_while_it_is_named(vllm):
    with served(vllm) as made:
        vllm.fault("slow 20")
        seen = len(vllm.log)
        final(made)
        classify, locate = since(vllm, seen)[:2]
        assert len(content(locate)) == 3
        assert locate["at"] < classify["until"]
        assert len(vllm.log) - seen <= 6  # none asked twice


def hypotheses() -> list[Hypothesis]:
    return [Hypothesis(Box(10, 10, 40, 40), "a thing", AudioLabel("bell", 0.9))]


def test_a_trial_is_the_same_however_many_are_asked_with_it(vllm):
    with served(vllm) as made, made.read(window(), Deadline()) as reading:
        five = reading.analyze(hypotheses(), 5)[0]
        two = reading.analyze(hypotheses(), 2)[0]
    assert two == five[:2]
    assert len(set(map(str, five))) == 5


def test_trials_go_together_in_one_request_if_that_is_asked_for(vllm):
    seen = len(vllm.log)
    with served(vllm, together=True) as made, made.read(window(), Deadline()) as reading:
        trials = reading.analyze(hypotheses(), 5)[0]
    assert all(isinstance(trial, Trial) for trial in trials)
    (entry,) = since(vllm, seen)
    assert entry["body"]["n"] == 5


@pytest.mark.parametrize("together", [False, True])
def test_trials_that_nobody_needs_any_more_are_given_up(vllm, together):
    vllm.fault("slow 30")
    told = []

    def enough(replies):
        told.append([reply is not None for reply in replies])
        return True

    question = Question("Check that.", {"type": "string", "minLength": 9, "maxLength": 2000}, Sampling(0.4, 0.9),
                        tuple(range(6)), 4000, enough)  # fmt: skip
    seen = len(vllm.log)
    with connect(ServedOptions(server=vllm.url, together=together)).encode(
        "", window().center.image, np.zeros(1600, np.float32), Deadline()
    ) as asked:
        (replies,) = asked.ask([question], seen=True)
    assert 1 <= sum(reply is not None for reply in replies) < 6
    assert told
    log = since(vllm, seen)
    assert together or sum(entry["gone"] for entry in log) >= 1


def test_cancel_and_deadline_close_the_stream(vllm):
    with served(vllm) as made:
        vllm.fault("slow 100")
        deadline, raised = Deadline(), []

        def work() -> None:
            try:
                final(made, deadline)
            except Cancelled:
                raised.append(True)

        seen = len(vllm.log)
        thread = threading.Thread(target=work)
        thread.start()
        vllm.until(lambda log: len(log) > seen)
        deadline.cancel()
        thread.join(PATIENCE_S)
        assert raised
        vllm.until(lambda log: all(entry.get("gone") for entry in log[seen:]))

        seen = len(vllm.log)
        found = final(made, Deadline(0.3))
        assert found.outcome is Outcome.TIMEOUT
        vllm.until(lambda log: all(entry.get("gone") for entry in log[seen:]))


def test_nothing_is_left_when_it_is_closed(vllm):
    before = threading.active_count()
    with served(vllm) as made:
        final(made)
    assert threading.active_count() == before
    with pytest.raises(ModelError, match="have been closed"):
        final_reading(made)
    made = served_reasoner(ServedOptions(server=vllm.url, coordinates="pixels"))
    assert threading.active_count() == before + 1
    del made  # as the localizer frees one
    assert threading.active_count() == before


def final_reading(made: ServedReasoner) -> None:
    with made.read(window(), Deadline()) as reading:
        reading.classify()


def test_its_thread_ends_where_it_lets_go_of_it_itself(vllm):
    before = set(threading.enumerate())
    made = connect(ServedOptions(server=vllm.url))
    (thread,) = set(threading.enumerate()) - before
    made._loop.call_soon_threadsafe(made.close)  # as the garbage collector may
    thread.join(PATIENCE_S)
    assert not thread.is_alive()
    made._loop.close()


def test_a_window_that_is_closed_answers_nothing(vllm):
    with served(vllm) as made:
        with made._runtime.encode("", window().center.image, np.zeros(1600, np.float32), Deadline()) as asked:
            asked.ask([QUESTION], seen=False)
        with pytest.raises(ModelError, match="has been closed"):
            asked.ask([QUESTION], seen=False)


def test_its_stages_come_as_they_are_known(vllm):
    with served(vllm) as made:
        assert [found.stage for found in localize(window(), made, TRIALS)] == [Stage.INITIAL, Stage.FINAL]


def test_a_picture_is_encoded_while_its_window_comes(vllm, monkeypatch):
    shown, made_of = window(), []
    monkeypatch.setattr(runtime, "picture_url", lambda image, size: made_of.append(image) or picture_url(image, size))
    with served(vllm) as made:
        coming = replace(shown, frames=shown.frames[:2])  # the middle has not come
        made.prepare(coming, Deadline())
        assert not made_of
        made.prepare(shown, Deadline())
        assert [*localize(shown, made, TRIALS)][-1].outcome is Outcome.LOCALIZED
    assert len(made_of) == 1


def test_check_tells_what_a_server_sees_hears_and_costs(vllm):
    found = {finding.subject: finding for finding in check_served(ServedOptions(server=vllm.url))}
    assert not any(finding.remedy for finding in found.values())
    assert found["server"].fact == f"{vllm.url} speaks as vllm, and has tiny-omni, asked as an unknown model"
    assert "2 s more of sound are 50 beside the picture" in found["sight and hearing"].fact
    assert "tokens of the window's 8 requests were there from before" in found["cache"].fact
    assert found["coordinates"].fact.startswith("it speaks in pixels; agreement")


def test_check_ends_with_the_first_that_is_not_right(vllm):
    vllm.fault("no_audio")
    *_, last = check_served(ServedOptions(server=vllm.url))
    assert (last.mark, last.subject) == ("PROBLEM", "server")
    assert "takes no sound" in last.fact
    assert "both switched on" in last.remedy


def test_it_needs_a_server():
    with pytest.raises(ReasonerError, match="the reasoner served needs a server: name where it answers"):
        reasoner("served")
