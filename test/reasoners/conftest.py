"""A stand-in for vLLM, one for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from serving import Serving, serving


@pytest.fixture(scope="module")
def started() -> Iterator[Serving]:
    with serving("--dialect", "vllm") as server:
        yield server


@pytest.fixture
def vllm(started: Serving) -> Serving:
    """The server of this file, without faults."""
    started.fault()
    return started
