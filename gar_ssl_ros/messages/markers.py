"""Where the sources are as RViz shows it: visualization_msgs/MarkerArray."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.msg import SoundSource, SoundSourceArray
from gar_ssl_ros.output.drawing import COLOURS
from gar_ssl_ros.spatial.direction import optical_of_angles

RAY, POINT, LABEL = KINDS = ("ray", "point", "label")  # namespaces; ids are the sources'
RAY_LENGTH_M = 3.0  # of a ray whose source is no one knows how far
SHAFT_M, HEAD_M, HEAD_LENGTH_M, BALL_M, TEXT_M = 0.02, 0.06, 0.12, 0.15, 0.15  # thickness, height
COLOUR = tuple(part / 255 for part in COLOURS[0])  # red, green, blue, as the overlay's first box
MAX_MARKER_ID = 2**31 - 1  # of a marker; a source's may be larger, and begins anew


def markers_message(answer: SoundSourceArray, gone: Iterable[int], lifetime: int) -> MarkerArray:
    """Of each source whose direction is known a ray and its label, and a ball where its distance is known, too.

    gone: ids of sources that are shown no more. lifetime: ns.
    """
    markers = [_marker(answer, kind, identity) for identity in gone for kind in KINDS]
    for source in pointed_at(answer):
        known = math.isfinite(source.distance)
        ray = optical_of_angles(source.bearing, source.elevation) * (source.distance if known else RAY_LENGTH_M)
        tip = Point(**dict(zip("xyz", map(float, ray), strict=True)))
        arrow = _marker(answer, RAY, source.id, Marker.ARROW, lifetime, (SHAFT_M, HEAD_M, HEAD_LENGTH_M))
        arrow.points = [Point(), tip]
        text = _marker(answer, LABEL, source.id, Marker.TEXT_VIEW_FACING, lifetime, (0.0, 0.0, TEXT_M))
        text.pose.position = tip
        text.text = _words(source)
        ball = _marker(answer, POINT, source.id)
        if known:
            ball = _marker(answer, POINT, source.id, Marker.SPHERE, lifetime, (BALL_M, BALL_M, BALL_M))
            ball.pose.position = tip
        markers += [arrow, text, ball]
    return MarkerArray(markers=markers)


def pointed_at(answer: SoundSourceArray) -> list[SoundSource]:
    """The sources whose direction is known."""
    return [source for source in answer.sources if math.isfinite(source.bearing)]


def _words(source: SoundSource) -> str:
    away = f", {source.distance:.1f} m" if math.isfinite(source.distance) else ""
    return f"{source.label}, {math.degrees(source.bearing):+.0f} deg{away}"


def _marker(
    answer: SoundSourceArray,
    kind: str,
    identity: int,
    shape: int | None = None,
    lifetime: int = 0,
    scale: tuple[float, float, float] = (0.0, 0.0, 0.0),
) -> Any:
    """One of that shape, or where there is none, that there is none any more."""
    if shape is None:
        return Marker(header=answer.header, ns=kind, id=identity & MAX_MARKER_ID, action=Marker.DELETE)
    return new_marker(answer.header, kind, identity, shape, scale, (*COLOUR, 1.0), lifetime)


def new_marker(
    header: Header,
    kind: str,
    identity: int,
    shape: int,
    scale: tuple[float, float, float],
    colour: tuple[float, ...],
    lifetime: int,
) -> Any:
    """A marker that is there. kind: its namespace. colour: red, green, blue, alpha, 0..1. lifetime: ns."""
    marker = Marker(header=header, ns=kind, id=identity & MAX_MARKER_ID, type=shape, action=Marker.ADD)
    marker.scale.x, marker.scale.y, marker.scale.z = scale
    marker.color = ColorRGBA(**dict(zip("rgba", colour, strict=True)))
    sec, nanosec = divmod(lifetime, SECOND)
    marker.lifetime = Duration(sec=sec, nanosec=nanosec)
    return marker
