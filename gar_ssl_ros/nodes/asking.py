"""`~/ask`: questions about what was heard and seen in the last windows."""

from __future__ import annotations

import json
from typing import Any

from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.messages.answers import time_message
from gar_ssl_ros.srv import Ask
from gar_ssl_ros.work.asking import AnsweredWindows
from gar_ssl_ros.work.worker import Answer


class AskService:
    """Of one node, from its start to its end; what it knows begins anew with each activation."""

    def __init__(self, node: Any) -> None:
        self._windows: AnsweredWindows | None = None
        node.create_service(Ask, "~/ask", self._on_ask, callback_group=MutuallyExclusiveCallbackGroup())

    def begin(self) -> None:
        """The node is active."""
        self._windows = AnsweredWindows()

    def answered(self, answer: Answer) -> None:
        """A window has been answered; on the worker's thread."""
        if self._windows is not None:
            self._windows.take(answer.request.window, answer.found, answer.request.view)

    def _on_ask(self, request: Ask.Request, response: Ask.Response) -> Ask.Response:
        try:
            if self._windows is None:
                raise UserError("the node is not active: activate it first")
            found = self._windows.ask(request.question, float(request.seconds))
        except UserError as problem:
            response.message = str(problem)
            return response
        response.success, response.question_type, response.answer = True, found.type, found.answer.text
        response.fields = json.dumps(dict(found.answer.fields))
        response.evidence = list(found.answer.evidence)
        response.window_start, response.window_end = time_message(found.start), time_message(found.end)
        return response
