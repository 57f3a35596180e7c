"""A loaded Thinker as a runtime of the prompted reasoner."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from threading import Lock

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.attention import SDPBackend, sdpa_kernel
from transformers import PreTrainedTokenizerFast

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.omni.context import Context
from gar_ssl_ros.reasoners.omni.decoding import Batch
from gar_ssl_ros.reasoners.omni.drafts import Drafts
from gar_ssl_ros.reasoners.omni.grammar import Grammar
from gar_ssl_ros.reasoners.omni.media import Processors
from gar_ssl_ros.reasoners.omni.prompt import Prompt
from gar_ssl_ros.reasoners.omni.thinker import Thinker
from gar_ssl_ros.reasoners.prompted.description import CheckpointDescription
from gar_ssl_ros.reasoners.prompted.runtime import BatchError, ModelError, Question, Reply, Sampling

POLL_S = 0.05  # s: how often a window that waits for another one looks at its deadline
# Not cuDNN's, torch's first choice on an H100 and later: it plans anew for each number of tokens and slots, and no two
# steps share theirs.
KERNELS = [SDPBackend.FLASH_ATTENTION, SDPBackend.EFFICIENT_ATTENTION, SDPBackend.MATH]

logger = logging.getLogger(__name__)


class OmniRuntime:
    """One model, one batch at a time, whatever the threads that ask."""

    def __init__(
        self,
        model: str,
        description: CheckpointDescription,
        thinker: Thinker,
        tokenizer: PreTrainedTokenizerFast,
        processors: Processors,
        ends: Sequence[int],
    ) -> None:
        """model: as it was named. ends: the tokens that end a free reply."""
        self.model = model
        self.description = description
        self.thinker = thinker
        self.grammar = Grammar(tokenizer, thinker.vocabulary, ends)
        self.prompt = Prompt(tokenizer, description.layout)
        self._processors = processors
        self._lock = Lock()

    @contextmanager
    def encode(
        self, system: str, image: NDArray[np.uint8] | None, audio: NDArray[np.float32] | None, deadline: Deadline
    ) -> Iterator[OmniWindow]:
        """Take in a window; its image and sound go through the towers when they are first needed."""
        try:
            picture = None if image is None else self._processors.picture(image)
            sound = None if audio is None else self._processors.sound(audio)
        except ValueError as problem:
            raise ModelError(f"{self.description.name} cannot take this window: {problem}") from None
        size = (0, 0) if picture is None else picture.size
        window = OmniWindow(self, Context(self.thinker, self.prompt, system, picture, sound), size, deadline)
        try:
            yield window
        finally:
            window.close()

    def warm_up(self) -> None:
        """Answer one small question of each kind, so that the first window takes no longer than the next ones."""
        image, audio = np.zeros((480, 640, 3), np.uint8), np.zeros(3 * SPEECH_RATE_HZ, np.float32)
        question = Question("", {"type": "integer"}, Sampling(0.4, 0.9), seeds=(0, 1), max_new_tokens=8)
        with self.encode("", image, audio, Deadline()) as window:
            for seen in (False, True):
                window.ask([question], seen)

    @contextmanager
    def turn(self, deadline: Deadline) -> Iterator[None]:
        """Hold the model for one batch. What the machine cannot do becomes a ModelError, and the next batch works."""
        while not self._lock.acquire(timeout=POLL_S):
            deadline.check()
        try:
            self.thinker.deadline = deadline
            with torch.inference_mode(), sdpa_kernel(KERNELS):
                yield
        except (RuntimeError, MemoryError) as problem:
            sentence = self._explained(problem)
            if sentence is None:
                raise
            raise ModelError(sentence) from problem
        finally:
            self.thinker.deadline = None
            self._lock.release()

    def _explained(self, problem: Exception) -> str | None:
        """What the machine, not the code, could not do."""
        told = str(problem).partition("\n")[0]
        if isinstance(problem, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in told:
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            return (
                f"{self.model} ran out of memory on {self.thinker.device}: use fewer trials or sources, a quantised or "
                "smaller model, or free some memory"
            )
        if isinstance(problem, torch.AcceleratorError):
            return f"{self.thinker.device} failed ({told}): restart this program, and look into dmesg for the GPU"
        return None


@dataclass
class _Begun:
    """Questions, and whether each comes after the image; on their way as a batch from their first step on."""

    questions: Sequence[Question]
    seen: Sequence[bool]
    batch: Batch | None = None


class OmniWindow:
    """One window's image and sound in the model."""

    def __init__(self, runtime: OmniRuntime, context: Context, image_size: tuple[int, int], deadline: Deadline) -> None:
        self._runtime = runtime
        self._context: Context | None = context
        self._deadline = deadline
        self._last: _Begun | None = None
        self._drafts = Drafts()
        self._failed = False
        self.image_size = image_size

    def ask(self, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:
        """A reply for each seed of each question, all of them one batch."""
        replies = self.begin(questions, [seen] * len(questions))
        return [replies(number) for number in range(len(questions))]

    def begin(self, questions: Sequence[Question], seen: Sequence[bool]) -> Callable[[int], Sequence[Reply]]:
        """The same, each question after the sound alone or after the image too, and no further than to a reply."""
        self._last = _Begun(questions, seen)
        return partial(self._replies, self._last)

    def close(self) -> None:
        """Free what it holds."""
        if self._context is not None and not self._failed:
            self._context.leave()
        self._context = self._last = None

    def _replies(self, begun: _Begun, number: int) -> Sequence[Reply]:
        if begun is not self._last:
            raise BatchError("these questions were dropped, for others or by a failure: ask them again")
        try:
            return self._together(begun, number)
        except ModelError as problem:
            raise BatchError(str(problem)) from problem

    def _together(self, begun: _Begun, number: int) -> Sequence[Reply]:
        context = self._context
        if context is None:
            raise ModelError("this window has been closed: take it in again to ask about it")
        with self._runtime.turn(self._deadline):
            self._deadline.check()
            try:
                begun.batch = begun.batch or self._batch(begun, context)
                return begun.batch.replies(number, self._deadline)
            except BaseException:
                self._last, self._failed = None, True
                context.clear()
                raise

    def _batch(self, begun: _Begun, context: Context) -> Batch:
        prompt, questions = self._runtime.prompt, begun.questions
        texts = [prompt.question(question.text) for question in questions]
        return Batch(questions, texts, context.after_media(begun.seen), context, self._runtime.grammar, self._drafts)
