"""The node behind a live page: it looks on, and asks the localizer what the page asks for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from threading import Event, Lock
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.srv import GetParameters, SetParameters
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import QoSProfile
from std_srvs.srv import SetBool

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.messages.answers import answer_in_words
from gar_ssl_ros.messages.audio.codec import AudioError, UndescribedError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
from gar_ssl_ros.messages.audio.installed import audio_class
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import IMAGE_TYPES, ImageError
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.nodes.adaptive_subscription import (
    MAX_CHUNK_BYTES,
    MAX_IMAGE_BYTES,
    MAX_INFO_BYTES,
    AdaptiveSubscription,
)
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.parameters import DEADLINE_S, LOCALIZER, Change, ParameterSpec
from gar_ssl_ros.page.answers import show_answer
from gar_ssl_ros.page.commands import Command, CommandError, Enable, Localize, SetParameter
from gar_ssl_ros.page.feed import Columns, Feed
from gar_ssl_ros.page.pictures import picture_from_message
from gar_ssl_ros.page.spectrum import Spectrum
from gar_ssl_ros.srv import Localize as LocalizeService
from gar_ssl_ros.work.complaints import Complaints

GRAPH_POLL_S, TELL_S, ASK_S = 0.2, 1.0, 2.0  # s from one look at the graph, one report, one question to the next
STALE_S = 4.0  # s after which what a node said of itself counts no more
ANSWER_S = 5.0  # s that a node is given to answer
MOST_STATUSES = 100  # that are told
JUMP_NS = 10**9  # back in time by more than which a stream has begun anew
SETTABLE = {one.name: one for one in LOCALIZER if one.change is Change.ANY_TIME}
LEVELS = {b"\x00": 0, b"\x01": 1, b"\x02": 2, b"\x03": 3}
STALE = 3


@dataclass(frozen=True)
class Names:
    """Where on the graph to look: full names."""

    image: str = "/image"
    audio: str = "/audio"
    localizer: str = "/localizer"


@dataclass(frozen=True)
class _Status:
    """What a node said of a part of itself, and when, s by the steady clock."""

    level: int
    message: str
    values: Mapping[str, str]
    since: float


class LiveNode(Node):
    """The node. It puts what it sees and hears into the feed."""

    def __init__(self, feed: Feed, names: Names, problems: Callable[[], Sequence[str]], **options: Any) -> None:
        """problems: what else is wrong, sentences. options: as of rclpy's Node."""
        super().__init__("live_page", **options)
        self._feed, self._problems = feed, problems
        self._complaints = Complaints(NodeLog(self).warning)
        self._reader, self._spectrum = AudioReader(), Spectrum()
        self._statuses: dict[str, _Status] = {}
        self._guard = Lock()
        self._pictures = self._newest = 0
        self._told = monotonic()
        self._asking = False
        image, audio, localizer = names.image.removesuffix("/compressed"), names.audio, names.localizer
        sight, hearing, asking, health = (MutuallyExclusiveCallbackGroup() for _ in range(4))
        listen, refuse = partial(AdaptiveSubscription, self), self._complaints.tell
        images = (f"{image}/compressed", image)  # the smaller first, which goes to the page as it is
        self._image_input = listen(
            images, IMAGE_TYPES, 2, MAX_IMAGE_BYTES, "auto", self._on_image, refuse, sight, remedy="start a camera"
        )
        self._audio_input = listen(
            [audio], [*AUDIO_TYPES], 50, MAX_CHUNK_BYTES, "auto", self._on_audio, refuse, hearing, audio_class,
            "start a microphone",
        )  # fmt: skip
        self._info_input = listen(
            [f"{audio}_info"], [*INFO_TYPES], 1, MAX_INFO_BYTES, "auto", self._reader.take_info, refuse, hearing,
            latched=True,
        )  # fmt: skip
        self._inputs = (self._image_input, self._audio_input, self._info_input)
        depth = QoSProfile(depth=10)
        self.create_subscription(
            SoundSourceArray, f"{localizer}/sources", self._on_answer, depth, callback_group=asking
        )
        self.create_subscription(
            DiagnosticArray, "/diagnostics", self._on_diagnostics, QoSProfile(depth=50), callback_group=health
        )
        self._localizer = localizer
        client = partial(self.create_client, callback_group=asking)
        self._localize = client(LocalizeService, f"{localizer}/localize")
        self._enable = client(SetBool, f"{localizer}/enable")
        self._get = client(GetParameters, f"{localizer}/get_parameters")
        self._set = client(SetParameters, f"{localizer}/set_parameters")
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(GRAPH_POLL_S, self._poll_graph, callback_group=hearing, clock=steady)
        self.create_timer(TELL_S, self._report, callback_group=health, clock=steady)
        self.create_timer(ASK_S, self._ask_parameters, callback_group=health, clock=steady)

    def do(self, command: Command) -> str:
        """Ask the localizer for it; what it answers. Raises CommandError. Not from a callback."""
        if isinstance(command, Localize):
            answer = self._call(self._localize, LocalizeService.Request(), DEADLINE_S + ANSWER_S)
            if not answer.success:
                raise CommandError(answer.message)
            return answer_in_words(answer.result)
        if isinstance(command, Enable):
            return str(self._call(self._enable, SetBool.Request(data=command.on), ANSWER_S).message)
        if isinstance(command, SetParameter):
            return self._set_parameter(command)
        raise CommandError("that can be asked of a recorded session only")

    def _set_parameter(self, command: SetParameter) -> str:
        spec = SETTABLE.get(command.name)
        if spec is None:
            raise CommandError(f"{command.name[:40]!r} is no parameter that may change while the localizer runs")
        value = (
            float(command.value) if isinstance(spec.default, float) and type(command.value) is int else command.value
        )
        spec.check(value)
        asked = SetParameters.Request(parameters=[Parameter(spec.name, value=value).to_parameter_msg()])
        done = self._call(self._set, asked, ANSWER_S).results[0]
        if not done.successful:
            raise CommandError(done.reason)
        self._ask_parameters()
        return f"{spec.name} is {value} now"

    def _call(self, client: Any, request: Any, seconds: float) -> Any:
        if not client.service_is_ready():
            raise CommandError(f"nobody answers at {client.srv_name}: is the localizer running?")
        done = Event()
        future = client.call_async(request)
        future.add_done_callback(lambda _: done.set())
        if not done.wait(seconds):
            client.remove_pending_request(future)
            raise CommandError(f"{client.srv_name} has not answered for {seconds:.0f} s: is the localizer busy?")
        return future.result()

    def _on_image(self, message: Any) -> None:
        try:
            picture = picture_from_message(message, self._now())
        except ImageError as problem:
            self._complaints.tell(f"image: {problem}")
            return
        if picture.stamp < self._newest - JUMP_NS:
            self._feed.reset()
        self._newest = picture.stamp
        self._pictures += 1
        self._feed.see(picture)

    def _on_audio(self, message: Any) -> None:
        try:
            audio = self._reader.read(message, self._now())
        except UndescribedError:  # until its AudioInfo comes
            return
        except AudioError as problem:
            self._complaints.tell(f"audio: {problem}")
            return
        found = None if audio is None else self._spectrum.add(audio)
        if found is not None:
            self._feed.hear(Columns(*found))

    def _on_answer(self, message: Any) -> None:
        try:
            show_answer(self._feed, message)
        except ValueError as problem:
            self._complaints.tell(sentence(problem))

    def _on_diagnostics(self, message: Any) -> None:
        now = monotonic()
        with self._guard:
            for one in message.status:
                known = one.name in self._statuses
                if known or len(self._statuses) < MOST_STATUSES:
                    values = {value.key: value.value for value in one.values}
                    self._statuses[one.name] = _Status(LEVELS.get(bytes(one.level), STALE), one.message, values, now)
        lifecycle = self._statuses.get(f"{self._localizer.strip('/')}: lifecycle")
        if lifecycle is not None and "enabled" in lifecycle.values:
            self._feed.tell("enabled", on=lifecycle.values["enabled"] == "True")

    def _poll_graph(self) -> None:
        for one in self._inputs:
            one.poll_graph()

    def _report(self) -> None:
        now = monotonic()
        rate, self._pictures = self._pictures / max(now - self._told, 1e-3), 0
        self._told = now
        with self._guard:
            self._statuses = {name: one for name, one in self._statuses.items() if now - one.since < 10 * STALE_S}
            statuses = [
                {
                    "name": name,
                    "level": STALE if now - one.since > STALE_S else one.level,
                    "message": one.message,
                    "values": dict(one.values),
                }
                for name, one in sorted(self._statuses.items())
            ]
        problems = [*self._problems(), *(one.problem for one in self._inputs[:2] if one.problem and one.offer is None)]
        self._feed.tell("health", statuses=statuses, picture_rate=round(rate, 1), problems=problems)

    def _ask_parameters(self) -> None:
        if self._asking or not self._get.service_is_ready():
            return
        self._asking, asked = True, list(SETTABLE)
        future = self._get.call_async(GetParameters.Request(names=asked))
        future.add_done_callback(partial(self._on_parameters, asked))

    def _on_parameters(self, asked: list[str], future: Any) -> None:
        self._asking = False
        answer = future.result()
        if answer is None or len(answer.values) != len(asked):
            return
        told = [
            _told(SETTABLE[name], value) for name, value in zip(asked, answer.values, strict=True) if value.type != 0
        ]
        self._feed.tell("parameters", node=self._localizer, parameters=told)

    def _now(self) -> int:
        return int(self.get_clock().now().nanoseconds)


def _told(spec: ParameterSpec, value: Any) -> dict[str, Any]:
    """A parameter as a page is told of it."""
    kinds = {bool: "bool", int: "int", float: "float", str: "choice" if spec.choices else "text"}
    fields = {bool: "bool_value", int: "integer_value", float: "double_value", str: "string_value"}
    return {
        "name": spec.name,
        "value": getattr(value, fields[type(spec.default)]),
        "default": spec.default,
        "help": spec.help,
        "kind": kinds[type(spec.default)],
        "least": spec.least,
        "most": spec.most,
        "choices": list(spec.choices),
        "fits": spec.fits,
    }
