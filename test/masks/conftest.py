"""Segmenters of the transformers library, written once."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory) -> Callable[[str], Path]:
    """A function from a model's name to a folder of it, written once."""
    made: dict[str, Path] = {}

    def write(what: str) -> Path:
        if what not in made:
            made[what] = import_module("tiny_segmenters").write(what, tmp_path_factory.mktemp(what))
        return made[what]

    return write
