"""Messages that are right, and what chance makes of them."""

from __future__ import annotations

import io
import struct
from array import array
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import av
import cv2
import numpy as np
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo, AudioStamped
from audio_utils_msgs.msg import AudioFrame
from geometry_msgs.msg import TransformStamped
from sensor_msgs.msg import CameraInfo, CompressedImage, Image, PointCloud2, PointField
from tf2_msgs.msg import TFMessage

WORDS = (0, 1, 2, 255, 2**15, 2**16, 2**24, 2**31 - 1, 2**31, 2**32 - 1)
TEXTS = (
    "",
    "rgb8",
    "\x1b[2J",
    "bayer_rggb16",
    "nv21",
    "S16LE",
    "mp3",
    "wave",
    "x" * 5000,
    "\u202e",
    "jpeg;;;",
    "é" * 300,
)


def image(chance: Random) -> Any:
    """Of any encoding, right or not."""
    encodings = ("rgb8", "bgr8", "mono8", "rgba16", "mono16", "bayer_rggb8", "yuv422", "nv21", "nv24", "yuyv", "32FC1")
    width, height = chance.choice([(64, 48), (2, 2), (33, 17), (640, 480)])
    step = width * chance.choice([1, 2, 3, 3, 4, 8])
    message = Image(width=width, height=height, step=step, encoding=chance.choice(encodings))
    message.data = array("B", bytes(min(step * height * chance.choice([1, 1, 2, 3]), 2**20)))
    return headed(message, chance)


@cache
def pictures() -> tuple[bytes, ...]:
    """As cameras send them, and as they do not."""
    rng = np.random.default_rng(0)
    colour, grey = rng.integers(0, 256, (24, 32, 3), dtype=np.uint8), rng.integers(0, 256, (9, 7), dtype=np.uint8)
    large = np.zeros((480, 640, 3), np.uint8)
    alpha = np.dstack([colour, colour[..., :1]]).astype(np.uint16) * 257
    encoded = [
        cv2.imencode(form, pixels, options)[1].tobytes()
        for form, pixels, options in (
            (".jpg", colour, []),
            (".jpg", grey, []),
            (".jpg", large, []),
            (".jpg", colour, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
            (".png", colour, []),
            (".png", grey, []),
            (".png", alpha, []),
            (".bmp", colour, []),
            (".tiff", colour, []),
            (".webp", colour, []),
            (".ppm", colour, []),
        )
    ]
    grey_alpha = b"P7\nWIDTH 2\nHEIGHT 2\nDEPTH 2\nMAXVAL 255\nTUPLTYPE GRAYSCALE_ALPHA\nENDHDR\n" + bytes(8)
    return (*encoded, grey_alpha, b"GIF89a" + bytes(60), b"")


def compressed_image(chance: Random) -> Any:
    """Of any format, whole, damaged, or with a header that lies."""
    content = bytearray(chance.choice(pictures()))
    if chance.random() < 0.7:
        content = bytearray(mutated(bytes(content), chance))
    if content[:4] == b"\x89PNG" and len(content) > 26 and chance.random() < 0.3:
        content[16:24] = struct.pack(">II", chance.choice(WORDS), chance.choice(WORDS))
    form = chance.choice(["jpeg", "png", "rgb8; jpeg compressed bgr8", "bayer_rggb8; png compressed ", *TEXTS])
    return headed(CompressedImage(format=form, data=array("B", bytes(content))), chance)


def audio_stamped(chance: Random) -> Any:
    """Of mgonzs13."""
    message = AudioStamped()
    info, data = message.audio.info, message.audio.audio_data
    info.format = chance.choice([1, 2, 4, 8, 16, 32, 0, 99, -1])
    info.channels, info.rate = chance.choice([1, 2, 8, 0, -1, 2**31 - 1]), chance.choice([16000, 48000, 768000, 0, -1])
    info.chunk = chance.choice([0, 1, 100, 1600, -1, 2**31 - 1])
    data.float32_data = array("f", floats(chance, 200))
    data.int16_data, data.uint8_data = (
        array("h", [chance.randrange(-(2**15), 2**15) for _ in range(200)]),
        array("B", bytes(300)),
    )
    return headed(message, chance)


def audio_data_stamped(chance: Random) -> Any:
    """Of ros-drivers."""
    return headed(AudioDataStamped(audio=audio_data(chance)), chance)


def audio_data(chance: Random) -> Any:
    """The same without a stamp: raw samples, files and streams."""
    kind = chance.random()
    content = bytes(chance.choice([0, 1, 3, 320, 3200])) if kind < 0.3 else chance.choice(sounds())
    return AudioData(data=array("B", mutated(content, chance) if kind > 0.5 else content))


def audio_info(chance: Random) -> Any:
    """What describes them."""
    return AudioInfo(
        channels=chance.choice([0, 1, 2, 8, 255]),
        sample_rate=chance.choice([0, 16000, 48000, 2**32 - 1]),
        sample_format=chance.choice(["S16LE", "F32LE", "U8", "S24_32BE", *TEXTS]),
        coding_format=chance.choice(["wave", "mp3", "aac", "WAVE", "opus", *TEXTS]),
    )


def audio_frame(chance: Random) -> Any:
    """Of introlab."""
    message = AudioFrame(format=chance.choice(["signed_16", "float", "double", "padded_24", *TEXTS]))
    message.channel_count, message.sampling_frequency = (
        chance.choice([0, 1, 8, 2**32 - 1]),
        chance.choice([0, 16000, 2**32 - 1]),
    )
    message.frame_sample_count = chance.choice([0, 1, 100, 2**32 - 1])
    message.data = array("B", np.array(floats(chance, 100), "<f4").tobytes())
    return headed(message, chance)


def camera_info(chance: Random) -> Any:
    """Of any lens, right or not."""
    message = CameraInfo(width=chance.choice([64, 64, 128, 0, 2**32 - 1]), height=chance.choice([48, 48, 96, 7]))
    message.distortion_model = chance.choice(["plumb_bob", "rational_polynomial", "equidistant", *TEXTS])
    message.d = floats(chance, chance.choice([0, 4, 5, 8, 14, 200]))
    message.k = [60.0, 0.0, 31.5, 0.0, 60.0, 23.5, 0.0, 0.0, 1.0] if chance.random() < 0.7 else floats(chance, 9)
    message.r, message.p = floats(chance, 9), floats(chance, 12)
    message.binning_x, message.roi.width = chance.choice([0, 1, 2, 2**32 - 1]), chance.choice([0, 32, 2**32 - 1])
    return headed(message, chance)


def depth(chance: Random) -> Any:
    """An image of depths, right or not."""
    message = image(chance)
    message.encoding = chance.choice(["16UC1", "32FC1", "mono16", *TEXTS])
    content = array("f", floats(chance, 500)).tobytes()
    message.data = array("B", (content * (1 + len(message.data) // len(content)))[: len(message.data)])
    return message


def cloud(chance: Random) -> Any:
    """Of points, right or not."""
    message, count = PointCloud2(height=1), chance.choice([0, 5, 100])
    message.width, message.point_step = chance.choice([count, count, 2**32 - 1]), chance.choice([12, 16, 0, 2**32 - 1])
    message.row_step = chance.choice([16 * count, 12 * count, 0])
    message.data = array("B", array("f", floats(chance, 4 * count)).tobytes())
    for at, name in enumerate(chance.choice(["xyz", "xyz", "xy", "zzz"])):
        field = PointField(name=name, offset=chance.choice([4 * at, 4 * at, 2**32 - 1]), count=1)
        field.datatype = chance.choice([7, 7, 8, 0, 255])
        message.fields.append(field)
    return headed(message, chance)


def transforms(chance: Random) -> Any:
    """Of few frames, so that they meet and go in circles."""
    message, names = TFMessage(), ["camera", "base", "odom", "lidar", "", *TEXTS]
    for _ in range(chance.choice([0, 1, 5, 50])):
        one = headed(TransformStamped(child_frame_id=chance.choice(names)), chance)
        one.header.frame_id = chance.choice(names)
        moved, turned = one.transform.translation, one.transform.rotation
        moved.x, moved.y, moved.z, turned.x, turned.y, turned.z, turned.w = floats(chance, 7)
        message.transforms.append(one)
    return message


MAKERS: Mapping[type, Callable[[Random], Any]] = {
    Image: image,
    CompressedImage: compressed_image,
    AudioStamped: audio_stamped,
    AudioDataStamped: audio_data_stamped,
    AudioData: audio_data,
    AudioInfo: audio_info,
    AudioFrame: audio_frame,
    CameraInfo: camera_info,
    PointCloud2: cloud,
    TFMessage: transforms,
}


@cache
def sounds() -> tuple[bytes, ...]:
    """Half a second in each form of a whole file, and of a stream."""
    forms = (("wav", "pcm_s16le"), ("flac", "flac"), ("ogg", "flac"), ("mp3", "libmp3lame"), ("adts", "aac"))
    found = []
    for container, codec in forms:
        out = io.BytesIO()
        with av.open(out, "w", format=container) as file:
            stream = file.add_stream(codec, rate=16000, layout="mono")
            planar = codec in ("libmp3lame", "aac")
            samples = (np.sin(np.arange(8000) / 9) * (0.5 if planar else 9000)).astype(
                np.float32 if planar else np.int16
            )
            frame = av.AudioFrame.from_ndarray(samples[None], format="fltp" if planar else "s16", layout="mono")
            frame.rate, frame.pts = 16000, 0
            file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
        found.append(out.getvalue())
    return tuple(found)


def headed(message: Any, chance: Random) -> Any:
    """With a stamp, mostly of this minute, and a frame."""
    stamp = message.header.stamp
    stamp.sec = chance.choice([100, 101, 102, 103, 0, -1, -(2**31), 2**31 - 1])
    stamp.nanosec = chance.choice([0, chance.randrange(10**9), 10**9, 2**32 - 1])
    message.header.frame_id = chance.choice(["camera", "", *TEXTS])
    return message


def floats(chance: Random, count: int) -> list[float]:
    """Any numbers of 32 bits."""
    odd = (float("nan"), float("inf"), -float("inf"), 1e30, -1e-40, 0.5)
    return [chance.choice(odd) if chance.random() < 0.2 else chance.uniform(-1, 1) for _ in range(count)]


def mutated(content: bytes, chance: Random) -> bytes:
    """Cut, with bytes and words changed, doubled, or wholly of chance."""
    kind = chance.random()
    if kind < 0.1 or not content:
        return chance.randbytes(chance.choice([0, 1, 4, 16, 64, 500]))
    if kind < 0.3:
        return content[: chance.randrange(len(content))]
    if kind < 0.4:
        return content + content[chance.randrange(len(content)) :]
    changed = bytearray(content)
    for _ in range(chance.choice([1, 1, 2, 8, 40])):
        at = chance.randrange(len(changed))
        if kind < 0.7:
            changed[at] = chance.randrange(256)
        else:
            changed[at : at + 4] = struct.pack("<I", chance.choice(WORDS))
    return bytes(changed)
