"""What `served` does where its server fails, is another one, or is not to be trusted."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest

pytest.importorskip("httpx2", reason="needs the extra served")

from scripted import Scripted
from served_windows import PATIENCE_S, final, served
from serving import serving

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.reasoner import Fallback
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import ModelError
from gar_ssl_ros.reasoners.served import breaker, served_reasoner


@pytest.mark.parametrize("fault", ["refuse#1", "rate 0.05#1", "error500#1", "half#1"])
def test_what_fails_once_is_asked_again(vllm, fault):
    with served(vllm) as made:
        vllm.fault(fault)
        assert final(made).outcome is Outcome.LOCALIZED


def test_no_longer_than_the_deadline_is_waited_for_a_server_that_asks_for_patience(vllm):
    with served(vllm) as made:
        vllm.fault("rate 30")
        found = final(made, Deadline(10))
    assert found.outcome is Outcome.BACKEND_ERROR  # and no TIMEOUT
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


def test_a_server_without_tls_is_not_asked_for_a_certificate(vllm, caplog):
    with served(vllm.url.replace("http:", "https:")) as made:
        assert "speaks no TLS" in final(made).detail
    assert "write http://" in caplog.text


def test_the_next_server_answers_where_one_does_not(vllm):
    with served(f"http://127.0.0.1:{free_port()}/v1,{vllm.url}") as made:
        assert final(made).outcome is Outcome.LOCALIZED
        assert final(made).outcome is Outcome.LOCALIZED


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
