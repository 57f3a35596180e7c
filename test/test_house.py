"""The shape of the house: which room may look into which, and what the door costs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import gar_ssl_ros

PACKAGE = Path(gar_ssl_ros.__file__).parent
ROOT = PACKAGE.parent
# Each room with the rooms that it may import from, errors.py and files.py aside.
ROOMS = {
    "media": {"media"},
    "gar": {"gar", "media"},
    "perception": {"perception", "gar", "media"},
    "reasoners": {"reasoners", "perception", "gar", "media"},
    "output": {"output", "gar", "media"},
    "evaluation": {"evaluation", "nodes", "output", "reasoners", "gar", "media"},
    "checks": {"checks", "evaluation", "nodes", "reasoners", "perception", "gar", "media"},
    "nodes": {"nodes", "embedded_ros", "output", "reasoners", "gar", "media", "msg", "srv"},
    "embedded_ros": set(),  # not even itself by the project's name: it could be lifted out
}


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
    for path in (PACKAGE / room).rglob("*.py"):
        looked_into = {name.split(".")[1] for name in imports(path) if name.startswith("gar_ssl_ros.")}
        assert looked_into <= ROOMS[room] | ({"errors", "files"} if ROOMS[room] else set()), path


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
