"""The shape of the house: which room may look into which, and what the door costs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import gar_ssl_ros

PACKAGE = Path(gar_ssl_ros.__file__).parent
ROOT = PACKAGE.parent
# Each room, a folder or a file, with the rooms that it may import from.
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "media": {"media"},
    "gar": {"gar", "media"},
    "perception": {"perception", "gar", "media"},
    "reasoners": {"reasoners", "perception", "gar", "media"},
    "output": {"output", "gar", "media"},
    "messages": {"messages", "embedded_ros", "output", "gar", "media", "msg", "srv"},
    "work": {"work", "messages", "gar", "media", "msg"},
    "bags": {"bags", "work", "messages", "embedded_ros", "gar", "media"},
    "nodes": {"nodes", "bags", "work", "messages", "reasoners", "gar", "media", "msg", "srv"},
    "evaluation": {"evaluation", "bags", "messages", "output", "reasoners", "gar", "media"},
    "offline": {"offline", "evaluation", "bags", "messages", "output", "gar", "media"},
    "checks": {"checks", "evaluation", "nodes", "messages", "reasoners", "perception", "gar", "media"},
    "embedded_ros": set(),  # not even itself by the project's name: it could be lifted out
}
for room in ROOMS.keys() - {"errors", "files", "embedded_ros"}:
    ROOMS[room] |= {"errors", "files"}
ROOMS["commands"] = {"commands", *ROOMS} - {"embedded_ros"}
ROOMS["cli"] = {"commands", "errors"}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    for path in (PACKAGE / room).rglob("*.py") if (PACKAGE / room).is_dir() else [PACKAGE / f"{room}.py"]:
        looked_into = {name.split(".")[1] for name in imports(path) if name.startswith("gar_ssl_ros.")}
        assert looked_into <= ROOMS[room], path


def test_every_room_is_known():
    assert {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} == {
        "__init__",
        *ROOMS,
    }


@pytest.mark.parametrize("room", ["media", "gar"])
def test_the_method_needs_neither_ros_nor_torch(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"rclpy", "torch", "transformers"}, path


def test_only_a_model_s_own_runtime_needs_torch():
    for path in PACKAGE.rglob("*.py"):
        if path.parent != PACKAGE / "reasoners" / "omni":
            assert not {name.split(".")[0] for name in imports(path)} & {"torch", "transformers", "llguidance"}, path


def test_only_the_omni_runtime_needs_torch():
    extras = {"torch", "transformers", "tokenizers", "llguidance", "safetensors", "huggingface_hub", "psutil"}
    for path in PACKAGE.rglob("*.py"):
        if "omni" not in path.relative_to(PACKAGE).parts:
            assert not {name.split(".")[0] for name in imports(path)} & extras, path


def test_one_command_fetches_models_and_nothing_else_does():
    able = {path for path in PACKAGE.rglob("*.py") if "gar_ssl_ros.perception.fetching" in imports(path)}
    assert able == {PACKAGE / "commands" / "models.py"}


def test_the_base_install_is_light():
    base = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"^(torch|transformers|pandas)\b", base, re.MULTILINE)


def test_both_manifests_tell_the_same_version():
    told = re.search(r"<version>(.*)</version>", (ROOT / "package.xml").read_text())
    assert told is not None
    assert told.group(1) == gar_ssl_ros.__version__
    assert gar_ssl_ros.__version__ in (ROOT / "CHANGELOG.rst").read_text()
