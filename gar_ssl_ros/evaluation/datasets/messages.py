"""Pictures and sound out of recorded messages: the common image encodings, and the three families of audio messages.

| message | package | its samples |
|---|---|---|
| AudioStamped | audio_common_msgs of mgonzs13 | typed arrays, described by PortAudio's format numbers |
| AudioDataStamped, AudioData | audio_common_msgs of ros-drivers | bytes, described by an AudioInfo on its own topic |
| AudioFrame | audio_utils_msgs of introlab | bytes, described by the message |
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore

from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND, Audio, audio_from_samples

IMAGE_TYPES = ("sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage")
STAMPED = "audio_common_msgs/msg/AudioStamped"
AUDIO_TYPES = (
    STAMPED,
    "audio_common_msgs/msg/AudioDataStamped",
    "audio_common_msgs/msg/AudioData",
    "audio_utils_msgs/msg/AudioFrame",
)
INFO_TYPE = "audio_common_msgs/msg/AudioInfo"

# Bags before Iron carry no definitions. Two packages are named audio_common_msgs; a bag holds messages of one of them.
INTROLAB = {
    AUDIO_TYPES[3]: "std_msgs/Header header\nstring format\nuint32 channel_count\nuint32 sampling_frequency\n"
    "uint32 frame_sample_count\nuint8[] data",
}
ROS_DRIVERS = {
    AUDIO_TYPES[2]: "uint8[] data",
    AUDIO_TYPES[1]: "std_msgs/Header header\naudio_common_msgs/AudioData audio",
    INFO_TYPE: "uint8 channels\nuint32 sample_rate\nstring sample_format\nuint32 bitrate\nstring coding_format",
}
MGONZS13 = {
    AUDIO_TYPES[
        2
    ]: "float32[] float32_data\nint32[] int32_data\nint16[] int16_data\nint8[] int8_data\nuint8[] uint8_data",
    INFO_TYPE: "int32 format\nint32 channels\nint32 rate\nint32 chunk",
    "audio_common_msgs/msg/Audio": "audio_common_msgs/AudioData audio_data\naudio_common_msgs/AudioInfo info",
    STAMPED: "std_msgs/Header header\naudio_common_msgs/Audio audio",
}
PORTAUDIO = {1: "float32_data", 2: "int32_data", 8: "int16_data", 16: "int8_data", 32: "uint8_data"}
LAYOUTS = {  # as GStreamer and introlab call them, in NumPy's words
    "S8": "i1", "U8": "u1", "S16LE": "<i2", "S32LE": "<i4", "F32LE": "<f4", "F64LE": "<f8",
    "S16BE": ">i2", "S32BE": ">i4", "F32BE": ">f4", "F64BE": ">f8",
    "signed_8": "i1", "unsigned_8": "u1", "signed_16": "<i2", "signed_32": "<i4", "float": "<f4", "double": "<f8",
}  # fmt: skip
PLAIN = ("wave", "wav", "raw", "pcm", "")  # coding formats that mean bare samples
CONVERSIONS = {
    "rgb8": (3, None),
    "bgr8": (3, cv2.COLOR_BGR2RGB),
    "mono8": (1, cv2.COLOR_GRAY2RGB),
    "rgba8": (4, cv2.COLOR_RGBA2RGB),
    "bgra8": (4, cv2.COLOR_BGRA2RGB),
}


def known_types(bag: Path) -> Typestore:
    """The types that a bag without definitions may hold."""
    with Reader(bag) as reader:
        ours = {connection.msgtype for connection in reader.connections}
    store = get_typestore(Stores.ROS2_HUMBLE)
    types = {}
    for name, definition in (INTROLAB | (MGONZS13 if STAMPED in ours else ROS_DRIVERS)).items():
        types.update(get_types_from_msg(definition, name))
    store.register(types)
    return store


def stamp_of(message: Any) -> int:
    """Of its header, ns; 0 where there is none."""
    return message.header.stamp.sec * SECOND + message.header.stamp.nanosec if hasattr(message, "header") else 0


def image_from_message(message: Any) -> NDArray[np.uint8]:
    """RGB uint8 (H, W, 3) of a sensor_msgs/Image or CompressedImage. Raises ClipError where it is no picture."""
    data = np.frombuffer(message.data, np.uint8)
    if not hasattr(message, "encoding"):
        image = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
        if image is None:
            raise ClipError(f"a compressed image of {data.size} bytes ({message.format}) cannot be read")
        return np.ascontiguousarray(image[..., ::-1], np.uint8)
    width, height, step = message.width, message.height, message.step
    values, conversion = CONVERSIONS.get(message.encoding.lower(), (0, None))
    if not values:
        raise ClipError(f"its images are {message.encoding}: have them recorded as one of {', '.join(CONVERSIONS)}")
    if not width * height or step < width * values or data.size < step * height:
        raise ClipError(f"an image says {width}x{height} {message.encoding}, but holds {data.size} bytes")
    rows = data[: step * height].reshape(height, step)[:, : width * values]
    pixels = np.ascontiguousarray(rows).reshape(height, width, values)
    return np.asarray(pixels if conversion is None else cv2.cvtColor(pixels, conversion), np.uint8)


def audio_from_message(message: Any, info: Any, received: int) -> Audio:
    """The sound of a message. info: the AudioInfo of ros-drivers' messages. received: ns, when what has no stamp ended.

    Raises ClipError where it cannot be understood.
    """
    if hasattr(message, "sampling_frequency"):
        samples = _samples(message.data, message.format)
        channels, rate = message.channel_count, message.sampling_frequency
    elif hasattr(message, "audio") and hasattr(message.audio, "info"):
        told = message.audio.info
        if told.format not in PORTAUDIO:
            raise ClipError(f"its sound has PortAudio's sample format {told.format}, not one of {sorted(PORTAUDIO)}")
        samples = _scaled(np.asarray(getattr(message.audio.audio_data, PORTAUDIO[told.format])))
        channels, rate = told.channels, told.rate
    else:
        if info is None:
            raise ClipError(f"its sound needs an {INFO_TYPE}, which is not recorded: record that topic too")
        if info.coding_format.lower() not in PLAIN:
            raise ClipError(f"its sound is coded as {info.coding_format}: have it recorded as wave")
        samples = _samples((message.audio if hasattr(message, "audio") else message).data, info.sample_format)
        channels, rate = info.channels, info.sample_rate
    if channels < 1 or rate < 1 or samples.size % channels:
        raise ClipError(f"its sound of {samples.size} samples is not of {channels} channels at {rate} Hz")
    stamp = stamp_of(message) or received - round(samples.size // channels * SECOND / rate)
    return audio_from_samples(stamp, samples.reshape(-1, channels).T, int(rate))


def _samples(data: Any, layout: str) -> NDArray[Any]:
    if layout not in LAYOUTS:
        raise ClipError(f"its sound has the sample format {layout!r}, not one of {', '.join(LAYOUTS)}")
    raw = np.asarray(data, np.uint8).tobytes()
    dtype = np.dtype(LAYOUTS[layout])
    return _scaled(np.frombuffer(raw[: len(raw) // dtype.itemsize * dtype.itemsize], dtype))


def _scaled(samples: NDArray[Any]) -> NDArray[Any]:
    """Samples in [-1, 1]."""
    if samples.dtype.kind == "f":
        return samples
    half = 2.0 ** (8 * samples.dtype.itemsize - 1)
    return (samples - half if samples.dtype.kind == "u" else samples) / half
