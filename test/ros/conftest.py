"""A domain of each run's own, on this machine alone; and rclpy, before a test imports it."""

import os

import pytest

import gar_ssl_ros.messages.ros  # noqa: F401


@pytest.fixture(autouse=True)
def _alone(monkeypatch) -> None:
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    monkeypatch.setenv("ROS_DOMAIN_ID", str(201 + worker % 30))
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
