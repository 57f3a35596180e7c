"""Answers as messages: SoundSourceArray and Detection2DArray."""

from __future__ import annotations

import math
from array import array
from collections.abc import Sequence

import numpy as np
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D, Detection2D, Detection2DArray, ObjectHypothesisWithPose

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, with_cases
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.messages.directions import unmatched_messages
from gar_ssl_ros.msg import AnchorVote, SoundSource, SoundSourceArray
from gar_ssl_ros.output.record import record_from_localization
from gar_ssl_ros.spatial.transforms import Vector
from gar_ssl_ros.spatial.view import NO_VIEW, UNKNOWN, Place, View

OUTCOMES = {getattr(SoundSourceArray, outcome.name): outcome for outcome in Outcome}  # by their numbers


def header_of_frame(frame: Frame) -> Header:
    """The header that its image came with."""
    return Header(stamp=time_message(frame.stamp), frame_id=frame.frame_id)


def sources_message(
    found: Localization, window: Window, ids: Sequence[int], topic: str, index: int, view: View = NO_VIEW
) -> SoundSourceArray:
    """A window's answer, but for what came about it: drops and latency.

    ids: of its sources. topic: of the images. index: of the window, 0 or more. view: of its center frame.
    """
    frame = window.center
    heard = {one.source: one for one in reversed(found.directions) if one.source is not None}  # the loudest of each
    return SoundSourceArray(
        header=header_of_frame(frame),
        target_frame=view.target_frame,
        target_camera=_point(UNKNOWN if view.to_target is None else view.to_target.translation),
        image_width=frame.width,
        image_height=frame.height,
        outcome=getattr(SoundSourceArray, found.outcome.name),
        stage=getattr(SoundSourceArray, found.stage.name),
        detail=found.detail,
        label=found.sound.label if found.sound else "",
        audio_confidence=found.sound.confidence if found.sound else 0.0,
        sources=[
            _source_message(source, case, identity, view.place(source.box, source.mask), heard.get(at))
            for at, ((source, case), identity) in enumerate(
                zip(with_cases(found.sources, found.cases), ids, strict=True)
            )
        ],
        unmatched=unmatched_messages(found.directions),
        window_start=time_message(window.start),
        window_end=time_message(window.end),
        frames=len(window.frames),
        frame_gap=window.frame_gap / SECOND,
        audio_gap=window.audio_gap / SECOND,
        skew=window.skew / SECOND,
        reasoner=found.reasoner,
        model=found.model or "",
        fallback=found.instead_of is not None,
        inference=found.timing.total,
        reasoning=record_from_localization(topic, index, window, found).model_dump_json(),
    )


def answer_in_words(message: SoundSourceArray) -> str:
    """What makes the sound in a window, in a line for each source."""
    name = OUTCOMES[message.outcome].value
    if not message.sources:
        return f"{name:<14}{message.label or '-':<10}{message.detail}"
    lines = []
    for source in message.sources:
        box = " ".join(f"{side:.0f}" for side in box_from_bounding_box(source.box).sides)
        lines.append(f"{name:<14}{source.label:<10}#{source.id:<4}[{box}]  {source.description}")
    return "\n".join(lines)


def detections_message(found: Localization, frame: Frame, ids: Sequence[str]) -> Detection2DArray:
    """The sources as detections: class_id is the label, score S_av, or s_aud where nobody verified, the box that
    of the mask where there is one.

    ids: of the sources.
    """
    message = Detection2DArray(header=header_of_frame(frame))
    for source, identity in zip(found.sources, ids, strict=True):
        result = ObjectHypothesisWithPose()
        result.hypothesis.class_id = source.label
        unverified = source.av_consistency is None
        result.hypothesis.score = source.audio_confidence if unverified else source.av_consistency
        box = bounding_box_from_box((source.mask and source.mask.box) or source.box)
        message.detections.append(Detection2D(header=message.header, results=[result], bbox=box, id=identity))
    return message


def image_message(image: NDArray[np.uint8], header: Header) -> Image:
    """An rgb8 Image of uint8 (height, width, 3)."""
    height, width, _ = image.shape
    return Image(
        header=header, height=height, width=width, encoding="rgb8", step=3 * width, data=array("B", image.tobytes())
    )


def time_message(stamp: int) -> Time:
    """A time in ns as a message."""
    sec, nanosec = divmod(stamp, SECOND)
    return Time(sec=sec, nanosec=nanosec)


def bounding_box_from_box(box: Box) -> BoundingBox2D:
    """As vision_msgs has it: center and size, of a Pose2D whose point vision_msgs 4 calls `position`."""
    message = BoundingBox2D(size_x=box.width, size_y=box.height)
    point = getattr(message.center, "position", message.center)
    point.x, point.y = box.center
    return message


def box_from_bounding_box(message: BoundingBox2D) -> Box:
    """The way back."""
    point = getattr(message.center, "position", message.center)
    half_width, half_height = message.size_x / 2, message.size_y / 2
    return Box(point.x - half_width, point.y - half_height, point.x + half_width, point.y + half_height)


def _source_message(
    source: Source, case: Case, identity: int, place: Place, heard: AnsweredDirection | None
) -> SoundSource:
    agreed = case.consensus
    message = SoundSource(
        id=identity,
        detection_id=source.id,
        label=source.label,
        audio_confidence=source.audio_confidence,
        av_consistency=math.nan if source.av_consistency is None else source.av_consistency,
        share=math.nan if source.share is None else source.share,
        box=bounding_box_from_box(source.box),
        initial_box=bounding_box_from_box(source.initial_box),
        refined=source.refined,
        bearing=place.direction.bearing,
        elevation=place.direction.elevation,
        bearing_sd=place.direction.bearing_sd,
        elevation_sd=place.direction.elevation_sd,
        distance=place.distance,
        distance_sd=place.distance_sd,
        position=_point(place.position),
        target_bearing=place.target_bearing,
        target_elevation=place.target_elevation,
        target_position=_point(place.target_position),
        direction_id=0 if heard is None else heard.id,
        heard_bearing=math.nan if heard is None else heard.bearing,
        heard_elevation=math.nan if heard is None or heard.elevation is None else heard.elevation,
        heard_sd=math.nan if heard is None else heard.sd,
        description=source.description,
        role_tags=list(agreed.role_tags) if agreed else [],
    )
    for vote in agreed.anchor_votes if agreed else ():
        told = AnchorVote(anchor=vote.anchor, score=vote.score)
        told.point.x, told.point.y = vote.point or (math.nan, math.nan)
        message.anchor_votes.append(told)
    return message


def _point(position: Vector) -> Point:
    x, y, z = position
    return Point(x=x, y=y, z=z)
