"""The models by which `senses` hears and sees: those that are there."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.detection import Detector
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import Objects
from gar_ssl_ros.perception.speaking import SpeakerDetector, Speakers
from gar_ssl_ros.perception.tags import Tagger, Yamnet
from gar_ssl_ros.reasoners.options import SensesOptions

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
    objects: Detector | None
    names: tuple[str, ...]
    speakers: Speakers | None = None

    @property
    def kinds(self) -> frozenset[str]:
        """All that can be seen."""
        return frozenset(kind for eyes in (self.faces, self.objects) if eyes is not None for kind in eyes.kinds)


def lacking() -> str:
    """What senses cannot do without and is not here, with what brings it; empty where nothing is missing."""
    wanted = [] if _is_here(TAGS) else [TAGS]
    if not any(_is_here(name) for name in (FACES, *OBJECTS)):
        wanted += [FACES, *OBJECTS]
    parts = {f"the models {', '.join(wanted)}": "gar-ssl models get all"} if wanted else {}
    if find_spec("ai_edge_litert") is None:
        parts["LiteRT"] = pip_install("senses")
    what = "senses, which recognises things and sounds, lacks"
    return f"{what} {' and '.join(parts)}: {'; '.join(parts.values())}" if parts else ""


def _is_here(model: str) -> bool:
    try:
        return store.find(model) is not None
    except (ReasonerError, OSError):  # told where it is loaded
        return True


def load(options: SensesOptions = SensesOptions()) -> Senses:
    """Those whose files are there and right; what is wrong with another is told in the log, and the rest goes on.

    Raises OptionError where the list of makers that is named is none, ReasonerError where there is no tagger or nothing
    to see with.
    """
    makers = Makers(Path(options.makers).expanduser() if options.makers else None)
    if missing := lacking():
        raise ReasonerError(missing)
    problems: list[str] = []
    names: list[str] = []

    def first(make: Callable[[Path], Loaded], *candidates: str) -> Loaded | None:
        absent: list[str] = []
        for name in candidates:
            try:
                made = make(store.load_path(name))
            except ReasonerError as problem:
                (problems if _is_here(name) else absent).append(str(problem))
            else:
                names.append(name)
                return made
        problems.extend(absent)
        return None

    tagger, faces, objects = first(Yamnet, TAGS), first(Faces, FACES), first(Objects, *OBJECTS)
    speakers = None if faces is None else first(SpeakerDetector, SPEAKERS)
    if tagger is None or (faces is None and objects is None):
        raise ReasonerError(f"senses cannot go without a model: {'; '.join(problems)}")
    for problem in problems:
        logger.warning("senses goes on without a model: %s", problem)
    return Senses(tagger, makers, faces, objects, tuple(names), speakers)
