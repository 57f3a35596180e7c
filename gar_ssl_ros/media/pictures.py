"""Decoded pictures as a viewer sees them: upright, in order, and damaged for as long as damage is to be seen."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from av.error import FFmpegError
from av.video.frame import PictureType, VideoFrame
from numpy.typing import NDArray

from gar_ssl_ros.media.window import Frame


class Pictures:
    """Makes frames of pictures as they are decoded.

    A picture is damaged where its decoder finds it so, and where it builds on such a one, until the next key frame. One
    that is lost is damaged, too, and looks as the one before it. total, damaged: frames so far. unordered: pictures
    that were left out because their time is not after their predecessor's.
    """

    def __init__(self, period: int, begin: int | None = None) -> None:
        """`period`: ns from one picture to the next where they have no times of their own. `begin`: time, ns, from
        which on there should be pictures, if that is known.
        """
        self.total = self.damaged = self.unordered = 0
        self._period, self._begin = period, begin
        self._shown: Frame | None = None
        self._lost: list[int | None] = []  # the times of those lost since the last one
        self._spoilt = False  # whether the next one builds on a damaged one

    def lose(self, stamp: int | None) -> None:
        """Something cannot be decoded: a picture of that time, ns, or where it is None, whatever was there."""
        self._spoilt = True
        self._lost.append(stamp)

    def take(self, picture: VideoFrame, stamp: int | None, damaged: bool) -> Iterator[Frame]:
        """The next picture, of that time, ns, and before it those that are lost."""
        if stamp is None:
            stamp = 0 if self._shown is None else self._shown.stamp + self._period
        if self._shown is not None and stamp <= self._shown.stamp:
            self.unordered += 1
            return
        try:
            image = upright(picture)
        except (FFmpegError, ValueError):  # it does not hold what it says
            self.lose(stamp)
            return
        if damaged:
            self._spoilt |= picture.pict_type != PictureType.B  # on which, as a rule, none is built
        elif picture.key_frame:
            self._spoilt = False
        frame = Frame(stamp, image, damaged=damaged or self._spoilt)
        yield from self._repeated(self._shown or frame, stamp)
        yield self._show(frame)

    def end(self) -> Iterator[Frame]:
        """Those that are lost at the end."""
        if self._shown is not None:
            last = max((stamp for stamp in self._lost if stamp is not None), default=0)
            yield from self._repeated(self._shown, last + 1)

    def _repeated(self, picture: Frame, end: int) -> Iterator[Frame]:
        """A picture in the place of each lost one before `end`."""
        for lost in self._lost:
            due = self._begin if self._shown is None else self._shown.stamp + self._period
            stamp = lost
            if stamp is None and due is not None and end - due > 0.5 * self._period:
                stamp = due
            if stamp is not None and stamp < end and (self._shown is None or self._shown.stamp < stamp):
                yield self._show(Frame(stamp, picture.image, damaged=True))
        self._lost.clear()

    def _show(self, frame: Frame) -> Frame:
        self._shown = frame
        self.total += 1
        self.damaged += frame.damaged
        return frame


def jpeg(image: NDArray[np.uint8], quality: int = 95) -> bytes:
    """RGB (height, width, 3), coded. quality: 0..100."""
    _, coded = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    return coded.tobytes()


def upright(picture: VideoFrame) -> NDArray[np.uint8]:
    """Its pixels as RGB (height, width, 3), turned as its stream says."""
    image = picture.to_ndarray(format="rgb24")
    quarter_turns = round(picture.rotation / 90) % 4  # degrees counter-clockwise that set the picture upright
    return np.ascontiguousarray(np.rot90(image, quarter_turns), np.uint8)
