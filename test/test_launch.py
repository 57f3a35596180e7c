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


@pytest.fixture
def launch_file(monkeypatch) -> ModuleType:
    parts: dict[str, dict[str, object]] = {
        "ament_index_python": {},
        "launch_ros": {},
        "ament_index_python.packages": {"get_package_share_directory": lambda _: str(ROOT)},
        "launch": {"LaunchDescription": Asked},
        "launch.actions": {"DeclareLaunchArgument": Asked, "OpaqueFunction": Asked},
        "launch.conditions": {"IfCondition": Asked},
        "launch.substitutions": {"LaunchConfiguration": Choice},
        "launch_ros.actions": {"LifecycleNode": Asked, "Node": Asked},
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


def nodes(launch_file: ModuleType, **given: str) -> dict[str, Asked]:
    """What is started, by its executable."""
    description = launch_file.generate_launch_description()
    *declared, function = description.values[0]
    context = {one.values[0]: one.default_value for one in declared} | given
    return {one.executable: one for one in function.function(context)}


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
    started = nodes(launch_file, clip="talk.mp4", namespace="robot1", audio="/mic")
    assert started["player"].namespace == "robot1"
    assert ("audio", "/mic") in started["player"].remappings


def test_every_launch_argument_is_documented(launch_file):
    defaults = {name: default and f"`{default}`" for name, (default, _) in launch_file.ARGUMENTS.items()}
    defaults["params_file"] = "`config/localize.yaml`"
    rows = [f"| `{name}` | {defaults[name]} | {what} |" for name, (_, what) in launch_file.ARGUMENTS.items()]
    page = (ROOT / "docs" / "ros.md").read_text()
    table = page.partition("<!-- launch arguments -->\n")[2].partition("<!-- end -->")[0]
    assert table.splitlines()[2:] == rows
