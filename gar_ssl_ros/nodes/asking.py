"""`~/ask`: questions about what was heard and seen in the last windows."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.srv import Ask
from gar_ssl_ros.work.asking import AnsweredWindows
from gar_ssl_ros.work.model_asking import AskedModel
from gar_ssl_ros.work.worker import Answer


class AskService:
    """Of one node, from its start to its end; what it knows begins anew with each activation.

    A question that a model is asked waits in a thread of the executor's, and nothing else waits for it.
    """

    def __init__(self, node: Any, limit: Callable[[], float]) -> None:
        """limit: how long a model may take now, s."""
        self._limit = limit
        self._model: AskedModel | None = None
        self._windows: AnsweredWindows | None = None
        node.create_service(Ask, "~/ask", self._on_ask, callback_group=MutuallyExclusiveCallbackGroup())

    def configure(self, model: AskedModel | None) -> None:
        """Ask a model from now on, or none."""
        self._model, self._windows = model, None

    def begin(self) -> None:
        """The node is active."""
        self._windows = AnsweredWindows(self._model)

    def free(self, patience: float) -> bool:
        """Hold no model any more. Returns True if it stopped in so many seconds."""
        model, self._model, self._windows = self._model, None, None
        return model is None or model.close(patience)

    def statuses(self) -> list[Status]:
        """Of the model; none where there is none."""
        if self._model is None:
            return []
        statistics = self._model.statistics
        level = DiagnosticStatus.WARN if statistics.problem else DiagnosticStatus.OK
        message = f"answered without it: {statistics.problem}" if statistics.problem else "loaded"
        failed = statistics.asked - statistics.answered
        values = {**self._model.facts, "asked": statistics.asked, "failed": failed}
        return [Status("ask_model", level, message, values)]

    def answered(self, answer: Answer) -> None:
        """A window has been answered; on the worker's thread."""
        if self._windows is not None:
            self._windows.take(answer.request.window, answer.found, answer.request.view)

    def _on_ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        try:
            if self._windows is None:
                raise UserError("the node is not active: activate it first")
            found = self._windows.ask(request.question, float(request.seconds), self._limit())
        except UserError as problem:
            response.message = str(problem)
            return response
        response.success, response.question_type, response.answer = True, found.type, found.answer.text
        response.fields = json.dumps(dict(found.answer.fields))
        response.evidence = list(found.answer.evidence)
        response.window_start, response.window_end = time_message(found.start), time_message(found.end)
        return response
