"""The launch file, without ROS: what it asks `launch` for, which stands in as a record of that."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

ROOT = Path(__file__).parents[1]


class Asked(SimpleNamespace):
    """Any of launch's classes, with what it was given."""

    def __init__(self, *values: object, **named: object) -> None:
        super().__init__(values=values, **named)


class Choice(Asked):
    """A LaunchConfiguration: what was given of that name."""

    def perform(self, context: dict[str, str]) -> str:
        return context[str(self.values[0])]


def installed(package: str) -> str:
    """A machine without Foxglove."""
    raise KeyError(package)


@pytest.fixture
def launch_file(monkeypatch) -> ModuleType:
    parts: dict[str, dict[str, object]] = {
        "ament_index_python": {},
        "launch_ros": {},
        "ament_index_python.packages": {
            "get_package_share_directory": lambda _: str(ROOT),
            "get_package_prefix": installed,
            "PackageNotFoundError": KeyError,
        },
        "launch": {"LaunchDescription": Asked},
        "launch.actions": {"DeclareLaunchArgument": Asked, "LogInfo": Asked, "OpaqueFunction": Asked},
        "launch.conditions": {"IfCondition": Asked},
        "launch.substitutions": {"LaunchConfiguration": Choice},
        "launch_ros.actions": {"LifecycleNode": Asked, "Node": Asked},
        "launch_ros.parameter_descriptions": {"ParameterValue": lambda value, value_type: value_type(value)},
    }
    for name, members in parts.items():
        module = ModuleType(name)
        module.__dict__.update(members, __path__=[])
        monkeypatch.setitem(sys.modules, name, module)
    spec = spec_from_file_location("localize_launch", ROOT / "launch" / "localize.launch.py")
    assert spec is not None
    assert spec.loader is not None
    found = module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def actions(launch_file: ModuleType, **given: str) -> list[Asked]:
    """What is asked for."""
    description = launch_file.generate_launch_description()
    *declared, function = description.values[0]
    context = {one.values[0]: one.default_value for one in declared} | given
    return list(function.function(context))


def nodes(launch_file: ModuleType, **given: str) -> dict[str, Asked]:
    """What is started, by its executable."""
    return {one.executable: one for one in actions(launch_file, **given) if hasattr(one, "executable")}


def displayed() -> set[str]:
    """The topics that RViz is configured to show."""
    lines = (ROOT / "rviz" / "localize.rviz").read_text().splitlines()
    return {line.split()[1] for line in lines if line.strip().startswith("Value: /")}


@pytest.mark.parametrize(
    ("given", "image", "answer"),
    [
        ({}, "/image", "/localizer/image_annotated"),
        ({"namespace": "robot1", "name": "ears"}, "/robot1/image", "/robot1/ears/image_annotated"),
        ({"namespace": "/a/b"}, "/a/b/image", "/a/b/localizer/image_annotated"),
        (
            {"namespace": "robot1", "image": "/camera/image_raw"},
            "/camera/image_raw",
            "/robot1/localizer/image_annotated",
        ),
        ({"image": "camera/image_raw/compressed"}, "/camera/image_raw", "/localizer/image_annotated"),
    ],
)
def test_rviz_shows_the_topics_of_its_localizer_whatever_its_name_and_namespace(launch_file, given, image, answer):
    started = nodes(launch_file, rviz="true", **given)
    shown = dict(started["rviz2"].remappings)
    assert {topic: shown.get(topic, topic) for topic in displayed()} == {
        "/image": image,
        "/localizer/image_annotated": answer,
        "/localizer/markers": answer.replace("image_annotated", "markers"),
    }
    localizer = started["localizer"]
    assert (localizer.namespace, localizer.name) == (given.get("namespace", ""), given.get("name", "localizer"))
    assert ("image", given.get("image", "image")) in localizer.remappings


def test_rviz_shows_places_in_the_target_frame_where_there_is_one(launch_file):
    assert nodes(launch_file, rviz="true", target_frame="base_link")["rviz2"].arguments[2:] == ["-f", "base_link"]
    assert len(nodes(launch_file, rviz="true")["rviz2"].arguments) == 2


def test_a_clip_is_played_in_the_same_namespace_to_the_same_topics(launch_file):
    started = nodes(launch_file, clip="talk.mp4", calibration="c.yaml", namespace="robot1", audio="/mic")
    assert started["player"].namespace == "robot1"
    assert {("audio", "/mic"), ("camera_info", "camera_info")} < {*started["player"].remappings}
    assert started["player"].parameters[0]["calibration"] == "c.yaml"


@pytest.mark.parametrize(
    ("image", "compressed", "plain", "info"),
    [
        ("image", False, "image", "camera_info"),
        ("image/compressed", True, "image", "camera_info"),
        ("front/image_raw", False, "front/image_raw", "front/camera_info"),
        ("/front/image/compressed", True, "/front/image", "/front/camera_info"),
    ],
)
def test_camera_and_microphone_publish_what_the_localizer_and_rviz_are_told(
    launch_file, image, compressed, plain, info
):
    given = {
        "camera": "0",
        "microphone": "usb",
        "calibration": "file:///c.yaml",
        "audio": "/mic",
        "namespace": "robot1",
    }
    started = nodes(launch_file, image=image, **given)
    camera, microphone = started["camera"], started["microphone"]
    assert {camera.namespace, microphone.namespace} == {"robot1"}
    told = {"device": "0", "compressed": compressed, "wait": 10.0, "calibration": "file:///c.yaml"}
    assert camera.parameters == [told]
    assert dict(camera.remappings) == {"image": plain, "image/compressed": f"{plain}/compressed", "camera_info": info}
    assert (microphone.parameters, dict(microphone.remappings)["audio"]) == ([{"device": "usb"}], "/mic")
    shown = dict(started["rviz2"].remappings)
    full = plain if plain.startswith("/") else f"/robot1/{plain}"
    assert (shown["/image"], shown["/image/compressed"]) == (full, f"{full}/compressed")


def test_the_default_microphone_is_the_system_s_and_none_is_started_unasked(launch_file):
    assert nodes(launch_file, microphone="default")["microphone"].parameters == []
    assert nodes(launch_file).keys() == {"localizer", "rviz2"}


def test_an_array_is_the_microphone_s_and_the_localizer_s(launch_file):
    mounted = "0 0 0.1 0 0 0"
    started = nodes(launch_file, microphone="0", array="uma8", array_to_camera=mounted, directions_in="/doa")
    assert started["microphone"].parameters == [{"device": "0", "array": "uma8"}]
    given = started["localizer"].parameters[1]
    assert (given["array"], given["array_to_camera"], given["device_directions"]) == ("uma8", mounted, True)
    assert ("directions_in", "/doa") in started["localizer"].remappings


def test_a_clip_beside_a_camera_is_refused(launch_file):
    with pytest.raises(RuntimeError, match="give either clip, or camera and microphone"):
        nodes(launch_file, clip="talk.mp4", camera="0")


def test_foxglove_is_one_sentence_where_it_is_not_installed(launch_file, monkeypatch):
    *_, told = actions(launch_file, foxglove="true")
    assert told.msg.startswith("foxglove_bridge is not installed: sudo apt install")
    monkeypatch.setattr(launch_file, "get_package_prefix", lambda _: "/opt/ros")
    started = nodes(launch_file, foxglove="true", namespace="robot1")
    assert started["foxglove_bridge"].namespace == "robot1"


def test_every_launch_argument_is_documented(launch_file):
    defaults = {name: default and f"`{default}`" for name, (default, _) in launch_file.ARGUMENTS.items()}
    defaults["params_file"] = "`config/localize.yaml`"
    rows = [f"| `{name}` | {defaults[name]} | {what} |" for name, (_, what) in launch_file.ARGUMENTS.items()]
    page = (ROOT / "docs" / "ros.md").read_text()
    table = page.partition("<!-- launch arguments -->\n")[2].partition("<!-- end -->")[0]
    assert table.splitlines()[2:] == rows
