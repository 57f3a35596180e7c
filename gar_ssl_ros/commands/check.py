"""`gar-ssl check`: what is here, what is missing, and what to do about it."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, TypeAlias

from gar_ssl_ros.commands.arguments import DONE, FAILED, Commands, seconds

if TYPE_CHECKING:
    from gar_ssl_ros.nodes.graph import SeenTopic

# Each package's name, what it is imported as, and what needs it; everything does where that is empty.
PACKAGES = (
    ("numpy", "numpy", ""),
    ("opencv-python-headless", "cv2", ""),
    ("av", "av", ""),
    ("soxr", "soxr", ""),
    ("pydantic", "pydantic", ""),
    ("tqdm", "tqdm", ""),
    ("rosbags", "rosbags", "gar-ssl bag, and the nodes where ROS 2 is not installed"),
    ("cyclonedds", "cyclonedds", "the nodes where ROS 2 is not installed"),
)
ENVIRONMENT = (
    "ROS_DISTRO",
    "RMW_IMPLEMENTATION",
    "ROS_DOMAIN_ID",
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_LOCALHOST_ONLY",
    "ROS_STATIC_PEERS",
    "CYCLONEDDS_URI",
)
ANSWERS = ("gar_ssl_ros/msg/SoundSourceArray", "vision_msgs/msg/Detection2DArray")


@dataclass(frozen=True)
class Finding:
    """One fact. remedy: what to do where it is not as it should be. needed: whether nothing works without."""

    subject: str
    fact: str
    remedy: str = ""
    needed: bool = False

    @property
    def mark(self) -> str:
        """How it stands before the line."""
        return "ok" if not self.remedy else "PROBLEM" if self.needed else "note"


Check: TypeAlias = Callable[[argparse.Namespace], Iterator[Finding]]


def add(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="check this machine and its graph",
        description="Look at the interpreter, the packages, the reasoners, the microphones and the graph, "
        "and tell what is missing and what to do. Exit status: 0 all that is needed is there, 1 it is not.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--listen", type=seconds, default=3.0, metavar="S", help="how long to watch the topics, s")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    code = DONE
    for check in CHECKS:
        for finding in _findings(check, options):
            print(f"{finding.mark:<9}{finding.subject:<30}{finding.fact}", flush=True)
            if finding.remedy:
                print(f"{'':<9}{'':<30}-> {finding.remedy}", flush=True)
            if finding.mark == "PROBLEM":
                code = FAILED
    return code


def _findings(check: Check, options: argparse.Namespace) -> Iterator[Finding]:
    """Those of one check, which itself may need what is missing."""
    try:
        yield from check(options)
    except Exception as problem:
        yield Finding(check.__name__, f"cannot be looked at: {_sentence(problem)}", "mend what is told above first")


def interpreter(_options: argparse.Namespace) -> Iterator[Finding]:
    """Python itself."""
    remedy = "run gar-ssl with Python 3.10 or later" if sys.version_info < (3, 10) else ""
    yield Finding("Python", f"{sys.version.split()[0]}, {sys.executable}", remedy, needed=True)


def packages(_options: argparse.Namespace) -> Iterator[Finding]:
    """What is imported, by importing it: a package may be there and not fit the others."""
    for name, module, use in PACKAGES:
        try:
            import_module(module)
        except Exception as problem:
            remedy = f"pip install --upgrade {name}{f' (for {use})' if use else ''}"
            yield Finding(name, f"cannot be imported: {_sentence(problem)}", remedy, needed=not use)
        else:
            yield Finding(name, _version(name))


def ros(_options: argparse.Namespace) -> Iterator[Finding]:
    """Which rclpy the nodes run on, and what says with whom they speak."""
    from gar_ssl_ros.nodes import ros as chosen

    yield Finding("ROS 2", chosen.described())
    told = [f"{name}={os.environ[name]}" for name in ENVIRONMENT if name in os.environ]
    yield Finding("environment", ", ".join(told) or "none of ROS 2's variables is set: domain 0")


def reasoners(_options: argparse.Namespace) -> Iterator[Finding]:
    """Each made as a node would make it."""
    from gar_ssl_ros.reasoners import NAMES, reasoner

    for name in NAMES:
        try:
            made = reasoner(name)
        except Exception as problem:
            yield Finding(f"reasoner {name}", _sentence(problem), "install what it names, or choose another reasoner")
        else:
            yield Finding(f"reasoner {name}", f"ready; {made.model or 'needs no weights'}")


def microphones(_options: argparse.Namespace) -> Iterator[Finding]:
    """What can be recorded from."""
    import gar_ssl_ros.nodes.ros  # noqa: F401  # before whatever needs rclpy
    from gar_ssl_ros.nodes.microphone import MicrophoneError, devices

    try:
        found = devices()
    except MicrophoneError as problem:
        fact, _, remedy = str(problem).partition(": ")
        yield Finding("microphones", fact, remedy)
        return
    for device in found:
        fact = f"{device['name']}: {device['max_input_channels']} channels, {device['default_samplerate']:.0f} Hz"
        yield Finding(f"microphone {device['index']}", fact)
    if not found:
        yield Finding("microphones", "none", "plug one in and see `arecord -l`; only gar-ssl run microphone needs it")


def topics(options: argparse.Namespace) -> Iterator[Finding]:
    """The graph, watched for a while."""
    from gar_ssl_ros.nodes import ros as chosen  # noqa: F401  # before whatever needs rclpy
    from gar_ssl_ros.nodes.audio import INFO_TYPE, TYPES
    from gar_ssl_ros.nodes.graph import watch
    from gar_ssl_ros.nodes.listening import IMAGE_TYPES

    graph = watch(options.listen, frozenset((*IMAGE_TYPES, *TYPES, INFO_TYPE, *ANSWERS)))
    nobody = "start the robot's nodes, with the same ROS_DOMAIN_ID; multicast must reach them"
    yield Finding("nodes", ", ".join(graph.nodes) or "none seen", "" if graph.nodes else nobody)
    for topic in graph.topics:
        yield _topic(topic)
    published = {kind for topic in graph.topics if topic.publishers for kind in topic.types}
    if not published & set(IMAGE_TYPES):
        yield Finding("images", "nobody publishes any", "start the camera's driver, or gar-ssl run player")
    if not published & set(TYPES):
        yield Finding("sound", "nobody publishes any", "gar-ssl run microphone, or start an audio_common driver")
    if graph.others:
        yield Finding("other topics", f"{graph.others}, of types that the localizer has no use for")


def _topic(topic: SeenTopic) -> Finding:
    kinds = ", ".join(topic.types)
    ends = f"{topic.publishers} publish, {topic.subscribers} listen"
    fact = f"{kinds}; {topic.rate:.1f} Hz; {' and '.join(topic.qos) or 'nobody offers it'}; {ends}"
    remedy = ""
    if len(topic.types) > 1:
        remedy = "one topic with several types: remap one of its publishers"
    elif not topic.publishers:
        remedy = f"start what publishes {topic.name}, or remap whoever listens to the topic that is there"
    elif not topic.received and topic.types[0] not in ANSWERS:
        remedy = "nothing came: is its driver running, and does a firewall or a router keep UDP from here?"
    return Finding(topic.name, fact, remedy)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # by another name, as apt's python3-opencv
        return "there"


def _sentence(problem: Exception) -> str:
    return (str(problem).strip() or type(problem).__name__).splitlines()[-1]


CHECKS: Sequence[Check] = (interpreter, packages, ros, reasoners, microphones, topics)
