"""An image and a sound as a request carries them: fitted, encoded once, the same bytes each time.

The same bytes are what a server's cache knows again: it keys on the hash of each medium.
"""

from __future__ import annotations

import base64
import io
import math
import wave

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.prompted.description import ModelDescription
from gar_ssl_ros.reasoners.prompted.sound import long_enough

FULL_SCALE = 32767  # of 16 bits
# A window waits for it: on frames of real clips the fastest of the strategies, and the smallest at this level.
PNG = [cv2.IMWRITE_PNG_COMPRESSION, 1, cv2.IMWRITE_PNG_STRATEGY, cv2.IMWRITE_PNG_STRATEGY_RLE]


def fitted_size(width: int, height: int, known: ModelDescription) -> tuple[int, int]:
    """What a model's processor makes of an image of that size, pixels, so that it has nothing left to change.

    Sides are multiples of `multiple`, the area lies within `least_pixels` and `most_pixels`: as `smart_resize` of
    Qwen2-VL's processor (transformers).
    """
    step = known.multiple
    sides = [max(step, round(side / step) * step) for side in (width, height)]
    area = sides[0] * sides[1]
    if area > known.most_pixels:
        shrink = math.sqrt(width * height / known.most_pixels)
        sides = [max(step, math.floor(side / shrink / step) * step) for side in (width, height)]
    elif area < known.least_pixels:
        grow = math.sqrt(known.least_pixels / (width * height))
        sides = [math.ceil(side * grow / step) * step for side in (width, height)]
    return sides[0], sides[1]


def picture_url(image: NDArray[np.uint8], size: tuple[int, int]) -> str:
    """RGB (H, W, 3) at another size, as the data URL of a PNG."""
    if size != (image.shape[1], image.shape[0]):
        smaller = size[0] * size[1] < image.shape[0] * image.shape[1]
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_CUBIC)  # type: ignore[assignment]
    bgr = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
    png = cv2.imencode(".png", bgr, PNG)[1]
    return "data:image/png;base64," + base64.b64encode(png.tobytes()).decode("ascii")


def sound_base64(audio: NDArray[np.float32]) -> str:
    """Mono (samples,) at SPEECH_RATE_HZ as the base64 of a WAV file of 16 bits."""
    audio = long_enough(audio)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SPEECH_RATE_HZ)
        out.writeframes((np.clip(audio, -1, 1) * FULL_SCALE).round().astype("<i2").tobytes())
    return base64.b64encode(file.getvalue()).decode("ascii")
