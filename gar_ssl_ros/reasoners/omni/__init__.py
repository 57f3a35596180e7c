"""Qwen2.5-Omni, and what shares its Thinker's shape, on transformers: a runtime of the prompted reasoner.

Nothing of torch is imported before `load` is called.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.perception.quiet import quiet
from gar_ssl_ros.reasoners.omni.checkpoint import folder_checkpoint
from gar_ssl_ros.reasoners.options import LoadOptions, OmniOptions
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Runtime

if TYPE_CHECKING:
    from gar_ssl_ros.reasoners.omni.loading import Plan
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner

__all__ = ["LoadOptions", "folder_checkpoint", "load", "omni_reasoner", "plan"]

MIN_TRANSFORMERS = (5, 23)  # of transformers: before, the Thinker is built in another way


def omni_reasoner(options: OmniOptions) -> PromptedReasoner:
    """The prompted reasoner on such a model, loaded and warmed up. Raises ModelError."""
    from gar_ssl_ros.reasoners.prompted.probe import coordinates_of
    from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner

    runtime = load(options.model, options)
    return PromptedReasoner(runtime, coordinates_of(runtime, options.coordinates), options)


def load(model: str, options: LoadOptions | None = None) -> Runtime:
    """The model of a folder, or of a hub id such as Qwen/Qwen2.5-Omni-3B, loaded and warmed up.

    Nothing is fetched where the weights are there, only safetensors are read, and no code that comes with a model is
    run. Raises ModelError.
    """
    _require(model)
    with quiet():
        from gar_ssl_ros.reasoners.omni import loading

    return loading.load_runtime(model, options or LoadOptions())


def plan(model: str, options: LoadOptions | None = None) -> Plan:
    """What `load` would do, and what that takes in memory. Raises ModelError where it cannot be, or does not fit."""
    _require(model)
    with quiet():
        from gar_ssl_ros.reasoners.omni import loading

    return loading.plan(model, options or LoadOptions())


def _require(model: str) -> None:
    """Raises ModelError where the folder of a model is not as it should be, or a package to load it with is missing."""
    needs = "needs" if folder_checkpoint(model) is not None else "is no folder here; as a hub id it needs"
    try:
        import llguidance  # noqa: F401
        import torch  # noqa: F401
        import transformers
    except ImportError as missing:
        raise ModelError(f"{model} {needs} {missing.name}, which is not installed: {_remedy()}") from None
    if tuple(map(int, transformers.__version__.split(".")[:2])) < MIN_TRANSFORMERS:
        oldest = ".".join(map(str, MIN_TRANSFORMERS))
        raise ModelError(f"{model} {needs} transformers {oldest} or later, not {transformers.__version__}: {_remedy()}")


def _remedy() -> str:
    if sys.version_info < (3, 11):  # for which there is no such transformers
        return f"it takes Python 3.11 or later, and this is {sys.version.split()[0]}: install gar_ssl_ros with another"
    return f"{pip_install('omni')} (docs/models.md: which torch for which machine)"
