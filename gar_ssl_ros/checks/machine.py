"""The machine and its graph: the interpreter, the packages, the reasoners, the cameras and microphones, the topics."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from gar_ssl_ros.checks import Finding
from gar_ssl_ros.errors import sentence

if TYPE_CHECKING:
    from gar_ssl_ros.media.devices import Device
    from gar_ssl_ros.nodes.graph import SeenTopic

# Each package's name, what it is imported as, and what needs it; everything does where that is empty.
PACKAGES = (
    ("numpy", "numpy", ""),
    ("opencv-python-headless", "cv2", ""),
    ("av", "av", ""),
    ("soxr", "soxr", ""),
    ("librosa", "librosa", ""),
    ("numba", "numba", ""),  # which librosa loads only when it measures, and which fits some NumPys alone
    ("pydantic", "pydantic", ""),
    ("pyyaml", "yaml", ""),
    ("tqdm", "tqdm", ""),
    ("rosbags", "rosbags", "gar-ssl bag, and the nodes where ROS 2 is not installed"),
    ("cyclonedds", "cyclonedds", "the nodes where ROS 2 is not installed"),
)
ENVIRONMENT_VARIABLES = (
    "ROS_DISTRO",
    "RMW_IMPLEMENTATION",
    "ROS_DOMAIN_ID",
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_LOCALHOST_ONLY",
    "ROS_STATIC_PEERS",
    "CYCLONEDDS_URI",
)
ANSWER_TYPES = ("gar_ssl_ros/msg/SoundSourceArray", "vision_msgs/msg/Detection2DArray")


def interpreter() -> Iterator[Finding]:
    """Python itself."""
    remedy = "run gar-ssl with Python 3.10 or later" if sys.version_info < (3, 10) else ""
    yield Finding("Python", f"{sys.version.split()[0]}, {sys.executable}", remedy, needed=True)


def packages() -> Iterator[Finding]:
    """What is imported, by importing it: a package may be there and not fit the others."""
    for name, module, use in PACKAGES:
        try:
            import_module(module)
        except Exception as problem:
            remedy = f"{sys.executable} -m pip install --upgrade {name}{f' (for {use})' if use else ''}"
            yield Finding(name, f"cannot be imported: {sentence(problem)}", remedy, needed=not use)
        else:
            yield Finding(name, _version(name))


def ros() -> Iterator[Finding]:
    """Which rclpy the nodes run on, and what says with whom they speak."""
    from gar_ssl_ros.messages import ros as chosen

    yield Finding("ROS 2", chosen.described())
    told = [f"{name}={os.environ[name]}" for name in ENVIRONMENT_VARIABLES if name in os.environ]
    yield Finding("environment", ", ".join(told) or "none of ROS 2's variables is set: domain 0")


def reasoners() -> Iterator[Finding]:
    """Each made as a node would make it."""
    from gar_ssl_ros.gar.reasoner import ReasonerError
    from gar_ssl_ros.reasoners import AUTO, names, reasoner

    ready = set()
    for name in names():
        if name == AUTO:
            continue
        try:
            made = reasoner(name)
        except ReasonerError as problem:
            fact, _, remedy = str(problem).partition(": ")
            yield Finding(f"reasoner {name}", fact, remedy or "choose another reasoner")
        else:
            ready.add(name)
            yield Finding(f"reasoner {name}", f"ready; {made.model or 'needs no weights'}")
    yield Finding(f"reasoner {AUTO}", f"ready; {'senses' if 'senses' in ready else 'signal'} answers")


def models() -> Iterator[Finding]:
    """The small ones that senses uses."""
    from gar_ssl_ros.gar.reasoner import ReasonerError
    from gar_ssl_ros.perception import store
    from gar_ssl_ros.perception.catalog import MODELS, obtaining
    from gar_ssl_ros.reasoners.senses.senses import FACES, OBJECTS, PICTURES, SPEAKERS, TAGS

    here: list[str] = []
    installed: list[str] = []
    missing: list[str] = []
    remedies: list[str] = []
    try:
        folder = store.folder()
        for name in (TAGS, FACES, SPEAKERS, *OBJECTS, PICTURES):
            try:
                found = store.find(name)
                (missing if found is None else installed if store.by_pip(found) else here).append(name)
            except (ReasonerError, OSError) as problem:
                remedies.append(sentence(problem))
    except ReasonerError as problem:  # there is no folder
        yield Finding("models of senses", "none", sentence(problem))
        return
    if fetched := [name for name in missing if MODELS[name].fetched]:
        remedies.append(f"gar-ssl models get {' '.join(fetched)}")
    remedies += [obtaining(MODELS[name]) for name in missing if not MODELS[name].fetched]
    by_pip = f"; {', '.join(installed)} by pip" if installed else ""
    yield Finding("models of senses", f"{', '.join(here) or 'none'} in {folder}{by_pip}", "; ".join(remedies))


def microphones() -> Iterator[Finding]:
    """What can be recorded from."""
    import gar_ssl_ros.messages.ros  # noqa: F401  # before whatever needs rclpy
    from gar_ssl_ros.nodes.microphone import MicrophoneError, microphones

    try:
        found = microphones()
    except MicrophoneError as problem:
        fact, _, remedy = str(problem).partition(": ")
        yield Finding("microphones", fact, remedy)
        return
    yield from _devices("microphone", found, "see `arecord -l`")


def cameras() -> Iterator[Finding]:
    """What can be looked through."""
    from gar_ssl_ros.media.cameras import cameras

    yield from _devices("camera", cameras(), "see `ls /dev/video*`")


def _devices(kind: str, found: Sequence[Device], look: str) -> Iterator[Finding]:
    for one in found:
        yield Finding(f"{kind} {one.number}", f"{one.name}: {one.facts}")
    if not found:
        yield Finding(f"{kind}s", "none", f"plug one in and {look}; only gar-ssl run {kind} needs it")


def topics(listen: float) -> Iterator[Finding]:
    """The graph, watched for `listen` seconds."""
    from gar_ssl_ros.messages import ros as chosen  # noqa: F401  # before whatever needs rclpy
    from gar_ssl_ros.messages.audio.families import AUDIO_TYPES, INFO_TYPES
    from gar_ssl_ros.messages.images import IMAGE_TYPES
    from gar_ssl_ros.nodes.graph import watch

    graph = watch(listen, frozenset((*IMAGE_TYPES, *AUDIO_TYPES, *INFO_TYPES, *ANSWER_TYPES)))
    nobody = "start the robot's nodes, with the same ROS_DOMAIN_ID; multicast must reach them"
    yield Finding("nodes", ", ".join(graph.nodes) or "none seen", "" if graph.nodes else nobody)
    for topic in graph.topics:
        yield _topic(topic)
    published = {kind for topic in graph.topics if topic.publishers for kind in topic.types}
    if not published & set(IMAGE_TYPES):
        yield Finding("images", "nobody publishes any", "start the camera's driver, or gar-ssl run player")
    if not published & set(AUDIO_TYPES):
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
    elif not topic.received and topic.types[0] not in ANSWER_TYPES:
        remedy = "nothing came: is its driver running, and does a firewall or a router keep UDP from here?"
    return Finding(topic.name, fact, remedy)


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # by another name, as apt's python3-opencv
        return "there"
