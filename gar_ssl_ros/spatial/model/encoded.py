"""What encoders that no longer learn make of scenes: each is looked at and listened to once."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from gar_ssl_ros.spatial.model.lessons import Batches, Lesson
from gar_ssl_ros.spatial.model.network import HearYouAre


class Encoded:
    """Makes what is seen and heard in lessons, as of HearYouAre.media; in memory, with half precision."""

    def __init__(self, model: HearYouAre, batches: Batches, most: int) -> None:
        """most: bytes that are kept; what does not fit is made each time."""
        self._model, self._batches, self._left = model, batches, most
        self._kept: dict[str, dict[str, Tensor]] = {}

    def __call__(self, lessons: Sequence[Lesson]) -> dict[str, Tensor]:
        """Raises what reading a scene does."""
        found = {one.key: self._kept[one.key] for one in lessons if one.key in self._kept}
        new = {one.key: one for one in lessons if one.key not in found}
        if new:
            made = self._made(list(new.values()))
            for at, key in enumerate(new):
                found[key] = {name: tokens[at].clone() for name, tokens in made.items()}
                self._keep(key, found[key])
        names = found[lessons[0].key]
        return {name: torch.stack([found[one.key][name] for one in lessons]) for name in names}

    def _made(self, lessons: Sequence[Lesson]) -> dict[str, Tensor]:
        media = self._batches.media([one.scene() for one in lessons])
        device = next(self._model.parameters()).device
        with torch.no_grad():
            made = self._model.encoded(**{name: one.to(device) for name, one in media.items()})
        return {name: one.half().cpu() for name, one in made.items()}

    def _keep(self, key: str, tokens: dict[str, Tensor]) -> None:
        size = sum(one.nbytes for one in tokens.values())
        if size <= self._left:
            self._kept[key] = tokens
            self._left -= size
