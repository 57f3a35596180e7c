"""rclpy and the messages, before any test of a node imports them: ROS 2's own, or the embedded ones."""

import os
from collections.abc import Iterator

os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")

import pytest

import gar_ssl_ros.messages.ros  # noqa: F401
from gar_ssl_ros.nodes import diagnostic_updater


@pytest.fixture(scope="session", autouse=True)
def told_often() -> Iterator[None]:
    """What a node of this process tells about itself is waited for in most tests: it need not take a second."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(diagnostic_updater, "PERIOD_S", 0.1)
        yield
