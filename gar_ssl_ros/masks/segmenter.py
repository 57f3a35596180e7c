"""What every segmenter is, and its place after the reasoner: from boxes to pixels."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError, sentence
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure

logger = logging.getLogger(__name__)

Image = NDArray[np.uint8]  # (height, width, 3) RGB


class SegmenterError(UserError):
    """A segmenter that cannot be had, or does not do what it should: one sentence with the remedy."""


@dataclass(frozen=True)
class Prompt:
    """What is to be segmented.

    box: about it, pixels of the image. words: what it is, or sounds like, in a noun or two; empty where not known.
    """

    box: Box
    words: str = ""


class Segmenter(Protocol):
    """Finds the pixels of what it is asked for. Thread-safe."""

    name: str

    def segment(self, image: Image, prompts: Sequence[Prompt], deadline: Deadline) -> Sequence[Mask | Failure]:
        """Of each prompt, in order: its mask, of the image's size, or why there is none.

        Raises what `deadline.check()` raises.
        """
        ...


def masked(
    found: Localization, image: Image, segmenter: Segmenter | None, deadline: Deadline | None = None
) -> Localization:
    """A final answer with the masks of its sources; any other one as it is.

    image: that the answer is about. segmenter: None where no masks are asked for: those of the reasoner's own stay. A
    mask that fails is told in `detail`, and its source stays as it is. Raises Cancelled where the deadline was
    cancelled.
    """
    if segmenter is None or found.stage is not Stage.FINAL or found.outcome is not Outcome.LOCALIZED:
        return found
    return _with(found, _answers(found.sources, image, segmenter, deadline or Deadline()))


def unmasked(found: Localization, why: str) -> Localization:
    """A final answer that has no masks, for that reason."""
    return _with(found, [Failure(why)] * len(found.sources))


def _with(found: Localization, answers: Sequence[Mask | Failure]) -> Localization:
    sources = [
        replace(source, mask=one) if isinstance(one, Mask) else source
        for source, one in zip(found.sources, answers, strict=True)
    ]
    reasons = dict.fromkeys(one.reason for one in answers if isinstance(one, Failure))
    failed = sum(isinstance(one, Failure) for one in answers)
    told = [f"{failed} of {len(answers)} masks failed: {'; '.join(reasons)}"] if failed else []
    return replace(found, sources=tuple(sources), detail="; ".join(filter(None, [found.detail, *told])))


def _answers(
    sources: Sequence[Source], image: Image, segmenter: Segmenter, deadline: Deadline
) -> Sequence[Mask | Failure]:
    # A label is what a model of words was trained on, a noun or two; a description may be of four sentences.
    prompts = [Prompt(source.box, source.label) for source in sources]
    try:
        deadline.check()
        answers = segmenter.segment(image, prompts, deadline)
    except Cancelled:
        raise
    except DeadlineExceeded:
        return [Failure("there was no time left for them")] * len(prompts)
    except Exception as problem:  # of whatever kind: it must not cost the boxes
        logger.debug("the segmenter %s failed", segmenter.name, exc_info=True)
        return [Failure(sentence(problem))] * len(prompts)
    if len(answers) != len(prompts):
        return [Failure(f"{segmenter.name} gave {len(answers)} masks for {len(prompts)} boxes")] * len(prompts)
    return [_checked(one, image, segmenter.name) for one in answers]


def _checked(answer: Mask | Failure, image: Image, name: str) -> Mask | Failure:
    if isinstance(answer, Failure):
        return answer
    if answer.pixels.shape != image.shape[:2]:
        height, width = image.shape[:2]
        return Failure(f"{name} gave a mask of {answer.width}x{answer.height} pixels for an image of {width}x{height}")
    return answer if answer.area else Failure(f"{name} found no pixel of it")
