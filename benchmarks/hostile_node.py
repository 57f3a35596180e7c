"""Part of hostile.py: a live localizer, and on every topic and service that it reads what its senders may send.

Between two stretches of honest images and sound, whose answers must come: raw CDR, right, damaged and of chance, as any
type of message that the localizer reads, requests to its services, and what other nodes say of themselves. Watched: the
process, its /diagnostics (a gap is a hang), what its callbacks raised, its resident memory before and after.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from random import Random
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
import hostile_samples as samples
import psutil
import rclpy
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo, AudioStamped
from audio_utils_msgs.msg import AudioFrame
from diagnostic_msgs.msg import DiagnosticArray
from gar_ssl_ros.action import LocalizeSound
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.srv import Localize
from hostile import HANG, Tally
from lifecycle_msgs.srv import ChangeState, GetState
from rcl_interfaces.msg import Parameter
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParameters,
    SetParametersAtomically,
)
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSProfile
from rclpy.serialization import serialize_message
from rmw_dds_common.msg import ParticipantEntitiesInfo
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_srvs.srv import SetBool
from tf2_msgs.msg import TFMessage

from gar_ssl_ros.embedded_ros.dds.library import DDSError
from gar_ssl_ros.embedded_ros.dds.policies import Policies
from gar_ssl_ros.embedded_ros.service_wire import client_ends
from gar_ssl_ros.offline.processes import graph, isolated

GROWTH = 20.0  # MB
FAILED = (SoundSourceArray.UNPARSEABLE, SoundSourceArray.TIMEOUT, SoundSourceArray.BACKEND_ERROR)
SERVICES = {
    "set_parameters": SetParameters,
    "set_parameters_atomically": SetParametersAtomically,
    "get_parameters": GetParameters,
    "get_parameter_types": GetParameterTypes,
    "describe_parameters": DescribeParameters,
    "list_parameters": ListParameters,
    "change_state": ChangeState,
    "get_state": GetState,
    "localize": Localize,
    "localize_sound/_action/send_goal": LocalizeSound.Impl.SendGoalService,
    "localize_sound/_action/cancel_goal": LocalizeSound.Impl.CancelGoalService,
    "localize_sound/_action/get_result": LocalizeSound.Impl.GetResultService,
    "enable": SetBool,
}
BURST, REST = 20, 0.015  # messages, and s after them, so that what is sent is also taken
SETTLE = 12.0  # s, in which the localizer gives back what it has freed


def run(tally: Tally) -> None:
    with isolated(), rclpy.init(), graph() as start:
        localizer = start("localizer", {"window": 1.0, "hop": 0.5, "depth": "image", "target_frame": "base"})
        storm = _Storm(tally, psutil.Process(localizer.process.pid))
        try:
            storm.run()
        finally:
            storm.close()
        if localizer.process.poll() is not None:
            tally.deaths += 1
            tally.examples.append(localizer.told())


class _Storm:
    """The sender, which watches too."""

    def __init__(self, tally: Tally, process: psutil.Process) -> None:
        self._tally = tally
        self._process = process
        self._chance = Random(tally.seed)
        self._node = Node("storm")
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._values: dict[str, dict[str, str]] = {}
        self._beats: list[float] = []
        self._finals = 0
        self._sent: Counter[str] = Counter()
        self._peak = 0.0
        self._time = 100  # s, of honest stamps
        self._node.create_subscription(DiagnosticArray, "/diagnostics", self._on_diagnostics, QoSProfile(depth=100))
        self._node.create_subscription(SoundSourceArray, "/localizer/sources", self._on_answer, QoSProfile(depth=100))

    def close(self) -> None:
        self._executor.shutdown()
        self._node.destroy_node()

    def run(self) -> None:
        tally = self._tally
        self._until(lambda: "lifecycle" in self._values, "the localizer was not there")
        self._honest("before")
        before = self._memory()
        phases = self._phases()
        each = -(-tally.cases // len(phases))
        for name, phase in phases.items():
            with phase() as send:
                for number in range(min(each, tally.cases - tally.done)):
                    if tally.out_of_time or not self._process.is_running():
                        break
                    with tally.case(name, DDSError):  # what Cyclone DDS refuses to send
                        send()
                    self._sent[name] += 1
                    if number % BURST == 0:
                        self._spin(REST)
                        self._peak = max(self._peak, self._process.memory_info().rss / 1e6)
        self._honest("after")
        after = self._memory()
        self._conclude(before, after)

    def _conclude(self, before: float, after: float) -> None:
        tally = self._tally
        gap = max((later - earlier for earlier, later in zip(self._beats, self._beats[1:], strict=False)), default=0.0)
        raised = int(self._values.get("node", {}).get("callback_errors", 0))
        counts = {name: self._values.get(name, {}) for name in ("image", "audio")}
        came = ", ".join(f"{one.get('received')} {name} ({one.get('refused')} refused)" for name, one in counts.items())
        tally.notes.append(f"sent: {', '.join(f'{count:,} {name}' for name, count in self._sent.items())}")
        tally.notes.append(f"taken by the localizer: {came}; its callbacks raised {raised}")
        tally.notes.append(
            f"resident memory {before:.1f} MB before, at most {self._peak:.1f}, {after:.1f} after; "
            f"longest gap of /diagnostics {gap:.1f} s"
        )
        tally.tracebacks += raised
        tally.hangs += gap > HANG
        if raised:
            tally.examples.append(self._values["node"]["last_error"])
        if after - before > GROWTH:
            tally.broken.append(f"memory grew by {after - before:.1f} MB: more than {GROWTH} MB")

    def _phases(self) -> dict[str, Callable[[], Any]]:
        kinds = {
            "image": Image,
            "image/compressed": CompressedImage,
            "audio, mgonzs13": AudioStamped,
            "audio, ros-drivers": AudioDataStamped,
            "audio, without stamps": AudioData,
            "audio, introlab": AudioFrame,
            "camera_info": CameraInfo,
            "depth": Image,
            "/tf": TFMessage,
        }
        found: dict[str, Callable[[], Any]] = {
            name: partial(self._topic, name.partition(",")[0], kind) for name, kind in kinds.items()
        }
        return {**found, "services": self._services, "ros_discovery_info": self._discovery}

    @contextmanager
    def _topic(self, topic: str, kind: type) -> Iterator[Callable[[], None]]:
        """Raw messages of that type, once the localizer listens; of sound, with what describes it."""
        info = self._node.create_publisher(AudioInfo, "audio_info", QoSProfile(depth=10))
        with self._publisher(topic, kind) as publish:

            def send() -> None:
                if kind in (AudioData, AudioDataStamped) and self._chance.random() < 0.1:
                    info.publish(self._raw(AudioInfo))
                publish(self._raw(kind))

            yield send
        self._node.destroy_publisher(info)

    def _raw(self, kind: type) -> bytes:
        data = bytes(serialize_message(samples.MAKERS[kind](self._chance)))
        return data if self._chance.random() < 0.4 else data[:4] + samples.mutated(data[4:], self._chance)

    @contextmanager
    def _services(self) -> Iterator[Callable[[], None]]:
        """Requests to every service, none of which is an order that it could follow."""
        participant, wanted = self._node.context.participant, Policies(depth=100)
        ends = {name: client_ends(participant, f"/localizer/{name}", kind, wanted) for name, kind in SERVICES.items()}
        self._spin(2.0)

        def send() -> None:
            name = self._chance.choice(list(SERVICES))
            data = bytes(serialize_message(self._request(SERVICES[name])))
            header = b"\0\1\0\0" + self._chance.randbytes(16)
            content = data[4:] if self._chance.random() < 0.3 else samples.mutated(data[4:], self._chance)
            if name in ("change_state", "enable", "localize"):  # of which damage could make an order
                content = data[4:] if name == "change_state" else self._chance.randbytes(0)
            ends[name].writer.write(
                (header + content) if self._chance.random() < 0.95 else header[: self._chance.randrange(20)]
            )

        yield send
        for one in ends.values():
            one.close()

    def _request(self, kind: Any) -> Any:
        chance, request = self._chance, kind.Request()
        if kind in (SetParameters, SetParametersAtomically):
            names = ("window", "reasoner", "model", "sources", "use_sim_time", "", "x" * 300, "nobody's")
            request.parameters = [Parameter(name=chance.choice(names)) for _ in range(chance.choice([0, 1, 3]))]
            for one in request.parameters:
                one.value.type = chance.choice([0, 2, 3, 4, 9, 10, 200, 255])
                one.value.double_value, one.value.integer_value = chance.choice([float("nan"), 1e300, -1.0]), 10**9
                one.value.string_value = chance.choice(["os:abort", "antigravity:x", "Nobody/Model", "/etc/passwd"])
        elif kind is ChangeState:
            request.transition.id = chance.choice([0, 100, 200, 255])
            request.transition.label = chance.choice(["", "destroy", "transition_success", "\x1b", "x" * 999])
        elif kind is ListParameters:
            request.prefixes, request.depth = (
                [chance.choice(["", ".", "a.b", "x" * 99])] * 3,
                chance.choice([0, 2**64 - 1]),
            )
        elif hasattr(request, "names"):
            request.names = [chance.choice(["window", "", "none", "x" * 99]) for _ in range(chance.choice([0, 3, 500]))]
        return request

    @contextmanager
    def _discovery(self) -> Iterator[Callable[[], None]]:
        """What a participant says of its nodes."""
        told = bytes(serialize_message(ParticipantEntitiesInfo()))
        name, offered = "rmw_dds_common::msg::dds_::ParticipantEntitiesInfo_", Policies(depth=100, durability=1)
        writer = self._node.context.participant.writer("ros_discovery_info", name, offered)
        self._spin(0.5)
        yield lambda: writer.write(b"\0\1\0\0" + samples.mutated(told[4:] + self._chance.randbytes(300), self._chance))
        writer.close()

    def _honest(self, when: str) -> None:
        """Images and sound as they should be, until their windows are answered, and memory is what they need."""
        self._every_kind()
        images = self._node.create_publisher(Image, "image", QoSProfile(depth=100))
        sound = self._node.create_publisher(AudioStamped, "audio", QoSProfile(depth=100))
        self._until(images.get_subscription_count, f"nobody listens to images {when} the storm")
        self._until(sound.get_subscription_count, f"nobody listens to sound {when} the storm")
        self._finals = 0
        self._time += 1000
        for step in range(150):
            image, chunk = Image(width=64, height=48, step=192, encoding="rgb8"), AudioStamped()
            image.data = samples.array("B", bytes(192 * 48))
            info = chunk.audio.info
            info.format, info.channels, info.rate, info.chunk = 8, 1, 16000, 1600
            chunk.audio.audio_data.int16_data = samples.array("h", [(9000 * (i // 20 % 2)) for i in range(1600)])
            for message, publisher in ((image, images), (chunk, sound)):
                message.header.stamp.sec, message.header.stamp.nanosec = self._time + step // 10, step % 10 * 10**8
                publisher.publish(message)
            self._spin(0.03)
        self._until(lambda: self._finals > 0, f"no window was answered {when} the storm")
        self._node.destroy_publisher(images)
        self._node.destroy_publisher(sound)

    def _every_kind(self) -> None:
        """One of each kind of picture, file and stream: what is loaded for the first of them is no growth."""
        pictures = [CompressedImage(format="jpeg", data=samples.array("B", one)) for one in samples.pictures()]
        with self._publisher("image/compressed", CompressedImage) as publish:
            for message in pictures:
                publish(message)
        infos = self._node.create_publisher(AudioInfo, "audio_info", QoSProfile(depth=10))
        with self._publisher("audio", AudioData) as publish:
            for coding, content in zip(("wave", "wave", "wave", "mp3", "aac"), samples.sounds(), strict=True):
                infos.publish(AudioInfo(channels=1, sample_rate=16000, sample_format="S16LE", coding_format=coding))
                self._spin(0.5)
                publish(AudioData(data=samples.array("B", content)))
                publish(AudioData(data=samples.array("B", content)))
        self._node.destroy_publisher(infos)

    @contextmanager
    def _publisher(self, topic: str, kind: type) -> Iterator[Callable[[Any], None]]:
        """What publishes on a topic that the localizer listens to by then, and has heard in the end."""
        publisher = self._node.create_publisher(kind, topic, QoSProfile(depth=200))
        self._until(publisher.get_subscription_count, f"nobody listens to {kind.__name__} on {topic}")
        self._spin(0.5)
        yield publisher.publish
        self._spin(0.5)
        self._node.destroy_publisher(publisher)

    def _memory(self) -> float:
        self._spin(SETTLE)
        with suppress(psutil.Error):
            return float(self._process.memory_info().rss / 1e6)
        return 0.0

    def _until(self, condition: Callable[[], Any], otherwise: str) -> None:
        end = time.monotonic() + HANG
        while not condition():
            if time.monotonic() > end or not self._process.is_running():
                self._tally.broken.append(otherwise)
                return
            self._spin(0.05)

    def _spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def _on_diagnostics(self, message: Any) -> None:
        if message.status and message.status[0].hardware_id == "localizer":
            self._beats.append(time.monotonic())
            for status in message.status:
                self._values[status.name.partition(": ")[2]] = {one.key: one.value for one in status.values}

    def _on_answer(self, message: Any) -> None:
        honest = message.header.stamp.sec >= self._time
        self._finals += honest and message.stage == SoundSourceArray.FINAL and message.outcome not in FAILED
