"""One declaration a parameter, from which descriptor, range, check, `config/localize.yaml` and the docs follow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from gar_ssl_ros.errors import OptionError

Value: TypeAlias = bool | int | float | str
LONGEST = 4096  # characters of a text, as of a path


class Change(Enum):
    """When a parameter may be changed, in words."""

    ANY_TIME = "at any time"
    UNCONFIGURED = "while the node is unconfigured"
    NEVER = "only at the start of the node"


class ParameterError(OptionError):
    """A value that a parameter cannot have: one sentence."""


@dataclass(frozen=True)
class ParameterSpec:
    """A parameter.

    default: its type is the parameter's. least, most: of a number, both inclusive. choices: of a text; any where empty.
    """

    name: str
    default: Value
    description: str
    least: float | None = None
    most: float | None = None
    choices: tuple[str, ...] = ()
    change: Change = Change.ANY_TIME

    def check(self, value: Value) -> None:
        """Raises ParameterError where it cannot have that value."""
        if type(value) is not type(self.default):
            told = f"a {type(value).__name__}, not a {type(self.default).__name__}"
            raise ParameterError(f"{self.name} is {told}: give one such as {self.default!r}")
        if isinstance(value, str) and len(value) > LONGEST:
            raise ParameterError(f"{self.name} has {len(value)} characters: give it at most {LONGEST}")
        low, high = self.least, self.most
        if isinstance(value, (int, float)) and low is not None and high is not None and not low <= value <= high:
            raise ParameterError(f"{self.name} is {value}: it must lie in {low:g}..{high:g}")
        if self.choices and value not in self.choices:
            raise ParameterError(f"{self.name} is {value!r}: choose one of {', '.join(map(repr, self.choices))}")

    @property
    def span(self) -> str:
        """What a value must be, beyond its type, in words; empty where any will do."""
        if self.choices:
            return ", ".join(self.choices)
        return "" if self.least is None or self.most is None else f"{self.least:g} to {self.most:g}"


LOCALIZER = (
    ParameterSpec(
        "autostart", True, "configure and activate at the start, without a lifecycle manager", change=Change.NEVER
    ),
    ParameterSpec(
        "reasoner",
        "auto",
        "who answers the stages: a name as of `gar-ssl localize --reasoner`, of which auto is senses where its models "
        "are here, else signal; at the start, one's own as `module:factory` too",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "fallback",
        "",
        "who answers where the reasoner fails or is missing; nobody where empty",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "model",
        "",
        "of omni: the folder of its weights, or its id in the hub's cache; chosen at the start",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec("device", "auto", "of the model: auto, balanced, cpu, cuda or cuda:N", change=Change.UNCONFIGURED),
    ParameterSpec(
        "dtype",
        "auto",
        "of the model, of what is not quantized",
        choices=("auto", "float32", "bfloat16", "float16"),
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "quantize",
        "none",
        "the model at loading, by bitsandbytes",
        choices=("none", "nf4", "int8"),
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "attention",
        "sdpa",
        "the model's implementation of it",
        choices=("sdpa", "eager", "flash_attention_2"),
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec(
        "compile", False, "the model, by torch.compile: slow to load, faster to answer", change=Change.UNCONFIGURED
    ),
    ParameterSpec("seed", 0, "of the model's analysis trials", 0, 2**31 - 1, change=Change.UNCONFIGURED),
    ParameterSpec(
        "off_screen",
        False,
        "whether the model may say that nothing in view makes the sound",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec("grounded", False, "whether the model says where each anchor is seen", change=Change.UNCONFIGURED),
    ParameterSpec(
        "early",
        False,
        "whether the model's trials end once the others cannot change the vote",
        change=Change.UNCONFIGURED,
    ),
    ParameterSpec("window", 3.0, "length of a window, s", 0.5, 60.0),
    ParameterSpec("hop", 1.0, "from one window to the next, s; later where the reasoner takes longer", 0.1, 60.0),
    ParameterSpec("deadline", 10.0, "what a window may take; one that takes longer ends as TIMEOUT, s", 0.1, 600.0),
    ParameterSpec("sources", 1, "sources to look for at most", 1, 16),
    ParameterSpec("trials", 5, "analysis trials", 1, 50),
    ParameterSpec("tau_av", 0.5, "gate: least audio-visual consistency for the first box to stand", 0.0, 1.0),
    ParameterSpec("tau_aud", 0.75, "gate: least audio confidence for the first box to stand", 0.0, 1.0),
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
)

PLAYER = (
    ParameterSpec("clip", "", "the recording to play: any that FFmpeg reads", change=Change.NEVER),
    ParameterSpec("rate", 1.0, "how fast: 2 is twice as fast as it was recorded", 0.05, 20.0, change=Change.NEVER),
    ParameterSpec("loop", False, "begin again at the end", change=Change.NEVER),
    ParameterSpec("start", 0.0, "where to begin, s of the recording", 0.0, 1e6, change=Change.NEVER),
    ParameterSpec(
        "wait",
        0.0,
        "wait at most so long for `listeners` to listen to both topics, s",
        0.0,
        3600.0,
        change=Change.NEVER,
    ),
    ParameterSpec("listeners", 1, "how many nodes to wait for", 1, 100, change=Change.NEVER),
    ParameterSpec("frame_id", "camera_optical_frame", "of the images (REP-103)", change=Change.NEVER),
)

MICROPHONE = (
    ParameterSpec(
        "device",
        "",
        "the microphone: its number, or part of its name; the system's choice where empty",
        change=Change.NEVER,
    ),
    ParameterSpec("list", False, "print the devices and end", change=Change.NEVER),
    ParameterSpec("channels", 1, "to record", 1, 8, change=Change.NEVER),
    ParameterSpec("rate", 16000, "samples a second, Hz", 1000, 768000, change=Change.NEVER),
    ParameterSpec("chunk", 0.1, "length of a message's sound, s", 0.01, 2.0, change=Change.NEVER),
    ParameterSpec("frame_id", "microphone", "of the sound", change=Change.NEVER),
)

RECORDER = (
    ParameterSpec("bag", "", "the new rosbag2, a folder", change=Change.NEVER),
    ParameterSpec("topics", "", "to record, separated by spaces", change=Change.NEVER),
)

NODES: Mapping[str, tuple[ParameterSpec, ...]] = {
    "localizer": LOCALIZER,
    "player": PLAYER,
    "microphone": MICROPHONE,
    "recorder": RECORDER,
}


def yaml(parameters: Sequence[ParameterSpec]) -> str:
    """A ROS 2 parameter file with the defaults, for any node that has them."""
    lines = [
        "# Every parameter of the localizer at its default; `make schema` makes this of nodes/parameters.py.",
        "/**:",
        "  ros__parameters:",
    ]
    for one in parameters:
        lines.append(f"    # {one.description}" + (f" ({one.span})" if one.span else ""))
        lines.append(f"    {one.name}: {_written(one.default)}")
    return "\n".join(lines) + "\n"


def table(parameters: Sequence[ParameterSpec]) -> str:
    """The same as a table in Markdown."""
    rows = ["| parameter | default | range | |", "|---|---|---|---|"]
    for one in parameters:
        change = f" (changed {one.change.value})" if one.change is Change.UNCONFIGURED else ""
        rows.append(f"| `{one.name}` | `{_written(one.default)}` | {one.span} | {one.description}{change} |")
    return "\n".join(rows) + "\n"


def _written(value: Value) -> str:
    """As YAML has it, so that a float stays one."""
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
