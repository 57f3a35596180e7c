"""A plain folder of media with a truth file, or with what `gar-ssl scenes` wrote beside its clips."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

from gar_ssl_ros.evaluation.datasets.annotations import Convention, Quirks
from gar_ssl_ros.evaluation.datasets.library import PICTURE_SUFFIXES, Library, dataset
from gar_ssl_ros.evaluation.datasets.media import Missing, PictureWithSound, VideoCut
from gar_ssl_ros.evaluation.datasets.scenes import truths_at
from gar_ssl_ros.evaluation.datasets.truth import Entry, Expected, TruthDocument, truth_document
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Media, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.files import SceneTruth, TruthError, read_truth
from gar_ssl_ros.files import open_file
from gar_ssl_ros.gar.boxes import box_from_reply
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND

Finder = Callable[[Entry, TruthDocument], Media]


@dataclass(frozen=True)
class InPixels:
    """Media whose truths are in pixels, so that they can only be held against the image once it is open."""

    media: Media
    truths: tuple[Truth, ...]

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where the media cannot be read, or a true box lies outside of the image."""
        opened = self.media.open(self.truths)
        width, height = opened.window.center.width, opened.window.center.height
        truths, notes = [], list(opened.notes)
        for truth in self.truths:
            box = box_from_reply(truth.sides, width, height)
            if box is None:
                raise ClipError(f"the true box {list(truth.sides)} lies outside of its {width}x{height} image: mend it")
            if box.sides != truth.sides:
                notes.append(f"the true box {list(truth.sides)} leaves its {width}x{height} image and is clipped to it")
            truths.append(Truth(box.sides, truth.label))
        return replace(opened, truths=tuple(truths), notes=tuple(notes))


@dataclass(frozen=True)
class WrittenScene:
    """A clip of `gar-ssl scenes`, whose truth is known in every frame."""

    video: Path
    truth: SceneTruth

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError where the clip cannot be read."""
        sound = None if self.truth.audio is None else self.video.with_name(self.truth.audio)
        opened = VideoCut(self.video, sound=sound).open(())
        index = min(self.truth.frames - 1, round(opened.window.center.stamp * self.truth.fps / SECOND))
        truths, size = truths_at(self.truth.sources, index), opened.window.center.image.shape[:2]
        if any(truth.mask is not None and truth.mask.pixels.shape != size for truth in truths):
            raise ClipError(f"the true masks of {self.video} are not of its size: render it again")
        return replace(opened, truths=truths)


def folder(root: Path, annotations: Path | None = None) -> Dataset:
    """The media under `root`; what is true of them in `annotations`, root/truth.csv or truth.json, or *.truth.json."""
    library = Library(root)
    found = [path for name in ("truth.csv", "truth.json") if (path := root / name).is_file()]
    if annotations is None and not found:
        return _written_scenes(root)

    def media(entry: Entry, _document: TruthDocument) -> Media:
        return _media(library, entry)

    return from_truth(root.name or "folder", root, annotations or found[0], media)


def from_truth(name: str, root: Path, path: Path, media: Finder) -> Dataset:
    """The samples that a truth file names. Raises DatasetError, one sentence, where it cannot be used."""
    document = truth_document(path)
    quirks = Quirks(document.boxes)
    samples = []
    for entry in document.samples:
        boxes = [(source.box, source.label) for source in entry.sources]
        what = media(entry, document)
        truths: tuple[Truth, ...] | None
        if document.units == "shares" or not boxes:
            truths = quirks.truths(entry.id, boxes) if boxes else ()
        else:
            truths = None
            what = what if isinstance(what, Missing) else InPixels(what, _corners(path, entry, document.boxes))
        labels = [source.label for source in entry.sources if source.label is not None]
        samples.append(
            Sample(
                id=entry.id,
                media=what,
                truths=truths,
                outcome=Outcome(entry.outcome),
                sources=max(1, len(boxes)),
                group=labels[0] if labels else entry.outcome.lower(),
            )
        )
    if quirks.clips:
        quirks.check(path)
    read = dataset(
        name, root, samples, [f"{path.name}: boxes are {document.boxes} in {document.units}", *quirks.notes()]
    )
    classes = {source.label for entry in document.samples for source in entry.sources if source.label is not None}
    return replace(read, classes=tuple(sorted(classes)))


def _written_scenes(root: Path) -> Dataset:
    truths = {path: _scene_truth(path) for path in sorted(root.rglob("*.truth.json"))}
    masked = all(source.masks for truth in truths.values() for source in truth.sources)
    samples = []
    for path, truth in truths.items():
        video = path.with_name(truth.video)
        there = video.is_file()
        samples.append(
            Sample(
                id=str(path.relative_to(root)).removesuffix(".truth.json"),
                media=WrittenScene(video, truth) if there else Missing(f"{video} is not there", f"{truth.video} again"),
                truths=None,
                outcome=Outcome(truth.outcome),
                sources=max(1, len(truth.sources)),
                group=str(truth.scene.get("kind", "")),
                mask_classes=() if masked else None,
            )
        )
    if not samples:
        raise DatasetError(f"{root} holds neither truth.csv nor truth.json nor *.truth.json: give --annotations")
    return dataset(root.name or "folder", root, samples, ())


def _scene_truth(path: Path) -> SceneTruth:
    """Raises DatasetError where it does not hold together, or names files that do not lie beside it."""
    try:
        open_file(path).close()  # so that it is a file
        truth = read_truth(path)
    except TruthError as problem:
        raise DatasetError(str(problem)) from None
    except (OSError, UnicodeDecodeError) as problem:
        raise DatasetError(f"{path} cannot be read ({getattr(problem, 'strerror', problem)}): mend it there") from None
    for name in (truth.video, truth.audio):
        if name is not None and (not name or Path(name).name != name or "\0" in name):
            raise DatasetError(f"{path}: {name!r} is no file beside it: mend it there")
    if truth.outcome not in get_args(Expected):
        raise DatasetError(f"{path}: the outcome {truth.outcome!r} is none of {', '.join(get_args(Expected))}: mend it")
    if not math.isfinite(truth.fps) or any(
        len(told) != truth.frames
        for source in truth.sources
        for told in (source.boxes, source.part or source.boxes, source.masks or source.boxes)
    ):
        raise DatasetError(f"{path}: it does not have a box for each of its {truth.frames} frames: render it again")
    return truth


def _media(library: Library, entry: Entry) -> Media:
    path = library.root / entry.file
    sound = None if entry.audio is None else library.root / entry.audio
    if sound is not None and not sound.is_file():
        return Missing(f"{sound} is not there", str(sound))
    if not path.is_file():
        return library.media([Path(entry.file).stem], f"{path}, or a picture and a sound of that name")
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        return VideoCut(path, entry.at, sound)
    if sound is not None:
        return PictureWithSound(path, sound, entry.at)
    return library.media([path.stem], f"its sound as {path.with_suffix('.wav')}")


def _corners(path: Path, entry: Entry, convention: Convention) -> tuple[Truth, ...]:
    truths = []
    for source in entry.sources:
        x1, y1, x2, y2 = source.box
        if convention == "xywh":
            x2, y2 = x1 + x2, y1 + y2
        if not all(map(math.isfinite, (x1, y1, x2, y2))) or x1 >= x2 or y1 >= y2:
            raise DatasetError(
                f"{path}: the box {list(source.box)} of {entry.id} is empty, read as {convention}: mend it"
            )
        truths.append(Truth((x1, y1, x2, y2), source.label))
    return tuple(truths)
