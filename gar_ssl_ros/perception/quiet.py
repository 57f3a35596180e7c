"""What torch and its companions tell at their import, which nobody asked them for, as of kernels for other machines."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

NOISY = ("bitsandbytes", "torchao", "torch.utils._pytree")


@contextmanager
def quiet() -> Iterator[None]:
    """Within it, of that only errors are told: for imports of transformers' models and of peft, which import them."""
    loggers = [logging.getLogger(name) for name in NOISY]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)
