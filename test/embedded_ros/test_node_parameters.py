"""Parameters of nodes: declared, overridden, checked, and set from other processes."""

from __future__ import annotations

import pytest
from processes import spin_until
from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    ParameterEvent,
    SetParametersResult,
)
from rcl_interfaces.srv import DescribeParameters, GetParameters, GetParameterTypes, ListParameters, SetParameters

from gar_ssl_ros.embedded_ros.rclpy import exceptions
from gar_ssl_ros.embedded_ros.rclpy.executors import SingleThreadedExecutor
from gar_ssl_ros.embedded_ros.rclpy.node import Node
from gar_ssl_ros.embedded_ros.rclpy.parameter import Parameter, parameter_dict_from_yaml_file


@pytest.fixture
def node(context):
    return Node("tester", context=context, cli_args=["-p", "rate:=7", "-p", "gain:=0.5", "-p", "speed:=30"])


def descriptor(**fields):
    return ParameterDescriptor(**fields)


def accepted(*_):
    return SetParametersResult(successful=True)


def test_a_parameter_has_its_default_unless_the_command_line_says_otherwise(node):
    assert node.declare_parameter("rate", 5).value == 7
    assert node.declare_parameter("other", 5).value == 5
    assert node.declare_parameter("gain", 1.0, ignore_override=True).value == 1.0
    assert node.declare_parameter("speed", Parameter.Type.INTEGER).value == 30
    assert node.get_parameter("rate").type_ is Parameter.Type.INTEGER
    assert node.get_parameter_or("missing", Parameter("missing", value=3)).value == 3


def test_the_constructors_overrides_win_over_the_command_lines(context):
    node = Node("tester", context=context, cli_args=["-p", "a:=1"], parameter_overrides=[Parameter("a", value=2)])
    assert node.declare_parameter("a", 0).value == 2


def test_overrides_may_declare_parameters_by_themselves(context):
    node = Node(
        "tester", context=context, cli_args=["-p", "a.b:=x"], automatically_declare_parameters_from_overrides=True
    )
    assert node.get_parameter("a.b").value == "x"
    assert {name: p.value for name, p in node.get_parameters_by_prefix("a").items()} == {"b": "x"}


def test_a_parameter_keeps_its_type(node):
    with pytest.raises(exceptions.InvalidParameterTypeException, match="expecting type 'STRING'"):
        node.declare_parameter("rate", "fast")
    node.declare_parameter("other", 1)
    result = node.set_parameters([Parameter("other", value="x")])[0]
    assert not result.successful
    assert "Wrong parameter type" in result.reason
    node.declare_parameter("free", 1, descriptor(dynamic_typing=True))
    assert node.set_parameters([Parameter("free", value="x")])[0].successful


def test_a_range_is_kept_when_declared_and_when_set(node):
    steps = descriptor(integer_range=[IntegerRange(from_value=0, to_value=10, step=2)])
    with pytest.raises(exceptions.InvalidParameterValueException, match="out of range"):
        node.declare_parameter("speed", 4, steps)  # 30 on the command line
    node.declare_parameter("trials", 4, steps)
    share = descriptor(floating_point_range=[FloatingPointRange(from_value=0.0, to_value=1.0, step=0.0)])
    node.declare_parameter("tau", 0.5, share)
    tried = {("trials", 8): True, ("trials", 10): True, ("trials", 5): False, ("trials", 12): False}
    tried |= {("tau", 0.0): True, ("tau", 1.0): True, ("tau", 1.1): False}
    for (name, value), allowed in tried.items():
        assert node.set_parameters([Parameter(name, value=value)])[0].successful == allowed, (name, value)


def test_what_is_read_only_or_undeclared_or_without_value_is_refused_by_name(node):
    node.declare_parameter("fixed", 1, descriptor(read_only=True))
    assert "read-only" in node.set_parameters([Parameter("fixed", value=2)])[0].reason
    with pytest.raises(exceptions.ParameterImmutableException, match="fixed"):
        node.undeclare_parameter("fixed")
    with pytest.raises(exceptions.ParameterNotDeclaredException, match="unknown"):
        node.set_parameters([Parameter("unknown", value=2)])
    with pytest.raises(exceptions.ParameterNotDeclaredException):
        node.get_parameter("unknown")
    with pytest.raises(exceptions.ParameterAlreadyDeclaredException):
        node.declare_parameter("fixed", 1)
    node.declare_parameter("later", Parameter.Type.STRING)
    with pytest.raises(exceptions.ParameterUninitializedException):
        node.get_parameter("later")
    with pytest.warns(UserWarning, match="declaring a parameter only providing its name is deprecated"):
        node.declare_parameter("bare")


def test_callbacks_change_refuse_and_hear_of_what_is_set(node):
    node.declare_parameter("a", 1)
    node.declare_parameter("b", 1)
    heard = []
    node.add_pre_set_parameters_callback(lambda given: [*given, Parameter("b", value=given[0].value * 2)])
    node.add_on_set_parameters_callback(
        lambda given: SetParametersResult(successful=given[0].value < 10, reason="too large")
    )
    node.add_post_set_parameters_callback(lambda given: heard.extend((p.name, p.value) for p in given))
    assert node.set_parameters([Parameter("a", value=3)])[0].successful
    refused = node.set_parameters_atomically([Parameter("a", value=30)])
    assert refused.reason == "too large"
    assert [node.get_parameter(name).value for name in ("a", "b")] == [3, 6]
    assert heard == [("a", 3), ("b", 6)]


def test_setting_atomically_sets_all_or_none(node):
    node.declare_parameter("a", 1)
    node.declare_parameter("b", 1)
    assert not node.set_parameters_atomically([Parameter("a", value=2), Parameter("b", value="x")]).successful
    assert node.get_parameter("a").value == 1


def test_names_are_listed_by_prefix_and_depth(node):
    for name in ("a", "gar.trials", "gar.tau.av", "garden"):
        node.declare_parameter(name, 1)
    assert set(node.list_parameters([], 0).names) == {"a", "gar.trials", "gar.tau.av", "garden", "use_sim_time"}
    assert set(node.list_parameters(["gar"], 0).names) == {"gar.trials", "gar.tau.av"}
    assert set(node.list_parameters(["gar"], 1).names) == {"gar.trials"}
    assert set(node.list_parameters([], 1).names) == {"a", "garden", "use_sim_time"}
    assert list(node.list_parameters(["gar"], 0).prefixes) == ["gar", "gar.tau"]


def test_a_descriptor_may_be_set_anew_if_the_value_or_an_alternative_fits(node):
    node.declare_parameter("a", 50)
    narrow = descriptor(type=2, integer_range=[IntegerRange(from_value=0, to_value=10, step=1)])
    with pytest.raises(exceptions.InvalidParameterValueException):
        node.set_descriptor("a", narrow)
    assert node.set_descriptor("a", narrow, Parameter("", value=5).get_parameter_value()).integer_value == 5
    assert node.describe_parameter("a").integer_range[0].to_value == 10


@pytest.mark.parametrize("value", [True, 7, 1.5, "x", [True, False], [1, 2], [1.5, 2.0], ["a"], None])
def test_a_value_survives_its_message(embedded, value):
    parameter = Parameter("p", value=value)
    assert Parameter.from_parameter_msg(parameter.to_parameter_msg()) == parameter


def test_what_a_parameter_cannot_be_is_refused(embedded):
    with pytest.raises(TypeError, match="not one of the allowed types"):
        Parameter("p", value={"a": 1})
    with pytest.raises(ValueError, match="do not agree"):
        Parameter("p", Parameter.Type.INTEGER, True)


def test_a_file_becomes_messages(embedded, tmp_path):
    path = tmp_path / "p.yaml"
    path.write_text("/**: {ros__parameters: {a: 1}}\nn: {ros__parameters: {b: {c: x}}}\n")
    found = parameter_dict_from_yaml_file(str(path), use_wildcard=True, target_nodes=["n"])
    assert {name: message.value.type for name, message in found.items()} == {"a": 2, "b.c": 4}
    with pytest.raises(RuntimeError, match="does not contain parameters for m"):
        parameter_dict_from_yaml_file(str(path), target_nodes=["m"])


OTHER = """
from rcl_interfaces.msg import IntegerRange, ParameterDescriptor
rclpy.init()
node = rclpy.create_node("other", namespace="far")
allowed = IntegerRange(from_value=0, to_value=10, step=1)
node.declare_parameter("trials", 5, ParameterDescriptor(description="how often", integer_range=[allowed]))
print("ready", flush=True)
try:
    rclpy.spin(node)
except rclpy.executors.ExternalShutdownException:
    pass
"""


def test_another_processs_parameters_are_listed_got_set_and_told_of(process, node, context):
    process(OTHER)
    events = []
    node.create_subscription(ParameterEvent, "/parameter_events", events.append, 100)
    with SingleThreadedExecutor(context=context) as executor:
        executor.add_node(node)

        def call(kind, name, **request):
            client = node.create_client(kind, f"/far/other/{name}")
            assert client.wait_for_service(20)
            future = client.call_async(kind.Request(**request))
            executor.spin_until_future_complete(future, 20)
            return future.result()

        assert list(call(ListParameters, "list_parameters").result.names) == ["use_sim_time", "trials"]
        assert call(GetParameters, "get_parameters", names=["trials"]).values[0].integer_value == 5
        assert call(GetParameters, "get_parameters", names=["nothing"]).values == []
        assert list(call(GetParameterTypes, "get_parameter_types", names=["trials"]).types) == [2]
        described = call(DescribeParameters, "describe_parameters", names=["trials"]).descriptors[0]
        assert (described.name, described.description) == ("trials", "how often")
        wanted = [Parameter("trials", value=value).to_parameter_msg() for value in (7, 70)]
        results = call(SetParameters, "set_parameters", parameters=wanted).results
        assert [result.successful for result in results] == [True, False]
        assert call(GetParameters, "get_parameters", names=["trials"]).values[0].integer_value == 7
        unknown = [Parameter("unknown", value=1).to_parameter_msg()]
        assert "undeclared" in call(SetParameters, "set_parameters", parameters=unknown).results[0].reason
        assert spin_until(executor, lambda: any(e.changed_parameters for e in events))
    changed = next(event for event in events if event.changed_parameters)
    assert changed.node == "/far/other"
    assert changed.changed_parameters[0].value.integer_value == 7
