"""What an evaluation runs over: samples whose truth is known, each opened only when its turn comes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.evaluation.metrics.seld import SoundEvent
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import Window

MAX_MISSING_LISTED = 50  # missing media that a message names; a longer list is in Dataset.missing


class DatasetError(UserError):
    """A dataset that cannot be used: one sentence that names the file or folder, what is wrong and what to do."""


@dataclass(frozen=True)
class Truth:
    """One thing that sounds. sides: x1, y1, x2, y2, half-open, x1 < x2 and y1 < y2. label: its class, if known.

    mask: its pixels, of the picture's size, where they are known.
    """

    sides: tuple[float, float, float, float]
    label: str | None = None
    mask: Mask | None = field(default=None, repr=False)  # not in the digest of a dataset's truths


@dataclass(frozen=True, eq=False)
class Opened:
    """A sample in memory. truths: in pixels of `window.center`. notes: what was odd about its media, if anything.

    heard: what sounds from where, as seen from the camera (x forward, y left, z up), in frames of SoundEvent of which
    the window is FRAMES_PER_SEGMENT; None where that is not known. outcome: what a localizer should say, where only
    the media tell; None for the sample's own.
    """

    window: Window
    truths: tuple[Truth, ...]
    notes: tuple[str, ...] = ()
    heard: tuple[SoundEvent, ...] | None = None
    outcome: Outcome | None = None


class Media(Protocol):
    """Where a sample's picture and sound come from. Can be pickled; cheap until it is opened."""

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        """Read it. `truths`: the sample's own, in shares of the image, or None where only the media tell them.

        Raises ClipError, one sentence, where it cannot be read.
        """
        ...


@dataclass(frozen=True)
class Sample:
    """One picture with its sound, and what is true of it.

    id: unique in its dataset. media: what opens it. truths: in shares of the image (0..1), or None where they are
    known only once it is open; empty where an annotation left no usable box: such a sample can only be missed.
    outcome: what a localizer should say of it. sources: how many it should look for. group: what it is counted with
    in tables: a kind of scene, a class. mask_classes: those that its true masks tell apart, none where empty; None
    where the truth has no masks.
    """

    id: str
    media: Media
    truths: tuple[Truth, ...] | None
    outcome: Outcome = Outcome.LOCALIZED
    sources: int = 1
    group: str = ""
    mask_classes: tuple[str, ...] | None = None

    @property
    def clip(self) -> str:
        """The recording that it is a moment of: its id up to @."""
        return self.id.rpartition("@")[0] or self.id

    def open(self) -> Opened:
        """Its window, and its truths in pixels. Raises ClipError, one sentence, where its media cannot be read."""
        return self.media.open(self.truths)


@dataclass(frozen=True)
class Dataset:
    """Samples in a fixed order.

    classes: of its truths, sorted. notes: what was odd about its annotations, a sentence each. missing: the id of each
    sample without media, and what to fetch for it; those samples stay in `samples`, and fail when they are opened.
    missing_message: one message that says so; empty where nothing is missing.
    """

    name: str
    samples: tuple[Sample, ...]
    classes: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    missing: tuple[tuple[str, str], ...] = ()
    missing_message: str = ""


def pixels(truths: Sequence[Truth], width: int, height: int) -> tuple[Truth, ...]:
    """Truths in shares of the image as truths in its pixels."""
    return tuple(
        Truth((t.sides[0] * width, t.sides[1] * height, t.sides[2] * width, t.sides[3] * height), t.label)
        for t in truths
    )
