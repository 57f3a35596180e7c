"""Work spread over an existing Ray cluster."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from gar_ssl_ros.errors import UserError, pip_install

QUEUED_PER_WORKER = 2  # items that wait for each worker, so that none stands idle


class EngineError(UserError):
    """An engine that cannot run: one sentence that says what to do."""


@contextmanager
def ray_cluster() -> Iterator[Any]:
    """The module ray, joined to a cluster. Raises EngineError where there is none, or it fails."""
    try:
        import ray
    except ImportError:
        raise EngineError(f"--engine ray needs Ray, not found here: {pip_install('ray')}") from None
    try:
        ray.init(address="auto", log_to_driver=False, logging_level=logging.ERROR)
    except ConnectionError:
        raise EngineError("there is no Ray cluster to join: `ray start --head`, or use --engine local") from None
    try:
        yield ray
    except ray.exceptions.RayTaskError as problem:
        if isinstance(problem.cause, (UserError, OSError)):  # of the work itself
            raise problem.cause from None
        raise EngineError(_failed(problem)) from None
    except ray.exceptions.RayError as problem:
        raise EngineError(_failed(problem)) from None
    finally:
        ray.shutdown()


def spread(
    ray: Any, kind: type, made_of: Sequence[Any], method: str, items: Sequence[Sequence[Any]], gpu: bool = False
) -> Iterator[Any]:
    """What a method of a class gives for each item's arguments, as they are done, by as many workers as there are CPUs.

    made_of: the arguments that each worker is made of. gpu: True if each needs a GPU, where the cluster has any.
    """
    resources = ray.cluster_resources()
    needed = "GPU" if gpu and resources.get("GPU") else "CPU"
    count = min(len(items), max(1, int(resources.get(needed, 1))))
    worker = ray.remote(kind).options(num_cpus=1, num_gpus=int(needed == "GPU"))
    workers = [worker.remote(*made_of) for _ in range(count)]
    waiting = iter(items)
    pending = {}
    for turn in range(count * QUEUED_PER_WORKER):
        if (item := next(waiting, None)) is not None:
            free = workers[turn % count]
            pending[getattr(free, method).remote(*item)] = free
    while pending:
        (done, *_), _ = ray.wait(list(pending))
        free = pending.pop(done)
        if (item := next(waiting, None)) is not None:
            pending[getattr(free, method).remote(*item)] = free
        yield ray.get(done)


def _failed(problem: BaseException) -> str:
    return f"Ray failed ({str(problem).strip().splitlines()[0]}): look after the cluster, and go on with --resume"
