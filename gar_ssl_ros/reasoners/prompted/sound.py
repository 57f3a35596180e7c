"""A sound as audio towers can take it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SPEECH_RATE_HZ

MIN_SAMPLES = SPEECH_RATE_HZ // 10  # samples: of less, some towers have too few frames to make a token of


def long_enough(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mono (samples,) at SPEECH_RATE_HZ, with silence after it where it is shorter than MIN_SAMPLES."""
    return np.pad(audio, (0, max(0, MIN_SAMPLES - len(audio))))
