"""What a user says of a microphone array, and what is to be told of it."""

from __future__ import annotations

from dataclasses import dataclass

from gar_ssl_ros.options import Options, option
from gar_ssl_ros.spatial.options import FRAME_FITS, FRAME_PATTERN

NUMBERS = r"[-+\d.eE,;\s]*"


@dataclass(frozen=True)
class HearingOptions(Options):
    """Raises OptionError where one is out of range."""

    array: str = option(
        "",
        "the microphone array: one of those that are known, or a YAML file that describes one; nothing is told of "
        "directions where it and array_positions are empty",
    )
    array_channels: str = option(
        "",
        "the recording's channels that carry the array's, from 0 on, such as `2, 3, 4, 5`; the array's own where empty",
        pattern=r"[\d,\s]*",
        fits="numbers of channels, such as `2, 3, 4, 5`",
    )
    array_positions: str = option(
        "",
        "where each microphone of an array of your own is, m, x forward, y left, z up, such as `0 0.05 0; 0 -0.05 0`",
        pattern=NUMBERS,
        fits="three numbers for each microphone, such as `0 0.05 0; 0 -0.05 0`",
    )
    array_frame: str = option(
        "",
        "the array's frame in tf; where empty, that of the audio messages",
        pattern=FRAME_PATTERN,
        fits=FRAME_FITS,
    )
    array_to_camera: str = option(
        "",
        "where the camera is in the array's frame, `x y z roll pitch yaw`, m and rad, of a camera's body axes (x along "
        "its view, z up); taken from tf where empty",
        pattern=NUMBERS,
        fits="six numbers, `x y z roll pitch yaw`",
    )
    array_directions: int = option(2, "how many directions are told at a time, at most", least=1, most=4)
    gate: float = option(
        0.25,
        "how far from the direction of a sound, rad, beyond what is not known of that, something may be that makes it",
        least=0.01,
        most=1.5,
    )
    fmin: float = option(300.0, "lowest frequency that directions are told by, Hz", least=20.0, most=20_000.0)
    fmax: float = option(7000.0, "highest frequency that directions are told by, Hz", least=100.0, most=24_000.0)
