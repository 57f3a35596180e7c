"""Pictures out of sensor_msgs/Image and CompressedImage: every encoding of a camera, as RGB.

cv_bridge decodes where it is installed and knows the encoding; OpenCV, by the same conversions, everywhere else. What a
message says of its size is judged before anything is made of it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, shortened
from gar_ssl_ros.media.window import Frame
from gar_ssl_ros.messages.picture_header import picture_header
from gar_ssl_ros.messages.stamps import MAX_FRAME_ID_CHARACTERS, StampError, stamp_of

Rgb: TypeAlias = NDArray[np.uint8]

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")

# Encodings of sensor_msgs/image_encodings.hpp: bytes a value, values a pixel, OpenCV's conversion to RGB, if any.
PACKED: dict[str, tuple[int, int, int | None]] = {
    "rgb8": (1, 3, None),
    "bgr8": (1, 3, cv2.COLOR_BGR2RGB),
    "rgba8": (1, 4, cv2.COLOR_RGBA2RGB),
    "bgra8": (1, 4, cv2.COLOR_BGRA2RGB),
    "mono8": (1, 1, cv2.COLOR_GRAY2RGB),
    "rgb16": (2, 3, None),
    "bgr16": (2, 3, cv2.COLOR_BGR2RGB),
    "rgba16": (2, 4, cv2.COLOR_RGBA2RGB),
    "bgra16": (2, 4, cv2.COLOR_BGRA2RGB),
    "mono16": (2, 1, cv2.COLOR_GRAY2RGB),
    "yuv422": (1, 2, cv2.COLOR_YUV2RGB_UYVY),
    "uyvy": (1, 2, cv2.COLOR_YUV2RGB_UYVY),
    "yuv422_yuy2": (1, 2, cv2.COLOR_YUV2RGB_YUY2),
    "yuyv": (1, 2, cv2.COLOR_YUV2RGB_YUY2),
}
# OpenCV names a Bayer pattern by its second row, from the second column on.
BAYER = {
    "bayer_rggb": cv2.COLOR_BayerBG2RGB,
    "bayer_bggr": cv2.COLOR_BayerRG2RGB,
    "bayer_gbrg": cv2.COLOR_BayerGR2RGB,
    "bayer_grbg": cv2.COLOR_BayerGB2RGB,
}
PACKED |= {f"{name}{8 * size}": (size, 1, code) for name, code in BAYER.items() for size in (1, 2)}
PLANAR = {"nv21": 1.5, "nv24": 3.0}  # rows of `step` bytes in the data for each row of the image
MOST_PIXELS = 4096 * 4096  # of a picture
MOST_BYTES = 3 * MOST_PIXELS  # of one as decoded, before it is RGB
MOST_WORK = 2**27  # pixels times the scans of a JPEG: what one core does in a few tenths of a second
BAND_ROWS = 256  # rows that are converted at a time where that takes several times their memory


class ImageError(UserError):
    """A message that is no picture: one sentence that says why."""


def frame_from_message(message: Any, now: int) -> Frame:
    """The frame of an Image or CompressedImage; as of `now`, ns, where it has no stamp. Raises ImageError."""
    try:
        stamp = stamp_of(message.header)
    except StampError as problem:
        raise ImageError(str(problem)) from None
    if (length := len(message.header.frame_id)) > MAX_FRAME_ID_CHARACTERS:
        raise ImageError(f"its frame_id has {length} characters: give it at most {MAX_FRAME_ID_CHARACTERS}")
    read = rgb_from_image if hasattr(message, "encoding") else rgb_from_compressed
    try:
        return Frame(stamp or now, read(message), message.header.frame_id)
    except (cv2.error, MemoryError, ValueError) as problem:  # where it is broken in a way that no header tells
        raise ImageError(f"it cannot be decoded: {shortened(str(problem))}") from None


def rgb_from_image(message: Any) -> Rgb:
    """The picture of a sensor_msgs/Image, uint8 (height, width, 3). Raises ImageError where there is none."""
    encoding = str(message.encoding).lower()
    width, height, step = int(message.width), int(message.height), int(message.step)
    if encoding not in PACKED and encoding not in PLANAR:
        known = ", ".join((*PACKED, *PLANAR))
        told = shortened(repr(message.encoding))
        raise ImageError(f"its encoding {told} is not known: have the camera send one of {known}")
    _check_size(width, height)
    size, values, _ = PACKED.get(encoding, (1, 1, None))
    if step < width * size * values:
        raise ImageError(f"its rows of {step} bytes are too short for {width} pixels of {encoding}")
    needed = int(step * height * PLANAR.get(encoding, 1))
    if len(message.data) < needed:
        raise ImageError(f"it has {len(message.data)} bytes, not the {needed} of {width}x{height} pixels of {encoding}")
    if (encoding in PLANAR or values == 2) and (width % 2 or (encoding == "nv21" and height % 2)):
        raise ImageError(f"{width}x{height} pixels of {encoding} share colours in pairs: their number is odd")
    whole = step % (size * values) == 0  # cv_bridge skews an image whose rows are padded by part of a pixel
    bridged = _bridged(message) if whole and encoding != "rgb8" else None
    if bridged is not None:
        return bridged
    data = np.frombuffer(message.data, np.uint8)
    data = data if data.size == needed else data[:needed].copy()  # a view would keep all of it in memory
    if encoding in PLANAR:
        return _rgb_from_planes(data.reshape(-1, step), encoding, width, height)
    dtype = np.dtype(np.uint8) if size == 1 else np.dtype(">u2" if message.is_bigendian else "<u2")
    rows = data.reshape(height, step)[:, : width * size * values]
    pixels = np.ascontiguousarray(rows).view(dtype).reshape(height, width, values)
    return _rgb_from_pixels(pixels.astype(dtype.newbyteorder("="), copy=False), encoding)


def rgb_from_compressed(message: Any) -> Rgb:
    """The picture of a sensor_msgs/CompressedImage, jpeg or png, uint8 (height, width, 3).

    `format` is as image_transport writes it: `original; codec compressed stored`. Raises ImageError where there is no
    picture.
    """
    original, _, coded = str(message.format).lower().partition(";")
    if "compresseddepth" in coded.replace(" ", ""):
        raise ImageError("it is a depth image (compressedDepth): remap the topic to a camera's colour image")
    stored = coded.split()[-1] if coded.split() else ""
    content = bytes(message.data)
    header = picture_header(content)
    if header is None:
        told = shortened(repr(message.format))
        raise ImageError(f"its {len(content)} bytes are no whole picture of the format {told}: send jpeg or png")
    _check_size(header.width, header.height)
    if header.pixels * header.pixel_bytes > MOST_BYTES:
        raise ImageError(f"its {header.width}x{header.height} pixels take more than {MOST_BYTES} bytes: send fewer")
    if header.pixels * header.scans > MOST_WORK:
        raise ImageError(f"its {header.width}x{header.height} pixels come in {header.scans} scans: send it in one")
    pixels: NDArray[Any] | None = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None:
        raise ImageError(f"its {len(content)} bytes are no whole picture of {header.width}x{header.height} pixels")
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.dtype not in (np.uint8, np.uint16):
        raise ImageError(f"its pixels are {pixels.dtype}: have the camera send 8 or 16 bits")
    depth = 8 * pixels.dtype.itemsize
    values = pixels.shape[2]
    if values == 1:
        mosaic = original.strip().rstrip("0123456789")
        return _rgb_from_pixels(pixels, f"{mosaic}{depth}" if mosaic in BAYER else f"mono{depth}")
    order = "rgb" if stored.startswith("rgb") else "bgr"  # OpenCV reads BGR, unless RGB was written as if it were
    return _rgb_from_pixels(pixels, f"{order}{'a' if values == 4 else ''}{depth}")


def _check_size(width: int, height: int) -> None:
    if not 0 < width * height <= MOST_PIXELS:
        raise ImageError(f"it is {width}x{height} pixels: a picture may have at most {MOST_PIXELS}, as 4096x4096 has")


def _rgb_from_pixels(pixels: NDArray[Any], encoding: str) -> Rgb:
    """From (height, width, values), in this machine's byte order."""
    conversion = PACKED[encoding][2]
    rgb = pixels if conversion is None else cv2.cvtColor(np.ascontiguousarray(pixels), conversion)
    if rgb.dtype == np.uint16:
        rgb = cv2.convertScaleAbs(rgb, alpha=255 / 65535)
    return np.asarray(rgb, np.uint8)


def _rgb_from_planes(rows: NDArray[np.uint8], encoding: str, width: int, height: int) -> Rgb:
    """From rows of brightness, then rows of colour, each with its padding."""
    if encoding == "nv21":  # one pair of V and U for 2x2 pixels
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(rows[:, :width]), cv2.COLOR_YUV2RGB_NV21), np.uint8)
    # nv24: one pair of U and V for each pixel, which are the NV12 of an image twice the size.
    rgb = np.empty((height, width, 3), np.uint8)
    colours = rows[height:].reshape(height, -1)[:, : 2 * width]
    for top in range(0, height, BAND_ROWS):
        band = slice(top, top + BAND_ROWS)
        brightness = rows[:height][band, :width].repeat(2, axis=0).repeat(2, axis=1)
        doubled = cv2.cvtColor(np.vstack([brightness, colours[band]]), cv2.COLOR_YUV2RGB_NV12)
        rgb[band] = doubled[::2, ::2]
    return rgb


def _bridged(message: Any) -> Rgb | None:
    """By cv_bridge, or None where it is not installed or does not know the encoding."""
    decode = _cv_bridge()
    if decode is None:
        return None
    try:
        return np.asarray(decode(message, "rgb8"), np.uint8)
    except Exception:  # of many types: an older one does not know nv21, one built for another NumPy fails
        return None


@cache
def _cv_bridge() -> Callable[[Any, str], Any] | None:
    try:
        from cv_bridge import CvBridge
    except Exception:
        return None
    return CvBridge().imgmsg_to_cv2  # type: ignore[no-any-return]
