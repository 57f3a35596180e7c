"""A clip through the live graph: player, localizer and recorder as processes that speak ROS 2 with each other."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from pathlib import Path
from time import monotonic

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.offline.observer import Observer
from gar_ssl_ros.offline.processes import LiveError, NodeProcess, graph, isolated

RECORDED_TOPICS = "image audio audio_info localizer/sources localizer/detections localizer/image_annotated /diagnostics"
MORE_TOPICS = "camera_info localizer/directions"  # where the camera and an array are known
START_S = 60.0  # that the nodes may take to be there
REST_S = 60.0  # that the clip's last windows may take after its end


def play(
    clip: Path,
    bag: Path,
    parameters: Mapping[str, object],
    tell: Callable[[str], None],
    pace: float = 1.0,
    calibration: Path | None = None,
) -> None:
    """Play a clip once to the localizer, `pace` times as fast as it was recorded, and record all that passes.

    bag: a new one. parameters: of the localizer. tell: given the answers in words, as they come. calibration: of the
    clip's camera. All processes have ended when it returns or raises. Raises LiveError.
    """
    with isolated(), graph() as start:
        localizer = start("localizer", {"overlay_rate": 0.0, **parameters})  # a bag need not hold each image twice
        topics = RECORDED_TOPICS if calibration is None else f"{RECORDED_TOPICS} {MORE_TOPICS}"
        recorder = start("recorder", {"bag": bag, "topics": topics})
        with closing(_observer(tell, localizer)) as observer:

            def look() -> None:
                observer.look()
                recorder.ended()  # for its error, as of the next
                localizer.ended()

            end = monotonic() + START_S
            while not observer.records:
                look()
                if localizer.ended() or monotonic() > end:
                    raise LiveError(f"the localizer was not there within {START_S:.0f} s: it said {localizer.told()}")
            played: dict[str, object] = {"clip": clip.absolute(), "wait": START_S, "listeners": 2, "rate": pace}
            if calibration is not None:
                played["calibration"] = calibration.absolute()
            player = start("player", played)
            while not player.ended():
                look()
            observer.forget()
            end = monotonic() + REST_S
            while not observer.idle and monotonic() < end:
                look()


def _observer(tell: Callable[[str], None], localizer: NodeProcess) -> Observer:
    """Raises LiveError where the graph cannot be joined; what the localizer says of that comes first."""
    try:
        return Observer(tell)
    except Exception as problem:  # of many types: what rcl makes of the environment
        with suppress(subprocess.TimeoutExpired):
            localizer.process.wait(START_S)
        localizer.ended()
        raise LiveError(f"the graph cannot be watched: {sentence(problem)}") from None
