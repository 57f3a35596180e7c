"""The models by which `senses` hears and sees: those that are there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception import store
from gar_ssl_ros.perception.detection import Detector
from gar_ssl_ros.perception.faces import Faces
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import Objects
from gar_ssl_ros.perception.tags import Tagger, Yamnet

OBJECTS = ("yolox-nano", "nanodet")  # the better one first


@dataclass(frozen=True)
class Senses:
    """What hears and sees, each None where its model is not there; `names` says which there are."""

    tagger: Tagger
    makers: Makers
    faces: Detector | None
    objects: Detector | None
    names: tuple[str, ...]


def available() -> bool:
    """Whether the least is there: a tagger, and a detector of faces or of objects."""
    return store.find("yamnet") is not None and any(store.find(name) for name in ("yunet", *OBJECTS))


def load(makers: Path | None = None) -> Senses:
    """Those whose files are there. makers: a file of one's own, see `Makers`.

    Raises ReasonerError where there is no tagger, or nothing to see with, or a file is not what it should be.
    """
    names = [name for name in ("yamnet", "yunet", next((n for n in OBJECTS if store.find(n)), None)) if name]
    there = [name for name in names if store.find(name)]
    if "yamnet" not in there or len(there) < 2:
        raise ReasonerError(
            "the reasoner senses needs the models yamnet and yunet, yolox-nano or nanodet, and has "
            f"{' and '.join(there) or 'none'}: get them with `gar-ssl models get all`"
        )
    objects = [name for name in there if name in OBJECTS]
    return Senses(
        tagger=Yamnet(store.load_path("yamnet")),
        makers=Makers(makers),
        faces=Faces(store.load_path("yunet")) if "yunet" in there else None,
        objects=Objects(store.load_path(objects[0])) if objects else None,
        names=tuple(there),
    )
