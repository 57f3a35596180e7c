"""How many threads linear algebra takes while a reasoner works."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from threadpoolctl import ThreadpoolController


def one_blas_thread() -> Callable[[], AbstractContextManager[object]]:
    """A function that gives a context with one thread: several lose more by waiting for each other than they gain.

    It finds the libraries that are loaded now, which takes some ms: call it once.
    """
    return partial(ThreadpoolController().limit, limits=1, user_api="blas")
