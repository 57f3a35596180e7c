"""What the model learns from: scenes with truth, and questions about them; and batches of both as tensors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import cv2
import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

from gar_ssl_ros.spatial.model.network import UNTOLD
from gar_ssl_ros.spatial.model.options import ModelConfig
from gar_ssl_ros.spatial.model.words import prompt, reply
from gar_ssl_ros.spatial.questions.forms import Spot


@dataclass(frozen=True)
class Placed:
    """label: its class. width: degrees; 0 of a sound."""

    label: str
    spot: Spot
    width: float = 0.0


@dataclass(frozen=True, eq=False)
class Scene:
    """picture: RGB uint8 (H, W, 3), a panorama. sound: float32 (2, samples) in [-1, 1], the left ear first; rate: Hz.

    Either is None where nothing is to be seen or heard.
    """

    picture: NDArray[np.uint8] | None
    sound: NDArray[np.float32] | None
    rate: int


@dataclass(frozen=True, eq=False)
class Lesson:
    """A scene, what is true of it, and a question with its answer.

    key: names the scene among all. scene: reads it. symmetric: if its ears, exchanged, hear the room in a mirror.
    """

    key: str
    scene: Callable[[], Scene]
    source: Placed
    objects: tuple[Placed, ...]
    question: str
    answer: str
    symmetric: bool = False


class Lessons(Protocol):
    """All of them, each read when its turn comes."""

    def __len__(self) -> int:
        """How many."""

    def __getitem__(self, index: int) -> Lesson:
        """One of them."""


class Batches:
    """Makes tensors of scenes and questions, as a model of one config and its words take them."""

    def __init__(self, config: ModelConfig, tokenizer: Any, media_tokens: int) -> None:
        self._config, self._tokenizer, self._media = config, tokenizer, media_tokens

    def media(self, scenes: Sequence[Scene]) -> dict[str, Tensor]:
        """As of HearYouAre.encoded."""
        found = {}
        if self._config.sees:
            found["pictures"] = torch.from_numpy(np.stack([picture_of(one, self._config) for one in scenes]))
        if self._config.hears != "nothing":
            found["sounds"] = torch.from_numpy(np.stack([sound_of(one, self._config) for one in scenes]))
        return found

    def to_learn(
        self, lessons: Sequence[Lesson], media: Callable[[Sequence[Lesson]], dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor]:
        """As of HearYouAre.forward. media: makes what is seen and heard; None for pictures and sounds as they are."""
        rows, labels = [], []
        for one in lessons:
            asked, told = self._asked(one.question), reply(self._tokenizer, one.answer)
            rows.append(([*asked[0], *told], [*asked[1], *[False] * len(told)]))
            labels.append([UNTOLD] * len(asked[0]) + told)
        most = max(map(len, labels))
        wanted = torch.tensor([one + [UNTOLD] * (most - len(one)) for one in labels])
        shown = self.media([one.scene() for one in lessons]) if media is None else media(lessons)
        return {**self._rows(rows, left=False), "labels": wanted, **shown}

    def to_answer(self, asked: Sequence[tuple[Scene, str]]) -> dict[str, Tensor]:
        """As of HearYouAre.answer."""
        rows = [self._asked(question) for _, question in asked]
        return {**self._rows(rows, left=True), **self.media([scene for scene, _ in asked])}

    def _asked(self, question: str) -> tuple[list[int], list[bool]]:
        before, after = prompt(self._tokenizer, question)
        ids = [*before, *[self._pad] * self._media, *after]
        return ids, [len(before) <= at < len(before) + self._media for at in range(len(ids))]

    def _rows(self, rows: Sequence[tuple[list[int], list[bool]]], left: bool) -> dict[str, Tensor]:
        most = max(len(ids) for ids, _ in rows)

        def filled(row: list[Any], by: Any) -> list[Any]:
            more = [by] * (most - len(row))
            return more + row if left else row + more

        return {
            "ids": torch.tensor([filled(ids, self._pad) for ids, _ in rows]),
            "attends": torch.tensor([filled([1] * len(ids), 0) for ids, _ in rows]),
            "media_at": torch.tensor([filled(at, False) for _, at in rows]),
        }

    @property
    def _pad(self) -> int:
        found: int = self._tokenizer.pad_token_id
        return found


def picture_of(scene: Scene, config: ModelConfig) -> NDArray[np.uint8]:
    """A panorama at the size that is cut into patches, scaled as SigLIP 2's NaFlex does: to whole patches."""
    assert scene.picture is not None
    size = config.picture
    if scene.picture.shape[1::-1] == size:
        return scene.picture
    smaller = size[0] < scene.picture.shape[1]
    return np.asarray(cv2.resize(scene.picture, size, interpolation=cv2.INTER_AREA if smaller else cv2.INTER_LINEAR))


def sound_of(scene: Scene, config: ModelConfig) -> NDArray[np.float32]:
    """A sound at the encoder's rate, cut to its length or filled up with silence."""
    assert scene.sound is not None
    hearing = config.hearing
    sound = scene.sound if scene.rate == hearing.rate else soxr.resample(scene.sound.T, scene.rate, hearing.rate).T
    sound = sound[:, : hearing.samples]
    return np.pad(sound, ((0, 0), (0, hearing.samples - sound.shape[1]))).astype(np.float32)
