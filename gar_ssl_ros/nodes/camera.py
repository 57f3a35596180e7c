"""The camera: a device's images on the graph, or those of an address on the network, or of a recording."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from queue import Empty, Full, Queue
from threading import Event, Thread
from time import monotonic
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.media.capture import PATIENCE_S, Capture, Captured, Wanted
from gar_ssl_ros.media.devices import DeviceError
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import image_message, time_message
from gar_ssl_ros.messages.picture_header import picture_header
from gar_ssl_ros.nodes.calibration_publisher import CalibrationPublisher
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.listeners import wait_for_listeners
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.parameters import CAMERA
from gar_ssl_ros.work.complaints import Complaints

SHORTEST_RETRY_S, LONGEST_RETRY_S = 0.5, 5.0  # s from one attempt to open it to the next, twice as long each time
MAX_WAITING = 2  # images that may wait to be sent; the oldest goes first
POLL_S = 0.1  # s in which the end is noticed
WAITING, ENDED = "waiting for listeners", "ended"  # which are no problems


@dataclass(frozen=True)
class Taken:
    """An image to be sent. stamp: by the node's clock, ns."""

    capture: Capture
    image: Captured
    stamp: int


class CameraNode(Node):
    """The node. It looks from `look` on; `close` it before it is destroyed."""

    def __init__(self, name: str = "camera", **options: Any) -> None:
        """options: as of rclpy's Node. Raises UserError where the parameters or the calibration mean nothing."""
        super().__init__(name, **options)
        self._chosen = NodeParameters(self, CAMERA).values
        self._wanted = Wanted(*(self._chosen[one] for one in ("device", "width", "height", "rate")))
        self._compressed = bool(self._chosen["compressed"])
        kind, topic = (CompressedImage, "image/compressed") if self._compressed else (Image, "image")
        self._image_out = self.create_publisher(kind, topic, qos_profile_sensor_data)
        self._calibration = CalibrationPublisher(self, self._chosen["calibration"], qos_profile_sensor_data)
        self._counts = {"images": 0, "dropped": 0, "damaged": 0, "opened": 0}
        self._form: dict[str, object] = {}
        self._problem, self._told = "not open yet", False
        self._concern = ""
        self._newest = self._reported = monotonic()
        self._reported_images = 0
        self.broken = ""  # why it had to end early
        self.diagnostics = DiagnosticUpdater(self, self._statuses)
        self._log = NodeLog(self)
        self._warnings = Complaints(self._log.warning)
        self._waiting: Queue[Taken] = Queue(MAX_WAITING)
        self._stopping = Event()
        self._ended: Callable[[], None] = lambda: None
        self._reader = Thread(target=self._read, name="camera", daemon=True)
        self._sender = Thread(target=self._send, name="images", daemon=True)

    @property
    def only_lists(self) -> bool:
        """True if it is to do no more than list the devices."""
        return bool(self._chosen["list"])

    def look(self, ended: Callable[[], None]) -> None:
        """Begin; `ended` is called, on another thread, when a recording is at its end."""
        self._ended = ended
        self._reader.start()
        self._sender.start()

    def close(self) -> None:
        """Stop."""
        self._stopping.set()
        if self._reader.is_alive():
            self._reader.join(2 * PATIENCE_S)  # a driver that hangs is left alone
        if self._sender.is_alive():
            self._sender.join(PATIENCE_S)

    def _read(self) -> None:
        retry = SHORTEST_RETRY_S
        while not self._stopping.is_set():
            before = self._counts["images"]
            try:
                with closing(Capture(self._wanted)) as capture:
                    self._counts["opened"] += 1
                    if self._wanted.file is not None and self._counts["opened"] == 1:
                        self._problem = WAITING
                        wait_for_listeners(self._listeners, self._chosen, self._stopping)
                    self._read_until_it_ends(capture)
                if not self._chosen["loop"] and not self._stopping.is_set():
                    self._log.info(f"{capture.name} has ended")
                    break
            except Exception as problem:  # ours, and whatever else FFmpeg and drivers come up with
                if self._wanted.file is not None:
                    self.broken = sentence(problem)
                    self._log.error(self.broken)
                    break
                self._say(sentence(problem))
                retry = SHORTEST_RETRY_S if self._counts["images"] > before else min(2 * retry, LONGEST_RETRY_S)
                self._stopping.wait(retry)
        while self._waiting.unfinished_tasks and not self._stopping.wait(0.01):
            pass
        self._problem = self.broken or ENDED
        self.diagnostics.publish()
        self._ended()

    def _listeners(self) -> list[int]:
        return [self._image_out.get_subscription_count()]

    def _read_until_it_ends(self, capture: Capture) -> None:
        """Once through a recording, or until the node is told to stop. Raises DeviceError where it is lost."""
        self._concern = capture.unlike
        if capture.unlike:
            self._warnings.tell(f"{capture.unlike}: choose another width, height or rate")
        self._form = {"device": capture.name, "codec": capture.codec, "width": capture.width, "height": capture.height}
        began: float | None = None
        for image in capture.read():
            if began is None:
                began = monotonic() - (image.time or 0.0)
                self._say("")
            if capture.recorded and image.time is not None:
                self._stopping.wait(max(0.0, began + image.time - monotonic()))
            if self._stopping.is_set():
                return
            stamp = self.get_clock().now().nanoseconds - round(image.age * SECOND)
            self._newest = monotonic()
            self._offer(Taken(capture, image, stamp))
        if began is None or not capture.recorded:
            raise DeviceError(f"{capture.name} {'was lost (it ended)' if began is not None else 'gives no image'}")

    def _offer(self, taken: Taken) -> None:
        """Have it sent, in place of the oldest one where too many wait."""
        while True:
            try:
                return self._waiting.put_nowait(taken)
            except Full:
                with suppress(Empty):
                    self._waiting.get_nowait()
                    self._waiting.task_done()
                    self._counts["dropped"] += 1

    def _send(self) -> None:
        while not self._stopping.is_set():
            try:
                taken = self._waiting.get(timeout=POLL_S)
            except Empty:
                continue
            try:
                self._publish(taken)
            except Exception as problem:
                if self.context.ok():  # else it was told to stop while it published
                    self.diagnostics.failed(problem)
            self._waiting.task_done()

    def _publish(self, taken: Taken) -> None:
        header = Header(stamp=time_message(taken.stamp), frame_id=self._chosen["frame_id"])
        if self._compressed:
            jpeg = taken.capture.jpeg(taken.image)
            found = picture_header(jpeg) if jpeg else None
            if jpeg is None or found is None:
                self._counts["damaged"] += 1
                return
            width, height = found.width, found.height
            message = CompressedImage(header=header, format="jpeg", data=array("B", jpeg))
        else:
            rgb = taken.capture.rgb(taken.image)
            if rgb is None:
                self._counts["damaged"] += 1
                return
            height, width = rgb.shape[:2]
            message = image_message(rgb, header)
        self._image_out.publish(message)
        self._counts["images"] += 1
        self._calibration.publish(header, width, height)
        if self._calibration.concern:
            self._warnings.tell(self._calibration.concern)

    def _say(self, problem: str) -> None:
        """It is lost, or not there: told once. It is here, where that is empty."""
        if problem and not self._told:
            self._log.error(f"{problem}; it is tried again within {LONGEST_RETRY_S:.0f} s")
        elif self._problem and not problem:
            self._log.info("sending {device}: {width}x{height}, {codec}".format(**self._form))
        self._problem, self._told = problem, bool(problem)

    def _statuses(self) -> list[Status]:
        now, images = monotonic(), self._counts["images"]
        rate = (images - self._reported_images) / max(now - self._reported, 1e-3)
        self._reported, self._reported_images = now, images
        idle = now - self._newest
        problem = self._problem or (f"no image has come for {idle:.0f} s" if idle > PATIENCE_S else "")
        rests = self._problem in (WAITING, ENDED)
        concern = self._concern or self._calibration.concern
        level = DiagnosticStatus.WARN if concern else DiagnosticStatus.OK
        level = DiagnosticStatus.ERROR if problem and not rests else level
        values = {**self._form, "rate_hz": rate, **self._counts, "infos": self._calibration.sent}
        return [Status("camera", level, problem or concern or "sending", values)]
