"""What a sound is, in AudioSet's words: any of the 521 that YAMNet (Google, 2019) tells apart, run by LiteRT."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from tempfile import TemporaryFile
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.gar.reasoner import ReasonerError
from gar_ssl_ros.perception.failure import ModelError

STDERR = 2  # file descriptor
LOOK_SAMPLES = 15_600  # samples: of one look, 0.975 s
LOOKS = 5  # at a window of 3 s: an event at the edge of one is in the middle of the next


@dataclass(frozen=True)
class Tags:
    """How sure each of 521 sounds is to be heard, 0..1, in each look at a window: (looks, 521), and their names."""

    scores: NDArray[np.float32]
    names: tuple[str, ...]

    def all(self) -> NDArray[np.float32]:
        """Over the window, (521,): the mean of the two strongest looks, as one event counts and one slip does not."""
        return np.asarray(np.sort(self.scores, axis=0)[-2:].mean(axis=0))


class Tagger(Protocol):
    """Listens to one window after another."""

    @property
    def names(self) -> tuple[str, ...]:
        """The sounds that it tells apart, lower case; AudioSet's where they have such a name."""

    def tags(self, samples: NDArray[np.float32]) -> Tags:
        """What is heard. samples: mono, (n,) at 16 kHz, -1..1."""


class Yamnet:
    """YAMNet. Raises ModelError where the file holds no such model, ReasonerError where LiteRT is not installed."""

    def __init__(self, path: Path) -> None:
        try:
            from ai_edge_litert.interpreter import Interpreter  # noqa: PLC0415 - an extra
        except ImportError:
            raise ReasonerError(f"audio tags need LiteRT, which is not installed: {pip_install('senses')}") from None
        self.names = names()
        try:
            with _without_greeting():
                self._net = Interpreter(model_path=str(path), num_threads=1)
                self._net.allocate_tensors()
            takes, gives = self._net.get_input_details()[0], self._net.get_output_details()[0]
            self._in, self._out = takes["index"], gives["index"]
            if takes["shape"].tolist()[-1:] != [LOOK_SAMPLES] or gives["shape"].tolist()[-1:] != [len(self.names)]:
                raise ValueError(f"it takes {takes['shape'].tolist()} and gives {gives['shape'].tolist()}")
            self._shape = tuple(takes["shape"].tolist())
            self.tags(np.zeros(LOOK_SAMPLES, np.float32))
        except (ValueError, RuntimeError) as problem:
            raise ModelError(path, "YAMNet, the audio tagger", problem) from None

    def tags(self, samples: NDArray[np.float32]) -> Tags:
        """See `Tagger`. What is shorter than a look is padded with silence."""
        return Tags(np.array([self._look(look) for look in looks(samples, LOOK_SAMPLES, LOOKS)]), self.names)

    def _look(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        self._net.set_tensor(self._in, samples.reshape(self._shape))
        self._net.invoke()
        return np.array(self._net.get_tensor(self._out), np.float32).reshape(-1)


def looks(samples: NDArray[np.float32], length: int, count: int) -> list[NDArray[np.float32]]:
    """Stretches of that length, evenly over a window; of one that is no longer, a single one, padded with silence."""
    padded = np.pad(samples.astype(np.float32), (0, max(0, length - len(samples))))
    starts = np.linspace(0, len(padded) - length, count if len(padded) > length else 1).astype(int)
    return [padded[start : start + length] for start in starts]


@contextmanager
def _without_greeting() -> Iterator[None]:
    """Within it what is written to stderr waits; of that, the line in which LiteRT tells of its delegate is left out.

    LiteRT's own code writes it, past Python and past any setting.
    """
    with TemporaryFile() as waiting:
        stderr = os.dup(STDERR)
        os.dup2(waiting.fileno(), STDERR)
        try:
            yield
        finally:
            os.dup2(stderr, STDERR)
            os.close(stderr)
            waiting.seek(0)
            os.write(STDERR, b"".join(line for line in waiting if b"XNNPACK delegate" not in line))


@cache
def names() -> tuple[str, ...]:
    """AudioSet's display names in YAMNet's order, lower case."""
    text = resources.files(__package__).joinpath("audioset.csv").read_text(encoding="utf-8")
    return tuple(row["display_name"].lower() for row in csv.DictReader(text.splitlines()))
