"""What the prompted reasoner asks of whatever runs the model: media taken in once, questions asked in batches."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.prompted.description import ModelDescription

Reply: TypeAlias = str | Failure | None  # None: not finished, as nobody needs it any more


class ModelError(ReasonerError):
    """A model that cannot be loaded or run: one sentence that says what is wrong and what to do."""


class BatchError(ModelError):
    """A batch failed as a whole: each of its questions by itself may go well."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: greedily at temperature 0, else from the most probable ones that make up top_p."""

    temperature: float = 0.0
    top_p: float = 1.0


@dataclass(frozen=True)
class Question:
    """What is asked after the media.

    text: the filled prompt. schema: the JSON schema that every reply obeys, None for free text. seeds: one reply for
    each; reply i depends on the media, the question and seeds[i] alone, however many are asked with it. max_new_tokens:
    of one reply; one that is longer is a Failure, or, if it may be `cut`, its beginning. enough: told the replies so
    far, in the order of the seeds, after each one that ends; may say that the rest is not needed. pattern: a regular
    expression that a free text obeys where the runtime can see to it: look at what comes.
    """

    text: str
    schema: Mapping[str, object] | None
    sampling: Sampling
    seeds: tuple[int, ...]
    max_new_tokens: int
    enough: Callable[[Sequence[Reply]], bool] | None = None
    pattern: str | None = None
    cut: bool = False


class Encoded(Protocol):
    """One window's image and sound, each taken in at most once, and only when first needed."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Width and height of the image as the model sees it, after its processor's resize; 0, 0 without one."""

    def ask(self, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:
        """A reply for each seed of each question, all of them one batch.

        seen: True if the image comes before the questions; else the sound alone. What the window was taken in without
        comes before none of them. Raises Cancelled and
        DeadlineExceeded within one decoding step at most, ModelError where the model cannot go on.
        """


@runtime_checkable
class Batching(Protocol):
    """A window whose questions may be one batch though some are about the sound alone, answered one by one."""

    def begin(self, questions: Sequence[Question], seen: Sequence[bool]) -> Callable[[int], Sequence[Reply]]:
        """From a question's number to its replies, as `ask` gives them; till then nothing is computed.

        seen: of each question. The others come as far as they do until it is answered. Whatever is asked of the window
        in another way drops all of them, and so does a BatchError.
        """


class Runtime(Protocol):
    """A loaded model. Several threads may ask it; it answers one batch at a time."""

    @property
    def model(self) -> str:
        """The folder or hub id of its weights, as records name it."""

    @property
    def description(self) -> ModelDescription:
        """What is known of it."""

    def encode(
        self, system: str, image: NDArray[np.uint8] | None, audio: NDArray[np.float32] | None, deadline: Deadline
    ) -> AbstractContextManager[Encoded]:
        """Take in a window: what the model is told of its task, RGB (H, W, 3), mono (samples,) at SPEECH_RATE_HZ.

        image, audio: None where the model is asked without: about the other alone, or about neither.
        What that holds on the device is freed when the context ends. Raises ModelError.
        """
