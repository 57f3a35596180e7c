"""Sends a robot with Nav2 to what makes a sound, and not to every sound: to a crying baby, say.

    python examples/go_there.py --ros-args -p sound:="baby cry" -p rest:=30.0

The localizer says where to stand: give it `target_frame`, `depth` and `goal_distance`. For a pose on `goal_pose` Nav2's
bt_navigator drives there, as for RViz's button. Ends with status 0 at SIGINT (Ctrl-C) and SIGTERM.
"""

from __future__ import annotations

import sys
from collections import deque

from gar_ssl_ros import embedded_ros

embedded_ros.install()  # rclpy and all messages, this project's too, where ROS 2 is not installed; else nothing

# isort: split
import rclpy
from builtin_interfaces.msg import Time
from gar_ssl_ros.msg import SoundSourceArray
from geometry_msgs.msg import PoseStamped
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node


class GoThere(Node):
    """The node."""

    def __init__(self) -> None:
        super().__init__("go_there")
        self._sound = str(self.declare_parameter("sound", "speech").value)
        self._rest = float(self.declare_parameter("rest", 30.0).value)  # least from one departure to the next, s
        self._heard: deque[float] = deque(maxlen=10)  # stamps of the images of answers with that sound, s
        self._goals: deque[PoseStamped] = deque(maxlen=10)  # of those images, or of other answers'
        self._left = float("-inf")
        self._out = self.create_publisher(PoseStamped, "goal_pose", 1)
        self.create_subscription(SoundSourceArray, "localizer/sources", self.hear, 10)
        self.create_subscription(PoseStamped, "localizer/goal", self.take, 10)
        self.get_logger().info("waiting for the localizer's answers")

    def hear(self, found: SoundSourceArray) -> None:
        """An answer; its goal, if it has one, comes before or after it."""
        if found.stage == SoundSourceArray.FINAL and any(self._sound in one.label for one in found.sources):
            self._heard.append(seconds(found.header.stamp))
            self.leave()

    def take(self, goal: PoseStamped) -> None:
        """Where to stand, as of the image of an answer."""
        self._goals.append(goal)
        self.leave()

    def leave(self) -> None:
        """Drive to each goal that is of that sound, where the robot has rested."""
        for goal in self._goals:
            stamp, at = seconds(goal.header.stamp), goal.pose.position
            if stamp not in self._heard:
                continue
            self._heard.remove(stamp)
            if abs(stamp - self._left) >= self._rest:  # a bag may begin anew
                self._left = stamp
                self._out.publish(goal)
                self.get_logger().info(f"to {at.x:.2f}, {at.y:.2f} in {goal.header.frame_id}, for {self._sound}")


def seconds(time: Time) -> float:
    """Of a stamp."""
    return float(time.sec + time.nanosec * 1e-9)


def main() -> None:
    """Spin until told to stop."""
    rclpy.init(args=sys.argv)
    node = GoThere()
    try:
        rclpy.spin(node)
    except (KeyboardInterrupt, ExternalShutdownException):
        pass  # SIGINT, SIGTERM
    finally:
        node.destroy_node()
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
