"""What is said about a model is never ignored: where nobody asks one, it is refused by one sentence everywhere."""

from __future__ import annotations

import argparse

import pytest

from gar_ssl_ros.cli import main
from gar_ssl_ros.commands.choice import add_reasoner
from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.nodes.parameters import LOCALIZER
from gar_ssl_ros.options import changed
from gar_ssl_ros.reasoners import named_options, refuse_unused
from gar_ssl_ros.reasoners.registry import REASONERS

SENTENCE = "only the reasoner {0} can be told, and signal answers here: choose {1} as the reasoner, or leave"
HAS = {spec.name: {one.name for one in spec.declared} for spec in REASONERS if spec.declared}
OTHER = {"server": "http://robot:8000/v1", "dialect": "vllm", "api_key_variable": "K", "coordinates": "pixels"}
OTHER |= {"model": "m", "device": "cpu", "dtype": "float16", "quantization": "nf4", "attention": "eager", "seed": 3}
OTHER |= dict.fromkeys(("makers", "detector", "tagger", "describers"), "m")
OTHER |= {"preset": "base", "translator": "none", "consistency": "frame", "box_threshold": 0.5}


def sentence(name: str) -> str:
    owners = [owner for owner, has in HAS.items() if name in has]
    either = [
        " or ".join(filter(None, [", ".join(few[:-1]), few[-1]]))
        for few in (owners, [o for o in owners if o != "auto"])
    ]
    return SENTENCE.format(*either)


DEFAULTS = {one.name: one.default for one in named_options()}


def test_the_command_line_and_the_node_have_these_defaults():
    parser = argparse.ArgumentParser()
    add_reasoner(parser)
    options = vars(parser.parse_args([]))
    assert {name: options[name] for name in DEFAULTS} == DEFAULTS
    declared = {one.name: one.default for one in LOCALIZER}
    assert {name: declared[name] for name in DEFAULTS} == DEFAULTS


@pytest.mark.parametrize("name", DEFAULTS)
def test_each_option_is_told_where_it_is_not_at_its_default(name):
    assert changed(named_options(), DEFAULTS) == {}
    assert changed(named_options(), {**DEFAULTS, "model": None}) == {}
    value = OTHER.get(name, True)
    assert changed(named_options(), {**DEFAULTS, name: value}) == {name: value}
    with pytest.raises(UsageError, match=f"^{name}: {sentence(name)} it out$"):
        refuse_unused("signal", "", {**DEFAULTS, name: value})
    for asked in (one for one, has in HAS.items() if name in has):
        refuse_unused(asked, None, {**DEFAULTS, name: value})
        refuse_unused("signal", asked, {**DEFAULTS, name: value})


def test_an_option_under_its_old_name_is_taken_with_a_warning(capsys):
    parser = argparse.ArgumentParser()
    add_reasoner(parser)
    assert parser.parse_args(["--quantize", "nf4"]).quantization == "nf4"
    assert capsys.readouterr().err == "gar-ssl: note: --quantize is --quantization now, and will go: write that\n"


SHARED = (["--model", "m"], ["--dtype", "float16"], ["--quantization", "nf4"], ["--seed", "3"], ["--off-screen"],
          ["--grounded"])  # fmt: skip
ALSO = (["--early"], ["--device", "cpu"], ["--attention", "eager"], ["--compile"])
SCENES = ["--dataset", "scenes", "--limit", "1"]


@pytest.mark.parametrize("wrong", [*SHARED, *ALSO], ids=lambda wrong: wrong[0])
@pytest.mark.parametrize("command", [["localize", "none.mp4", "--out", "out"], ["bag", "none", "--out", "out"],
                                     ["demo", "--out", "out"]], ids=lambda command: command[0])  # fmt: skip
def test_a_command_that_localizes_refuses_it_and_writes_nothing(command, wrong, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main([*command, *wrong]) == 2
    name = wrong[0].strip("-").replace("-", "_")
    who = "signal" if command[0] == "demo" else "auto"
    told = sentence(name).replace("signal", who)
    assert capsys.readouterr().err == f"gar-ssl: {name}: {told} it out\n"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("wrong", SHARED, ids=lambda wrong: wrong[0])
@pytest.mark.parametrize("command", [["evaluate"], ["ablate", "trials"]], ids=lambda command: command[0])
def test_an_evaluation_refuses_it_and_writes_nothing(command, wrong, tmp_path, capsys):
    assert main([*command, *SCENES, "--out", str(tmp_path / "out"), *wrong]) == 2
    assert sentence(wrong[0].strip("-").replace("-", "_")) in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_check_asks_which_model_is_meant(capsys):
    assert main(["check", "--dtype", "float16"]) == 2
    assert capsys.readouterr().err == "gar-ssl: dtype: of which model? Name it with --model\n"
