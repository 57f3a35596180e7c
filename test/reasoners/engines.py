"""A server on loopback that speaks as the inference engines do, for what is tested against them.

    python test/reasoners/engines.py --dialect vllm --port 0

prints one line of JSON, {"url": ".../v1"}, once it listens. Forms, refusals and their words are those of vLLM 0.32.0,
SGLang 0.5.23 and llama.cpp b11434 in their own sources, of the first and the last also as they said them while a tiny
model ran in them, and of OpenAI and DashScope as their users quote them. No model runs here: a reply obeys its schema
and is drawn from a hash of the media, the prompt, the schema and the seed. The one thing that it does see is a coloured
thing on a plain ground, whose box it gives in the coordinates it was started with.

GET /_log: the chat requests so far. POST /_fault {"faults": [...]}: from now on. As with --fault, each is `name` or
`name argument`, with `#N` behind it for the next N requests alone: "slow 20" (ms a token), "late 3" (s before it
answers), "rate 1" (s, of Retry-After), "fuzz 7" (a seed), "refuse#2".
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import select
import socket
import ssl
import sys
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from engine_dialects import FAULTS, TOKEN, Engine, Refused, logged, refuse, taken_in
from engine_replies import cached, mutated, reply

DIALECTS = ("vllm", "sglang", "llamacpp", "dashscope", "openai")
COORDINATES = ("pixels", "thousandths", "thousandths_y_first", "longest_1000", "original")


class Gone(Exception):
    """The client has closed its connection."""


@dataclass(frozen=True)
class Answer:
    """What is said: each text and why it ends, what it cost, and how long a token takes, s."""

    texts: list[str]
    ends: list[str]
    usage: dict[str, Any]
    pause: float


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # as asyncio's servers, on which the engines run, have it
    engine: Engine

    def log_message(self, *args: object) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError, ssl.SSLError, TimeoutError):
            super().handle()

    def do_GET(self) -> None:
        engine, path = self.engine, self.path
        if path == "/_log":
            with engine.lock:
                return self._json(200, engine.log)
        if path.startswith("/v1") and not self._known():
            return None
        card: dict[str, Any] = {"id": engine.model, "object": "model", "created": 0, "owned_by": engine.dialect}
        if engine.dialect in ("vllm", "sglang"):
            card |= {"root": engine.model, "parent": None, "max_model_len": engine.context}
        own: dict[str, dict[str, Any]] = {
            "vllm": {"/version": {"version": "0.32.0"}, "/health": None, "/ping": None},
            "sglang": {
                "/health": None,
                "/get_model_info": (
                    info := {
                        "model_path": engine.model,
                        "served_model_name": engine.model,
                        "is_generation": True,
                        "has_image_understanding": True,
                        "has_audio_understanding": True,
                    }
                ),
                "/model_info": info,
                "/get_server_info": {"version": "0.5.23"},
            },
            "llamacpp": {
                "/health": {"status": "ok"},
                "/props": {
                    "model_alias": engine.model,
                    "model_path": engine.model,
                    "total_slots": 4,
                    "modalities": {"vision": True, "video": False, "audio": True},
                    "build_info": "b11434-0",
                    "default_generation_settings": {"n_ctx": engine.context},
                },
            },
        }.get(engine.dialect, {})
        answers = own | {"/v1/models": {"object": "list", "data": [card]}}
        if path not in answers:
            return self._json(404, {"detail": "Not Found"})
        return self._json(200, answers[path])

    def do_POST(self) -> None:
        engine = self.engine
        raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            body = json.loads(raw)
        except ValueError:
            return self._json(400, engine.error(400, "JSON decode error").body)
        if self.path == "/_fault":
            engine.set_faults(body["faults"])
            return self._json(200, {})
        if self.path != "/v1/chat/completions":
            return self._json(404, {"detail": "Not Found"})
        with engine.lock:
            turn = object()
            engine.running.append(turn)
            entry = {
                "path": self.path,
                "headers": sorted(self.headers.keys()),
                "body": logged(body),
                "gone": False,
                "connection": self.client_address[1],
                "running": len(engine.running),
                "at": time.monotonic(),
            }
            engine.log.append(entry)
        try:
            while engine.slots and engine.running.index(turn) >= engine.slots:
                self._wait(0.005)
            self._chat(body, engine.take_faults())
        except Refused as refused:
            self._json(refused.status, refused.body, refused.headers)
        except (Gone, ConnectionError, ssl.SSLError):
            entry["gone"] = True
            self.close_connection = True
        finally:
            with engine.lock:
                engine.running.remove(turn)
                entry["until"] = time.monotonic()
        return None

    def _known(self) -> bool:
        """True if the key is right; answers where it is not."""
        if not self.engine.key or self.headers.get("Authorization") == f"Bearer {self.engine.key}":
            return True
        self._unauthorized()
        return False

    def _unauthorized(self) -> None:
        engine = self.engine
        said = {"vllm": {"error": "Unauthorized"}, "sglang": {"error": "Unauthorized"}}.get(engine.dialect)
        message = "Invalid API Key" if engine.dialect == "llamacpp" else "Incorrect API key provided."
        self._json(401, said or engine.error(401, message, code="invalid_api_key").body)

    def _chat(self, body: dict[str, Any], faults: dict[str, str]) -> None:
        engine = self.engine
        if not self._known():
            return
        if "unauthorized" in faults:
            self._unauthorized()
            return
        if "refuse" in faults:
            raise engine.error(503, "Loading model" if engine.dialect == "llamacpp" else "Service Unavailable")
        if "rate" in faults:
            refused = engine.error(429, "Rate limit reached. Please try again later.", code="rate_limit_exceeded")
            raise Refused(429, refused.body, {"Retry-After": faults["rate"] or "1"})
        if "error500" in faults:
            raise engine.error(500, "EngineCore encountered an issue. See stack trace (above) for the root cause.")
        if "redirect" in faults:
            raise Refused(302, {}, {"Location": faults["redirect"] or "http://127.0.0.1:9/v1/chat/completions"})
        if "html" in faults:
            self._send(200, b"<html><body><h1>Welcome</h1></body></html>", "text/html")
            return
        self._wait(float(faults["late"] or 3) if "late" in faults else 0)
        while "hang" in faults:
            self._wait(60)
        asked = taken_in(engine, body)
        refuse(engine, body, asked, faults)
        found = cached(engine, asked)
        texts = [reply(engine, body, asked, i, faults) for i in range(int(body.get("n") or 1))]
        if "empty" in faults:
            texts = ["" for _ in texts]
        most = body.get("max_completion_tokens") or body.get("max_tokens") or engine.context
        ends = ["stop" if len(text) <= most * TOKEN else "length" for text in texts]
        texts = [text[: most * TOKEN] for text in texts]
        tokens = sum(-(-len(text) // TOKEN) for text in texts)
        prompt = sum(size for _, size in asked.parts)
        usage: dict[str, Any] = {"prompt_tokens": prompt, "total_tokens": prompt + tokens, "completion_tokens": tokens}
        usage["prompt_tokens_details"] = {"cached_tokens": found}
        pause = (float(faults["slow"] or 50) if "slow" in faults else 0) / 1000
        answer = Answer(texts, ends, usage, pause)
        if body.get("stream"):
            self._stream(answer, bool((body.get("stream_options") or {}).get("include_usage")), faults)
        else:
            self._whole(answer, faults)

    def _whole(self, answer: Answer, faults: dict[str, str]) -> None:
        texts = answer.texts
        self._wait(answer.pause * max(-(-len(text) // TOKEN) for text in texts))
        if "huge" in faults:
            texts = ["x" * 200_000_000]
        choices = [
            {"index": i, "message": {"role": "assistant", "content": text}, "logprobs": None, "finish_reason": end}
            for i, (text, end) in enumerate(zip(texts, answer.ends, strict=True))
        ]
        whole = json.dumps(self._frame("chat.completion", choices) | {"usage": answer.usage}).encode()
        if "fuzz" in faults and random.Random(whole).random() < 0.5:
            whole = mutated(whole, faults["fuzz"])
        if "half" in faults:
            self._send(200, whole[: len(whole) // 2], "application/json", length=len(whole))
            self.close_connection = True
        else:
            self._send(200, whole, "application/json")

    def _stream(self, answer: Answer, with_usage: bool, faults: dict[str, str]) -> None:
        texts = answer.texts
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream; charset=utf-8")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        fuzzed = faults.get("fuzz") if random.Random(texts[0]).random() < 0.5 else None
        first = {"role": "assistant", "content": None if self.engine.dialect == "llamacpp" else ""}
        for i in range(len(texts)):
            self._event(self._delta(i, first, None), fuzzed)
        pieces = [[text[at : at + TOKEN] for at in range(0, len(text), TOKEN)] for text in texts]
        longest = max(map(len, pieces))
        for at in range(longest // 2 if "half" in faults else longest):
            self._wait(answer.pause)
            for i, tokens in enumerate(pieces):
                if at < len(tokens):
                    self._event(self._delta(i, {"content": tokens[at]}, None), fuzzed)
        while "huge" in faults:
            self._event(self._delta(0, {"content": "x" * 65_536}, None), None)
        if "half" in faults:
            self.close_connection = True
            return
        for i, end in enumerate(answer.ends):
            self._event(self._delta(i, {"content": ""} if self.engine.dialect == "vllm" else {}, end), fuzzed)
        if with_usage:
            self._event(self._frame("chat.completion.chunk", []) | {"usage": answer.usage}, fuzzed)
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": "chatcmpl-0", "object": kind, "created": 0, "model": self.engine.model, "choices": choices}

    def _delta(self, index: int, delta: dict[str, Any], end: str | None) -> dict[str, Any]:
        choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": end}
        return self._frame("chat.completion.chunk", [choice])

    def _event(self, event: dict[str, Any], fuzzed: str | None) -> None:
        line = json.dumps(event).encode()
        self._chunk(b"data: " + (line if fuzzed is None else mutated(line, fuzzed)) + b"\n\n")

    def _chunk(self, data: bytes) -> None:
        self._wait(0)
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _wait(self, seconds: float) -> None:
        """Compute for so long. Raises Gone once the client is, as the engines then stop too."""
        ready = bool(select.select([self.connection], [], [], seconds)[0])
        if ready and (isinstance(self.connection, ssl.SSLSocket) or not self.connection.recv(1, socket.MSG_PEEK)):
            raise Gone

    def _json(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        self._send(status, b"" if body is None else json.dumps(body).encode(), "application/json", headers)

    def _send(
        self, status: int, data: bytes, kind: str, headers: dict[str, str] | None = None, length: int | None = None
    ) -> None:
        self.send_response(status)
        for name, value in {
            "Content-Type": kind,
            "Content-Length": str(length or len(data)),
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], (ConnectionError, ssl.SSLError)):
            super().handle_error(request, client_address)


def main() -> None:
    parser = argparse.ArgumentParser(description="speak as an inference engine does")
    parser.add_argument("--dialect", choices=DIALECTS, default="vllm")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model", default="tiny-omni")
    parser.add_argument("--coordinates", choices=COORDINATES, default="pixels")
    parser.add_argument("--limit", type=int, default=1, help="media of one kind in a prompt")
    parser.add_argument("--context", type=int, default=32_768, help="tokens")
    parser.add_argument("--slots", type=int, default=0, help="requests that compute at once; 0: any")
    parser.add_argument("--fault", nargs="+", default=[], help=", ".join(FAULTS))
    parser.add_argument("--tls", nargs=2, metavar=("CERT", "KEY"))
    parser.add_argument("--key", default="")
    told = parser.parse_args()
    engine = Engine(told.dialect, told.model, told.coordinates, told.limit, told.context, told.key, told.slots)
    engine.set_faults(told.fault)
    server = Server(("127.0.0.1", told.port), type("Speaks", (Handler,), {"engine": engine}))
    if told.tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*told.tls)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if told.tls else "http"
    print(json.dumps({"url": f"{scheme}://127.0.0.1:{server.server_port}/v1"}), flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
