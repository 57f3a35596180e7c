"""The shape of the house: which room may look into which, and what the door costs."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import gar_ssl_ros
from gar_ssl_ros.nodes.main import NAMES

PACKAGE = Path(gar_ssl_ros.__file__).parent
ROOT = PACKAGE.parent
# Each room, a folder or a file, with the rooms that it may import from.
ROOMS = {
    "errors": set(),
    "files": {"errors"},
    "options": {"errors"},
    "heap": set(),
    "interrupts": set(),
    "media": {"media"},
    "gar": {"gar", "media"},
    "perception": {"perception", "gar", "media"},
    "masks": {"masks", "perception", "gar", "media"},
    "students": {"students", "perception", "gar", "media"},
    "reasoners": {"reasoners", "perception", "students", "spatial", "gar", "media"},
    "output": {"output", "gar", "media"},
    "interfaces": {"interfaces"},
    "embedded_ros": {"embedded_ros", "interfaces"},
    "spatial": {"spatial", "perception", "gar", "media"},
    "messages": {"messages", "embedded_ros", "spatial", "output", "gar", "media", "msg", "srv"},
    "work": {"work", "messages", "masks", "spatial", "gar", "media", "msg"},
    "bags": {"bags", "work", "messages", "masks", "spatial", "interfaces", "gar", "media"},
    "nodes": {
        *("nodes", "bags", "work", "messages", "reasoners", "perception", "masks", "spatial", "gar", "media"),
        *("msg", "srv", "action"),
    },
    "evaluation": {
        *("evaluation", "bags", "messages", "output", "reasoners", "students", "masks", "spatial", "gar", "media"),
    },
    "offline": {"offline", "evaluation", "bags", "messages", "output", "masks", "spatial", "gar", "media", "msg"},
    "page": {
        *("page", "offline", "nodes", "bags", "work", "messages", "reasoners", "spatial", "gar", "media", "msg", "srv"),
    },
    "checks": {"checks", "evaluation", "nodes", "messages", "reasoners", "perception", "gar", "media"},
}
LIFTABLE = {"interfaces", "embedded_ros"}  # which need nothing of the project, and could be lifted out together
FOR_ALL = {"errors", "files", "options", "heap", "interrupts"}
for room in ROOMS.keys() - LIFTABLE - FOR_ALL:
    ROOMS[room] |= FOR_ALL
ROOMS["commands"] = {"commands", *ROOMS} - LIFTABLE
ROOMS["cli"] = {"commands", "errors", "interrupts"}


def imports(path: Path) -> set[str]:
    """The modules that a file names, relative ones in full; of `from here import this` both here and here.this."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = path.relative_to(ROOT).parts[: -node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            found |= {module, *(f"{module}.{alias.name}" for alias in node.names)}
    return found


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    for path in (PACKAGE / room).rglob("*.py") if (PACKAGE / room).is_dir() else [PACKAGE / f"{room}.py"]:
        looked_into = {name.split(".")[1] for name in imports(path) if name.startswith("gar_ssl_ros.")}
        looked_into -= {"__version__"}
        assert looked_into <= ROOMS[room], path


@pytest.mark.parametrize("room", sorted(LIFTABLE))
def test_what_stands_for_ros_2_names_itself_relatively_and_never_the_project(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not re.search(r"^\s*(from|import) gar_ssl_ros\b", path.read_text(), re.MULTILINE), path


def test_every_room_is_known():
    assert {path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()} == {
        "__init__",
        *ROOMS,
    }


@pytest.mark.parametrize("room", ["media", "gar"])
def test_the_method_needs_neither_ros_nor_torch(room):
    for path in (PACKAGE / room).rglob("*.py"):
        assert not {name.split(".")[0] for name in imports(path)} & {"rclpy", "torch", "transformers"}, path


def test_only_what_runs_a_model_of_the_library_transformers_needs_torch():
    extras = {"torch", "torchao", "transformers", "tokenizers", "llguidance", "safetensors", "huggingface_hub"}
    extras |= {"peft", "psutil"}
    able = {PACKAGE / "reasoners" / "omni", PACKAGE / "students", PACKAGE / "spatial" / "model"}
    able |= {PACKAGE / room / "pretrained" for room in ("perception", "masks")}
    for path in PACKAGE.rglob("*.py"):
        if path.parent not in able:
            assert not {name.split(".")[0] for name in imports(path)} & extras, path


def test_one_command_fetches_models_and_nothing_else_does():
    able = {path for path in PACKAGE.rglob("*.py") if "gar_ssl_ros.perception.fetching" in imports(path)}
    assert able == {PACKAGE / "commands" / "models.py"}


def test_the_base_install_is_light():
    base = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"^(torch|transformers|pandas)\b", base, re.MULTILINE)


def test_every_node_is_a_program_that_ros2_run_finds():
    for name in NAMES:
        script = ROOT / "scripts" / name
        assert f'main("{name}", sys.argv[1:])' in script.read_text()
        assert script.stat().st_mode & 0o111 == 0o111
    installed = re.search(r"install\(PROGRAMS (.*?)DESTINATION", (ROOT / "CMakeLists.txt").read_text(), re.DOTALL)
    assert installed is not None
    assert set(installed.group(1).split()) == {f"scripts/{name}" for name in (*NAMES, "gar-ssl")}


def test_both_manifests_tell_the_same_version():
    told = re.search(r"<version>(.*)</version>", (ROOT / "package.xml").read_text())
    assert told is not None
    assert told.group(1) == gar_ssl_ros.__version__
    assert gar_ssl_ros.__version__ in (ROOT / "CHANGELOG.rst").read_text()


@pytest.mark.parametrize(
    "page", ["docs/bags.md", "requirements-ros.txt", "requirements-ros-all.txt", "requirements-ros-omni.txt"]
)
def test_what_pip_brings_beside_ros_2_is_what_the_package_requires(page):
    required = {one.split(";")[0] for one in re.findall(r'"([^"]+)"', (ROOT / "pyproject.toml").read_text())}
    text = (ROOT / page).read_text()
    quoted = re.findall(r'"([^"]+)"', " ".join(re.findall(r"pip install .*", text)))
    told = set(quoted if page.endswith(".md") else re.findall(r"^\w.*", text, re.MULTILINE))
    assert told
    assert told <= required


def test_no_two_test_files_have_the_same_name():
    """pytest imports them by it, and collects none of a run that holds both."""
    names = [path.name for path in (ROOT / "test").rglob("test_*.py")]
    assert sorted(set(names)) == sorted(names)
