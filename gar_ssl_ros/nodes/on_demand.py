"""What may be asked of a localizer at any time: the service ~/localize and the action ~/localize_sound.

Both wait for the worker in a thread of the executor's each; nothing else waits for them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from time import monotonic, sleep
from typing import Any

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import MutuallyExclusiveCallbackGroup

from gar_ssl_ros.action import LocalizeSound
from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.answers import OUTCOMES
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.nodes.localizer_inputs import LocalizerInputs
from gar_ssl_ros.nodes.node_log import NodeLog
from gar_ssl_ros.srv import Localize
from gar_ssl_ros.work.window_assembler import MAX_AGO_S, Cut
from gar_ssl_ros.work.worker import Worker

MIN_LISTEN_S, MAX_LISTEN_S = 0.5, 600.0  # s
MAX_WHAT_CHARACTERS = 256
RESULT_TIMEOUT_S = 900  # s; above what a goal can take: rcl of Jazzy counts from its acceptance on
STALL_S = 5.0  # s without anything new, after which nothing is listened for any more
POLL_S = 0.05  # s from one look at what has come, and at whether the goal is canceled, to the next
FEEDBACK_S = 0.5  # s from one feedback to the next while listening
NOT_ACTIVE = "the node is not active: activate it first"
NO_IMAGE = "no image has come yet: see /diagnostics"
DEACTIVATED = "the node was deactivated before the window was answered"

Active = tuple[LocalizerInputs, Worker[SoundSourceArray]]


class Unanswered(Exception):
    """There will be no answer, for a reason that is one sentence."""


class Canceled(Exception):
    """Nobody wants an answer any more."""


class _Server(ActionServer):
    """As rclpy's, which would take no more requests once one cannot be read."""

    def take_data(self) -> Any:
        """What has come; nothing where that cannot be read."""
        try:
            return super().take_data()
        except Exception as problem:
            self._logger.error(f"a request is left out: {problem}")
            return {}


class OnDemand:
    """The service and the action of one node."""

    def __init__(self, node: Any, active: Callable[[], Active | None]) -> None:
        """active: gives what the node listens to and who answers, while it is active; else None."""
        self._active = active
        self._context = node.context
        self._log = NodeLog(node)
        self._busy = False
        node.create_service(Localize, "~/localize", self._on_localize, callback_group=MutuallyExclusiveCallbackGroup())
        self._server = _Server(
            node,
            LocalizeSound,
            "~/localize_sound",
            self._execute,
            callback_group=MutuallyExclusiveCallbackGroup(),
            goal_callback=self._on_goal,
            handle_accepted_callback=self._on_accepted,
            cancel_callback=lambda _: CancelResponse.ACCEPT,
            result_timeout=RESULT_TIMEOUT_S,
        )

    def destroy(self) -> None:
        """Take the action out of the graph, which rclpy does not do with its node."""
        self._server.destroy()

    def _on_localize(self, request: Localize.Request, response: Localize.Response) -> Localize.Response:
        try:
            active = self._active()
            if active is None:
                raise Unanswered(NOT_ACTIVE)
            if not 0 <= request.ago <= MAX_AGO_S:
                raise Unanswered(f"ago is {request.ago:g}: it must lie in 0..{MAX_AGO_S:g}")
            inputs, worker = active
            cut = _some(inputs.newest(ago=round(request.ago * SECOND)), inputs)
            response.result = worker.ask(inputs.request(cut, monotonic(), request.sources)).result()
            response.success, response.message = _judged(response.result)
        except CancelledError:
            response.message = DEACTIVATED
        except (Unanswered, OptionError) as problem:
            response.message = str(problem)
        return response

    def _on_goal(self, goal: LocalizeSound.Goal) -> GoalResponse:
        problem = self._refusal(goal)
        if problem:
            self._log.warning(f"a goal of localize_sound is rejected: {problem}")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    def _refusal(self, goal: LocalizeSound.Goal) -> str:
        """Why a goal cannot be taken; empty where it can."""
        active = self._active()
        if active is None:
            return NOT_ACTIVE
        if self._busy:
            return "there is one already: cancel it, or wait for its end"
        if goal.seconds and not MIN_LISTEN_S <= goal.seconds <= MAX_LISTEN_S:
            return f"seconds is {goal.seconds:g}: it must be 0, or lie in {MIN_LISTEN_S:g}..{MAX_LISTEN_S:g}"
        if len(goal.what) > MAX_WHAT_CHARACTERS:
            return f"what has {len(goal.what)} characters: it can have {MAX_WHAT_CHARACTERS}"
        if goal.what and not _words(goal.what):
            return f"what is {goal.what!r}, in which there is no word"
        try:
            active[0].options(goal.sources)
        except OptionError as problem:
            return str(problem)
        return ""

    def _on_accepted(self, handle: Any) -> None:
        self._busy = True
        handle.execute()

    def _execute(self, handle: Any) -> LocalizeSound.Result:
        """In a thread of the executor's, beside which all others go on."""
        result = LocalizeSound.Result()
        try:
            active = self._active()
            if active is None:
                raise Unanswered(DEACTIVATED)
            result.result = _Goal(handle, partial(self._tell, handle.publish_feedback), active, self._active).reach()
            result.success, result.message = _judged(result.result)
            self._tell(handle.succeed if result.success else handle.abort)
        except Canceled:
            result.message = "it was canceled"
            self._tell(handle.canceled)
        except (Unanswered, OptionError) as problem:
            result.message = str(problem)
            self._tell(handle.abort)
        finally:
            self._busy = False
        return result

    def _tell(self, tell: Callable[..., None], *what: Any) -> None:
        """Tell the client, unless nobody hears anything any more: rclpy raises once its context is shut down."""
        try:
            tell(*what)
        except Exception:
            if self._context.ok():
                raise


class _Goal:
    """One goal of ~/localize_sound on its way."""

    def __init__(
        self, handle: Any, feed_back: Callable[[Any], None], at_first: Active, active: Callable[[], Active | None]
    ) -> None:
        self._handle, self._feed_back, self._active = handle, feed_back, active
        self._inputs, self._worker = at_first
        self._wanted = handle.request
        self._began: int | None = None  # in the time of the stamps, ns
        self._told = -FEEDBACK_S  # when feedback was given last, monotonic s

    def reach(self) -> SoundSourceArray:
        """The first answer with sources as they are wanted, else the last one. Raises Canceled or Unanswered."""
        length = round(self._wanted.seconds * SECOND)
        if not length:
            return self._answer(self._inputs.newest())
        heard = 0
        while True:
            heard = min(heard + self._inputs.window_ns, length)
            heard = max(heard, self._listen(heard))
            found = self._answer(self._inputs.newest(since=self._began))
            if found.outcome == SoundSourceArray.LOCALIZED or heard >= length:
                return found

    def _listen(self, until: int) -> int:
        """Wait until so much has been heard since the goal came, ns; how much has."""
        newest, since = None, monotonic()
        while True:
            self._check()
            end = self._inputs.end
            if self._began is None or (end is not None and end < self._began):  # time jumps back where a bag loops
                self._began = end
            if end != newest:
                newest, since = end, monotonic()
            heard = 0 if end is None or self._began is None else end - self._began
            if heard >= until:
                return heard
            if monotonic() - since > STALL_S:
                raise Unanswered(f"no image has come for {STALL_S:g} s: see /diagnostics")
            if monotonic() - self._told >= FEEDBACK_S:
                self._tell(stage=LocalizeSound.Feedback.LISTENING, heard=heard / SECOND)
            sleep(POLL_S)

    def _answer(self, newest: Cut | None) -> SoundSourceArray:
        cut = _some(newest, self._inputs)
        heard = 0.0 if self._began is None else (cut.window.end - self._began) / SECOND
        facts = {"stage": LocalizeSound.Feedback.REASONING, "heard": heard}
        self._tell(**facts)
        request = self._inputs.request(cut, monotonic(), self._wanted.sources)
        asked = self._worker.ask(request, lambda initial: self._tell(initial=initial, **facts))
        return _restricted(self._result(asked), _words(self._wanted.what))

    def _result(self, asked: Future[SoundSourceArray]) -> SoundSourceArray:
        while True:
            try:
                return asked.result(POLL_S)
            except NotYet:
                if self._handle.is_cancel_requested:
                    asked.cancel()  # which reaches into the reasoner
            except CancelledError:
                self._check()
                raise Unanswered(DEACTIVATED) from None

    def _check(self) -> None:
        if self._handle.is_cancel_requested:
            raise Canceled
        active = self._active()
        if active is None or active[0] is not self._inputs:
            raise Unanswered(DEACTIVATED)

    def _tell(self, **facts: Any) -> None:
        self._told = monotonic()
        self._feed_back(LocalizeSound.Feedback(**facts))


def _some(cut: Cut | None, inputs: LocalizerInputs) -> Cut:
    """A window that is there. Raises Unanswered where it is not."""
    if cut is None:
        raise Unanswered(NO_IMAGE if inputs.end is None else "no image has come in that time: the camera is too slow")
    return cut


def _restricted(found: SoundSourceArray, words: frozenset[str]) -> SoundSourceArray:
    """An answer with only the sources whose label has all these words; UNCERTAIN where there are none of them."""
    if not words or not found.sources:
        return found
    others = ", ".join(dict.fromkeys(source.label for source in found.sources))
    sources = [source for source in found.sources if words <= _words(source.label)]
    kept = {name: getattr(found, name) for name in found.get_fields_and_field_types()} | {"sources": sources}
    if not sources:
        wanted = " ".join(sorted(words))
        kept |= {"outcome": SoundSourceArray.UNCERTAIN, "detail": f"what was localized is {others}, not {wanted}"}
    return SoundSourceArray(**kept)


def _words(text: str) -> frozenset[str]:
    """Its words in lower case: `dog_bark` has two."""
    return frozenset(re.findall(r"[^\W_]+", text.lower()))


def _judged(found: SoundSourceArray) -> tuple[bool, str]:
    """Whether it is no failure, and else in one sentence why it is one."""
    outcome = OUTCOMES[found.outcome]
    return not outcome.failed, f"{outcome.value}: {found.detail}" if outcome.failed else ""
