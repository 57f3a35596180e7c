"""`served`, and a window to ask it about."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from serving import Serving

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.window import SECOND, Frame, Window, audio_from_samples
from gar_ssl_ros.reasoners.options import ServedOptions
from gar_ssl_ros.reasoners.served import served_reasoner
from gar_ssl_ros.reasoners.served.reasoner import ServedReasoner

PATIENCE_S = 20.0
TRIALS = GarOptions(trials=3)


@contextmanager
def served(server: Serving | str, **options: Any) -> Iterator[ServedReasoner]:
    url = server if isinstance(server, str) else server.url
    made = served_reasoner(ServedOptions(**{"server": url, "coordinates": "pixels", **options}))
    try:
        yield made
    finally:
        made.close()


def window(width: int = 96, height: int = 64) -> Window:
    picture = np.full((height, width, 3), 90, np.uint8)
    picture[height // 4 : height // 2, width // 4 : width // 2] = (200, 30, 30)
    sound = audio_from_samples(0, np.sin(np.arange(16_000) / 5)[None] / 2, 16_000)
    return Window(0, SECOND, tuple(Frame(index * SECOND // 4, picture) for index in range(4)), sound)


def final(made: Any, deadline: Deadline | None = None, options: GarOptions = TRIALS) -> Localization:
    return [*localize(window(), made, options, deadline)][-1]
