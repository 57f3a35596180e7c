"""A microphone array beside a recording's camera: what `localize` and `calibrate` are told of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from gar_ssl_ros.commands.arguments import number
from gar_ssl_ros.commands.choice import add_options
from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.options import from_values, options_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions

if TYPE_CHECKING:
    from gar_ssl_ros.spatial.hearing.windows import Lens, WindowListener


def add_hearing(parser: argparse.ArgumentParser, camera: bool = True) -> None:
    """Add the array's options. camera: True if the camera has to be told, too."""
    group = parser.add_argument_group("a microphone array beside the camera")
    add_options(group, [one for one in options_of(HearingOptions) if one.name != "array_frame"])
    if camera:
        told = "how much the camera sees across, degrees, in place of a calibration; 360 of a panorama"
        group.add_argument("--camera-info", metavar="FILE", help="its calibration, as camera_calibration writes it")
        group.add_argument("--hfov", type=number(1, 360), metavar="DEGREES", help=told)


def chosen_hearing(options: argparse.Namespace, camera: bool = True) -> Callable[[], WindowListener] | None:
    """Makes a listener for one recording; None where no array is asked for. Raises UserError."""
    from gar_ssl_ros.spatial.hearing.catalog import array_of
    from gar_ssl_ros.spatial.hearing.mounting import camera_in_array
    from gar_ssl_ros.spatial.hearing.windows import WindowListener

    hearing = from_values(HearingOptions, vars(options))
    array = array_of(hearing)
    if array is None:
        return None
    lens, mounted = lens_of(options) if camera else None, hearing.array_to_camera
    if not mounted:
        mounted = "0 0 0 0 0 0"
        told = (
            "the camera is taken to be where the array is, and to look along its x: `gar-ssl calibrate` measures that"
        )
        print(f"gar-ssl: note: array_to_camera is not given: {told}", file=sys.stderr)
    to_array = camera_in_array(mounted)
    return lambda: WindowListener(array, hearing, lens, to_array)


def lens_of(options: argparse.Namespace) -> Lens:
    """Of the camera that was told. Raises UserError."""
    from gar_ssl_ros.messages import ros  # noqa: F401  # before what imports sensor_msgs
    from gar_ssl_ros.messages.calibration import camera_info_from_file
    from gar_ssl_ros.messages.surroundings import camera_from_info
    from gar_ssl_ros.spatial.hearing.windows import lens_of_hfov

    if (options.camera_info is None) == (options.hfov is None):
        raise UsageError("an array is beside a camera: say with --camera-info FILE, or with --hfov, what that sees")
    if options.hfov is not None:
        return lens_of_hfov(options.hfov)
    return camera_from_info(camera_info_from_file(options.camera_info)).scaled
