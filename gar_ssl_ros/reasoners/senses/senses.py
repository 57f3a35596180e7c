"""The models by which `senses` hears and sees: those that are there."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TypeVar

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.heap import give_back
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.detection import Detector, Finder
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.imagenet import ImageNetFinder
from gar_ssl_ros.perception.makers import Heard, Makers
from gar_ssl_ros.perception.objects import Objects
from gar_ssl_ros.perception.own import own_detector, own_tagger
from gar_ssl_ros.perception.speaking import SpeakerDetector, Speakers
from gar_ssl_ros.perception.tags import Tagger, Tags, Yamnet
from gar_ssl_ros.reasoners.options import SensesOptions

logger = logging.getLogger(__name__)

TAGS, FACES, SPEAKERS, PICTURES = "yamnet", "yunet", "light-asd", "efficientnet-lite2"
OBJECTS = ("nanodet", "yolox-nano")  # the one that does better on real clips first (docs/figures.md)
DEFAULT = SensesOptions()
Loaded = TypeVar("Loaded")


@dataclass(frozen=True)
class Senses:
    """What hears and sees; None where its model is not there.

    names: of the models that are. finder: looks for what the detectors do not know.
    """

    tagger: Tagger
    makers: Makers
    faces: Detector | None
    objects: Detector | None
    names: tuple[str, ...]
    speakers: Speakers | None = None
    finder: Finder | None = None

    def sees(self, kind: str) -> bool:
        """True if such things are seen where they are."""
        return self.detects(kind) or (self.finder is not None and self.finder.knows(kind))

    def detects(self, kind: str) -> bool:
        """True if a detector knows such things."""
        return any(kind in eyes.kinds for eyes in (self.faces, self.objects) if eyes is not None)

    def looked_for(self, kinds: Iterable[str]) -> list[str]:
        """Of some kinds those that the finder is asked for: what no detector knows, or none as well."""
        if (finder := self.finder) is None:
            return []
        kinds = [kind for kind in dict.fromkeys(kinds) if finder.knows(kind)]
        return [kind for kind in kinds if kind in finder.better_known or not self.detects(kind)]

    def heard(self, tags: Tags) -> list[Heard]:
        """What is heard, with the makers that can be seen."""
        return self.makers.heard(tags, self.sees)


def lacking(options: SensesOptions = DEFAULT) -> str:
    """What senses cannot do without and is not here, with what brings it; empty where nothing is missing."""
    wanted = [] if options.tagger or _is_here(TAGS) else [TAGS]
    if not options.detector and not any(_is_here(name) for name in (FACES, *OBJECTS)):
        wanted += [FACES, *OBJECTS]
    parts = {f"the models {', '.join(wanted)}": "gar-ssl models get all"} if wanted else {}
    if not options.tagger and find_spec("ai_edge_litert") is None:
        parts["LiteRT"] = pip_install("senses")
    what = "senses, which recognises things and sounds, lacks"
    return f"{what} {' and '.join(parts)}: {'; '.join(parts.values())}" if parts else ""


def _is_here(model: str) -> bool:
    try:
        return store.find(model) is not None
    except (ReasonerError, OSError):  # told where it is loaded
        return True


def load(options: SensesOptions = DEFAULT) -> Senses:
    """Those whose files are there and right; what is wrong with another is told in the log, and the rest goes on.

    Raises OptionError where what an option names is not what it should be, ReasonerError where there is no tagger or
    nothing to see with.
    """
    files = [Path(one).expanduser() if one else None for one in (options.tagger, options.makers, options.detector)]
    tagger = own_tagger(files[0]) if files[0] else None
    makers = Makers(files[1], tagger.names if tagger else None)
    own = own_detector(files[2], makers.kinds) if files[2] else None
    if missing := lacking(options):
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

    tagger, faces = tagger or first(Yamnet, TAGS), first(Faces, FACES)
    objects = first(Objects, *OBJECTS) if own is None or isinstance(own, Finder) else own
    speakers = None if faces is None else first(SpeakerDetector, SPEAKERS)
    finder = own if isinstance(own, Finder) else first(ImageNetFinder, PICTURES)
    if tagger is None or (faces is None and objects is None and finder is None):
        raise ReasonerError(f"senses cannot go without a model: {'; '.join(problems)}")
    give_back()  # what loading took and left
    for problem in problems:
        logger.warning("senses goes on without a model: %s", problem)
    names += [path.resolve().name for path in (files[0], files[2]) if path]
    made = Senses(tagger, makers, faces, objects, tuple(names), speakers, finder)
    unseen = sorted({kind for group in makers.groups for kind in group.seen if not made.sees(kind)})
    if options.makers and unseen:
        logger.warning("makers that no detector here can see: %s", ", ".join(unseen))
    return made
