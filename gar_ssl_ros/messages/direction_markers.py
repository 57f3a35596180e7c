"""From where sound comes as RViz shows it: an arrow for each direction, and a cone as wide as it is unsure."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import Header
from visualization_msgs.msg import Marker, MarkerArray

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.markers import new_marker
from gar_ssl_ros.msg import SoundDirection, SoundDirectionArray
from gar_ssl_ros.spatial.camera import Points
from gar_ssl_ros.spatial.transforms import IDENTITY, Transform

ARROW, CONE, LABEL = "heard", "heard_sd", "heard_label"  # namespaces
LENGTH_M, SHAFT_M, HEAD_M, HEAD_LENGTH_M, TEXT_M = 2.0, 0.03, 0.08, 0.15, 0.15
CONE_SIDES, MAX_SD = 24, math.radians(60)
COLOUR = (1.0, 0.6, 0.1)  # apart from that of the sources
SHOWN_NS = 3 * SECOND // 2  # longer than from one to the next


def direction_markers(heard: SoundDirectionArray, frame_id: str, moved: Transform = IDENTITY) -> MarkerArray:
    """Of each direction an arrow, a cone of one standard deviation and its number; they vanish by themselves.

    moved: takes points of the array's frame to that of `frame_id`.
    """
    markers = []
    header = Header(stamp=heard.header.stamp, frame_id=frame_id)
    for one in heard.directions:
        vector = moved.turn(np.array([[one.vector.x, one.vector.y, one.vector.z]]))[0]
        arrow = _marker(header, ARROW, one, Marker.ARROW, (SHAFT_M, HEAD_M, HEAD_LENGTH_M))
        arrow.points = [Point(), _point(LENGTH_M * vector)]
        cone = _marker(header, CONE, one, Marker.TRIANGLE_LIST, (1.0, 1.0, 1.0), 0.25)
        rim = _rim(vector, min(one.sd, MAX_SD))
        for here, there in zip(rim, np.roll(rim, -1, axis=0), strict=True):
            cone.points += [Point(), _point(here), _point(there)]
        text = _marker(header, LABEL, one, Marker.TEXT_VIEW_FACING, (0.0, 0.0, TEXT_M))
        text.pose.position = _point(moved.translation + 1.1 * LENGTH_M * vector)
        doubt = "" if one.front_back_known else ", or behind"
        text.text = f"{one.id}: {math.degrees(one.azimuth):+.0f} deg{doubt}"
        for marker in (arrow, cone):
            marker.pose.position = _point(np.array(moved.translation))
        markers += [arrow, cone, text]
    return MarkerArray(markers=markers)


def _rim(vector: Points, sd: float) -> Points:
    """Of a cone about a vector: (CONE_SIDES, 3), m."""
    across = np.cross(vector, np.eye(3)[np.argmin(np.abs(vector))])
    across /= max(float(np.linalg.norm(across)), 1e-9)
    turns = np.arange(CONE_SIDES)[:, None] * (math.tau / CONE_SIDES)
    around = np.cos(turns) * across + np.sin(turns) * np.cross(vector, across)
    return np.asarray(LENGTH_M * (math.cos(sd) * vector + math.sin(sd) * around))


def _point(place: Points) -> Point:
    x, y, z = map(float, place)
    return Point(x=x, y=y, z=z)


def _marker(
    header: Header,
    kind: str,
    one: SoundDirection,
    shape: int,
    scale: tuple[float, float, float],
    alpha: float = 1.0,
) -> Any:
    return new_marker(header, kind, one.id, shape, scale, (*COLOUR, alpha), SHOWN_NS)
