"""What a request is made of: the picture's size, the schema's form, what is around a reply, the addresses."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from unittest.mock import ANY

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("httpx2", reason="needs the extra served")

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.prompted.description import described_as, descriptions
from gar_ssl_ros.reasoners.prompted.reasoner import ANALYSIS, GROUNDED_ANALYSIS, HEARD, REFINED, SEEN, SEEN_AND_HEARD
from gar_ssl_ros.reasoners.prompted.replies import LABEL, PHRASE, SENTENCES, TOKEN, schema_of
from gar_ssl_ros.reasoners.served.breaker import FAILURES, Breaker
from gar_ssl_ros.reasoners.served.dialects import BY_NAME, as_object, flat
from gar_ssl_ros.reasoners.served.media import fitted_size, picture_url, sound_base64
from gar_ssl_ros.reasoners.served.problems import Asked, refused
from gar_ssl_ros.reasoners.served.runtime import _bare
from gar_ssl_ros.reasoners.served.server import Server, client

SIDE = st.integers(16, 4096)


@given(SIDE, SIDE, st.sampled_from(descriptions()))
def test_a_picture_is_brought_to_a_size_that_the_models_processor_leaves_alone(width, height, known):
    size = fitted_size(width, height, known)
    assert all(side % known.multiple == 0 for side in size)
    if max(width, height) <= 4 * min(width, height):
        assert known.least_pixels <= size[0] * size[1] <= known.most_pixels
        assert fitted_size(*size, known) == size
        assert max(size) / min(size) == pytest.approx(max(width, height) / min(width, height), rel=0.15)


@pytest.mark.parametrize(
    ("given", "made"),  # by smart_resize of the library transformers, with the bounds of Qwen2.5-Omni
    [
        ((640, 480), (1036, 784)),
        ((1920, 1080), (1316, 728)),
        ((33, 47), (756, 1092)),
        ((4000, 3000), (1148, 840)),
        ((96, 64), (1120, 756)),
        ((3000, 100), (4928, 168)),
    ],
)
def test_it_is_the_size_that_the_processor_of_qwen2_vl_makes(given, made):
    assert fitted_size(*given, described_as("qwen2.5-omni")) == made


def test_a_picture_and_a_sound_come_out_as_they_went_in():
    picture = np.random.default_rng(0).integers(0, 255, (56, 84, 3), np.uint8)
    head, _, data = picture_url(picture, (84, 56)).partition(",")
    assert head == "data:image/png;base64"
    again = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(again[..., ::-1], picture)
    sound = np.linspace(-1.5, 1.5, 4000, dtype=np.float32)
    with wave.open(io.BytesIO(base64.b64decode(sound_base64(sound)))) as file:
        assert file.getparams()[:4] == (1, 2, 16000, 4000)
        again = np.frombuffer(file.readframes(4000), "<i2") / 32767
    assert np.allclose(again, sound.clip(-1, 1), atol=1e-4)


@pytest.mark.parametrize("reply", [HEARD, SEEN, SEEN_AND_HEARD, ANALYSIS, GROUNDED_ANALYSIS, REFINED])
def test_a_flat_schema_says_the_same_in_fewer_words(reply):
    validate = pytest.importorskip("jsonschema").validate
    schema = schema_of(reply)
    plain = flat(schema)
    assert not any(word in json.dumps(plain) for word in ("$ref", "$defs", "prefixItems", "multipleOf", '"title"'))
    good = {
        "bbox_2d": [1, 2, 3, 4],
        "description": "a dog",
        "audio_class": "dog",
        "audio_confidence": 0.5,
        "av_consistency": 0.5,
        "role_tags": ["mouth"],
        "anchor_votes": [{"anchor": "mouth", "score": 1, "point_2d": [3, 4]}],
        "keep": True,
        "changed": True,
        "ops": {"op": "recenter", "center": [1, 2]},
        "refined_description": "A dog stands there. It barks.",
    }

    def chosen(schema):
        if schema.get("type") == "array":
            return [chosen(schema["items"])]
        made = {name: good[name] for name in schema["properties"]}
        if "anchor_votes" in made:
            names = schema["properties"]["anchor_votes"]["items"]["properties"]
            made["anchor_votes"] = [{name: good["anchor_votes"][0][name] for name in names}]
        return made

    value = chosen(plain)
    validate(value, plain)
    validate({"reply": value}, as_object(plain))
    assert reply.validate_python(value) is not None
    with pytest.raises(Exception, match=r"[Aa]dditional"):
        validate({**(value if isinstance(value, dict) else value[0]), "more": 1}, plain.get("items", plain))


@pytest.mark.parametrize("pattern", [PHRASE, SENTENCES, LABEL, TOKEN])
def test_a_pattern_is_spelt_in_repetitions_that_engines_can_take(pattern):
    theirs = flat({"pattern": pattern})["pattern"]
    counts = [[int(count) for count in found] for found in re.findall(r"{(\d+),(\d+)}", theirs)]
    (whole,) = re.findall(r"{(\d+),(\d+)}", pattern)
    least, most = map(int, whole)
    assert [sum(count) for count in zip(*counts, strict=True)] == [least, min(most, 256)]
    assert len(counts) <= 2
    assert all(least <= most <= 128 for least, most in counts)
    assert any(re.search(theirs, word) for word in ("A few words.", "a_word", "words"))
    assert '"' not in theirs


def test_what_models_put_around_a_reply_is_taken_off():
    assert _bare("<think>It barks {}.</think>\n{}", False) == "{}"
    assert _bare('```json\n{"a": 1}\n```', False) == '{"a": 1}'
    assert _bare('{"reply": [1]}', True) == "[1]"
    assert _bare('{"a": 1}', True) == '{"a": 1}'
    assert _bare("[" * 100_000, True) == "[" * 100_000
    assert _bare(Failure("x"), True) == Failure("x")


@given(st.text(max_size=200), st.booleans())
def test_whatever_a_reply_is_taking_that_off_does_not_fail(text, objects_only):
    assert isinstance(_bare(text, objects_only), str)


@given(st.integers(300, 599), st.binary(max_size=300))
def test_whatever_a_server_says_is_one_printable_sentence(status, body):
    told = str(refused(Asked("http://robot/v1", "m", "KEY", "secret"), status, body))
    assert told.isprintable()
    assert len(told) < 600


def test_a_key_that_a_server_sends_back_is_not_told():
    told = str(refused(Asked("http://robot/v1", "m", "KEY", "sk-1"), 400, b'{"error": {"message": "bad key sk-1"}}'))
    assert "bad key ***" in told


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("http://robot:8000", "http://robot:8000/v1"),
        ("http://robot:8000/", "http://robot:8000/v1"),
        ("http://robot:8000/v1/", "http://robot:8000/v1"),
        ("https://host/compatible-mode/v1", "https://host/compatible-mode/v1"),
    ],
)
def test_an_address_without_a_path_means_the_usual_one(told, url):
    assert Server(told, client(), ServedOptions(server=told), "").url == url


@pytest.mark.parametrize("url", ["robot:8000", "ftp://robot", "http://user:key@robot/v1", "http://a/v1,", "http://a?b"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(OptionError, match="it must be addresses of http or https, without name and password"):
        ServedOptions(server=url)


def test_a_breaker_opens_after_failures_in_a_row_and_closes_once_it_answers():
    breaker = Breaker()
    for occasion in range(FAILURES - 1):
        breaker.failed(occasion)
        breaker.failed(occasion)  # in parallel
    breaker.succeeded()
    for occasion in range(FAILURES):
        assert breaker.rest == 0
        breaker.failed(occasion)
    assert breaker.rest > 4
    assert not breaker.half_open
    first = breaker.rest
    breaker.failed("again")
    assert breaker.rest > first + 1
    breaker.succeeded()
    assert (breaker.rest, breaker.half_open) == (0, False)


def test_of_llama_cpp_a_score_is_one_of_a_list_since_it_bounds_no_other_number():
    form = BY_NAME["llamacpp"].constraint(flat(schema_of(ANALYSIS)))["response_format"]
    schema = form["json_schema"]["schema"]
    assert schema["properties"]["av_consistency"] == {"enum": [hundredth / 100 for hundredth in range(101)]}
    assert schema["properties"]["anchor_votes"]["items"]["properties"]["score"] == {"enum": ANY}
    assert schema["properties"]["keep"] == {"type": "boolean"}
