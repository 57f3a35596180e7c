"""Qwen2.5-Omni, and what shares its Thinker's shape, on transformers: a runtime of the prompted reasoner.

Nothing of torch is imported before `load` is called.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gar_ssl_ros.reasoners.omni.options import LoadOptions
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Runtime

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.omni.loading import Plan

__all__ = ["LoadOptions", "load", "plan"]

OLDEST = (5, 23)  # of transformers: before, the Thinker is built in another way
REMEDY = "on Python 3.11 or later, pip install 'gar_ssl_ros[omni]' (docs/models.md: which torch for which machine)"


def load(model: str, options: LoadOptions | None = None) -> Runtime:
    """The model of a folder, or of a hub id such as Qwen/Qwen2.5-Omni-3B, loaded and warmed up.

    Nothing is fetched where the weights are there, only safetensors are read, and no code that comes with a model is
    run. Raises ModelError.
    """
    _require(model)
    from gar_ssl_ros.reasoners.omni.loading import load_runtime

    return load_runtime(model, options or LoadOptions())


def plan(model: str, options: LoadOptions | None = None) -> Plan:
    """What `load` would do, and what that takes in memory. Raises ModelError where it cannot be, or does not fit."""
    _require(model)
    from gar_ssl_ros.reasoners.omni import loading

    return loading.plan(model, options or LoadOptions())


def _require(model: str) -> None:
    try:
        import llguidance  # noqa: F401
        import torch  # noqa: F401
        import transformers
    except ImportError as missing:
        raise ModelError(f"{model} needs {missing.name}, which is not installed: {REMEDY}") from None
    if tuple(map(int, transformers.__version__.split(".")[:2])) < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        raise ModelError(f"{model} needs transformers {oldest} or later, not {transformers.__version__}: {REMEDY}")
