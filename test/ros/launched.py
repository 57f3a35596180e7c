"""The launch file's localizer becomes active, and ends when told: run by `colcon test`, through launch_testing."""

from __future__ import annotations

import time
import unittest
from pathlib import Path

import launch_testing
import launch_testing.actions
import launch_testing.asserts
import pytest
import rclpy
from ament_index_python.packages import get_package_share_directory
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from lifecycle_msgs.msg import State
from lifecycle_msgs.srv import GetState

from launch import LaunchDescription

PATIENCE = 60.0  # s


@pytest.mark.launch_test
def generate_test_description() -> LaunchDescription:
    launch_file = Path(get_package_share_directory("gar_ssl_ros"), "launch", "localize.launch.py")
    source = PythonLaunchDescriptionSource(str(launch_file))
    localizer = IncludeLaunchDescription(source, launch_arguments={"reasoner": "signal"}.items())
    return LaunchDescription([localizer, launch_testing.actions.ReadyToTest()])


class TestWhileItRuns(unittest.TestCase):
    def test_the_localizer_becomes_active(self) -> None:
        rclpy.init()
        node = rclpy.create_node("launch_tester")
        try:
            client = node.create_client(GetState, "/localizer/get_state")
            assert client.wait_for_service(PATIENCE)
            end, state = time.monotonic() + PATIENCE, State.PRIMARY_STATE_UNKNOWN
            while state != State.PRIMARY_STATE_ACTIVE and time.monotonic() < end:
                asked = client.call_async(GetState.Request())
                rclpy.spin_until_future_complete(node, asked, timeout_sec=PATIENCE)
                state = asked.result().current_state.id
            assert state == State.PRIMARY_STATE_ACTIVE
        finally:
            node.destroy_node()
            rclpy.shutdown()


@launch_testing.post_shutdown_test()
class TestAfterwards(unittest.TestCase):
    def test_every_process_ended_well(self, proc_info) -> None:
        launch_testing.asserts.assertExitCodes(proc_info)
