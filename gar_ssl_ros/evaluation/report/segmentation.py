"""What a report says of masks: AVSBench's scores and those beside them, and what is said where nothing sounds."""

from __future__ import annotations

from collections.abc import Sequence

from gar_ssl_ros.evaluation.metrics.segmentation import SegmentationSummary, SegmentedFrame, summary
from gar_ssl_ros.evaluation.report.blocks import Block, Grid, Section, Text, overlap, percent
from gar_ssl_ros.evaluation.report.subject import Subject

MASKS = ("IoU", "F", "IoU a frame", "F a frame", "Formula (9)", "IoU, sounding", "Said, silent, %")
HOW = (
    "All that is found in a frame as one mask, against all that is true. IoU and F: AVSBench's own, a clip at a time, "
    "where a frame in which nothing in view sounds counts by the share of it that is left alone; F of a clip in which "
    "nothing ever does is 0. The same a frame, as AL-Ref-SAM2 has it. Formula (9) of OpenAVS: the mean with the IoU of "
    "the background, most of which a mask of nothing has; its tables cannot show it. Sounding: frames in which "
    "something does, alone. Said: in the others, the share of pixels said to sound, AVSBench-Robust's false positive "
    "rate."
)


def segmentation(subjects: Sequence[Subject]) -> Section:
    """The scores of runs whose truth has masks; nothing where none has."""
    known = [(subject.name, subject.figures.masks) for subject in subjects if subject.figures.masks is not None]
    if not known:
        return Section("masks", "Masks", ())
    counts = ("Run", "Frames", "Clips", "Silent", "Failed")
    rows = tuple(
        (name, *map(str, (s.frames, s.clips, s.silent, s.failed)), *_masks(s))
        for name, s in known
    )  # fmt: skip
    blocks: list[Block] = [Grid(HOW, (*counts, *MASKS), rows), *(Text(_from_what(name, s)) for name, s in known)]
    classes = tuple((name, str(s.classes), overlap(s.class_iou), overlap(s.class_f)) for name, s in known if s.classes)
    if classes:
        told = (
            "Class by class, the background one of them: the mean over the frames that have a class, found or true, "
            "and then over the classes that any has. AVSBench's code goes on to all 71, those never met as 0."
        )
        blocks.append(Grid(told, ("Run", "Classes", "mIoU", "F"), classes))
    return Section("masks", "Masks", tuple(blocks))


def by_group(subject: Subject) -> tuple[Block, ...]:
    """The same for each class or kind; nothing where there is but one, or no mask."""
    groups: dict[str, list[SegmentedFrame]] = {}
    for record in subject.run.records:
        if record.segmented is not None:
            groups.setdefault(record.group, []).append(record.segmented)
    if len(groups) < 2:
        return ()
    kinds = [(name, summary(frames)) for name, frames in groups.items()]
    rows = tuple((name, str(s.frames), str(s.silent), *_masks(s)) for name, s in kinds)
    return (Grid("Every frame counts.", ("Kind", "Frames", "Silent", *MASKS), rows),)


def _masks(s: SegmentationSummary) -> tuple[str, ...]:
    figures = (s.iou, s.f, s.frame_iou, s.frame_f, s.both_iou, s.sounding_iou)
    return (*map(overlap, figures), percent(s.said))


def _from_what(name: str, s: SegmentationSummary) -> str:
    masks = s.sources - s.boxes
    return f"{name}: of {s.sources} found sources, {masks} by their masks, {s.boxes} by all of their boxes."
