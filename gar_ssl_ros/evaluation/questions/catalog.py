"""Which classes there are, and their pictures and sounds of each split: drawn and made, or the user's own folders.

The user's pictures lie in a folder for each class; those with an alpha channel are cut out by it. The user's sounds lie
in a folder for each class, or as VGGSound has them: `vggsound.csv` (YouTube id, start in seconds, label, split) beside
recordings called `ID_000030.wav`, in that folder or in folders of it.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import cv2
import numpy as np
import soxr
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.evaluation.datasets.media import read_pixels, read_sound
from gar_ssl_ros.evaluation.questions.drawn import SIDE_PX, draw_thing, things
from gar_ssl_ros.evaluation.questions.options import INDIVIDUALS, SOUNDS, SPLITS, QuestionOptions
from gar_ssl_ros.evaluation.questions.sounds import made_sound
from gar_ssl_ros.evaluation.scenes.sounds import Samples
from gar_ssl_ros.files import read_text
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SPEECH_RATE_HZ

PICTURE_ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
SOUND_ENDINGS = (".wav", ".flac", ".ogg", ".mp3", ".m4a", ".mp4", ".mkv", ".webm")
OWN_HEIGHT_M = (0.4, 0.9)  # of what a user's picture shows
VGGSOUND_FILE = "vggsound.csv"
TAIL = 10  # of a user's files, one in so many is for val, and one for test
QUIETEST = 1e-4  # RMS of a piece of a recording that sounds
STEP = SPEECH_RATE_HZ // 10  # samples from one piece of a recording that may be taken to the next: the loudest is
KEPT = 4096  # pictures, and sounds, in memory
Cutout = NDArray[np.uint8]  # (height, width, 4): RGB and opacity


class CatalogError(UserError):
    """Pictures or sounds that questions cannot be made of: one sentence."""


class Catalog:
    """Of one set of options. Raises CatalogError where a class has no pictures or sounds, and OSError."""

    def __init__(self, options: QuestionOptions) -> None:
        self._options = options
        known = things()
        self._pictures = None if options.pictures is None else _by_class(options.pictures, PICTURE_ENDINGS, "picture")
        self._sounds = None if options.sounds is None else _sounds_of(options.sounds)
        seen = list(known) if self._pictures is None else list(self._pictures)
        made = [name for name, kind in known.items() if kind.sounds]
        heard = made if self._sounds is None else list(self._sounds)
        if self._sounds is not None and (unseen := [name for name in heard if name not in seen]):
            where = options.pictures or "those that are drawn"
            raise CatalogError(
                f"the class {unseen[0]!r} has sounds and no pictures in {where}: give it some with --pictures, or take "
                f"its sounds out of {options.sounds}"
            )
        self.classes: tuple[str, ...] = tuple(seen)
        self.sounding: tuple[str, ...] = tuple(name for name in seen if name in heard)
        if not self.sounding:
            raise CatalogError(
                f"no class of {options.pictures} has sounds: give them with --sounds, or name a folder as one of "
                f"{', '.join(made)}"
            )
        if len(self.classes) < 6:  # a scene has five things, and one is not in view
            raise CatalogError(f"there are {len(self.classes)} classes with pictures: at least 6 are needed")
        self._cutout = lru_cache(maxsize=KEPT)(self._read_cutout)
        self._sound = lru_cache(maxsize=KEPT)(self._read_sound)

    def picture_names(self, label: str, split: str) -> Sequence[str]:
        """Of a class's pictures in a split."""
        if self._pictures is not None:
            return self._pictures[label][split]
        return [f"{label}/{split}/{number}" for number in range(INDIVIDUALS[split])]

    def sound_names(self, label: str, split: str) -> Sequence[str]:
        """Of a class's sounds in a split."""
        if self._sounds is not None:
            return self._sounds[label][split]
        return [f"{label}/{split}/{number}" for number in range(SOUNDS[split])]

    def cutout(self, label: str, name: str) -> tuple[Cutout, float]:
        """A picture, at most SIDE_PX pixels a side, and how high it is, m. Raises CatalogError."""
        return self._cutout(label, name)

    def sound(self, label: str, name: str) -> Samples:
        """The samples of a sound, as many as are asked for, at SPEECH_RATE_HZ. Raises CatalogError."""
        return self._sound(label, name)

    def _read_cutout(self, label: str, name: str) -> tuple[Cutout, float]:
        if self._pictures is None:
            random = self._random(label, name, 1)
            picture, height = draw_thing(random, things()[label])
            return np.dstack([picture[..., :3], 255 * picture[..., 3]]).round().astype(np.uint8), height
        assert self._options.pictures is not None
        path = self._options.pictures / name
        try:
            read = read_pixels(path, cv2.IMREAD_UNCHANGED)
        except ClipError:
            read = np.empty(0)
        if read.dtype != np.uint8 or read.ndim not in (2, 3):
            raise CatalogError(f"{path} is no picture that can be read: take it out")
        if read.ndim == 2:
            read = cv2.cvtColor(read, cv2.COLOR_GRAY2BGR)
        colour = cv2.cvtColor(np.ascontiguousarray(read[..., :3]), cv2.COLOR_BGR2RGB)
        opacity = read[..., 3] if read.shape[2] == 4 else np.full(read.shape[:2], 255, np.uint8)
        shown = np.argwhere(opacity > 8)
        if not len(shown):
            raise CatalogError(f"{path} is wholly transparent: take it out")
        (top, left), (bottom, right) = shown.min(axis=0), shown.max(axis=0) + 1
        whole = np.dstack([colour, opacity])[top:bottom, left:right]
        scale = min(1.0, SIDE_PX / max(whole.shape[:2]))
        size = max(1, round(whole.shape[1] * scale)), max(1, round(whole.shape[0] * scale))
        cut = np.asarray(cv2.resize(whole, size, interpolation=cv2.INTER_AREA), np.uint8)
        return cut, float(self._random(label, name, 1).uniform(*OWN_HEIGHT_M))

    def _read_sound(self, label: str, name: str) -> Samples:
        count = round(self._options.seconds * SPEECH_RATE_HZ)
        if self._sounds is None:
            random = self._random(label, name, 2)
            return made_sound(label, name.split("/")[1], random, self._options.seconds).samples
        assert self._options.sounds is not None
        path = self._options.sounds / name
        try:
            whole, rate = read_sound(path)
        except ClipError as problem:
            raise CatalogError(f"{path} cannot be heard ({sentence(problem)}): take it out") from None
        heard = np.asarray(soxr.resample(whole.mean(axis=0), rate, SPEECH_RATE_HZ), np.float32)
        heard = np.tile(heard, 1 + count // max(len(heard), 1))
        energy = np.concatenate([[0.0], np.cumsum(heard.astype(np.float64) ** 2)])
        first = STEP * int((energy[count:] - energy[:-count])[::STEP].argmax())
        piece = heard[first : first + count]
        if float(np.sqrt((piece.astype(np.float64) ** 2).mean())) < QUIETEST:
            raise CatalogError(f"{path} is silent: take it out")
        return piece

    def _random(self, label: str, name: str, what: int) -> np.random.Generator:
        return np.random.default_rng([self._options.seed, what, *f"{label} {name}".encode()])


def _by_class(root: Path, endings: Sequence[str], what: str) -> Mapping[str, Mapping[str, list[str]]]:
    """Names of files below root, by class and split. Raises CatalogError."""
    if not root.is_dir():
        raise CatalogError(f"{root} is no folder: name one that has a folder of {what}s for each class")
    folders = sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
    if not folders:
        raise CatalogError(f"{root} has no folders: put the {what}s of each class into one of its name")
    found = {}
    for folder in folders:
        files = sorted(one for one in folder.iterdir() if one.suffix.lower() in endings)
        found[_label(folder.name)] = _shared_out(folder, [str(one.relative_to(root)) for one in files], what)
    return found


def _shared_out(folder: object, names: list[str], what: str) -> dict[str, list[str]]:
    """To the splits, by their names' order. Raises CatalogError where they are too few."""
    if len(names) < len(SPLITS):
        have = f"has {len(names)} {what}{'s' if len(names) != 1 else ''}" if names else f"has no {what}s"
        raise CatalogError(f"{folder} {have}: at least {len(SPLITS)} are needed, one for each split")
    tail = max(1, len(names) // TAIL)
    return {"train": names[: -2 * tail], "val": names[-2 * tail : -tail], "test": names[-tail:]}


def _sounds_of(root: Path) -> Mapping[str, Mapping[str, list[str]]]:
    listed = root / VGGSOUND_FILE
    return _of_vggsound(root, listed) if listed.is_file() else _by_class(root, SOUND_ENDINGS, "sound")


def _of_vggsound(root: Path, listed: Path) -> Mapping[str, Mapping[str, list[str]]]:
    """By its own test split; of the rest, as many as that has are for val."""
    files = {one.stem: one for one in sorted(root.rglob("*")) if one.suffix.lower() in SOUND_ENDINGS}
    found: dict[str, dict[str, list[str]]] = {}
    for number, row in enumerate(csv.reader(read_text(listed).splitlines()), start=1):
        if len(row) != 4 or not re.fullmatch(r"\d+", row[1].strip()) or row[3] not in ("train", "test"):
            raise CatalogError(f"{listed}, line {number}: it is not `id,seconds,label,train` or `...,test`: mend it")
        name = f"{row[0]}_{int(row[1]):06d}"
        if (path := files.get(name)) is not None:
            own = found.setdefault(_label(row[2]), {"train": [], "test": []})
            own[row[3]].append(str(path.relative_to(root)))
    if not found:
        raise CatalogError(f"none of the clips in {listed} is in {root}: put them there as ID_SECONDS.wav")
    for label, own in found.items():
        kept = min(len(own["test"]), len(own["train"]) // 2)
        own["val"], own["train"] = own["train"][:kept], own["train"][kept:]
        for split in SPLITS:
            if not own[split]:
                raise CatalogError(
                    f"the class {label!r} of {listed} has no sounds for {split}: fetch more of its clips"
                )
    return found


def _label(name: str) -> str:
    return " ".join(name.replace("_", " ").lower().split())
