"""A tool for an agent of LangChain, as RAI's are: listens, and says what makes a sound, and where.

    python examples/sound_tool.py 5 dog    # as an agent calls it: 5 s, only dogs; needs langchain-core
Hand `SoundTool(node=...)` to the agent, with the node spinning on another thread, as `main` has it. A Ctrl-C cancels.
"""

from __future__ import annotations

import math
import signal
import sys
from contextlib import ExitStack, suppress
from threading import Event, Thread
from typing import Any

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from gar_ssl_ros.action import LocalizeSound
from langchain_core.tools import BaseTool
from pydantic import BaseModel, Field, ValidationError
from rclpy.action import ActionClient
from rclpy.executors import SingleThreadedExecutor

PATIENCE_S = 30.0  # s beyond the time to listen that an answer may take


class Asked(BaseModel):
    """What the agent's model fills in."""

    seconds: float = Field(5.0, ge=0, le=600, description="how long to listen at most, s; 0 for what was just heard")
    what: str = Field("", description="only this kind of sound, such as dog; empty for any")


class SoundTool(BaseTool):
    """Asks the localizer by its action."""

    name: str = "what_makes_the_sound"
    description: str = "Listen, and say which things in view make a sound, and in which direction they are."
    args_schema: Any = Asked
    node: Any

    def _run(self, seconds: float = 5.0, what: str = "") -> str:
        client = ActionClient(self.node, LocalizeSound, "localizer/localize_sound")
        with ExitStack() as kept:
            kept.callback(client.destroy)
            if not client.wait_for_server(PATIENCE_S):
                return "There is no localizer on the robot's graph."
            sent = client.send_goal_async(LocalizeSound.Goal(seconds=seconds, what=what))
            kept.callback(lambda: (now := waited(sent, 2)) and now.accepted and waited(now.cancel_goal_async(), 2))
            if (goal := waited(sent, PATIENCE_S)) is None or not goal.accepted:
                return "The localizer does not take the goal now: it is inactive, or listens for somebody else."
            if (done := waited(goal.get_result_async(), seconds + PATIENCE_S)) is None:
                return "The localizer did not answer in time."
            return told(done.result.result) if done.result.success else f"It failed: {done.result.message}"


def told(found: Any) -> str:
    """An answer in words."""
    words = [f"{one.label}, {direction(one.bearing)}: {one.description}" for one in found.sources]
    return " ".join(words) or f"Nothing in view makes it. {found.detail or found.label}"


def direction(bearing: float) -> str:
    """In words; it is NaN where the camera is not calibrated."""
    side = "left" if bearing > 0 else "right"
    return f"{abs(math.degrees(bearing)):.0f} degrees to the {side}" if math.isfinite(bearing) else "in view"


def waited(future: Any, seconds: float) -> Any:
    """What it gives; None where it does not in time."""
    done = Event()
    future.add_done_callback(lambda _: done.set())
    return future.result() if done.wait(seconds) else None


def main() -> None:
    """Ask once."""
    rclpy.init(args=sys.argv, signal_handler_options=rclpy.signals.SignalHandlerOptions.NO)  # so that it can cancel
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    node, executor = rclpy.create_node("sound_tool"), SingleThreadedExecutor()
    executor.add_node(node)
    (spinning := Thread(target=executor.spin)).start()
    try:
        asked = dict(zip(("seconds", "what"), rclpy.utilities.remove_ros_args(sys.argv)[1:], strict=False))
        with suppress(KeyboardInterrupt):  # SIGINT, SIGTERM
            node.get_logger().info(SoundTool(node=node).invoke(asked))
    except ValidationError as problem:
        sys.exit("\n".join(f"sound_tool: {one['loc'][0]}: {one['msg']}" for one in problem.errors()))
    finally:
        executor.shutdown()
        spinning.join()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
