"""A reasoner of one's own is used as it is, or one sentence says what is wrong with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from clips import write_clip

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.evaluation.study import StudyError, read_study
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.output.record import read_records
from gar_ssl_ros.reasoners import is_factory, reasoner

MINE = """
from contextlib import contextmanager
from gar_ssl_ros.gar.stages import AudioLabel

class Good:
    name, model = "good", None
    @contextmanager
    def read(self, window, deadline):
        yield self
    def classify(self):
        return AudioLabel("silence", 1.0)

class Kept(Good):
    made = Good

class NoName:
    model = None
    read = Good.read

class NoRead:
    name, model = "x", None

class ReadsOneThing(Good):
    def read(self, window):
        return self

class WantsSomething(Good):
    def __init__(self, weights): ...

class Raises(Good):
    def __init__(self):
        raise KeyError("oops")

class Ends(Good):
    def __init__(self):
        raise SystemExit(3)

class Property(Good):
    @property
    def name(self):
        raise RuntimeError("not yet")

def nothing(): ...

value = 3
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """The current folder has them."""
    (tmp_path / "mine_of_test.py").write_text(MINE)
    (tmp_path / "needs_of_test.py").write_text("import not_there_at_all\n")
    (tmp_path / "broken_of_test.py").write_text("1 / 0\n")
    (tmp_path / "no_python_of_test.py").write_text("def (\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [part for part in sys.path if part])
    yield tmp_path
    for name in [name for name in sys.modules if name.endswith("_of_test")]:
        del sys.modules[name]


def made(factory: str) -> object:
    return reasoner(factory, named=(factory,))


@pytest.mark.parametrize("factory", ["mine_of_test:Good", "mine_of_test:Kept.made"])
def test_one_in_the_current_folder_is_found(mine, factory):
    assert made(factory).name == "good"


@pytest.mark.parametrize(
    ("factory", "told"),
    [
        ("mine_of_test:NoName", "gave a NoName without name: a reasoner has name"),
        ("mine_of_test:NoRead", "gave a NoRead without read(window, deadline)"),
        ("mine_of_test:ReadsOneThing", "without read(window, deadline)"),
        ("mine_of_test:WantsSomething", "is called without arguments, and it wants some"),
        ("mine_of_test:Raises", "failed (KeyError: 'oops'): mend it"),
        ("mine_of_test:Ends", "failed (SystemExit: 3): mend it"),
        ("mine_of_test:Property", "RuntimeError: not yet"),
        ("mine_of_test:nothing", "gave a NoneType without name, model, read"),
        ("mine_of_test:value", "is neither class nor function, but 3"),
        ("mine_of_test:Absent", "mine_of_test has no Absent: check its name"),
        (
            "absent_of_test:X",
            "Python finds no module absent_of_test: run it in the folder that holds absent_of_test.py",
        ),
        ("mine_of_test.part:X", "Python finds no module mine_of_test.part"),
        ("needs_of_test:X", "needs not_there_at_all, which is not installed: install it"),
        ("broken_of_test:X", "broken_of_test cannot be imported (ZeroDivisionError: division by zero): mend it"),
        ("no_python_of_test:X", "cannot be imported (SyntaxError"),
    ],
)
def test_one_that_cannot_be_used_is_a_sentence(mine, factory, told):
    with pytest.raises(ReasonerError) as refused:
        made(factory)
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_one_that_nobody_named_is_not_imported(mine):
    with pytest.raises(OptionError, match="name your own, as module:factory, when you start the program"):
        reasoner("broken_of_test:X")
    assert "broken_of_test" not in sys.modules


@pytest.mark.parametrize("name", ["a", "a:", ":b", "a:b:c", "a b:c", "a:b()", "..:x", "a/b:c", ""])
def test_what_is_no_module_and_factory_is_none(name):
    assert not is_factory(name)


def test_a_study_cannot_name_one_that_the_command_line_did_not(tmp_path):
    study = tmp_path / "study.yaml"
    study.write_text("title: t\nvariants:\n- {name: a, reasoner: 'os:abort'}\n")
    with pytest.raises(StudyError, match="'os:abort', which a study cannot name: give it with --reasoner"):
        read_study(str(study), {"reasoner": "signal"})
    assert read_study(str(study), {"reasoner": "os:abort"}).variants[0].settings.reasoner == "os:abort"


def test_the_command_line_finds_one_in_the_current_folder(mine):
    clip = write_clip(mine / "clip.mkv", seconds=1.0)
    script = Path(sys.executable).with_name("gar-ssl")
    command = [str(script)] if script.exists() else [sys.executable, "-P", "-m", "gar_ssl_ros.cli"]
    asked = [*command, "localize", str(clip), "--out", "out", "--no-video", "--reasoner"]
    for factory, status in (("mine_of_test:Good", 0), ("mine_of_test:NoName", 1)):
        done = subprocess.run([*asked, factory], cwd=mine, capture_output=True, text=True, timeout=600, check=False)
        assert done.returncode == status, done.stderr
        assert "Traceback" not in done.stderr
    (record,) = read_records(mine / "out" / "clip.jsonl")
    assert record.reasoner == "good"
