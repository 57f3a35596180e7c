"""The published benchmarks: their annotations and the user's own copy of the media, in the usual layouts.

`docs/datasets.md` tells where the annotations come from, which layouts are found, and what is odd in each.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from gar_ssl_ros.evaluation.datasets.annotations import (
    OneSound,
    OneSource,
    Quirks,
    TwoSources,
    lines,
    located,
    named,
    pairs,
    rows,
    same_name,
)
from gar_ssl_ros.evaluation.datasets.library import Library, dataset, duet
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Media, Sample, Truth

WATCH_URL = "https://www.youtube.com/watch?v="
VGGSOUND_CLIP_S = 10  # of a clip of VGGSound
MUSIC_FRAME_RATE_HZ = 30  # MUSIC's frames are counted at 30 a second: 1Ju4S0qeDqw_001_00037 is the one at 37/30 s
CLASSES_FILE = Path(__file__).with_name("classes.json")


def vggss(root: Path, annotations: Path | None = None) -> Dataset:
    """VGG-SS, the paper's VGGSound-Single: 5158 clips of 10 s, each with its class and the boxes of what sounds."""
    path = located(annotations, root, "vggss.json")
    clips = rows(path, OneSound)
    labels = {clip.file: clip.label for clip in clips}
    _check_split(path.with_name("vggsound_single_test.csv"), labels)
    quirks, library = Quirks("xyxy"), Library(root)
    samples = [
        Sample(
            id=clip.file,
            media=_vggsound(library, clip.file),
            truths=quirks.truths(clip.file, [(box, clip.label) for box in clip.bbox]),
            group=clip.label,
        )
        for clip in clips
    ]
    quirks.check(path)
    return dataset("vggss", root, samples, [*quirks.notes(), *_unknown("vggss", labels)])


def vggsound_duet(root: Path, annotations: Path | None = None) -> Dataset:
    """VGGSound-Duet: pairs of VGG-SS clips, their frames side by side and their waveforms summed."""
    path, listed = located(annotations, root, "vggss.json"), located(annotations, root, "vggsound_duet_test.csv")
    clips = {clip.file: clip for clip in rows(path, OneSound)}
    mixed = pairs(listed)
    for pair in mixed:
        for file, label in ((pair.file, pair.label), (pair.mix, pair.mix_label)):
            if file not in clips:
                raise DatasetError(f"{listed}: {file} is not in {path}: give both as published")
            _check_class(listed, file, label, clips[file].label)
    used = {file: clips[file] for pair in mixed for file in (pair.file, pair.mix)}
    quirks, library = Quirks("xyxy"), Library(root)
    truths = {file: quirks.truths(file, [(box, clip.label) for box in clip.bbox]) for file, clip in used.items()}
    quirks.check(path)
    media = {file: _vggsound(library, file) for file in used}
    samples = [
        Sample(
            id=f"{pair.file}+{pair.mix}",
            media=duet(media[pair.file], media[pair.mix]),
            truths=(*_half(truths[pair.file], 0), *_half(truths[pair.mix], 1)),
            sources=2,
            group=clips[pair.file].label,
        )
        for pair in mixed
    ]
    labels = {file: clip.label for file, clip in used.items()}
    return dataset("vggsound-duet", root, samples, [*quirks.notes(), *_unknown("vggss", labels)])


def music_solo(root: Path, annotations: Path | None = None) -> Dataset:
    """MUSIC-Solo: 2124 frames of people who play one instrument each; boxes as x, y, width, height."""
    path = located(annotations, root, "music_solo.json")
    frames = rows(path, OneSource)
    labels = {frame.file: frame.label for frame in frames}
    _check_split(path.with_name("music_solo_test.csv"), labels)
    quirks, library = Quirks("xywh"), Library(root)
    samples = [
        Sample(
            id=frame.file,
            media=_music(library, frame.file),
            truths=quirks.truths(frame.file, [(frame.bbox, frame.label)]),
            group=frame.label,
        )
        for frame in frames
    ]
    quirks.check(path)
    return dataset("music-solo", root, samples, [*quirks.notes(), *_unknown("music", labels)])


def music_duet(root: Path, annotations: Path | None = None) -> Dataset:
    """MUSIC-Duet: 1020 frames of six videos of two who play together; boxes as x, y, width, height."""
    path = located(annotations, root, "music_duet.json")
    frames = rows(path, TwoSources)
    quirks, library = Quirks("xywh"), Library(root)
    samples = [
        Sample(
            id=frame.file,
            media=_music(library, frame.file),
            truths=quirks.truths(
                frame.file, [(frame.bbox_src1, frame.class_src1), (frame.bbox_src2, frame.class_src2)]
            ),
            sources=2,
            group=f"{frame.class_src1} and {frame.class_src2}",
        )
        for frame in frames
    ]
    quirks.check(path)
    labels = {f.file: f.class_src1 for f in frames} | {f"{f.file}, the second": f.class_src2 for f in frames}
    return dataset("music-duet", root, samples, [*quirks.notes(usual_several=True), *_unknown("music", labels)])


def _vggsound(library: Library, name: str) -> Media:
    """The media of a clip named by its YouTube id and its start in seconds, by any of the names that it goes by."""
    names = [name]
    where = name
    if re.fullmatch(r".{11}_\d{6}", name):
        video, start = name[:11], int(name[12:])
        end = start + VGGSOUND_CLIP_S
        names += [f"{video}_{start}", f"{video}_{start}_{end}", f"{video}_{1000 * start}_{1000 * end}"]
        where = f"{WATCH_URL}{video} from {start} to {end} s"
    return library.media(names, f"{where} as {name}.mp4, or its middle frame as {name}.jpg and its sound as {name}.wav")


def _music(library: Library, name: str) -> Media:
    """The media of a frame named by its YouTube id, its second, and its number in the video."""
    if not re.fullmatch(r".{11}_\d+_\d+", name):
        return library.media([name], f"{name}.mp4, or {name}.jpg and {name}.wav")
    video, _, frame = name.rsplit("_", 2)
    at = int(frame) / MUSIC_FRAME_RATE_HZ
    fetch = f"{WATCH_URL}{video} as {video}.mp4, or its frame at {at:.2f} s as {name}.jpg and its sound as {video}.wav"
    return library.media([name], fetch, whole=video, at=at)


def _half(truths: Iterable[Truth], place: int) -> tuple[Truth, ...]:
    """Truths of a picture as truths of the left (0) or right (1) half of two side by side."""
    return tuple(
        Truth(((place + t.sides[0]) / 2, t.sides[1], (place + t.sides[2]) / 2, t.sides[3]), t.label) for t in truths
    )


def _check_split(path: Path, labels: Mapping[str, str]) -> None:
    """Raise DatasetError where a list of `file, class` beside the annotations gives a file another class."""
    if path.is_file():
        for _, cells in lines(path):
            if len(cells) > 1 and cells[0] in labels:
                _check_class(path, cells[0], cells[1], labels[cells[0]])


def _check_class(path: Path, file: str, label: str, annotated: str) -> None:
    if not same_name(label, annotated):
        raise DatasetError(f"{path}: {label!r} is no class of {file}, which is annotated as {annotated!r}: mend either")


def _unknown(benchmark: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    """A note where classes are none of the benchmark's."""
    known = {str(name) for name in json.loads(CLASSES_FILE.read_text(encoding="utf-8"))[benchmark]}
    files = [file for file, label in labels.items() if label not in known]
    if not files:
        return ()
    strange = named(repr(label) for label in sorted({labels[file] for file in files}))
    return (f"{len(files)} of {len(labels)} sources are of a class that the benchmark does not have: {strange}",)
