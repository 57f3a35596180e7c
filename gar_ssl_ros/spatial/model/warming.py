"""What the encoders learn before a language model asks them: heads that tell what sounds and is seen, and where.

Of a pretrained encoder of pictures nothing of this is needed; a fresh one has yet to learn what things look like.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.spatial.model import numbers
from gar_ssl_ros.spatial.model.encoded import Encoded
from gar_ssl_ros.spatial.model.lessons import Lesson, Placed, picture_of, sound_of
from gar_ssl_ros.spatial.model.network import HearYouAre
from gar_ssl_ros.spatial.model.numbers import axes, curve
from gar_ssl_ros.spatial.model.options import ModelConfig
from gar_ssl_ros.spatial.model.projector import parts_of
from gar_ssl_ros.spatial.model.spatial_ast import targets
from gar_ssl_ros.spatial.model.words import named

BLUR = 6.0  # degrees: a direction's neighbours are nearly right, too
HEARD_BLUR = 12.0  # degrees: the same, of directions by ear
EXTENT = 0.35  # of its width, to each side of its middle: where a thing is seen for sure
NOTHING = 0.03  # what a patch in which nothing is counts, of one in which something is
CONTRAST, TINT = 0.25, 20.0  # by so much at most pictures are seen in another light; of 256
NEARNESS = 2.0  # how much of a logit a token of length 1 is that has the direction of a word
NO_THING = 0.04  # what a part of the panorama in which nothing is counts, of one in which something is
FAR_M = 3.0  # what a distance is measured in
AROUND, ABOVE = 72, 36  # points of a circle, and of a half circle from straight down to straight up
AWAY, AWAY_M = 40, 0.25  # points away from the listener, and how far they are from each other
WAVES = (8, 4, 4)  # of the curves through them


class HearingWarmUp(nn.Module):
    """Class, distance and direction of what sounds, by the encoder's own heads (BAT, arXiv:2402.01591)."""

    def __init__(self, model: HearYouAre) -> None:
        super().__init__()
        self.model = model

    def forward(
        self,
        sounds: Tensor,
        symmetric: Tensor,
        classes: Tensor,
        azimuth: Tensor,
        elevation: Tensor,
        distance: Tensor,
    ) -> dict[str, Tensor]:
        """The loss, of sources as lessons have them, each (B,): a class's index, degrees, m. symmetric: see Lesson."""
        hearing = self.model.hearing
        assert hearing is not None
        if self.training:
            sounds, azimuth = _mirrored(sounds, azimuth, symmetric)
        told = hearing.heads(self.model.heard(sounds))
        shares = F.one_hot(classes, hearing.config.classes).float()
        loss = hearing.config.classes / 2 * F.binary_cross_entropy_with_logits(told.classes.float(), shares)
        config = self.model.config
        return {
            "loss": loss + _off_place(told.distance, told.azimuth, told.elevation, config, azimuth, elevation, distance)
        }


class Meeting(nn.Module):
    """Where what is heard, seen and asked about meets: a token that names a thing lies towards the language model's own
    word for it, and one that tells a place towards the same points whether that is seen or heard.
    """

    names: Tensor
    around: Tensor
    above: Tensor
    away: Tensor

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        super().__init__()
        embeddings = model.language.get_input_embeddings().weight.detach().float()
        words = [embeddings[named(tokenizer, one)].mean(0) for one in model.config.classes]
        counts = [*(2 * one for one in WAVES), 1]
        around, above, away, nothing = axes(sum(counts), embeddings.shape[1], seed=0).split(counts)
        azimuths = numbers.degrees(embeddings, tokenizer, [round(360 / AROUND * at) - 180 for at in range(AROUND)])
        turns = torch.arange(AROUND) * math.tau / AROUND - math.pi
        tilts, steps = (torch.arange(count) * math.pi / count for count in (ABOVE, AWAY))
        points = {
            "names": torch.cat([F.normalize(torch.stack(words), dim=1), nothing]),
            "around": curve(turns, WAVES[0]) @ around if azimuths is None else F.normalize(azimuths, dim=1),
            "above": curve(tilts, WAVES[1]) @ above,
            "away": curve(steps, WAVES[2]) @ away,
        }
        for name, one in points.items():
            self.register_buffer(name, one, persistent=False)

    def named(self, tokens: Tensor) -> Tensor:
        """Logits (..., classes + 1), the last one of nothing."""
        return NEARNESS * tokens @ self.names.T

    def direction(self, tokens: Tensor, azimuth: Tensor, elevation: Tensor) -> Tensor:
        """The loss of tokens (N, width) that tell these directions (N,), degrees."""
        turned = ((azimuth + 180) * AROUND / 360).round().long() % AROUND
        tilted = ((elevation + 90) * ABOVE / 180).round().long().clamp(0, ABOVE - 1)
        around = blurred(turned, AROUND, BLUR * AROUND / 360, cyclic=True)
        above = blurred(tilted, ABOVE, BLUR * ABOVE / 180, cyclic=False)
        told = F.cross_entropy(NEARNESS * tokens @ self.around.T, around)
        return told + F.cross_entropy(NEARNESS * tokens @ self.above.T, above)

    def distance(self, tokens: Tensor, distance: Tensor) -> Tensor:
        """The loss of tokens (N, width) that tell these distances (N,), m."""
        away = blurred((distance / AWAY_M).round().long().clamp(0, AWAY - 1), AWAY, 1.0, cyclic=False)
        return F.cross_entropy(NEARNESS * tokens @ self.away.T, away)

    def nowhere(self, tokens: Tensor) -> Tensor:
        """The loss of tokens (N, width) that tell no place rather than another."""
        told = (NEARNESS * tokens @ points.T for points in (self.around, self.above, self.away))
        return -torch.stack([F.log_softmax(one, dim=1).mean() for one in told]).sum()


class ListeningWarmUp(nn.Module):
    """Class, distance and direction of what sounds, of what a language model is given to hear: the projector learns.

    Its first token names what sounds, the second tells from where, and how far.
    """

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        super().__init__()
        self.model, self.meeting = model, Meeting(model, tokenizer)

    def forward(
        self, heard: Tensor, classes: Tensor, azimuth: Tensor, elevation: Tensor, distance: Tensor
    ) -> dict[str, Tensor]:
        """The loss. heard: as of HearYouAre.media; the others as of HearingWarmUp. One ear hears no direction."""
        projector = self.model.hearing_projector
        assert projector is not None
        tokens = projector(heard.to(projector.out.weight.dtype)).float()
        what, where = tokens[:, 0], tokens[:, min(1, tokens.shape[1] - 1)]
        loss = F.cross_entropy(self.meeting.named(what), classes) + self.meeting.distance(where, distance)
        if self.model.config.hears == "binaural":
            loss = loss + self.meeting.direction(where, azimuth, elevation)
        return {"loss": loss}


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
        if self.training:
            pictures, things, distances = _turned(pictures, things, distances, self.model.config)
            pictures = _in_another_light(pictures)
        told = self.head(self.model.seen(pictures)).float()
        nothing = len(self.model.config.classes)
        weights = torch.ones(nothing + 1, device=told.device)
        weights[nothing] = NOTHING
        loss = F.cross_entropy(told[..., :-1].flatten(0, 1), things.flatten(), weight=weights)
        there = things != nothing
        off = (told[..., -1] - distances / FAR_M).abs() * there
        return {"loss": loss + off.sum() / there.sum().clamp(min=1)}


class LookingWarmUp(nn.Module):
    """Of each part of the panorama, which thing is nearest in it, or none, and where: see Meeting."""

    def __init__(self, model: HearYouAre, tokenizer: Any) -> None:
        super().__init__()
        self.model, self.meeting = model, Meeting(model, tokenizer)

    def forward(self, seen: Tensor, things: Tensor, places: Tensor) -> dict[str, Tensor]:
        """The loss. seen: as of HearYouAre.media. things (B, queries): as of SeeingWarmUp. places (B, queries, 3):
        azimuth and elevation, degrees, and distance, m.
        """
        projector = self.model.seeing_projector
        assert projector is not None
        tokens = projector(seen.to(projector.out.weight.dtype)).float()
        nothing = len(self.model.config.classes)
        weights = torch.ones(nothing + 1, device=tokens.device)
        weights[nothing] = NO_THING
        loss = F.cross_entropy(self.meeting.named(tokens).flatten(0, 1), things.flatten(), weight=weights)
        there = things != nothing
        if there.any():
            azimuth, elevation, distance = places[there].unbind(-1)
            loss = loss + self.meeting.direction(tokens[there], azimuth, elevation)
            loss = loss + self.meeting.distance(tokens[there], distance)
        if not there.all():
            loss = loss + self.meeting.nowhere(tokens[~there])
        return {"loss": loss}


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
    around = blurred(bins.azimuth, hearing.azimuths, HEARD_BLUR * hearing.azimuths / 360, cyclic=True)
    above = blurred(bins.elevation, hearing.elevations, HEARD_BLUR * hearing.elevations / 180, cyclic=False)
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
        "symmetric": torch.tensor([one.symmetric for one in lessons]),
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
            things[row, at] = config.classes.index(one.label)
            places[row, at] = torch.tensor([one.spot.azimuth, one.spot.elevation, one.spot.distance])
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
    """As of SeeingWarmUp.forward."""
    seen = [patches_of(one.objects, config) for one in lessons]
    return {
        "pictures": torch.from_numpy(np.stack([picture_of(one.scene(), config) for one in lessons])),
        "things": torch.stack([things for things, _ in seen]),
        "distances": torch.stack([distances for _, distances in seen]),
    }


def _mirrored(sounds: Tensor, azimuth: Tensor, symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """Some of them with left and right exchanged, as heard in the room's mirror image: one in two of symmetric ears."""
    chosen = symmetric & (torch.rand(len(sounds), device=sounds.device) < 0.5)
    return torch.where(chosen[:, None, None], sounds.flip(1), sounds), torch.where(chosen, -azimuth, azimuth)


def _turned(pictures: Tensor, things: Tensor, distances: Tensor, config: ModelConfig) -> tuple[Tensor, Tensor, Tensor]:
    """All of them turned by one angle, of whole patches, and one time in two seen in a mirror."""
    rows, columns = config.patches
    by, patch = int(torch.randint(columns, ())), pictures.shape[2] // columns
    pictures = pictures.roll(by * patch, 2)
    things, distances = (one.unflatten(1, (rows, columns)).roll(by, 2) for one in (things, distances))
    if torch.rand(()) < 0.5:
        pictures, things, distances = (one.flip(2) for one in (pictures, things, distances))
    return pictures, things.flatten(1), distances.flatten(1)


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
