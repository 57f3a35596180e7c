"""Names in the graph, as rcl has them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.embedded_ros import names
from gar_ssl_ros.embedded_ros.names import Remap

TOKEN = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
NAMESPACE = st.lists(TOKEN, max_size=3).map(lambda parts: "/" + "/".join(parts))


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("chatter", "/ns/chatter"),
        ("/chatter", "/chatter"),
        ("~", "/ns/node"),
        ("~/chatter", "/ns/node/chatter"),
        ("{node}/chatter", "/ns/node/chatter"),
        ("{ns}/chatter", "/ns/chatter"),
        ("{namespace}/{node}_x", "/ns/node_x"),
    ],
)
def test_a_name_is_expanded_as_rcl_does(name, whole):
    assert names.wrong_in_topic(name) is None
    assert names.expand(name, "node", "/ns") == whole


def test_an_unknown_substitution_is_refused_by_name():
    with pytest.raises(ValueError, match=r"unknown substitution: \{robot\}"):
        names.expand("{robot}/chatter", "node", "/")


@pytest.mark.parametrize(
    ("name", "at"),
    [
        ("", 0),
        ("7up", 0),
        ("chatter/", 7),
        ("foo/7up", 4),
        ("foo bar", 3),
        ("foo~", 3),
        ("~foo", 1),
        ("foo/{bar", 4),
        ("foo/bar}", 7),
        ("foo/{{bar}}", 5),
        ("foo/{4bar}", 5),
        ("foo/{a/b}", 6),
        ("föö", 1),
    ],
)
def test_a_name_that_is_not_allowed_is_refused_at_its_character(name, at):
    wrong = names.wrong_in_topic(name)
    assert wrong is not None
    assert wrong.at == at


@pytest.mark.parametrize("name", ["chatter", "/", "//a", "/a//b", "/a/", "/a b", "/7a", "/" + "a" * 248, ""])
def test_a_whole_name_that_is_not_allowed_is_refused(name):
    assert names.wrong_in_full_topic(name) is not None


@pytest.mark.parametrize(
    ("name", "good"), [("node", True), ("", False), ("my node", False), ("7", False), ("a/b", False)]
)
def test_a_node_is_named_by_one_word(name, good):
    assert (names.wrong_in_node(name) is None) == good


@given(name=st.lists(TOKEN, min_size=1, max_size=4).map("/".join), node=TOKEN, namespace=NAMESPACE)
def test_every_allowed_name_expands_to_an_allowed_whole_name_that_stays(name, node, namespace):
    assert names.wrong_in_topic(name) is None
    whole = names.expand(name, node, namespace)
    assert names.wrong_in_full_topic(whole) is None
    assert names.expand(whole, node, namespace) == whole


@given(text=st.text(max_size=12))
def test_no_text_passes_for_a_name_that_dds_would_refuse(text):
    if names.wrong_in_topic(text) is None and "{" not in text:
        assert names.wrong_in_full_topic(names.expand(text, "node", "/ns")) is None


def test_a_remap_renames_what_it_names_and_nothing_else():
    rules = [Remap(None, "image", "/camera/image"), Remap("other", "audio", "/mic")]
    assert names.remapped("/ns/image", "node", "/ns", "topic", rules) == "/camera/image"
    assert names.remapped("/image", "node", "/ns", "topic", rules) == "/image"
    assert names.remapped("/ns/audio", "node", "/ns", "topic", rules) == "/ns/audio"
    assert names.remapped("/ns/audio", "other", "/ns", "topic", rules) == "/mic"


def test_the_first_remap_that_applies_wins_and_may_be_private_or_for_services_only():
    rules = [Remap(None, "~/a", "~/b"), Remap(None, "~/a", "/c"), Remap(None, "s", "/t", "service")]
    assert names.remapped("/node/a", "node", "/", "topic", rules) == "/node/b"
    assert names.remapped("/s", "node", "/", "service", rules) == "/t"
    assert names.remapped("/s", "node", "/", "topic", rules) == "/s"
