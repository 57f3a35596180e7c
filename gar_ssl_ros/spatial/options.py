"""What is told of where a source is, beside its box."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.options import Options, option

FRAME_PATTERN, FRAME_FITS = r"[\w/.-]{0,256}", "the name of a frame"


@dataclass(frozen=True)
class SpatialOptions(Options):
    """Raises OptionError where one is out of range, UsageError where a goal is asked for that cannot be known."""

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
        pattern=FRAME_PATTERN,
        fits=FRAME_FITS,
    )
    goal_distance: float = option(
        0.0, "how far before the surest source the pose on `~/goal` lies, m; no goals where 0", least=0.0, most=100.0
    )
    goal_consistency: float = option(0.6, "least S_av of a source to be a goal", least=0.0, most=1.0)

    def __post_init__(self) -> None:
        """A goal needs a position in a frame."""
        super().__post_init__()
        if self.goal_distance and not (self.directions and self.target_frame and self.depth != "none"):
            raise UsageError(
                f"goal_distance is {self.goal_distance:g}, but no position will be known: set target_frame and depth, "
                "and leave directions on"
            )
