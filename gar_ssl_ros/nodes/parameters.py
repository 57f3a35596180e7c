"""Every node's parameters: the options of `options.py`, and what only a node has.

From these follow descriptor, range, check, `config/localize.yaml` and the docs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.noise_gate import NoiseGateOptions
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.masks.options import MaskOptions
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.messages.audio.families import PUBLISHED
from gar_ssl_ros.options import Option, Value, options_of
from gar_ssl_ros.reasoners import named_options
from gar_ssl_ros.reasoners.options import ReasonerChoice
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.options import SpatialOptions

DEADLINE_S = 10.0  # s, by default


class Change(Enum):
    """When a parameter may be changed, in words."""

    ANY_TIME = "at any time"
    UNCONFIGURED = "while the node is unconfigured"
    NEVER = "only at the start of the node"


class ParameterError(OptionError):
    """A value that a parameter cannot have: one sentence."""


@dataclass(frozen=True)
class ParameterSpec(Option):
    """A parameter. Its type, other than an option's, is its default's to the letter, as ROS 2 has it.

    or_number: True if a whole number is taken for its digits, as of a device, which need no quotes then.
    """

    change: Change = Change.ANY_TIME
    or_number: bool = False

    def check(self, value: Value) -> None:
        """Raises ParameterError where it cannot have that value."""
        try:
            super().check(value)
        except OptionError as problem:
            raise ParameterError(str(problem)) from None

    def _is_of_type(self, value: Value) -> bool:
        return type(value) is type(self.default)


def parameters(declared: Iterable[Option], change: Change = Change.ANY_TIME) -> Iterator[ParameterSpec]:
    """Options as parameters."""
    return (ParameterSpec(**vars(one), change=change) for one in declared if one.offered)


LOCALIZER = (
    ParameterSpec(
        "autostart", True, "configure and activate at the start, without a lifecycle manager", change=Change.NEVER
    ),
    *parameters(options_of(ReasonerChoice), Change.UNCONFIGURED),
    *parameters(named_options(), Change.UNCONFIGURED),
    *parameters(options_of(WindowOptions)),
    ParameterSpec(
        "deadline", DEADLINE_S, "what a window may take, s; one that takes longer ends as TIMEOUT", 0.1, 600.0
    ),
    *parameters(options_of(GarOptions)),
    *parameters(options_of(NoiseGateOptions)),
    *parameters(options_of(MaskOptions), Change.UNCONFIGURED),
    ParameterSpec(
        "reliability",
        "auto",
        "of the subscriptions: that of the publisher (auto), or one that is insisted on",
        choices=("auto", "best_effort", "reliable"),
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "detections",
        False,
        "whether to listen to the robot's own detector on `detections_in`, whose ids its sources then have",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "humans",
        False,
        "whether to listen to the faces and bodies of ROS4HRI (hri_msgs), whose ids its sources then have",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "voices",
        False,
        "whether to tell who speaks on /humans/voices (ROS4HRI), matched with its faces and bodies",
        change=Change.UNCONFIGURED,
    ),
    *parameters(options_of(SpatialOptions), Change.UNCONFIGURED),
    *parameters(options_of(HearingOptions), Change.UNCONFIGURED),
    ParameterSpec(
        "device_directions",
        False,
        "whether to take the directions of sound from a device that tells them by itself on `directions_in`, in place "
        "of an array's",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "direction_frames",
        False,
        "whether to tell the directions of sound as frames `direction_ID` in tf, too",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "beam",
        "",
        "from where the sound on `~/beam` comes, such as `source 3`; none where empty",
        pattern=r"(loudest|(source|direction) \d{1,9})?",
        fits="`loudest`, or `source` or `direction` and its id",
    ),
    ParameterSpec(
        "ask_model",
        "",
        "the folder of a trained model of spatial questions that answers `~/ask`; answered without weights where empty",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "overlay_rate",
        30.0,
        "images a second on `~/image_annotated` and `~/annotations` at most; 0: the image of each final answer only",
        0.0,
        240.0,
    ),
)

AUDIO_TYPE = ParameterSpec(
    "audio_type",
    "auto",
    "whose audio messages to publish; auto: those that the topic's subscribers understand, else ros-drivers'",
    choices=("auto", *PUBLISHED),
    change=Change.NEVER,
)

LIST = ParameterSpec("list", False, "print the devices and end", change=Change.NEVER)
CAMERA_FRAME_ID = ParameterSpec("frame_id", "camera_optical_frame", "of the images (REP-103)", change=Change.NEVER)
CALIBRATION = ParameterSpec(
    "calibration",
    "",
    "a file of camera_calibration, to be sent on `camera_info` with each image; none where empty",
    change=Change.NEVER,
)

LISTENERS = (
    ParameterSpec(
        "wait",
        0.0,
        "before a recording begins, wait at most so long for `listeners` to listen to each topic, s",
        0.0,
        3600.0,
        change=Change.NEVER,
    ),
    ParameterSpec("listeners", 1, "how many nodes to wait for", 1, 100, change=Change.NEVER),
)

COMPRESSED = ParameterSpec(
    "compressed",
    False,
    "send CompressedImage on `image/compressed`, JPEG as it comes where it does, in place of Image on `image`",
    change=Change.NEVER,
)

PLAYER = (
    ParameterSpec("clip", "", "the recording to play: any that FFmpeg reads", change=Change.NEVER),
    ParameterSpec("rate", 1.0, "how fast: 2 is twice as fast as it was recorded", 0.05, 20.0, change=Change.NEVER),
    ParameterSpec("loop", False, "begin again at the end", change=Change.NEVER),
    ParameterSpec("start", 0.0, "where to begin, s of the recording", 0.0, 1e6, change=Change.NEVER),
    replace(COMPRESSED, help="send CompressedImage on `image/compressed`, as JPEG, in place of Image on `image`"),
    *LISTENERS,
    CAMERA_FRAME_ID,
    CALIBRATION,
    AUDIO_TYPE,
)

CAMERA = (
    ParameterSpec(
        "device",
        "",
        "the camera: its number, part of its name, /dev/..., a http or rtsp address, or a file; the first where empty",
        change=Change.NEVER,
        or_number=True,
    ),
    LIST,
    ParameterSpec("width", 640, "to ask the device for, pixels; 0: its own", 0, 4096, change=Change.NEVER),
    ParameterSpec("height", 480, "to ask the device for, pixels; 0: its own", 0, 4096, change=Change.NEVER),
    ParameterSpec("rate", 30.0, "to ask the device for, images/s; 0: its own", 0.0, 240.0, change=Change.NEVER),
    COMPRESSED,
    ParameterSpec("loop", False, "begin a file again at its end", change=Change.NEVER),
    *LISTENERS,
    CAMERA_FRAME_ID,
    CALIBRATION,
)

MICROPHONE = (
    ParameterSpec(
        "device",
        "",
        "the microphone: its number, or part of its name; the system's choice where empty",
        change=Change.NEVER,
        or_number=True,
    ),
    LIST,
    ParameterSpec("channels", 1, "to record; as many as the array has, where one is named", 1, 8, change=Change.NEVER),
    ParameterSpec(
        "array", "", "the microphone array, as of the localizer: all its channels are recorded", change=Change.NEVER
    ),
    ParameterSpec("rate", 16000, "samples a second, Hz", 1000, 768000, change=Change.NEVER),
    ParameterSpec("chunk", 0.1, "length of a message's sound, s", 0.01, 2.0, change=Change.NEVER),
    ParameterSpec("frame_id", "microphone", "of the sound", change=Change.NEVER),
    AUDIO_TYPE,
)

RECORDER = (
    ParameterSpec("bag", "", "the new rosbag2, a folder; of several with `piece` or `keep`", change=Change.NEVER),
    ParameterSpec("topics", "", "to record, separated by spaces", change=Change.NEVER),
    ParameterSpec(
        "piece",
        0.0,
        "length of each of several bags, s; 0: one bag, or with `keep` a tenth of that, within 5 and 60",
        0.0,
        86400.0,
        change=Change.NEVER,
    ),
    ParameterSpec(
        "keep", 0.0, "delete what is older, bag by bag, s; 0: keep everything", 0.0, 31536000.0, change=Change.NEVER
    ),
)

FUSE = (
    ParameterSpec(
        "topics",
        "",
        "the localizers' `sources`, separated by spaces; all that the graph has where empty",
        change=Change.NEVER,
    ),
    ParameterSpec(
        "target_frame",
        "",
        "in which places are compared, as the localizers' own target_frame; that of most of them where empty",
        change=Change.NEVER,
    ),
    ParameterSpec("timeout", 15.0, "after which a silent camera's sounds count no more, s", 0.5, 3600.0),
)

NODES: Mapping[str, tuple[ParameterSpec, ...]] = {
    "localizer": LOCALIZER,
    "player": PLAYER,
    "camera": CAMERA,
    "microphone": MICROPHONE,
    "recorder": RECORDER,
    "fuse": FUSE,
}


def yaml(declared: Sequence[ParameterSpec]) -> str:
    """A ROS 2 parameter file with the defaults, for any node that has them."""
    lines = [
        "# Every parameter of the localizer at its default; `make schema` makes this of nodes/parameters.py.",
        "/**:",
        "  ros__parameters:",
    ]
    for one in declared:
        lines.append(f"    # {one.help}" + (f" ({one.span})" if one.span else ""))
        lines.append(f"    {one.name}: {_written(one.default)}")
    return "\n".join(lines) + "\n"


def table(declared: Sequence[ParameterSpec]) -> str:
    """The same as a table in Markdown."""
    rows = ["| parameter | default | range | |", "|---|---|---|---|"]
    for one in declared:
        change = f" (changed {one.change.value})" if one.change is Change.UNCONFIGURED else ""
        rows.append(f"| `{one.name}` | `{_written(one.default)}` | {one.span} | {one.help}{change} |")
    return "\n".join(rows) + "\n"


def _written(value: Value) -> str:
    """As YAML has it, so that a float stays one."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
