"""`served` over servers that speak as the engines do: real processes on loopback, with the faults of real ones."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("httpx2", reason="needs the extra served")

from scripted import Scripted
from serving import Serving, serving

from gar_ssl_ros.checks.served import check_served
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Fallback, ReasonerError
from gar_ssl_ros.gar.stages import AudioLabel, Hypothesis, Trial
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Sampling
from gar_ssl_ros.reasoners.served import breaker, connect, runtime, served_reasoner
from gar_ssl_ros.reasoners.served.media import picture_url
from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner

PATIENCE_S = 20.0
TRIALS = GarOptions(trials=3)
QUESTION = Question("Which sound?", {"type": "boolean"}, Sampling(), (0,), 8)


def since(server: Serving, seen: int) -> list[dict[str, Any]]:
    """What was asked of it since, once all of it has been answered."""
    return server.until(lambda log: all("until" in one for one in log))[seen:]


@pytest.fixture(scope="module")
def started() -> Iterator[Serving]:
    with serving("--dialect", "vllm") as server:
        yield server


@pytest.fixture
def vllm(started: Serving) -> Serving:
    """The server of this file, without faults."""
    started.fault()
    return started


@contextmanager
def served(server: Serving | str, **options: Any) -> Iterator[ServedReasoner]:
    url = server if isinstance(server, str) else server.url
    made = served_reasoner(ServedOptions(**{"server": url, "coordinates": "pixels", **options}))
    try:
        yield made
    finally:
        made.close()


def window(width: int = 96, height: int = 64) -> Window:
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[height // 4 : height // 2, width // 4 : width // 2] = (200, 30, 30)
    sound = audio_from_samples(0, np.sin(np.arange(16_000) / 5)[None] / 2, 16_000)
    return Window(0, SECOND, tuple(Frame(index * SECOND // 4, picture) for index in range(4)), sound)


def final(made: Any, deadline: Deadline | None = None, options: GarOptions = TRIALS) -> Localization:
    return [*localize(window(), made, options, deadline)][-1]


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
                raised.append(time.monotonic())

        seen = len(vllm.log)
        thread = threading.Thread(target=work)
        thread.start()
        vllm.until(lambda log: len(log) > seen)
        cancelled = time.monotonic()
        deadline.cancel()
        thread.join(PATIENCE_S)
        assert raised
        assert raised[0] - cancelled < 1
        vllm.until(lambda log: all(entry.get("gone") for entry in log[seen:]))

        seen = len(vllm.log)
        found = final(made, Deadline(0.3))
        assert found.outcome is Outcome.TIMEOUT
        assert found.timing.total < 2
        vllm.until(lambda log: all(entry.get("gone") for entry in log[seen:]))


@pytest.mark.parametrize("fault", ["refuse#1", "rate 0.05#1", "error500#1", "half#1"])
def test_what_fails_once_is_asked_again(vllm, fault):
    with served(vllm) as made:
        vllm.fault(fault)
        assert final(made).outcome is Outcome.LOCALIZED


def test_no_longer_than_the_deadline_is_waited_for_a_server_that_asks_for_patience(vllm):
    with served(vllm) as made:
        vllm.fault("rate 30")
        found = final(made, Deadline(10))
    assert (found.outcome, found.timing.total < 5) == (Outcome.BACKEND_ERROR, True)
    assert "is asked too often" in found.detail


WRONG = {
    "refuse": "fails (503: Service Unavailable): look into its log",
    "unauthorized": "wants a key (401): put it into the environment variable GAR_SSL_API_KEY",
    "error500": "fails (500: EngineCore encountered an issue",
    "half": "broke off",
    "html": "is no OpenAI-compatible server (text/html): name the address that it gives",
    "no_audio": "takes no sound (At most 0 audio(s) may be provided in one prompt. (parameter=audio)): serve",
    "schema_400": "): take another grammar backend or a newer version of it, or name its `dialect` (docs/served.md)",
    "huge": "sends more than 16 MiB: look into its log",
    "redirect": "sends requests elsewhere (http://127.0.0.1:9/v1/chat/completions): name the address that answers",
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_server_that_does_not_answer_is_one_sentence_and_the_fallback_answers(vllm, fault):
    with served(vllm) as made:
        vllm.fault(fault)
        found = final(Fallback(made, PromptedReasoner(Scripted(), "pixels", name="scripted")))
    failed = found.instead_of
    assert failed is not None, found
    assert failed.outcome is Outcome.BACKEND_ERROR
    assert WRONG[fault] in failed.detail
    assert "\n" not in failed.detail
    assert found.reasoner == "scripted"
    assert not found.outcome.failed


UNREADABLE = {
    "wrong_json": "is not what was asked for",
    "ignore_schema": "is not what was asked for",
    "empty": "is empty",
}


@pytest.mark.parametrize(("fault", "told"), UNREADABLE.items())
def test_a_reply_that_cannot_be_read_is_told_and_no_failure_of_the_server(vllm, fault, told):
    with served(vllm) as made:
        vllm.fault(fault)
        found = final(made)
    assert found.outcome is Outcome.UNPARSEABLE
    assert told in found.detail


def test_a_picture_that_the_model_does_not_take_is_one_sentence(vllm):
    with served(vllm) as made:
        vllm.fault("no_image")
        found = final(made)
    assert found.outcome is Outcome.BACKEND_ERROR
    assert "tiny-omni at" in found.detail
    assert "takes no pictures (At most 0 image(s)" in found.detail


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_a_dead_server_costs_a_window_nothing_and_is_asked_again_in_time(monkeypatch, caplog):
    monkeypatch.setattr(breaker, "FIRST_REST_S", 0.3)
    port = free_port()
    with served(f"http://127.0.0.1:{port}/v1") as made:
        assert "no server answers yet" in caplog.text
        assert (made.model, final(made).outcome) == (None, Outcome.BACKEND_ERROR)
        final(made)
        monkeypatch.setattr(breaker, "MAX_REST_S", 0.3)
        found = final(made)
        assert "start a server there, or mend `server`; it is asked again in" in " ".join(found.detail.split())
        with serving("--port", str(port)):
            end = time.monotonic() + PATIENCE_S
            while final(made).outcome is not Outcome.LOCALIZED:
                assert time.monotonic() < end
                time.sleep(0.05)
            assert made.model == "tiny-omni"


def test_a_server_that_hangs_costs_three_windows_their_deadline_and_then_none(vllm):
    with served(vllm) as made:
        vllm.fault("hang")
        assert [final(made, Deadline(0.2)).outcome for _ in range(3)] == [Outcome.TIMEOUT] * 3
        found = final(made, Deadline(60.0))
    assert found.outcome is Outcome.BACKEND_ERROR
    assert (
        "answers too late: give windows a longer deadline, or use a faster model; it is asked again in" in found.detail
    )


def test_the_next_server_answers_where_one_does_not(vllm):
    with served(f"http://127.0.0.1:{free_port()}/v1,{vllm.url}") as made:
        assert final(made).outcome is Outcome.LOCALIZED
        assert final(made).timing.total < PATIENCE_S


def test_servers_with_different_models_are_not_mixed(vllm):
    with serving("--model", "Qwen/Qwen3-Omni-30B-A3B-Instruct") as other, served(f"{vllm.url},{other.url}") as made:
        final(made)
        vllm.fault("refuse")
        found = final(made)
    assert found.outcome is Outcome.BACKEND_ERROR
    assert "Qwen/Qwen3-Omni-30B-A3B-Instruct is another model than tiny-omni" in found.detail


def test_a_model_that_the_server_has_not_is_told_with_those_that_it_has(vllm, caplog):
    with served(vllm, model="other"):
        assert f"{vllm.url} has no other: choose with `model` among tiny-omni" in caplog.text


def test_the_key_is_sent_and_never_told(monkeypatch, caplog):
    monkeypatch.setenv("SECRET_OF_MINE", "sk-right")
    with serving("--key", "sk-right") as server:
        with served(server, api_key_variable="SECRET_OF_MINE") as made:
            assert final(made).outcome is Outcome.LOCALIZED
        monkeypatch.setenv("SECRET_OF_MINE", "sk-wrong")
        with served(server, api_key_variable="SECRET_OF_MINE") as made:
            told = final(made).detail
    assert "refuses the key in SECRET_OF_MINE (401): put one there that it knows" in told
    assert "sk-" not in told + caplog.text
    monkeypatch.delenv("SECRET_OF_MINE")
    with pytest.raises(ModelError, match="SECRET_OF_MINE is empty: put the server's key there"):
        served_reasoner(ServedOptions(server="http://127.0.0.1:9/v1", api_key_variable="SECRET_OF_MINE"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory) -> tuple[str, str]:
    """Of the host other.example, signed by itself."""
    folder = tmp_path_factory.mktemp("certificate")
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other.example",
               "-addext", "subjectAltName=DNS:other.example", "-keyout", key, "-out", cert]  # fmt: skip
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("needs openssl, which is not here")
    return cert, key


@pytest.mark.parametrize("known", [False, True])
def test_a_certificate_of_another_host_is_not_trusted(certificate, known, monkeypatch, caplog):
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", certificate[0])
    with serving("--tls", *certificate) as server, served(server):
        assert f"{server.url} cannot be trusted" in caplog.text
        assert "name it by the host of its certificate" in caplog.text


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
