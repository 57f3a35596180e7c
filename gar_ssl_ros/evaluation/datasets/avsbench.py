"""AVSBench in its published folders: frames, a second apart, with their sound and the masks of what sounds.

Zhou et al., "Audio-Visual Segmentation", ECCV 2022 (S4, MS3), and "Audio-Visual Segmentation with Semantics", IJCV 2024
(AVSS); its splits for unseen classes are those of Wang et al., AAAI 2024 (V3; github.com/GeWu-Lab/
Generalizable-Audio-Visual-Segmentation), and the sounds put in place of a clip's own those of AVSBench-Robust,
arXiv:2502.00358. `docs/datasets.md` shows the folders.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Literal

import cv2
import numpy as np

from gar_ssl_ros.evaluation.datasets.annotations import lines, located, named
from gar_ssl_ros.evaluation.datasets.library import dataset
from gar_ssl_ros.evaluation.datasets.media import Missing, PictureWithSound, VideoCut, read_image
from gar_ssl_ros.evaluation.datasets.pixel_labels import read_binary_mask, read_class_masks, read_parts
from gar_ssl_ros.evaluation.datasets.published import CLASSES_FILE
from gar_ssl_ros.evaluation.samples import Dataset, DatasetError, Media, Opened, Sample, Truth
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.clip import Clip, ClipError, SoundRecording
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Audio, Window

FRAME_AT_S = 15 / 16  # into its second: the last of 16 frames, as AVSBench's preprocess_s4.py takes it
OBJECT_FRAMES = 5  # annotated in a clip of S4 and MS3, and of v1s and v1m in AVSS
FRAMES = {"v1s": OBJECT_FRAMES, "v1m": OBJECT_FRAMES, "v2": 10}  # of AVSS's three subsets
MS3_SOURCES = 2  # looked for in a frame of MS3, which does not say how many sound
V3_LISTS = {"0shot": "meta_v3_unseen.csv", **{f"{n}shot": f"v3_{n}_shot/test.csv" for n in (1, 3, 5)}}
GROUPS = {
    "music": {"playing_acoustic_guitar", "playing_glockenspiel", "playing_piano", "playing_tabla", "playing_ukulele",
              "playing_violin"},
    "human": {"baby_laughter", "female_singing", "male_speech"},
    "animal": {"cat_meowing", "coyote_howling", "dog_barking", "horse_clip-clop", "lions_roaring",
               "mynah_bird_singing"},
}  # fmt: skip
ALIKE = {"music": "human", "human": "music", "animal": "human"}  # as AVSBench-Robust has it: not foreign to each other

Kind = Literal["whole", "parts", "classes"]


@dataclass(frozen=True)
class MaskedFrame:
    """A frame, the sound around it, and the mask of what sounds.

    at: of the frame, s from the sound's start. kind: what its mask tells apart: nothing (`label` is its class), nothing
    but its connected parts, or classes. instead: of its own sound, silence, noise or another clip's (`sound`), to which
    nothing in view belongs; empty where that is its own. video: that the frame is of, where it is there: what moves.
    """

    picture: Path
    sound: Path
    mask: Path
    at: float
    kind: Kind
    label: str | None = None
    instead: str = ""
    video: Path | None = None

    def open(self, _truths: tuple[Truth, ...] | None) -> Opened:
        """Raises ClipError, one sentence, where one of the three cannot be read, or the mask is not the picture's."""
        duration = SoundRecording(self.sound).duration or round(self.at * SECOND)
        at = min(self.at, duration / SECOND)
        opened = self._around(at)
        notes = list(opened.notes)
        if self.at - at >= 1 - FRAME_AT_S:
            notes.append("the sound ends before the frame: its end is heard")
        if self.instead:
            outcome = Outcome.SILENT if self.instead == "silence" else Outcome.OFF_SCREEN
            window = opened.window if self.instead == "offscreen" else _made(opened.window, self)
            return replace(opened, window=window, notes=tuple(notes), outcome=outcome)
        size = opened.window.center.image.shape[:2]
        if self.kind == "classes":
            told, class_masks = "", read_class_masks(self.mask, size, classes())
            true = tuple(_truth(mask, name) for name, mask in class_masks.items())
        else:
            whole, told = read_binary_mask(self.mask, size)
            things = read_parts(whole) if self.kind == "parts" else [whole]
            true = tuple(_truth(thing, self.label) for thing in things if thing.area)
        if true and opened.window.audio is None:
            raise ClipError(f"{self.sound} has no sound at {at:.1f} s, though something sounds: fetch it again")
        notes += [told] if told else []
        outcome = Outcome.LOCALIZED if true else Outcome.OFF_SCREEN
        return replace(opened, truths=true, notes=tuple(notes), outcome=outcome)

    def _around(self, at: float) -> Opened:
        """The frame alone with its sound, or among the video's, all of its size, as AVSBench resizes them."""
        if self.video is None:
            return PictureWithSound(self.picture, self.sound, at).open(())
        picture, duration = read_image(self.picture), Clip(self.video).info.duration
        opened = VideoCut(self.video, at if duration is None else min(at, duration / SECOND), self.sound).open(())
        window, size = opened.window, (picture.shape[1], picture.shape[0])
        frames = tuple(
            replace(frame, image=picture if frame is window.center else np.asarray(cv2.resize(frame.image, size)))
            for frame in window.frames
        )
        return replace(opened, window=replace(window, frames=frames))


def avsbench(name: str, root: Path, annotations: Path | None = None, split: str = "test") -> Dataset:
    """`s4`, `ms3` (each also `-silence` and `-noise`, s4 also `-offscreen`), `avss`, `v2`, or `v3-0shot` and so on.

    annotations: the CSV file, or its folder, where that is not among the media. split: of the CSV's; V3 is a list of
    its own. Raises DatasetError, one sentence.
    """
    kind, _, more = name.partition("-")
    objects = {"s4": _s4, "ms3": _ms3}.get(kind)
    samples = (objects or partial(_avss, kind))(root, annotations, split, more)
    if not samples:
        raise DatasetError(f"{root}: there is no clip of the split {split}: give the CSV file as published")
    found = dataset(f"avsbench-{name}", root, samples, ())
    told = {sample.group for sample in samples} if kind == "s4" and not more else ()
    return replace(found, classes=tuple(sorted(told)) if objects else classes()[1:])


@cache
def classes() -> tuple[str, ...]:
    """AVSS's, by their numbers in its masks: the background and 70 more."""
    return tuple(json.loads(CLASSES_FILE.read_text(encoding="utf-8"))["avss"])


def _s4(root: Path, annotations: Path | None, split: str, instead: str) -> list[Sample]:
    base = _folder(root, ("s4_data",))
    table = located(annotations, base, "s4_meta_data.csv")
    clips = [(row[""], row["category"]) for row in _rows(table, ("category",)) if row["split"] == split]
    media = base / "s4_data"
    samples = []
    for video, category in clips:
        own = media / "audio_wav" / split / category / f"{video}.wav"
        sound = own
        if instead == "offscreen":
            other, of = _foreign(table, video, category, clips)
            sound = media / "audio_wav" / split / of / f"{other}.wav"
        whole = _there(media / "raw_videos" / split / category / f"{video}.mp4")
        for number in range(1, OBJECT_FRAMES + 1):
            files = Path(split, category, video, f"{video}_{number}.png")
            frame = MaskedFrame(
                media / "visual_frames" / files, sound, media / "gt_masks" / files,
                number - 1 + FRAME_AT_S, "whole", category, instead, whole,
            )  # fmt: skip
            samples.append(_sample(f"{video}@{number}", frame, instead or category))
    return samples


def _ms3(root: Path, annotations: Path | None, split: str, instead: str) -> list[Sample]:
    base = _folder(root, ("ms3_data",))
    table = located(annotations, base, "ms3_meta_data.csv")
    media = base / "ms3_data"
    samples = []
    for row in _rows(table, ()):
        if row["split"] != split:
            continue
        video = row[""]
        whole = _there(media / "raw_videos" / f"{video}.mp4")
        for number in range(1, OBJECT_FRAMES + 1):
            frame = MaskedFrame(
                media / "visual_frames" / video / f"{video}.mp4_{number}.png",
                media / "audio_wav" / split / f"{video}.wav",
                media / "gt_masks" / split / video / f"{video}_{number}.png",
                number - 1 + FRAME_AT_S, "parts", None, instead, whole,
            )  # fmt: skip
            samples.append(_sample(f"{video}@{number}", frame, instead, MS3_SOURCES))
    return samples


def _avss(kind: str, root: Path, annotations: Path | None, split: str, shots: str) -> list[Sample]:
    base = _folder(root, tuple(FRAMES))
    table = located(annotations, base, V3_LISTS[shots] if kind == "v3" else "metadata.csv")
    samples = []
    for row in _rows(table, ("uid", "label", "a_obj")):
        subset, clip = row["label"], row["uid"]
        if subset not in FRAMES:
            raise DatasetError(f"{table}: {subset!r} of {clip} is no subset: it must be one of {', '.join(FRAMES)}")
        if kind != "v3" and (row["split"] != split or kind not in ("avss", subset)):
            continue
        media = base / subset / clip
        for number in range(FRAMES[subset]):
            masks = [media / folder / f"{number}.png" for folder in ("labels_rgb", "labels_semantic")]
            mask = next((path for path in masks if path.is_file()), masks[0])
            at = number + FRAME_AT_S
            frame = MaskedFrame(media / "frames" / f"{number}.jpg", media / "audio.wav", mask, at, "classes")
            count = max(1, len(row["a_obj"].split("_")))
            samples.append(_sample(f"{subset}/{clip}@{number}", frame, subset, count))
    return samples


def _sample(name: str, frame: MaskedFrame, group: str, sources: int = 1) -> Sample:
    media: Media = frame
    absent = [path for path in (frame.picture, frame.sound, frame.mask) if not path.is_file()]
    if absent:
        media = Missing(f"{absent[0]} is not there", " and ".join(map(str, absent)))
    told = classes() if frame.kind == "classes" else ()
    outcome = Outcome.OFF_SCREEN if frame.instead else Outcome.LOCALIZED
    return Sample(name, media, None, outcome, sources, group, told)


def _there(path: Path) -> Path | None:
    return path if path.is_file() else None


def _truth(mask: Mask, label: str | None) -> Truth:
    assert mask.box is not None  # there is some of it
    return Truth(mask.box.sides, label, mask)


def _folder(root: Path, holds: Sequence[str]) -> Path:
    """`root`, or the folder in it, that holds one of these."""
    if not root.is_dir():
        raise DatasetError(f"{root} is no folder: give --root, the folder of AVSBench")
    for folder in (root, *sorted(path for path in root.iterdir() if path.is_dir())):
        if any((folder / name).is_dir() for name in holds):
            return folder
    raise DatasetError(
        f"{root} holds no folder {' or '.join(holds)}, nor does one in it: give --root, AVSBench's folder"
    )


def _rows(table: Path, needed: Sequence[str]) -> Iterator[dict[str, str]]:
    """The rows by their columns, the first one also as "". Raises DatasetError where it is no such table."""
    read = lines(table)
    _, header = next(read, (0, []))
    absent = [name for name in ("split", *needed) if name not in header]
    if absent:
        raise DatasetError(f"{table} has no column {named(absent)}: give the file as published")
    known = set()
    for number, cells in read:
        row = {"": cells[0], **dict(zip(header, cells, strict=False))}
        if len(cells) != len(header) or any({"/", "\\", "\0"} & {*cell} or cell == ".." for cell in cells):
            raise DatasetError(f"{table}, line {number} is no row of it: give {', '.join(header)}, and names alone")
        key = (row["label"], row["uid"]) if "uid" in needed else (cells[0],)
        if key in known:
            raise DatasetError(f"{table}, line {number} repeats {key[-1]}: keep one of both")
        known.add(key)
        yield row


def _foreign(table: Path, video: str, category: str, clips: Sequence[tuple[str, str]]) -> tuple[str, str]:
    """Another clip and its category, whose sound is none that could be this one's; always the same one."""
    own = _group(category)
    others = [one for one in clips if one[1] != category and _group(one[1]) not in (own, ALIKE.get(own))]
    if not others:
        raise DatasetError(f"{table}: no clip sounds otherwise than {category} of {video}: give the file as published")
    chosen = Random(f"{category}/{video}")
    of = chosen.choice(sorted({one[1] for one in others}))
    return chosen.choice(sorted(one for one in others if one[1] == of))


def _group(category: str) -> str:
    return next((name for name, some in GROUPS.items() if category in some), "device")


def _made(window: Window, frame: MaskedFrame) -> Window:
    """With silence, or with noise as loud as can be, in place of its sound."""
    count = (window.end - window.start) * SPEECH_RATE_HZ // SECOND
    loudest = float(frame.instead == "noise")
    samples = np.random.default_rng([*frame.picture.name.encode()]).uniform(-loudest, loudest, (1, count))
    return replace(window, audio=Audio(window.start, samples.astype(np.float32), SPEECH_RATE_HZ), audio_gap=0)
