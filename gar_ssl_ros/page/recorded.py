"""What was recorded in a session: its pictures, sound and answers, by their own time, as their headers have it.

A bag is read by the time of recording, which is another: where a stamp lies is found by looking at pictures here and
there, between which time is taken to run evenly.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

from rosbags.interfaces import Connection

from gar_ssl_ros.bags.rosbag import Bag, BagError, Recorded
from gar_ssl_ros.bags.topics import Topics, choose_topics, is_depth
from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.messages.audio.codec import AudioError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import IMAGE_TYPES
from gar_ssl_ros.messages.stamps import stamp_of
from gar_ssl_ros.page.feed import Columns, Picture, joined
from gar_ssl_ros.page.pictures import picture_from_message
from gar_ssl_ros.page.spectrum import Spectrum

ANSWER_TYPE = "gar_ssl_ros/msg/SoundSourceArray"
OVERLAY = "image_annotated"  # topics that end so show what was answered, not what was seen
CLOSE_NS = SECOND // 10  # within which of a stamp a picture shows where it lies
MOST_LOOKS = 12  # at pictures, until then
MOST_MARKS = 4096  # that are kept of such looks
REACHES_NS = tuple(SECOND * 4**step // 4 for step in range(12))  # about a time in which a picture is looked for
LAG_NS = 2 * SECOND  # that sound is recorded after its stamp at most, or before
MOST_SOUND_NS = 120 * SECOND  # that is told at once


@dataclass(frozen=True)
class Item:
    """What is to be shown at a time, ns: a picture that is made when it is, or columns of sound."""

    due: int
    picture: Callable[[], Picture] | None = None
    columns: Columns | None = None


class SessionBag:
    """An open bag. Thread-safe: other threads take their turn from one message to the next.

    begin, end: stamps of its first and its last picture, ns. topics: of its pictures and sound, None where no sound is
    to be had. answers: topics of them. notes: what about it is not as it should be.
    """
