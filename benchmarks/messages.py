"""Messages to bytes and back, beside the rosbags library that does the work, in one run: times and ratios.

.venv/bin/python benchmarks/messages.py
"""

from __future__ import annotations

from collections.abc import Callable
from timeit import repeat

import numpy as np
from rosbags.typesys.store import Typestore

from gar_ssl_ros import interfaces
from gar_ssl_ros.interfaces import Message


def main() -> None:
    interfaces.install()
    image = interfaces.get_message("sensor_msgs/msg/Image")
    audio = interfaces.get_message("audio_common_msgs/msg/AudioDataStamped")
    diagnostics = interfaces.get_message("diagnostic_msgs/msg/DiagnosticArray")
    status = interfaces.get_message("diagnostic_msgs/msg/DiagnosticStatus")
    pixels = np.random.default_rng(0).integers(0, 256, (480, 640, 3), np.uint8).tobytes()
    sound = audio()
    sound.audio.data = bytes(2 * 1600)
    print(f"{'message':32} {'to bytes, us':>20} {'from bytes, us':>20}")
    print(f"{'':32} {'ours / rosbags':>20} {'ours / rosbags':>20}")
    store = interfaces.typestore()
    compare("Image 640x480 rgb8", image(height=480, width=640, encoding="rgb8", step=1920, data=pixels), store)
    compare("AudioDataStamped, 100 ms 16 kHz", sound, store)
    compare("DiagnosticArray of 5", diagnostics(status=[status(name="a") for _ in range(5)]), store)
    print(f"a copy of the image's pixels: {best(lambda: bytearray(pixels)):.0f} us")


def compare(what: str, message: Message, store: Typestore) -> None:
    cls, name = type(message), interfaces.ros_type_name(type(message))
    data = interfaces.serialize(message)
    plain = store.deserialize_cdr(memoryview(data), name)
    there = best(lambda: interfaces.serialize(message)), best(lambda: store.serialize_cdr(plain, name))
    back = (
        best(lambda: interfaces.deserialize(data, cls)),
        best(lambda: store.deserialize_cdr(memoryview(data), name)),
    )
    print(f"{what:32} {ratio(*there):>20} {ratio(*back):>20}")


def best(work: Callable[[], object]) -> float:
    """Microseconds a call, in the best of ten runs."""
    work()
    return min(repeat(work, number=100, repeat=10)) / 100 * 1e6


def ratio(ours: float, theirs: float) -> str:
    return f"{ours:.0f} / {theirs:.0f} = {ours / theirs:.1f}"


if __name__ == "__main__":
    main()
