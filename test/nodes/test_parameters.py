"""One declaration a parameter: the file, the docs and the checks are the same as it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gar_ssl_ros
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.nodes.parameters import LOCALIZER, NODES, ParameterError, ParameterSpec, table, yaml

ROOT = Path(gar_ssl_ros.__file__).parents[1]


def test_the_parameter_file_is_made_of_the_declarations():
    assert (ROOT / "config" / "localize.yaml").read_text() == yaml(LOCALIZER)


@pytest.mark.parametrize("node", ["localizer", "player", "camera", "microphone"])
def test_the_docs_are_made_of_the_declarations(node):
    assert table(NODES[node]) in (ROOT / "docs" / "ros.md").read_text()


@pytest.mark.parametrize("node", NODES)
def test_every_default_is_allowed(node):
    for one in NODES[node]:
        one.check(one.default)


def test_the_methods_defaults_are_the_papers():
    defaults = {one.name: one.default for one in LOCALIZER}
    paper = GarOptions()
    assert all(defaults[name] == getattr(paper, name) for name in ("sources", "trials", "tau_av", "tau_aud"))


@given(st.floats(allow_nan=True) | st.integers() | st.text() | st.booleans())
def test_a_value_of_another_type_or_out_of_range_is_refused_and_every_other_taken(value):
    one = ParameterSpec("x", 0.5, "", 0.0, 1.0)
    if type(value) is float and 0.0 <= value <= 1.0:
        one.check(value)
    else:
        with pytest.raises(ParameterError, match=r"^x is "):
            one.check(value)
