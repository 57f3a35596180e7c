"""A behaviour tree of py_trees: wait for a knock, look to where it was, and speak. Then wait for the next one.

    pip install "py_trees>=2.2"
    python examples/answer_knock.py --ros-args -p sound:=knock -p words:="Come in." -r say:=/tts

Labels are the reasoner's: `knock` is one of AudioSet's, which `senses` tells; `signal` knows only `impact`. Ends with
status 0 at SIGINT (Ctrl-C) and SIGTERM.
"""

from __future__ import annotations

import math
import sys

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from gar_ssl_ros.msg import SoundSourceArray
from py_trees.behaviour import Behaviour
from py_trees.common import Status
from py_trees.composites import Sequence
from py_trees.meta import create_behaviour_from_function
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from std_msgs.msg import String
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint


class Hear(Behaviour):
    """Running until the word is in the label of a final answer, whose bearing it keeps: NaN where that is not known."""

    def __init__(self, node: Node, word: str) -> None:
        super().__init__(f"hear {word}")
        self.bearing = math.nan
        self._word = word
        self._answered = 0.0  # end of the window that was answered last, s
        self._heard: SoundSourceArray | None = None
        node.create_subscription(SoundSourceArray, "localizer/sources", self._hear, 10)

    def update(self) -> Status:
        """A tick."""
        heard, self._heard = self._heard, None
        if heard is None:
            return Status.RUNNING
        self._answered = heard.window_end.sec + heard.window_end.nanosec * 1e-9
        self.bearing = float(heard.sources[0].bearing) if heard.sources else math.nan  # the surest first
        return Status.SUCCESS

    def _hear(self, found: SoundSourceArray) -> None:
        """Windows overlap: a knock that was answered is in the next ones, too."""
        begin = found.window_start.sec + found.window_start.nanosec * 1e-9
        if found.stage == SoundSourceArray.FINAL and self._word in found.label and begin >= self._answered:
            self._heard = found


def main() -> None:
    """Tick the tree ten times a second until told to stop."""
    rclpy.init(args=sys.argv)
    node = Node("answer_knock")
    sound, joint, words = (
        str(node.declare_parameter(name, default).value)
        for name, default in (("sound", "knock"), ("joint", "head_pan_joint"), ("words", "Come in."))
    )
    head = node.create_publisher(JointTrajectory, "head_controller/joint_trajectory", 10)
    voice = node.create_publisher(String, "say", 10)
    hear = Hear(node, sound)

    def look(_: Behaviour) -> Status:
        if math.isfinite(hear.bearing):
            point = JointTrajectoryPoint(positions=[hear.bearing], time_from_start=Duration(seconds=0.5).to_msg())
            head.publish(JointTrajectory(joint_names=[joint], points=[point]))
        return Status.SUCCESS

    def say(_: Behaviour) -> Status:
        voice.publish(String(data=words))
        return Status.SUCCESS

    done = [create_behaviour_from_function(what)(name=what.__name__) for what in (look, say)]
    tree = Sequence("answer", memory=True, children=[hear, *done])
    node.create_timer(0.1, tree.tick_once)
    node.get_logger().info("waiting for the localizer's answers")
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # SIGINT, SIGTERM
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
