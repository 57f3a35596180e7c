"""The localizer: camera and microphone in, sound sources out, on the robot's graph.

A lifecycle node: configure makes the reasoner ready, activate listens and publishes, deactivate stops, cleanup frees.
Callbacks only store; the worker's threads answer and publish.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from threading import Lock
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.qos import QoSProfile
from std_srvs.srv import SetBool
from vision_msgs.msg import Detection2DArray
from visualization_msgs.msg import MarkerArray

from gar_ssl_ros.errors import UsageError, sentence
from gar_ssl_ros.gar.reasoner import Fallback, Reasoner, Unavailable
from gar_ssl_ros.heap import GIVE_BACK_PERIOD_S, give_back
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.segmenter import SegmenterError
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.msg import SoundLevel, SoundSourceArray
from gar_ssl_ros.nodes.asking import AskService
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status, work_status
from gar_ssl_ros.nodes.localizer_inputs import LocalizerInputs
from gar_ssl_ros.nodes.mask_outputs import MaskOutputs
from gar_ssl_ros.nodes.mounting import MountingService
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.on_demand import OnDemand
from gar_ssl_ros.nodes.overlay_outputs import OverlayOutputs
from gar_ssl_ros.nodes.parameters import LOCALIZER
from gar_ssl_ros.nodes.voices import Voices
from gar_ssl_ros.options import from_values
from gar_ssl_ros.perception.sound import warm
from gar_ssl_ros.reasoners import known, names, refuse_unused
from gar_ssl_ros.reasoners import reasoner as reasoner_of_name
from gar_ssl_ros.spatial.approach import Approach
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.options import SpatialOptions
from gar_ssl_ros.work.encoder import AnswerEncoder
from gar_ssl_ros.work.model_asking import AskedModel
from gar_ssl_ros.work.worker import Answer, Request, Worker

GRAPH_POLL_S = 0.2  # s from one look at the graph to the next
STOP_S = 0.8  # s that a reasoner is given to stop
# What only the start can name: from the model on as it is, or nothing, or an array that is known.
FILES = (
    *("model", "student", "questions_model", "ask_model", "masks_model"),
    *("detector", "tagger", "makers", "describers"),
)
STARTED_WITH = ("reasoner", "fallback", "reasoner_options", *FILES, "server", "api_key_variable", "array")


class LocalizerNode(LifecycleNode):
    """The node. `close` it before it is destroyed."""

    def __init__(self, name: str = "localizer", **options: Any) -> None:
        """options: as of rclpy's Node. Raises rclpy's ParameterException or ValueError for a bad parameter."""
        super().__init__(name, **options)
        self._worker: Worker[SoundSourceArray] | None = None
        self._inputs: LocalizerInputs | None = None
        self._retired: list[LocalizerInputs] = []
        self._voices: Voices | None = None
        self._chosen = NodeParameters(self, LOCALIZER, lambda: self._worker is not None, self._refusal)
        self._started_with = {name: self._chosen.values[name] for name in STARTED_WITH}
        self._missing = ""
        self._who: dict[str, object] = {}
        self._enabled = True
        self._encoder = AnswerEncoder(self.resolve_topic_name("image"))
        self._guard = Lock()
        self._second = monotonic()  # at which the diagnostics were told last

        self._inputs_group = MutuallyExclusiveCallbackGroup()
        self._health_group = MutuallyExclusiveCallbackGroup()
        self._sources_out = self.create_lifecycle_publisher(SoundSourceArray, "~/sources", QoSProfile(depth=10))
        self._detections_out = self.create_lifecycle_publisher(Detection2DArray, "~/detections", QoSProfile(depth=10))
        self._markers_out = self.create_lifecycle_publisher(MarkerArray, "~/markers", QoSProfile(depth=10))
        self._goal_out = self.create_lifecycle_publisher(PoseStamped, "~/goal", QoSProfile(depth=1))
        self._overlay = OverlayOutputs(self, lambda: float(self._chosen.values["overlay_rate"]))
        self._masks = MaskOutputs(self, self._overlay.amend)
        self._level_out = self.create_lifecycle_publisher(SoundLevel, "~/level", QoSProfile(depth=10))
        self._on_demand = OnDemand(self, self._active)
        self._mounting = MountingService(self)
        self._asking = AskService(self, lambda: float(self._chosen.values["deadline"]))
        self.create_service(SetBool, "~/enable", self._on_enable)
        steady = Clock(clock_type=ClockType.STEADY_TIME)  # goes on while simulated time is paused
        self.diagnostics = DiagnosticUpdater(self, self._statuses, self._health_group)
        self.create_timer(GIVE_BACK_PERIOD_S, give_back, callback_group=self._health_group, clock=steady)
        self.create_timer(GRAPH_POLL_S, self._poll_graph, callback_group=self._inputs_group, clock=steady)

    @property
    def autostart(self) -> bool:
        """True if it is to be active from the start."""
        return bool(self._chosen.values["autostart"])

    def check_choice(self) -> None:
        """Raises UsageError where parameters say something about a model that nobody asks, or mean nothing together."""
        chosen = self._chosen.values
        refuse_unused(chosen["reasoner"], chosen["fallback"], chosen)
        from_values(SpatialOptions, chosen)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Make the reasoner ready; FAILURE where it is not to be had and there is no fallback."""
        chosen = self._chosen.values
        fallback: Reasoner | None = None
        made: Reasoner | None = None
        self._missing = ""
        try:
            self.check_choice()
            segmenter = segmenter_of(from_values(MaskOptions, chosen))
        except (UsageError, SegmenterError) as problem:
            self.get_logger().error(sentence(problem))
            return TransitionCallbackReturn.FAILURE
        try:
            if chosen["fallback"] and chosen["fallback"] != chosen["reasoner"]:
                fallback = reasoner_of_name(chosen["fallback"], chosen, named=self._own_reasoners)
        except Exception as problem:
            self.get_logger().error(f"the fallback {chosen['fallback']} cannot be used: {sentence(problem)}")
            return TransitionCallbackReturn.FAILURE
        try:
            made = reasoner_of_name(chosen["reasoner"], chosen, named=self._own_reasoners)
        except Exception as problem:
            self._missing = f"the reasoner {chosen['reasoner']} cannot be used: {sentence(problem)}"
            self.get_logger().error(self._missing + (f"; {fallback.name} answers instead" if fallback else ""))
            if fallback is None:
                return TransitionCallbackReturn.FAILURE
        self._who = {"reasoner": chosen["reasoner"], "model": ""}
        if made is not None:
            self._who = {"reasoner": made.name, "model": made.model or ""}
        first = made or Unavailable(chosen["reasoner"], None, self._missing)
        answering = first if fallback is None else Fallback(first, fallback)
        try:
            self._asking.configure(AskedModel(chosen["ask_model"]) if chosen["ask_model"] else None)
        except Exception as problem:
            self.get_logger().error(f"the ask_model cannot be used: {sentence(problem)}")
            return TransitionCallbackReturn.FAILURE
        if chosen["voices"]:
            warm()  # here, and not while the first voice waits to be told
        self._worker = Worker(answering, self._publish, NodeLog(self).error, segmenter, self._masks.publish)
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen, and publish what is found."""
        done = super().on_activate(state)
        with self._guard:
            chosen = self._chosen.values
            spatial = from_values(SpatialOptions, chosen)
            approach = Approach(spatial.goal_distance, spatial.goal_consistency) if spatial.goal_distance else None
            self._encoder.begin(any(chosen[name] for name in ("detections", "humans", "voices")), approach)
            self._overlay.begin()
            self._mounting.begin(self._chosen)
            self._asking.begin()
            self._voices = Voices(self, chosen["deadline"] + chosen["hop"]) if chosen["voices"] else None
            self._inputs = LocalizerInputs(
                self,
                self._chosen,
                self._offer,
                self._prepare,
                self._level_out.publish,
                self._inputs_group,
                self._overlay.see,
                self._markers_out.publish,
            )
        return done

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Listen no more, and give up the window in hand."""
        self.stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the reasoner."""
        self._free()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and free, from any state."""
        self.close()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """After a transition that broke: free all, so that it can be configured again."""
        self.close()
        return super().on_error(state)

    def stop(self) -> None:
        """Listen no more; who waits for an answer is told that there will be none."""
        with self._guard:
            if self._inputs is not None:
                self._inputs.retire()
                self._retired.append(self._inputs)
            if self._voices is not None:
                self._voices.close()
            self._inputs = self._voices = None
        if self._worker is not None:
            self._worker.clear()
        self._overlay.end()

    def destroy_node(self) -> Any:
        """As rclpy's."""
        self._on_demand.destroy()
        return super().destroy_node()

    def close(self) -> bool:
        """Stop and free, in any state; False where the reasoner did not stop, whose thread then goes on."""
        self.stop()
        return self._free()

    def _free(self) -> bool:
        worker, self._worker = self._worker, None
        if not self._asking.free(STOP_S):
            self.get_logger().error("the ask_model does not stop; it is left behind")
        if worker is None:
            return True
        ended = worker.close(STOP_S)
        if not ended:
            self.get_logger().error("the reasoner does not stop; it is left behind")
        del worker
        gc.collect()
        return ended

    @property
    def _own_reasoners(self) -> tuple[str, str]:
        """The reasoners named at the start, which may be one's own."""
        return self._started_with["reasoner"], self._started_with["fallback"]

    def _refusal(self, name: str, value: Any) -> str:
        """Why a parameter may not be set so after the start, by whoever reaches the graph; empty where it may."""
        if name in ("reasoner", "fallback") and value and not known(value, self._own_reasoners):
            choices = dict.fromkeys((*names(), *filter(None, self._own_reasoners)))
            return (
                f"{name} can be one of {', '.join(choices)}: others are named at the node's start, or declared by an "
                "installed package (docs/security.md)"
            )
        known_array = name == "array" and value in arrays()
        if name == "reasoner_options" and value != self._started_with[name]:
            given = (part.partition("=")[0] for part in value.split())
            name = next((one for one in given if one in STARTED_WITH), "")
            value = None  # whatever it is
        if name in STARTED_WITH[2:] and value not in ("", self._started_with[name]) and not known_array:
            return f"another {name} is named at the node's start: -p {name}:=... (docs/security.md)"
        return ""

    def _active(self) -> tuple[LocalizerInputs, Worker[SoundSourceArray]] | None:
        """What it listens to and who answers, while it is active."""
        inputs, worker = self._inputs, self._worker
        return None if inputs is None or worker is None else (inputs, worker)

    def _offer(self, newest: Callable[[], Request]) -> None:
        """A window is due."""
        worker = self._worker
        if worker is not None and self._enabled:
            worker.offer(newest)

    def _prepare(self, coming: Callable[[], Window | None]) -> bool:
        """In between; True if the reasoner looks at it."""
        worker = self._worker
        return worker is not None and self._enabled and worker.prepare(coming, self._chosen.values["deadline"])

    def _publish(self, answer: Answer) -> SoundSourceArray | None:
        """On the worker's thread."""
        if not self.context.ok():
            return None
        request, inputs, voices = answer.request, self._inputs, self._voices
        self._asking.answered(answer)  # before anybody knows that there is an answer, and asks about it
        if request.asked is None:
            latency = (self.get_clock().now().nanoseconds - request.window.end) / SECOND
        else:
            latency = monotonic() - request.asked
        left_out = 0 if inputs is None else inputs.left_out
        told = self._encoder.encode(answer.found, request.window, latency, left_out, answer.dropped, request.view)
        self._sources_out.publish(told.sources)
        if told.detections is not None:
            self._detections_out.publish(told.detections)
        if told.markers is not None:
            self._markers_out.publish(told.markers)
        if told.goal is not None:
            self._goal_out.publish(told.goal)
        self._overlay.answer(answer.found, request.window, told.lifetime)
        if inputs is not None:
            inputs.hearing.answered(told.sources)
        self._mounting.answered(answer)
        if voices is not None and inputs is not None:
            voices.take(told.sources, request.window, inputs.humans)
        return told.sources

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        response.success = True
        response.message = (
            "windows are answered as they come" if request.data else "windows are answered when asked for"
        )
        return response

    def _poll_graph(self) -> None:
        with self._guard:
            while self._retired:
                self._retired.pop().close()
            if self._inputs is not None:
                self._inputs.poll_graph()
            if self._voices is not None:
                self._voices.repeat()

    def _statuses(self) -> list[Status]:
        inputs, worker, voices = self._inputs, self._worker, self._voices
        now = monotonic()
        statuses = [] if inputs is None else inputs.statuses(now - self._second)
        if voices is not None:
            statuses.append(voices.status())
        self._second = now
        if worker is None:
            statuses.append(Status("inference", DiagnosticStatus.OK, "not configured", {}))
        else:
            statuses.append(work_status(worker.statistics, self._who, self._missing, self._encoder.latency))
        state = "unconfigured" if worker is None else "inactive" if inputs is None else "active"
        enabled = {"state": state, "enabled": self._enabled}
        statuses.append(Status("lifecycle", DiagnosticStatus.OK, state, enabled))
        return statuses + self._asking.statuses() + self._overlay.statuses()
