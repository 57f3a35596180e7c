"""How far things are along the rays of a picture's cells, whatever measures it."""

from __future__ import annotations

import numpy as np
import pytest

from gar_ssl_ros.spatial.camera import Camera
from gar_ssl_ros.spatial.depth import DepthImage, PointCloud
from gar_ssl_ros.spatial.view import View

CAMERA = Camera(64, 48, (32.0, 0.0, 31.5, 0.0, 32.0, 23.5, 0.0, 0.0, 1.0))


def test_a_wall_is_further_away_at_its_edges_and_where_nothing_is_measured_it_is_not_known():
    values = np.full((24, 32), 2000, np.uint16)
    values[:12, :16] = 0
    found = View(CAMERA, DepthImage(0, values, 1e-3, "")).distances(6, 8)
    assert found is not None
    assert np.isnan(found[:3, :4]).all()
    assert found[3, 4] == pytest.approx(2 * np.linalg.norm([4 / 32, 4 / 32, 1.0]), rel=1e-6)
    assert found[5, 7] == pytest.approx(2 * np.linalg.norm([28 / 32, 20 / 32, 1.0]), rel=1e-6)


def test_of_a_cloud_the_nearest_of_a_cell_counts_and_what_is_behind_the_camera_is_not_in_view():
    points = np.array([[0.01, 0.01, 3.0], [0.005, 0.005, 1.5], [0.0, 0.0, -1.0]], np.float32)
    found = View(CAMERA, PointCloud(0, points, "")).distances(6, 8)
    assert found is not None
    assert found[3, 4] == pytest.approx(np.linalg.norm(points[1]), rel=1e-6)
    assert np.isfinite(found).sum() == 1
    assert View(CAMERA).distances(6, 8) is None
