"""`~/calibrate`: how the camera is turned in the microphone array's frame, from what has been seen and heard so far."""

from __future__ import annotations

from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup
from std_srvs.srv import Trigger

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.options import from_values
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.work.calibration import MountingCollector, told
from gar_ssl_ros.work.worker import Answer


class MountingService:
    """Of one node, from its start to its end; it begins anew with each activation."""

    def __init__(self, node: Any) -> None:
        self._collector: MountingCollector | None = None
        self._problem = "the node is not active: activate it first"
        group = MutuallyExclusiveCallbackGroup()  # it takes a while, and nothing waits for it
        node.create_service(Trigger, "~/calibrate", self._on_calibrate, callback_group=group)

    def begin(self, parameters: NodeParameters) -> None:
        """Collect with these, where they name an array."""
        self._collector, self._problem = None, "there is no array: set the parameter array, or array_positions"
        options = from_values(HearingOptions, parameters.values)
        try:
            array = array_of(options)
            if array is not None:
                self._collector = MountingCollector(array, options)
        except UserError as problem:
            self._problem = str(problem)

    def answered(self, answer: Answer) -> None:
        """A window has been answered; on the worker's thread."""
        if self._collector is not None and answer.request.view is not None:
            self._collector.take(answer.request.window, answer.found, answer.request.view)

    def _on_calibrate(self, _: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            if self._collector is None:
                raise UserError(self._problem)
            response.message = told(self._collector.calibration())
            response.success = True
        except UserError as problem:
            response.message = str(problem)
        return response
