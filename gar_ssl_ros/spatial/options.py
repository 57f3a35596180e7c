"""What is told of where a source is, beside its box."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.options import Options, option


@dataclass(frozen=True)
class SpatialOptions(Options):
    """Raises OptionError where one is out of range."""

    directions: bool = option(True, "whether to say where sources are, by the CameraInfo on `camera_info`")
    rectified: str = option(
        "auto",
        "whether the images are rectified, so that P of the CameraInfo counts; auto: by `rect` in their topic's name",
        choices=("auto", "always", "never"),
    )
    depth: str = option(
        "none",
        "what distances are taken from: an image on `depth`, or a PointCloud2 on `points`",
        choices=("none", "image", "points"),
    )
    target_frame: str = option(
        "",
        "the frame, such as base_link, in which positions and bearings are told, too; none where empty",
        pattern=r"[\w/.-]{0,256}",
        fits="the name of a frame",
    )
