"""The schemas that replies are decoded under, and the types that read them."""

from __future__ import annotations

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.gar.reasoner import Unparseable
from gar_ssl_ros.reasoners.prompted import reasoner as asked
from gar_ssl_ros.reasoners.prompted.replies import FIRST, fields_of, parse, schema_of

REPLIES = {
    "classify": asked.HEARD,
    "locate": asked.SEEN,
    "locate several": asked.SEEN_AND_HEARD,
    "locate by candidates": asked.CHOSEN,
    "locate several by candidates": asked.CHOSEN_AND_HEARD,
    "analyze": asked.ANALYSIS,
    "analyze, grounded": asked.GROUNDED_ANALYSIS,
    "refine": asked.REFINED,
    "refine by anchors": asked.ANCHORED_REFINED,
}


def schema(stage):
    return schema_of(REPLIES[stage], (0, 3) if stage.startswith("locate") else None)


@pytest.mark.parametrize("stage", REPLIES)
def test_whatever_the_schema_lets_through_can_be_read(stage):
    """Random walks through the grammar, byte by byte."""
    llguidance = pytest.importorskip("llguidance")
    grammar = llguidance.LLMatcher.grammar_from_json_schema(
        json.dumps(schema(stage)), overrides={"whitespace_flexible": False}
    )
    bytewise = llguidance.LLTokenizer("byte")
    for seed in range(15):
        chance = random.Random(seed)
        matcher = llguidance.LLMatcher(bytewise, grammar)
        text = bytearray()
        while not (matcher.is_stopped() or (matcher.is_accepting() and chance.random() < 0.5)):
            allowed = [byte for byte, bias in enumerate(matcher.compute_logit_bias()[:256]) if bias]
            if not allowed:
                break
            quote = ord('"')
            byte = quote if quote in allowed and chance.random() < 0.1 else chance.choice(allowed)
            matcher.consume_token(byte)
            text.append(byte)
        parse(REPLIES[stage], stage, text.decode())


@pytest.mark.parametrize(
    ("stage", "order"),
    [
        ("locate", "description bbox_2d"),
        ("locate several", "description audio_class bbox_2d audio_confidence"),
        ("analyze", "anchor_votes role_tags av_consistency keep"),
        ("refine", "refined_description bbox_2d changed ops"),
    ],
)
def test_evidence_first_asks_the_same_fields_in_another_order(stage, order):
    paper, other = schema(stage), schema_of(REPLIES[stage], prompts="evidence_first")
    assert " ".join(fields_of(other)) == order
    assert sorted(fields_of(paper)) == sorted(fields_of(other))


def test_a_place_comes_before_its_score():
    definitions = schema_of(asked.GROUNDED_ANALYSIS, prompts="evidence_first")["$defs"]
    assert list(definitions["GroundedVote"]["properties"]) == ["anchor", "point_2d", "score"]


def test_the_order_of_one_set_of_prompts_is_not_left_to_another():
    before = {stage: fields_of(schema(stage)) for stage in REPLIES}
    for prompts in FIRST:
        for reply in REPLIES.values():
            schema_of(reply, prompts=prompts)
    assert {stage: fields_of(schema(stage)) for stage in REPLIES} == before
    assert fields_of(schema_of(asked.CHOSEN, prompts="candidates"))[0] == "candidates"
    assert fields_of(schema_of(asked.ANCHORED_REFINED, prompts="anchors"))[0] == "anchors"


def test_the_bounds_are_in_the_schema():
    located = schema("locate")
    assert (located["minItems"], located["maxItems"]) == (0, 3)
    properties = schema("analyze")["properties"]
    assert (properties["role_tags"]["maxItems"], properties["anchor_votes"]["maxItems"]) == (4, 5)
    assert properties["av_consistency"] | {"title": ""} == {
        "maximum": 1,
        "minimum": 0,
        "multipleOf": 0.01,
        "title": "",
        "type": "number",
    }


@settings(max_examples=200)
@given(st.sampled_from(sorted(REPLIES)), st.text(max_size=200).filter(lambda text: text.strip() != "[]"))
def test_no_text_breaks_the_reader(stage, text):
    with pytest.raises(Unparseable, match=stage):
        parse(REPLIES[stage], stage, text)


@pytest.mark.parametrize(
    "reply",
    [
        '{"av_consistency": 1.5, "role_tags": [], "anchor_votes": [], "keep": true}',
        '{"av_consistency": NaN, "role_tags": [], "anchor_votes": [], "keep": true}',
        '{"av_consistency": 0.5, "role_tags": ["a", "b", "c", "d", "e"], "anchor_votes": [], "keep": true}',
        '{"av_consistency": 0.5, "role_tags": ["<|im_end|>"], "anchor_votes": [], "keep": true}',
        '{"av_consistency": 0.5, "role_tags": [], "anchor_votes": [{"anchor": "a", "score": -1}], "keep": true}',
        '{"av_consistency": 0.5, "role_tags": [], "anchor_votes": [], "keep": "perhaps"}',
        '{"av_consistency": 0.5, "role_tags": [], "anchor_votes": []}',
        '{"anchor": "a", "score": 0.5}',
        "[" * 100_000,
    ],
)
def test_what_is_no_analysis_is_refused_with_a_reason(reply):
    with pytest.raises(Unparseable, match="the reply to analyze is not what was asked for") as refused:
        parse(asked.ANALYSIS, "analyze", reply)
    assert len(str(refused.value)) < 500


def test_false_is_false_and_nesting_is_not_lost():
    text = '{"av_consistency": 1, "role_tags": [], "anchor_votes": [{"anchor": "a", "score": 0.29}], "keep": false}'
    said = parse(asked.ANALYSIS, "analyze", text)
    assert said.keep is False
    assert said.av_consistency == 1
    assert said.anchor_votes[0].score == 0.29


@pytest.mark.parametrize(
    "told", ["A dog. It barks.", 'St. Bernard, 3 years old, "Barry" by name, barks!', "It is." * 60]
)
def test_a_refinement_is_told_as_the_model_likes(told):
    text = json.dumps({"bbox_2d": [1, 2, 3, 4], "changed": True, "ops": None, "refined_description": told})
    assert parse(asked.REFINED, "refine", text).refined_description == told


@pytest.mark.parametrize("told", ["", "It.", "A dog\u202e barks.", "It barks.\\", "A" * 2000 + "."])
def test_what_runs_away_or_cannot_be_shown_is_no_description(told):
    text = json.dumps({"bbox_2d": [1, 2, 3, 4], "changed": True, "ops": None, "refined_description": told})
    with pytest.raises(Unparseable):
        parse(asked.REFINED, "refine", text)
