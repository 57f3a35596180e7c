"""Whatever a calibration, a depth or a transform says: a place is told, NaN where it is not known, or a sentence."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.spatial.camera import MODELS, Camera
from gar_ssl_ros.spatial.depth import MAX_DISTANCE_M, DepthImage, PointCloud
from gar_ssl_ros.spatial.transforms import Transform
from gar_ssl_ros.spatial.view import View

anything = st.floats(width=32) | st.floats(-2, 2) | st.just(0.0)


def matrix(first: st.SearchStrategy[float] = anything):
    return st.tuples(first, *[anything] * 3, first, *[anything] * 4)


@given(
    matrix(st.floats(1, 1000) | anything),
    st.sampled_from([(model, count) for model, counts in MODELS.items() for count in counts]).flatmap(
        lambda chosen: st.tuples(st.just(chosen[0]), st.tuples(*[anything] * chosen[1]))
    ),
    matrix(),
    matrix(st.floats(1, 1000) | anything),
    st.booleans(),
    st.tuples(st.tuples(*[anything] * 3), st.tuples(*[anything] * 4)),
    arrays(np.float32, (24, 32), elements=anything),
    arrays(np.float32, (20, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)),
    st.tuples(st.floats(0, 31), st.floats(0, 23), st.floats(1, 32), st.floats(1, 24)),
)
def test_a_place_is_told_or_a_sentence(k, lens, r, p, rectified, moved, values, points, sides):
    x, y, width, height = sides
    box = Box(x, y, x + width, y + height)
    try:
        camera = Camera(32, 24, k, lens[1], lens[0], r, p, rectified)
        to_target = Transform(*moved)
    except UserError:
        return
    depth = DepthImage(0, values, 1.0, "")
    for view in (
        View(camera, depth, to_target=to_target),
        View(camera, depth, depth_camera=camera, to_camera=to_target),
        View(camera, PointCloud(0, points, ""), to_camera=to_target),
    ):
        place = view.place(box)
        assert np.isnan(place.distance) or 0 < place.distance < MAX_DISTANCE_M
        assert np.isnan(place.distance_sd) == np.isnan(place.distance)
        assert abs(place.direction.bearing) <= np.pi or np.isnan(place.direction.bearing)
