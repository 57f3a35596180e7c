"""Bags as a robot records them: a rendered scene as camera and microphone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.rosbag2 import CompressionFormat, CompressionMode, StoragePlugin, Writer

from gar_ssl_ros.bags.rosbag import known_types
from gar_ssl_ros.evaluation.scenes.scene import Scene
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

START = 1_700_000_000 * 10**9  # ns: the stamp of a scene's first frame
LATE = 20_000_000  # ns: from a stamp to the recording of its message
INFO = "sensor_msgs/msg/CameraInfo"
STAMPED = "audio_common_msgs/msg/AudioStamped"


def write_bag(
    path: Path,
    scene: Scene,
    storage: StoragePlugin = StoragePlugin.MCAP,
    cameras: tuple[str, ...] = ("/camera/image",),
    microphones: tuple[str, ...] = ("/mic/audio",),
    restamp: Callable[[int], int] = lambda stamp: stamp,
    spoil: Callable[[Any, int], Any] = lambda image, index: image,
    compression: CompressionMode = CompressionMode.NONE,
    focal: float = 0.0,
    depths: tuple[str, ...] = (),
    heard: NDArray[np.float32] | None = None,
) -> Path:
    """A bag of 16-bit sound in chunks of 0.1 s and rgb8 images.

    restamp: changes the stamps of the headers, ns. spoil: changes an image message, given its number. focal: pixels, of
    a CameraInfo beside each image; none where it is 0. depths: topics of depth images. heard: (channels, samples), in
    place of the scene's sound.
    """
    store = known_types(STAMPED)
    types = store.types

    def header(stamp: int, frame_id: str) -> Any:
        stamp = restamp(stamp)
        time = types["builtin_interfaces/msg/Time"](stamp // 10**9, stamp % 10**9)
        return types["std_msgs/msg/Header"](time, frame_id)

    def picture(index: int) -> tuple[int, str, Any]:
        image = scene.image(index)
        stamp = START + round(index * 1e9 / scene.options.fps)
        stamped = header(stamp, "camera_optical_frame")
        height, width, _ = image.shape
        message = types["sensor_msgs/msg/Image"](stamped, height, width, "rgb8", 0, 3 * width, image.reshape(-1))
        return stamp, "sensor_msgs/msg/Image", spoil(message, index)

    def calibration(index: int) -> tuple[int, str, Any]:
        stamp, width, height = START + round(index * 1e9 / scene.options.fps), scene.options.width, scene.options.height
        k = np.array([focal, 0, (width - 1) / 2, 0, focal, (height - 1) / 2, 0, 0, 1])
        nothing, stamped = np.zeros(9), header(stamp, "camera_optical_frame")
        roi = types["sensor_msgs/msg/RegionOfInterest"](0, 0, 0, 0, False)
        message = types[INFO](stamped, height, width, "plumb_bob", np.zeros(5), k, nothing, np.zeros(12), 0, 0, roi)
        return stamp, INFO, message

    def depth(index: int) -> tuple[int, str, Any]:
        stamp = START + round(index * 1e9 / scene.options.fps)
        values = np.full(4 * 3, 2.0, np.float32).view(np.uint8)
        stamped = header(stamp, "camera_optical_frame")
        return stamp, "sensor_msgs/msg/Image", types["sensor_msgs/msg/Image"](stamped, 3, 4, "32FC1", 0, 16, values)

    def chunk(index: int) -> tuple[int, str, Any]:
        size = SPEECH_RATE_HZ // 10
        sound = scene.samples[None] if heard is None else heard
        samples = np.round(sound[:, index * size : (index + 1) * size].T * 32767).astype(np.int16)
        stamp = START + index * 10**8
        none = {"float32_data": np.float32, "int32_data": np.int32, "int8_data": np.int8, "uint8_data": np.uint8}
        empty = {name: np.zeros(0, kind) for name, kind in none.items()}
        data = types["audio_common_msgs/msg/AudioData"](int16_data=samples.reshape(-1), **empty)
        info = types["audio_common_msgs/msg/AudioInfo"](8, len(sound), SPEECH_RATE_HZ, len(samples))
        audio = types["audio_common_msgs/msg/Audio"](data, info)
        return stamp + 10**8, STAMPED, types[STAMPED](header(stamp, "microphone"), audio)

    due = [(picture, index, cameras) for index in range(scene.frames)]
    due += [(chunk, index, microphones) for index in range(round(scene.options.seconds * 10))]
    infos = tuple(f"{topic.rpartition('/')[0]}/camera_info" for topic in cameras) if focal else ()
    due += [(calibration, index, infos) for index in range(scene.frames if infos else 0)]
    due += [(depth, index, depths) for index in range(scene.frames if depths else 0)]
    made = sorted(((*make(index), topics) for make, index, topics in due), key=lambda one: one[0])
    made_writer = Writer(path, version=8, storage_plugin=storage)
    made_writer.set_compression(compression, CompressionFormat.ZSTD)
    with made_writer as writer:
        known = {
            **{
                topic: writer.add_connection(topic, "sensor_msgs/msg/Image", typestore=store)
                for topic in (*cameras, *depths)
            },
            **{topic: writer.add_connection(topic, STAMPED, typestore=store) for topic in microphones},
            **{topic: writer.add_connection(topic, INFO, typestore=store) for topic in infos},
        }
        for time, kind, message, topics in made:
            for topic in topics:
                writer.write(known[topic], time + LATE, store.serialize_cdr(message, kind))
    return path
