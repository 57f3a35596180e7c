"""--ros-args, as rcl reads them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.embedded_ros import arguments
from gar_ssl_ros.embedded_ros.arguments import ArgumentError, parameter_value, parse, read_parameters


def test_only_what_stands_after_ros_args_is_roses_until_two_dashes():
    told = parse(["prog", "-p", "x", "--ros-args", "-p", "a:=1", "--", "clip.mp4", "--ros-args", "-r", "b:=c"])
    assert told.others == ["prog", "-p", "x", "clip.mp4"]
    assert told.parameters_of("/any") == {"a": 1}
    assert [(remap.match, remap.replacement) for remap in told.remaps] == [("b", "c")]


def test_remaps_name_nodes_topics_and_namespaces():
    told = parse(
        ["--ros-args", "-r", "__node:=two", "-r", "__ns:=/left", "-r", "two:image:=/cam/image", "-r", "__name:=three"]
    )
    assert told.renamed("one", "/") == ("two", "/left")
    assert told.remaps[2] == ("two", "image", "/cam/image", "")


def test_a_remap_may_be_for_one_node_only():
    told = parse(["--ros-args", "-r", "a:__ns:=/left", "-r", "rosservice://go:=/went"])
    assert told.renamed("a", "/") == ("a", "/left")
    assert told.renamed("b", "/") == ("b", "/")
    assert told.remaps[1] == (None, "go", "/went", "service")


def test_log_levels_are_for_all_or_for_one_logger():
    told = parse(["--ros-args", "--log-level", "DEBUG", "--log-level", "localizer:=warn"])
    assert told.levels == {"": 10, "localizer": 30}


def test_what_is_not_there_is_noted_rather_than_refused():
    told = parse(["--ros-args", "--enclave", "/x", "--disable-external-lib-logs", "--disable-rosout-logs"])
    assert told.ignored == ["--enclave /x", "--disable-external-lib-logs"]
    assert not told.rosout


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["-r"], "-r after --ros-args needs a value"),
        (["-r", "image"], "'image' renames nothing"),
        (["-r", "image:=a b"], "'image:=a b' renames nothing"),
        (["-r", "__node:=a/b"], "'__node:=a/b' renames nothing"),
        (["-r", "__ns:=left"], "'__ns:=left' renames nothing"),
        (["-p", "rate"], "'rate' sets no parameter"),
        (["-p", "a:=[1, x]"], "[1, x] should hold values of one type"),
        (["--log-level", "loud"], "'loud' is no log level"),
        (["--params-file", "/nowhere.yaml"], "the parameters file /nowhere.yaml cannot be read"),
        (["--what"], "'--what' after --ros-args is not known"),
    ],
)
def test_what_cannot_be_understood_is_told_in_a_sentence(given, said):
    with pytest.raises(ArgumentError) as refused:
        parse(["--ros-args", *given])
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-7", -7),
        ("0x1F", 31),
        ("010", 8),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("1.", 1.0),
        ("-.inf", -math.inf),
        ("yes", True),
        ("off", False),
        ("'1'", "1"),
        ('"yes"', "yes"),
        ("!!str 5", "5"),
        ("signal", "signal"),
        ("1_000", "1_000"),
        ("[1, 2]", [1, 2]),
        ("[1.5, 2.0]", [1.5, 2.0]),
        ("[a, 'b']", ["a", "b"]),
        ("[true, no]", [True, False]),
        ("99999999999999999999", 1e20),
        ("", ""),
    ],
)
def test_a_parameters_text_is_typed_as_rcl_types_it(text, value):
    typed = parameter_value(text)
    assert typed == value
    assert type(typed) is type(value)


def test_not_a_number_is_a_number():
    assert math.isnan(parameter_value(".nan"))


@given(
    value=st.one_of(st.booleans(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False))
)
def test_numbers_and_truths_come_back_from_their_text(value):
    text = str(value).lower() if isinstance(value, bool) else repr(value)
    assert parameter_value(text) == value
    assert type(parameter_value(text)) is type(value)


FILE = """
/**:
  ros__parameters:
    everywhere: 1
    gar: {trials: 5, names: [a, b]}
localizer:
  ros__parameters:
    everywhere: 2
    text: '7'
/left/*:
  ros__parameters:
    one: true
/left:
  deep:
    localizer:
      ros__parameters:
        deep: 1.0
"""


@pytest.mark.parametrize(
    ("node", "values"),
    [
        ("/any", {"everywhere": 1, "gar.trials": 5, "gar.names": ["a", "b"]}),
        ("/localizer", {"everywhere": 2, "gar.trials": 5, "gar.names": ["a", "b"], "text": "7"}),
        ("/left/any", {"everywhere": 1, "gar.trials": 5, "gar.names": ["a", "b"], "one": True}),
        ("/left/deep/localizer", {"everywhere": 1, "gar.trials": 5, "gar.names": ["a", "b"], "deep": 1.0}),
    ],
)
def test_a_parameters_file_reaches_the_nodes_that_it_names(tmp_path, node, values):
    path = tmp_path / "p.yaml"
    path.write_text(FILE)
    assert parse(["--ros-args", "--params-file", str(path)]).parameters_of(node) == values


def test_what_comes_later_on_the_command_line_wins(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("/**: {ros__parameters: {a: 1}}")
    given = ["--params-file", str(path)]
    assert parse(["--ros-args", *given, "-p", "a:=2"]).parameters_of("/n") == {"a": 2}
    assert parse(["--ros-args", "-p", "a:=2", *given]).parameters_of("/n") == {"a": 1}
    assert parse(["--ros-args", "-p", "m:a:=2"]).parameters_of("/n") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[1", "cannot be read"),
        ("ros__parameters: {a: 1}", "stands before any name of a node"),
        ("n: {ros__parameters: 5}", "should hold names and values"),
        ("n: 5", "should hold names of nodes"),
        ("n: {ros__parameters: {a: [1, b]}}", "a should hold values of one type"),
        ("n: {ros__parameters: {a: [[1], [2]]}}", "a should hold values of one type"),
    ],
)
def test_a_broken_parameters_file_is_named_with_what_is_wrong(tmp_path, text, said):
    path = tmp_path / "p.yaml"
    path.write_text(text)
    with pytest.raises(ArgumentError) as refused:
        read_parameters(path)
    assert str(path) in str(refused.value)
    assert said in str(refused.value)


def test_an_empty_parameters_file_sets_nothing(tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("")
    assert read_parameters(path) == []


@pytest.mark.parametrize(("text", "domain"), [("", 0), ("42", 42), ("232", 232)])
def test_the_domain_comes_from_the_environment(text, domain):
    assert arguments.domain_id({"ROS_DOMAIN_ID": text}) == domain


@pytest.mark.parametrize("text", ["-1", "233", "one", "1.5", "²"])
def test_a_domain_that_there_is_not_is_refused(text):
    with pytest.raises(ArgumentError, match="ROS_DOMAIN_ID is"):
        arguments.domain_id({"ROS_DOMAIN_ID": text})
