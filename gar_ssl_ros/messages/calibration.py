"""A camera's calibration out of the YAML that camera_calibration writes, as camera_calibration_parsers reads it."""

from __future__ import annotations

from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sensor_msgs.msg import CameraInfo

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.files import path_of, read_text
from gar_ssl_ros.messages.surroundings import camera_from_info
from gar_ssl_ros.spatial.camera import CameraError

MAX_SIDE = 2**16  # pixels, which no camera has


class CalibrationError(UserError):
    """A file that describes no camera: one sentence that names it, what is wrong and what to do."""


class Matrix(BaseModel):
    """A matrix by rows."""

    model_config = ConfigDict(frozen=True)

    data: tuple[float, ...]


class Square(Matrix):
    """3 x 3."""

    data: tuple[float, ...] = Field(min_length=9, max_length=9)


class Projection(Matrix):
    """3 x 4."""

    data: tuple[float, ...] = Field(min_length=12, max_length=12)


class Calibration(BaseModel):
    """The file. image_width, image_height: pixels of the images that it is of. Whatever else it has is left alone."""

    model_config = ConfigDict(frozen=True)

    image_width: int = Field(gt=0, lt=MAX_SIDE)
    image_height: int = Field(gt=0, lt=MAX_SIDE)
    camera_matrix: Square
    distortion_model: str = "plumb_bob"
    distortion_coefficients: Matrix
    rectification_matrix: Square
    projection_matrix: Projection


def camera_info_from_file(name: str) -> CameraInfo:
    """The CameraInfo, but for its header, of a file by its path or file:// address. Raises CalibrationError."""
    path = path_of(name)
    try:
        return camera_info_from_text(read_text(path))
    except OSError as problem:
        raise CalibrationError(f"the calibration {path} cannot be read ({problem.strerror}): check the path") from None
    except CalibrationError as problem:
        raise CalibrationError(f"the calibration {path}: {problem}") from None


def camera_info_from_text(text: str) -> CameraInfo:
    """The same of the file's text. Raises CalibrationError."""
    remedy = "give the file that camera_calibration writes"
    try:
        told: Any = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        line = getattr(getattr(problem, "problem_mark", None), "line", None)
        where = "" if line is None else f" in line {line + 1}"
        raise CalibrationError(f"it is no YAML{where}: {remedy}") from None
    if not isinstance(told, dict):
        raise CalibrationError(f"it is no mapping of names to values: {remedy}")
    try:
        read = Calibration.model_validate(told)
    except ValidationError as problem:
        first = problem.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise CalibrationError(f"{where}: {first['msg'][:1].lower()}{first['msg'][1:]}: {remedy}") from None
    info = CameraInfo(
        width=read.image_width,
        height=read.image_height,
        distortion_model=read.distortion_model,
        d=list(read.distortion_coefficients.data),
        k=list(read.camera_matrix.data),
        r=list(read.rectification_matrix.data),
        p=list(read.projection_matrix.data),
    )
    try:
        camera_from_info(info)
    except CameraError as problem:
        raise CalibrationError(str(problem)) from None
    return info
