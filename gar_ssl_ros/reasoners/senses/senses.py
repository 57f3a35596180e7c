"""The models by which `senses` hears and sees: those that are there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.detection import Detector
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import Objects
from gar_ssl_ros.perception.speaking import SpeakerDetector
from gar_ssl_ros.perception.tags import Tagger, Yamnet

logger = logging.getLogger(__name__)

TAGS, FACES, SPEAKERS = "yamnet", "yunet", "light-asd"
OBJECTS = ("yolox-nano", "nanodet")  # the better one first
Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Senses:
    """What hears and sees; None where its model is not there. names: of the models that are."""

    tagger: Tagger
    makers: Makers
    faces: Detector | None
    speakers: SpeakerDetector | None
    objects: Detector | None
    names: tuple[str, ...]


def available() -> bool:
    """Whether the least is there: the tagger, what runs it, and a detector of faces or of objects."""
    try:
        seeing = any(store.find(name) for name in (FACES, *OBJECTS))
        return seeing and store.find(TAGS) is not None and find_spec("ai_edge_litert") is not None
    except (ReasonerError, OSError):  # told where they are loaded
        return False


def load(makers: Path | None = None) -> Senses:
    """Those whose files are there and right; what is wrong with another is told in the log, and the rest goes on.

    makers: a file of one's own, see `Makers`. Raises ReasonerError where there is no tagger or nothing to see with.
    """
    problems: list[str] = []
    names: list[str] = []

    def first(make: Callable[[Path], Loaded], *candidates: str) -> Loaded | None:
        failed = []
        for name in candidates:
            try:
                made = make(store.load_path(name))
            except ReasonerError as problem:
                failed.append(str(problem))
            else:
                names.append(name)
                return made
        problems.extend(failed)
        return None

    tagger, faces, objects = first(Yamnet, TAGS), first(Faces, FACES), first(Objects, *OBJECTS)
    speakers = None if faces is None else first(SpeakerDetector, SPEAKERS)
    if tagger is None or (faces is None and objects is None):
        raise ReasonerError(f"the reasoner senses lacks models: {'; '.join(problems)}")
    for problem in problems:
        logger.warning("senses goes on without a model: %s", problem)
    return Senses(tagger, Makers(makers), faces, speakers, objects, tuple(names))
