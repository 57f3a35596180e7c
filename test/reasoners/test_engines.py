"""The server that stands in for the engines is itself what it says: schemas obeyed, squares seen, refusals told."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest

from gar_ssl_ros.reasoners.options import Coordinates
from gar_ssl_ros.reasoners.prompted.coordinates import view
from gar_ssl_ros.reasoners.prompted.probe import GROUND, HEIGHT, SQUARES, WIDTH
from gar_ssl_ros.reasoners.prompted.reasoner import ANALYSIS, GROUNDED_ANALYSIS, HEARD, REFINED, SEEN, SEEN_AND_HEARD
from gar_ssl_ros.reasoners.prompted.replies import parse, schema_of

ENGINES = Path(__file__).parent / "engines.py"


@pytest.fixture
def engine():
    started = []

    def start(*told):
        started.append(subprocess.Popen([sys.executable, ENGINES, *told], stdout=subprocess.PIPE, text=True))
        return json.loads(started[-1].stdout.readline())["url"]

    yield start
    for process in started:
        process.terminate()
        process.communicate()


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, json.load(refused)


def asked(*parts, **more):
    return {"model": "tiny-omni", "messages": [{"role": "user", "content": list(parts)}]} | more


TEXT = {"type": "text", "text": "where is it?"}


def test_every_reply_obeys_its_schema_and_the_same_seed_gives_the_same(engine):
    url = engine() + "/chat/completions"
    for adapter in (HEARD, SEEN, SEEN_AND_HEARD, ANALYSIS, GROUNDED_ANALYSIS, REFINED):
        form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema_of(adapter)}}
        replies = {}
        for seed in [*range(8), 0]:
            status, answer = post(url, asked(TEXT, response_format=form, temperature=0.4, seed=seed))
            text = answer["choices"][0]["message"]["content"]
            parse(adapter, "stage", text)
            assert status == 200
            assert replies.setdefault(seed, text) == text
        assert len(set(replies.values())) > 1


@pytest.mark.parametrize("coordinates", get_args(Coordinates))
def test_it_sees_the_square_and_names_it_in_its_coordinates(engine, coordinates):
    url = engine("--coordinates", coordinates) + "/chat/completions"
    for color, square in SQUARES.values():
        picture = np.full((HEIGHT, WIDTH, 3), GROUND, np.uint8)
        x1, y1, x2, y2 = map(int, square.sides)
        picture[y1:y2, x1:x2] = color[::-1]
        data = base64.b64encode(cv2.imencode(".png", picture)[1]).decode()
        status, answer = post(url, asked({"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}))
        found = json.loads(answer["choices"][0]["message"]["content"])["bbox_2d"]
        seen = view(coordinates, (WIDTH, HEIGHT), (1932, 1092))
        assert status == 200
        assert found == pytest.approx(list(seen.to_model(square.sides)), abs=1)


def test_what_began_the_same_is_cached_in_whole_blocks(engine):
    url = engine() + "/chat/completions"
    first = {"type": "text", "text": "x" * 400}
    usages = [post(url, asked(first, {"type": "text", "text": end}))[1]["usage"] for end in ("one?", "two?")]
    assert [usage["prompt_tokens_details"]["cached_tokens"] for usage in usages] == [0, 96]


@pytest.mark.parametrize(
    ("dialect", "body", "status", "words"),
    [
        ("vllm", asked(TEXT, model="other"), 404, "The model `other` does not exist. Valid aliases: tiny-omni."),
        ("vllm", asked(TEXT, structured_outputs={"guided": {}}), 400, "none are specified"),
        ("openai", asked(TEXT, model="other"), 404, "you do not have access to it"),
        ("dashscope", asked(TEXT), 400, "only support stream mode"),
        ("sglang", asked({"type": "text", "text": "x" * 200_000}), 400, "longer than the model's context length"),
        ("llamacpp", asked({"type": "text", "text": "x" * 200_000}), 400, "exceeds the available context size"),
        ("llamacpp", asked(TEXT, json_schema={"type": "odd"}), 400, "unrecognized type odd"),
    ],
)
def test_each_refuses_in_its_own_words(engine, dialect, body, status, words):
    code, answer = post(engine("--dialect", dialect) + "/chat/completions", body)
    assert code == status
    assert words in json.dumps(answer)
