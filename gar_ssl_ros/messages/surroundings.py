"""Cameras, depths and transforms out of their messages: CameraInfo, Image and PointCloud2, TFMessage.

What a message says of its size is judged before anything is made of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import shortened
from gar_ssl_ros.messages.stamps import MAX_FRAME_ID_CHARACTERS, StampError, stamp_of
from gar_ssl_ros.spatial.camera import Camera, CameraError
from gar_ssl_ros.spatial.depth import DepthError, DepthImage, PointCloud
from gar_ssl_ros.spatial.transforms import Transform, TransformError

DEPTH_ENCODINGS = {
    "16uc1": ("u2", 1e-3),
    "mono16": ("u2", 1e-3),
    "32fc1": ("f4", 1.0),
}  # REP-118: of numbers, and m each
MAX_PIXELS = 4096 * 4096  # of a depth image
MAX_POINTS = 2**20  # of a cloud
AXES = ("x", "y", "z")
POINT_TYPES = {7: "f4", 8: "f8"}  # of sensor_msgs/PointField: FLOAT32, FLOAT64


def camera_from_info(message: Any) -> Camera:
    """The camera of a CameraInfo whose images are not rectified, its roi and binning applied. Raises CameraError."""
    p = tuple(map(float, message.p))
    camera = Camera(
        int(message.width),
        int(message.height),
        tuple(map(float, message.k)),
        tuple(map(float, message.d)),
        str(message.distortion_model),
        tuple(map(float, message.r)),
        (*p[0:3], *p[4:7], *p[8:11]),
        frame_id=_frame_id(message, CameraError),
    )
    roi = message.roi
    width, height = roi.width or camera.width, roi.height or camera.height
    return camera.cropped(roi.x_offset, roi.y_offset, width, height, message.binning_x, message.binning_y)


def depth_from_image(message: Any, now: int) -> DepthImage:
    """The depths of an Image of 16UC1 (mm) or 32FC1 (m); as of `now`, ns, where it has no stamp. Raises DepthError."""
    encoding = str(message.encoding).lower()
    if encoding not in DEPTH_ENCODINGS:
        told = shortened(repr(message.encoding))
        raise DepthError(f"its encoding {told} is none of a depth image: have its driver send 16UC1 or 32FC1")
    kind, unit = DEPTH_ENCODINGS[encoding]
    dtype = np.dtype((">" if message.is_bigendian else "<") + kind)
    width, height, step = int(message.width), int(message.height), int(message.step)
    if not 0 < width * height <= MAX_PIXELS:
        raise DepthError(f"it is {width}x{height} pixels: a depth image may have at most {MAX_PIXELS}")
    if step < width * dtype.itemsize or len(message.data) < step * height:
        raise DepthError(
            f"its {len(message.data)} bytes in rows of {step} are not {width}x{height} pixels of {encoding}"
        )
    rows = np.frombuffer(message.data, np.uint8, step * height).reshape(height, step)
    values = np.ascontiguousarray(rows[:, : width * dtype.itemsize]).view(dtype)
    return DepthImage(_stamp(message) or now, values, unit, _frame_id(message, DepthError))


def cloud_from_message(message: Any, now: int) -> PointCloud:
    """The points of a PointCloud2; as of `now`, ns, where it has no stamp. Raises DepthError."""
    fields = {one.name: one for one in message.fields if one.name in AXES}
    if len(fields) < len(AXES) or any(one.datatype not in POINT_TYPES or one.count > 1 for one in fields.values()):
        raise DepthError("it has no x, y and z of FLOAT32 or FLOAT64: take a cloud that has them")
    width, height, step, row = (int(getattr(message, one)) for one in ("width", "height", "point_step", "row_step"))
    count = width * height
    if count > MAX_POINTS:
        raise DepthError(f"it has {count} points: send at most {MAX_POINTS}")
    stamp, frame_id = _stamp(message) or now, _frame_id(message, DepthError)
    if not count:
        return PointCloud(stamp, np.empty((0, 3), np.float32), frame_id)
    order = ">" if message.is_bigendian else "<"
    formats = [order + POINT_TYPES[fields[axis].datatype] for axis in AXES]
    offsets = [int(fields[axis].offset) for axis in AXES]
    needed = max(at + np.dtype(kind).itemsize for at, kind in zip(offsets, formats, strict=True))
    if step < needed or row < width * step or len(message.data) < row * height:
        raise DepthError(f"its {len(message.data)} bytes are not {width}x{height} points of {step} bytes")
    point = np.dtype({"names": list(AXES), "formats": formats, "offsets": offsets, "itemsize": step})
    rows = np.frombuffer(message.data, np.uint8, row * height).reshape(height, row)
    given = np.ascontiguousarray(rows[:, : width * step]).view(point).reshape(-1)
    with np.errstate(over="ignore"):  # a double beyond a float is infinite, and left out
        points: NDArray[np.float32] = np.stack([given[axis].astype(np.float32) for axis in AXES], axis=1)
    return PointCloud(stamp, points[np.isfinite(points).all(axis=1)], frame_id)


def transform_from_message(message: Any) -> tuple[int, Transform]:
    """The stamp, ns, and transform of a TransformStamped. Raises TransformError."""
    moved, turned = message.transform.translation, message.transform.rotation
    try:
        stamp = stamp_of(message.header)
    except StampError as problem:
        raise TransformError(str(problem)) from None
    return stamp, Transform((moved.x, moved.y, moved.z), (turned.x, turned.y, turned.z, turned.w))


def _stamp(message: Any) -> int:
    try:
        return stamp_of(message.header)
    except StampError as problem:
        raise DepthError(str(problem)) from None


def _frame_id(message: Any, refusal: type[CameraError] | type[DepthError]) -> str:
    name = str(message.header.frame_id).lstrip("/")
    if len(name) > MAX_FRAME_ID_CHARACTERS:
        raise refusal(f"its frame_id has {len(name)} characters: give it at most {MAX_FRAME_ID_CHARACTERS}")
    return name
