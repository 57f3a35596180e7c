"""What the encoders learn before a language model asks them: heads that tell what sounds and is seen, and where.

Of a pretrained encoder of pictures nothing of this is needed; a fresh one has yet to learn what things look like.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.spatial.model.encoded import Encoded
from gar_ssl_ros.spatial.model.lessons import Lesson, Placed, picture_of, sound_of
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.options import ModelConfig
from gar_ssl_ros.spatial.model.projector import parts_of
from gar_ssl_ros.spatial.model.spatial_ast import targets
from gar_ssl_ros.spatial.model.words import named

BLUR = 6.0  # degrees: a direction's neighbours are nearly right, too
EXTENT = 0.35  # of its width, to each side of its middle: where a thing is seen for sure
NOTHING = 0.03  # what a patch in which nothing is counts, of one in which something is
CONTRAST, TINT = 0.25, 20.0  # by so much at most pictures are seen in another light; of 256
NEARNESS = 10.0  # how much of a logit a token of length 1 is that has the direction of a word
NO_THING = 0.15  # the same of a part of the panorama
FAR_M = 3.0  # what a distance is measured in
SCALES = (10.0, 20.0, FAR_M)  # of a place in a part: degrees, degrees, m


class HearingWarmUp(nn.Module):
    """Class, distance and direction of what sounds, by the encoder's own heads (BAT, arXiv:2402.01591)."""

    def __init__(self, model: HearYouAre) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, sounds: Tensor, classes: Tensor, azimuth: Tensor, elevation: Tensor, distance: Tensor
    ) -> dict[str, Tensor]:
        """The loss, of sources as lessons have them, each (B,): a class's index, degrees and m."""
        hearing = self.model.hearing
        assert hearing is not None
        told = hearing.heads(self.model.heard(sounds))
        shares = F.one_hot(classes, hearing.config.classes).float()
        loss = hearing.config.classes / 2 * F.binary_cross_entropy_with_logits(told.classes.float(), shares)
        config = self.model.config
        return {
            "loss": loss + _off_place(told.distance, told.azimuth, told.elevation, config, azimuth, elevation, distance)
        }


class ListeningWarmUp(nn.Module):
    """The same, of what a language model is given to hear: the projector learns, by heads that are left behind.

    What it hears is near the language model's own word for it: what is heard, seen and asked about then meet in one
    place.
    """

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        super().__init__()
        assert model.hearing_projector is not None
        self.model = model
        config = model.config.hearing
        self.counts = [config.distances, config.azimuths, config.elevations]
        width = model.config.hearing_projector.queries * model.hearing_projector.out.out_features
        self.head = nn.Linear(width, sum(self.counts))
        self.register_buffer("names", _names(model, tokenizer), persistent=False)

    def forward(
        self, heard: Tensor, classes: Tensor, azimuth: Tensor, elevation: Tensor, distance: Tensor
    ) -> dict[str, Tensor]:
        """The loss. heard: as of HearYouAre.media; the others as of HearingWarmUp."""
        projector = self.model.hearing_projector
        assert projector is not None
        tokens = projector(heard.to(projector.out.weight.dtype)).float()
        far, around, above = self.head(tokens.flatten(1)).split(self.counts, 1)
        loss = F.cross_entropy(NEARNESS * tokens[:, 0] @ self.names.T, classes)
        return {"loss": loss + _off_place(far, around, above, self.model.config, azimuth, elevation, distance)}


class SeeingWarmUp(nn.Module):
    """Of each patch, which thing is seen in it, or none, and how far away."""

    def __init__(self, model: HearYouAre) -> None:
        super().__init__()
        self.model = model
        assert model.seeing is not None
        self.head = nn.Linear(model.seeing.config.hidden_size, len(model.config.classes) + 2)

    def forward(self, pictures: Tensor, things: Tensor, distances: Tensor) -> dict[str, Tensor]:
        """The loss. things (B, patches): of each its class's index, or as many as there are where nothing is.
        distances: m.
        """
        told = self.head(self.model.seen(_in_another_light(pictures) if self.training else pictures)).float()
        nothing = len(self.model.config.classes)
        weights = torch.ones(nothing + 1, device=told.device)
        weights[nothing] = NOTHING
        loss = F.cross_entropy(told[..., :-1].flatten(0, 1), things.flatten(), weight=weights)
        there = things != nothing
        off = (told[..., -1] - distances / FAR_M).abs() * there
        return {"loss": loss + off.sum() / there.sum().clamp(min=1)}


class LookingWarmUp(nn.Module):
    """Of each part of the panorama, which thing is nearest in it, or none, and where: see ListeningWarmUp."""

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        super().__init__()
        assert model.seeing_projector is not None
        self.model = model
        self.head = nn.Linear(model.seeing_projector.out.out_features, 4)  # nothing, and a place
        self.register_buffer("names", _names(model, tokenizer), persistent=False)

    def forward(self, seen: Tensor, things: Tensor, places: Tensor) -> dict[str, Tensor]:
        """The loss. seen: as of HearYouAre.media. things (B, queries): as of SeeingWarmUp. places (B, queries, 3):
        degrees from the part's middle and up from level, and m.
        """
        projector = self.model.seeing_projector
        assert projector is not None
        tokens = projector(seen.to(projector.out.weight.dtype)).float()
        told = self.head(tokens)
        classes = torch.cat([NEARNESS * tokens @ self.names.T, told[..., :1]], -1)
        nothing = len(self.model.config.classes)
        weights = torch.ones(nothing + 1, device=told.device)
        weights[nothing] = NO_THING
        loss = F.cross_entropy(classes.flatten(0, 1), things.flatten(), weight=weights)
        there = things != nothing
        if there.any():
            scales = torch.tensor(SCALES, device=told.device)
            loss = loss + F.smooth_l1_loss(told[..., 1:][there], (places / scales)[there])
        return {"loss": loss}


def _names(model: HearYouAre, tokenizer: Any) -> Tensor:
    """The classes' words as the language model has them (classes, width), each of length 1."""
    embeddings = model.language.get_input_embeddings().weight.detach().float()
    each = torch.stack([embeddings[named(tokenizer, one)].mean(0) for one in model.config.classes])
    return F.normalize(each, dim=1)


def _off_place(
    told_distance: Tensor,
    told_azimuth: Tensor,
    told_elevation: Tensor,
    config: ModelConfig,
    azimuth: Tensor,
    elevation: Tensor,
    distance: Tensor,
) -> Tensor:
    """The loss of heads that tell where it sounds. With one ear no direction is to be heard."""
    hearing = config.hearing
    bins = targets(azimuth, elevation, distance, hearing)
    loss = F.cross_entropy(told_distance.float(), bins.distance)
    if config.hears == "mono":
        return loss
    around = blurred(bins.azimuth, hearing.azimuths, BLUR * hearing.azimuths / 360, cyclic=True)
    above = blurred(bins.elevation, hearing.elevations, BLUR * hearing.elevations / 180, cyclic=False)
    return loss + F.cross_entropy(told_azimuth.float(), around) + F.cross_entropy(told_elevation.float(), above)


def blurred(bins: Tensor, count: int, sd: float, cyclic: bool) -> Tensor:
    """Shares (B, count) around the right bins (B,), each row summing to 1."""
    off = (torch.arange(count, device=bins.device)[None] - bins[:, None]).abs()
    if cyclic:
        off = torch.minimum(off, count - off)
    return torch.softmax(-0.5 * (off / sd) ** 2, dim=1)


def sources_of(lessons: Sequence[Lesson], config: ModelConfig) -> dict[str, Tensor]:
    """As of HearingWarmUp.forward."""
    return {
        "sounds": torch.from_numpy(np.stack([sound_of(one.scene(), config) for one in lessons])),
        **_truth(lessons, config),
    }


def listening_of(lessons: Sequence[Lesson], config: ModelConfig, encoded: Encoded) -> dict[str, Tensor]:
    """As of ListeningWarmUp.forward."""
    return {"heard": encoded(lessons)["heard"], **_truth(lessons, config)}


def looking_of(lessons: Sequence[Lesson], config: ModelConfig, encoded: Encoded) -> dict[str, Tensor]:
    """As of LookingWarmUp.forward."""
    queries = config.seeing_projector.queries
    things = torch.full((len(lessons), queries), len(config.classes))
    places = torch.zeros(len(lessons), queries, 3)
    for row, lesson in enumerate(lessons):
        for one in sorted(lesson.objects, key=lambda one: -one.spot.distance):  # nearer things hide others
            at = int(parts_of(torch.tensor(one.spot.azimuth), queries))
            middle = 180 - (at + 0.5) * 360 / queries
            things[row, at] = config.classes.index(one.label)
            off = math.remainder(one.spot.azimuth - middle, 360)
            places[row, at] = torch.tensor([off, one.spot.elevation, one.spot.distance])
    return {"seen": encoded(lessons)["seen"], "things": things, "places": places}


def _truth(lessons: Sequence[Lesson], config: ModelConfig) -> dict[str, Tensor]:
    sources = [one.source for one in lessons]
    return {
        "classes": torch.tensor([config.classes.index(one.label) for one in sources]),
        "azimuth": torch.tensor([one.spot.azimuth for one in sources]),
        "elevation": torch.tensor([one.spot.elevation for one in sources]),
        "distance": torch.tensor([one.spot.distance for one in sources]),
    }


def things_of(lessons: Sequence[Lesson], config: ModelConfig) -> dict[str, Tensor]:
    """As of SeeingWarmUp.forward: of panoramas that are turned by any angle, and one in two seen in a mirror."""
    pictures, things, distances = [], [], []
    for one in lessons:
        picture = picture_of(one.scene(), config)
        by, mirrored = int(torch.randint(picture.shape[1], ())), bool(torch.rand(()) < 0.5)
        picture = np.roll(picture, by, axis=1)  # to the right, by which azimuths become less
        pictures.append(picture[:, ::-1] if mirrored else picture)
        sign, turn = (-1 if mirrored else 1), 360 * by / picture.shape[1]
        objects = [
            replace(each, spot=replace(each.spot, azimuth=sign * math.remainder(each.spot.azimuth - turn, 360)))
            for each in one.objects
        ]
        seen, far = patches_of(objects, config)
        things.append(seen)
        distances.append(far)
    return {
        "pictures": torch.from_numpy(np.stack(pictures)),
        "things": torch.stack(things),
        "distances": torch.stack(distances),
    }


def _in_another_light(pictures: Tensor) -> Tensor:
    """Each with another contrast, and its colours brighter or darker each by itself."""
    count, device = len(pictures), pictures.device
    contrast = 1 + CONTRAST * (2 * torch.rand(count, 1, 1, 1, device=device) - 1)
    tint = TINT * (2 * torch.rand(count, 1, 1, 3, device=device) - 1)
    changed = (pictures.float() - 128) * contrast + 128 + tint
    return changed.clamp(0, 255).to(torch.uint8)


def patches_of(objects: Sequence[Placed], config: ModelConfig) -> tuple[Tensor, Tensor]:
    """What is in each patch, and how far away: see SeeingWarmUp.forward. Nearer things hide others."""
    rows, columns = config.patches
    things = torch.full((rows, columns), len(config.classes))
    distances = torch.zeros(rows, columns)
    for one in sorted(objects, key=lambda one: -one.spot.distance):
        middle_x = (0.5 - one.spot.azimuth / 360) * columns
        middle_y = rows / 2 - one.spot.elevation / 360 * columns
        half = one.width * EXTENT / 360 * columns
        for row in {min(max(at, 0), rows - 1) for at in _within(middle_y, half)}:
            for column in {at % columns for at in _within(middle_x, half)}:
                things[row, column] = config.classes.index(one.label)
                distances[row, column] = one.spot.distance
    return things.flatten(), distances.flatten()


def _within(middle: float, half: float) -> range:
    """The patches whose middles are that near, and the one that is there."""
    first, last = math.ceil(middle - half - 0.5), math.floor(middle + half - 0.5)
    at = math.floor(middle)
    return range(min(first, at), max(last, at) + 1)
