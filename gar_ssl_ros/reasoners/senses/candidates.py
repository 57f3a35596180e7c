"""What in view might be making the sound: faces, detected things, and what moves."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from gar_ssl_ros.gar.boxes import Box, box_from_reply
from gar_ssl_ros.media.window import Frame, Window
from gar_ssl_ros.perception.detection import Detection
from gar_ssl_ros.perception.faces import FACE
from gar_ssl_ros.reasoners.senses.senses import Senses

MOVING = "moving"  # the kind of what moves and no detector names
IN_TIME = "in time"  # the kind of what `signal` finds to move in time with the sound
PERSON = "person"
INSTRUMENT = "musical instrument"
HEAD_MARGINS = (0.1, 0.22, 0.1, 0.02)  # of a face's width and height: how far its head reaches beyond it, by side
MIN_ALONE_SURENESS = 0.5  # of a detector that is believed although a finder does not see the thing
UNCONFIRMED_SHARE = 0.25  # of how sure a detector is, where it is not
OTHER_FRAME_SURENESS = 0.8  # of how sure a thing is that only another frame shows
SAME_PLACE_IOU = 0.2  # intersection over union from which on a detector and a finder see the same thing
SAME_PLACE_SHARE = 0.6  # of a finder's box in a detector's: the same
SAME_THING_IOU = 0.5  # intersection over union from which on two detectors see the same thing
OTHER_LOOKS = (1 / 6, 5 / 6)  # of the window: when it is looked again for what the center frame does not show


@dataclass(frozen=True)
class Candidate:
    """One thing in view. kind: `face`, a detector's kind, MOVING or IN_TIME. box: of a face, its head.

    sure: how sure it is seen at all, 0..1; of what moves, its share of all change; of what moves in time, how sure that
    is. strength: of what moves, how much it changes at its most, grey levels a frame. id: by which the robot knows it,
    if it does.
    """

    kind: str
    box: Box
    sure: float
    strength: float = 0.0
    id: str = ""

    @property
    def tag(self) -> str:
        """As a role tag."""
        return self.kind.replace(" ", "_")


def seen(senses: Senses, frame: Frame, named: Collection[str]) -> list[Candidate]:
    """The faces and things of one frame, and those of the named kinds that have to be looked for."""
    eyes = [detector for detector in (senses.faces, senses.objects) if detector is not None]
    found = [one for detector in eyes for one in detector.detect(frame.image)]
    if senses.finder is not None and (names := senses.looked_for(named)):
        found = confirmed(found, senses.finder.find(frame.image, names), names, senses.finder.better_known)
    return candidates(found, frame)


def confirmed(
    detections: Iterable[Detection], found: Sequence[Detection], names: Collection[str], kin: Collection[str] = ()
) -> list[Detection]:
    """What detectors see, and a finder under these names. What both see is surer, what one alone sees less.

    kin: kinds of which a detector may mistake one for another: it is of the kind that the finder says.
    """
    told, met = [], set()
    for one in detections:
        same = [other for other in found if _same_place(one, other) and one.label == other.label]
        if one.label in kin:
            same += [other for other in found if _same_place(one, other) and other.label in kin]
        met |= set(same)
        if same:
            sure = (one.score * same[0].score) ** 0.5
            told.append(
                replace(one, label=same[0].label, score=sure if one.label != same[0].label else max(sure, one.score))
            )
        else:
            doubted = one.label in names and one.score < MIN_ALONE_SURENESS
            told.append(replace(one, score=UNCONFIRMED_SHARE * one.score) if doubted else one)
    return told + [one for one in found if one not in met]


def _same_place(whole: Detection, other: Detection) -> bool:
    """True if a finder's box, which may be that of a part, is of the same thing as a detector's."""
    return whole.box.iou(other.box) >= SAME_PLACE_IOU or other.box.share_in(whole.box) >= SAME_PLACE_SHARE


def candidates(detections: Iterable[Detection], frame: Frame) -> list[Candidate]:
    """Detections as candidates; a face as the head around it."""
    return [
        Candidate(one.label, head(one.box, frame) if one.label == FACE else one.box, one.score, id=one.id)
        for one in detections
    ]


def sighted(window: Window) -> list[Candidate]:
    """What the robot's own detectors see, where they say what it is."""
    named = (one for one in window.sightings if one.label)
    return candidates((Detection(one.label, one.score, Box(*one.sides), one.id) for one in named), window.center)


def with_sighted(found: Sequence[Candidate], window: Window) -> list[Candidate]:
    """Candidates, and what the robot's own detectors see instead of those of the same kind and place."""
    own = sighted(window)
    return [*own, *(c for c in found if not any(c.kind == o.kind and c.box.iou(o.box) >= SAME_THING_IOU for o in own))]


def again(senses: Senses, window: Window, wanted: Collection[str]) -> list[Candidate]:
    """What of the wanted kinds other frames show, where the center one shows none: less sure of where it is by then."""
    same = [frame for frame in window.frames if frame.image.shape == window.center.image.shape]
    looks = {int(at * len(same)) for at in OTHER_LOOKS}
    found = [one for look in sorted(looks) for one in seen(senses, same[look], wanted) if one.kind in wanted]
    return [replace(one, sure=OTHER_FRAME_SURENESS * one.sure) for one in found]


def head(face: Box, frame: Frame) -> Box:
    """The head of a face, from crown to chin, within the picture."""
    left, up, right, down = HEAD_MARGINS
    sides = (
        face.x1 - left * face.width,
        face.y1 - up * face.height,
        face.x2 + right * face.width,
        face.y2 + down * face.height,
    )
    return box_from_reply(sides, frame.width, frame.height) or face
