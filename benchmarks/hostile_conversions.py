"""Part of hostile.py: each conversion of a message, called directly with what a message may hold."""

from __future__ import annotations

import gc
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import hostile_samples as samples
import numpy as np
import psutil
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioStamped
from audio_utils_msgs.msg import AudioFrame
from hostile import Tally
from rclpy.serialization import deserialize_message, serialize_message
from rmw_dds_common.msg import ParticipantEntitiesInfo
from sensor_msgs.msg import CompressedImage, Image

from gar_ssl_ros.embedded_ros import entities_info
from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.heap import give_back
from gar_ssl_ros.interfaces import CdrError
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Frame
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import frame_from_message
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.work.surroundings import Surroundings
from gar_ssl_ros.work.window_assembler import WindowAssembler

MOST = 0.5  # s that a callback may take
GROWTH = 20.0  # MB
WARM = 200  # calls


def run(tally: Tally) -> None:
    with tally.quiet():
        _run(tally)


def _run(tally: Tally) -> None:
    chance = Random(tally.seed)
    names = list(_conversions())
    each = max(1, tally.cases // len(names))
    tally.cases = each * len(names)
    for convert in _conversions().values():  # what is loaded and cached at first is no growth
        for _ in range(WARM):
            with suppress(UserError, CdrError):
                convert(chance)()
    before = _memory()
    for name, convert in _conversions().items():
        for _ in range(each):
            if tally.out_of_time:
                return
            case = convert(chance)
            with tally.case(name, UserError, CdrError):
                case()
    del convert, case  # with what a buffer of windows holds of them
    tally.notes.append(f"{each:,} calls each of {', '.join(names)}")
    grown = _memory() - before
    tally.notes.append(f"resident memory grew by {grown:.1f} MB")
    if tally.slowest > MOST:
        tally.broken.append(f"a call took {tally.slowest:.2f} s: more than {MOST} s")
    if grown > GROWTH:
        tally.broken.append(f"memory grew by {grown:.1f} MB: more than {GROWTH} MB")


def _conversions() -> dict[str, Callable[[Random], Callable[[], Any]]]:
    """Each makes a case of chance, and gives what does it."""

    def frame(kind: type) -> Callable[[Random], Callable[[], Any]]:
        def case(chance: Random) -> Callable[[], Any]:
            message = samples.MAKERS[kind](chance)
            return lambda: frame_from_message(message, 0)

        return case

    def sound(kind: type, coding: str = "") -> Callable[[Random], Callable[[], Any]]:
        reader = AudioReader()

        def case(chance: Random) -> Callable[[], Any]:
            if kind in (AudioData, AudioDataStamped):
                info = samples.audio_info(chance)
                info.coding_format = coding or info.coding_format
                reader.take_info(info)
            message = samples.MAKERS[kind](chance)
            return lambda: reader.read(message, SECOND)

        return case

    windowing = WindowAssembler(WindowOptions(1.0, 0.5), lambda _: None)

    def window(chance: Random) -> Callable[[], Any]:
        if chance.random() < 0.5:
            message = samples.image(chance) if chance.random() < 0.7 else samples.compressed_image(chance)
            return lambda: windowing.take_image(message, 100 * SECOND)
        message = samples.audio_frame(chance) if chance.random() < 0.5 else samples.audio_stamped(chance)
        return lambda: windowing.take_audio(message, 100 * SECOND)

    seen = [Frame(101 * SECOND, np.zeros((48, 64, 3), np.uint8), name) for name in ("camera", "")]
    box = Box(10, 10, 50, 40)
    around = {
        kind: Surroundings(SpatialOptions(depth=kind, target_frame="base"), WindowOptions(1.0, 0.5))
        for kind in ("image", "points")
    }

    def place(chance: Random) -> Callable[[], Any]:
        """Whatever has come of calibrations, depth and transforms, a box has a place, or a sentence."""
        kind = chance.choice(["image", "points"])
        here, part = around[kind], chance.random()
        if part < 0.3:
            return lambda: here.view(chance.choice(seen), chance.random() < 0.5).place(box)
        if part < 0.5:
            take = chance.choice([here.take_camera_info, here.take_depth_camera_info])
            message = samples.camera_info(chance)
            return lambda: take(message)
        if part < 0.7:
            message = samples.transforms(chance)
            return lambda: here.take_transforms(message, chance.random() < 0.3)
        if kind == "image":
            message = samples.depth(chance)
            return lambda: here.take_depth(message, 101 * SECOND)
        message = samples.cloud(chance)
        return lambda: here.take_points(message, 101 * SECOND)

    kinds = tuple(samples.MAKERS)

    def bytes_(chance: Random) -> Callable[[], Any]:
        kind = chance.choice(kinds)
        data = samples.mutated(bytes(serialize_message(samples.MAKERS[kind](chance))), chance)
        return lambda: deserialize_message(data, kind)

    told = bytes(serialize_message(ParticipantEntitiesInfo()))

    def nodes(chance: Random) -> Callable[[], Any]:
        data = samples.mutated(told + chance.randbytes(200), chance)
        return lambda: entities_info.read(data)

    return {
        "Image": frame(Image),
        "CompressedImage": frame(CompressedImage),
        "AudioStamped": sound(AudioStamped),
        "AudioData": sound(AudioData),
        "AudioDataStamped": sound(AudioDataStamped),
        "AudioDataStamped of wave": sound(AudioDataStamped, "wave"),
        "AudioDataStamped of mp3": sound(AudioDataStamped, "mp3"),
        "AudioDataStamped of aac": sound(AudioDataStamped, "aac"),
        "AudioFrame": sound(AudioFrame),
        "windows": window,
        "places": place,
        "CDR": bytes_,
        "ros_discovery_info": nodes,
    }


def _memory() -> float:
    """Resident, MB."""
    gc.collect()
    give_back()
    return float(psutil.Process().memory_info().rss / 1e6)
