"""Turns a robot's head to what makes the sound: a pan joint, by the bearing of the surest source.

    python examples/turn_head.py --ros-args -p joint:=head_1_joint -r head_controller/joint_trajectory:=/TOPIC

With a camera that turns with the head, give the localizer the frame that the head turns on as its `target_frame`, and
this `-p on_head:=true`. Ends with status 0 at SIGINT (Ctrl-C) and SIGTERM.
"""

from __future__ import annotations

import math
import sys

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from gar_ssl_ros.msg import SoundSource, SoundSourceArray
from rclpy.duration import Duration
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from trajectory_msgs.msg import JointTrajectory, JointTrajectoryPoint


class TurnHead(Node):
    """The node."""

    def __init__(self) -> None:
        super().__init__("turn_head")
        self._joint = str(self.declare_parameter("joint", "head_pan_joint").value)
        self._limit = float(self.declare_parameter("limit", 1.2).value)  # rad, to either side
        self._seconds = float(self.declare_parameter("seconds", 0.5).value)  # that a turn takes
        self._on_head = bool(self.declare_parameter("on_head", False).value)  # whether the camera turns with the head
        self._out = self.create_publisher(JointTrajectory, "head_controller/joint_trajectory", 10)
        self.create_subscription(SoundSourceArray, "localizer/sources", self.turn, 10)
        self.get_logger().info("waiting for the localizer's answers")

    def turn(self, found: SoundSourceArray) -> None:
        """To the surest source of a final answer whose bearing is known; stay where there is none."""
        if found.stage != SoundSourceArray.FINAL:  # the first boxes of a window, which may still change
            return
        known = [one for one in found.sources if math.isfinite(self.bearing(one))]
        if not known:
            return
        surest = max(known, key=lambda one: one.av_consistency)
        angle = min(max(self.bearing(surest), -self._limit), self._limit)  # positive to the left, as REP-103 has it
        point = JointTrajectoryPoint(positions=[angle], time_from_start=Duration(seconds=self._seconds).to_msg())
        self._out.publish(JointTrajectory(joint_names=[self._joint], points=[point]))

    def bearing(self, source: SoundSource) -> float:
        """Where the head's joint is to be, rad: a bearing from a camera on the head is about where that looks now."""
        return float(source.target_bearing if self._on_head else source.bearing)


def main() -> None:
    """Spin until told to stop."""
    rclpy.init(args=sys.argv)
    node = TurnHead()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # SIGINT, SIGTERM
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
