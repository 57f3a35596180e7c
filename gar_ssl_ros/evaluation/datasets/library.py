"""A folder's media by their names, in whatever folders below it they lie."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from gar_ssl_ros.evaluation.datasets.media import Duet, Missing, PictureWithSound, VideoCut
from gar_ssl_ros.evaluation.samples import MAX_MISSING_LISTED, Dataset, DatasetError, Media, Sample

PICTURE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp"})
SOUND_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".m4a", ".ogg", ".opus", ".aac"})
VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".webm", ".avi", ".mov", ".mpg", ".mpeg", ".flv", ".3gp", ".ts"})


class Library:
    """Pictures, sounds and videos below a folder, by their names without suffix; of one name, the first by its path."""

    def __init__(self, root: Path) -> None:
        """Look through `root`. Raises DatasetError where it is no folder."""
        if not root.is_dir():
            raise DatasetError(f"{root} is no folder: give --root, the folder that holds the media")
        self.root = root
        self._pictures: dict[str, Path] = {}
        self._sounds: dict[str, Path] = {}
        self._videos: dict[str, Path] = {}
        kinds = ((PICTURE_SUFFIXES, self._pictures), (SOUND_SUFFIXES, self._sounds), (VIDEO_SUFFIXES, self._videos))
        seen = set()
        for folder, below, files in os.walk(root, followlinks=True):
            here = os.path.realpath(folder)  # links may lead in circles
            below[:] = [] if here in seen else sorted(below)
            seen.add(here)
            for name in sorted(files):
                stem, suffix = os.path.splitext(name)  # noqa: PTH122  # a Path for each of 200,000 files takes seconds
                for suffixes, known in kinds:
                    if suffix.lower() in suffixes and not name.startswith("."):
                        known.setdefault(stem, Path(folder, name))

    def media(self, names: Sequence[str], fetch: str, whole: str | None = None, at: float | None = None) -> Media:
        """A sample's media: a video cut to it, or a picture and its sound, by one of its `names`; else `Missing`.

        fetch: what to fetch where there is none. whole: the name of the recording that it was cut from, of which the
        moment `at`, s, will do as well.
        """
        for name in names:
            if name in self._videos:
                return VideoCut(self._videos[name])
        if whole in self._videos:
            return VideoCut(self._videos[whole], at)
        picture = next((self._pictures[name] for name in names if name in self._pictures), None)
        sound = next((self._sounds[name] for name in names if name in self._sounds), None)
        if picture is None:
            return Missing(f"{names[0]} is not in {self.root}", fetch)
        if sound is not None:
            return PictureWithSound(picture, sound)
        if whole in self._sounds:
            return PictureWithSound(picture, self._sounds[whole], at)
        return Missing(f"{picture} has no sound beside it", fetch)


def duet(left: Media, right: Media) -> Media:
    """Both as one, or as missing what either misses."""
    absent = [half for half in (left, right) if isinstance(half, Missing)]
    if absent:
        return Missing(" and ".join(half.what for half in absent), " and ".join(half.fetch for half in absent))
    return Duet(left, right)


def dataset(name: str, root: Path, samples: Sequence[Sample], notes: Sequence[str]) -> Dataset:
    """A dataset of samples of which some media may be missing. Raises DatasetError where all are."""
    missing = tuple((s.id, s.media.fetch) for s in samples if isinstance(s.media, Missing))
    message = ""
    if missing:
        lines = [f"  {sample}: {fetch}" for sample, fetch in missing[:MAX_MISSING_LISTED]]
        more = [f"  and {len(missing) - MAX_MISSING_LISTED} more"] if len(missing) > MAX_MISSING_LISTED else []
        head = f"{len(missing)} of {len(samples)} samples of {name} have no media under {root}: fetch"
        message = "\n".join([head, *lines, *more])
    if len(missing) == len(samples):
        raise DatasetError(message)
    classes = sorted({t.label for s in samples for t in s.truths or () if t.label is not None})
    return Dataset(name, tuple(samples), tuple(classes), tuple(notes), missing, message)
