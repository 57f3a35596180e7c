"""The network: a picture and a sound become tokens of a language model, which then reads the question and answers."""

from __future__ import annotations

import math
from collections.abc import Container, Mapping, MutableMapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere
from transformers import AutoModel, AutoModelForCausalLM, Qwen2Config, Siglip2VisionConfig

from gar_ssl_ros.spatial.model.lora import adapt, is_added
from gar_ssl_ros.spatial.model.options import ModelConfig, PartName
from gar_ssl_ros.spatial.model.projector import Projector
from gar_ssl_ros.spatial.model.spatial_ast import SpatialAst, SpatialFeatures

POSITIONS = 0.3  # how large a fresh encoder's are
UNTOLD = -100  # the target of a token that is not to be learned, as torch has it


class HearYouAre(nn.Module):
    """See above ("Hear You Are", section 4). What it does not see or hear it has no encoder for.

    Its state (state_dict) is what it learns: weights of ModelConfig.bases are in none that it gives, and it keeps its
    own where it takes one.
    """

    def __init__(self, config: ModelConfig, given: Mapping[PartName, nn.Module] = MappingProxyType({})) -> None:
        """given: parts that are there already, as pretrained; the others begin with random weights."""
        super().__init__()
        self.config = config
        language = Qwen2Config(**config.language)
        self.language = given.get("language") or AutoModelForCausalLM.from_config(language)
        self.features = self.hearing = self.hearing_projector = None
        self.seeing = self.seeing_projector = None
        if config.hears != "nothing":
            self.features = SpatialFeatures(config.hearing)
            self.hearing = given.get("hearing") or SpatialAst(config.hearing)
            self.hearing_projector = Projector(config.hearing_projector, config.hearing.width, language.hidden_size)
        if config.sees:
            seeing = Siglip2VisionConfig(**{"vision_use_head": False, **config.seeing})
            self.seeing = given.get("seeing") or _fresh_encoder(seeing)
            self.seeing_projector = Projector(config.seeing_projector, seeing.hidden_size, language.hidden_size)
        for part in config.adapted:
            adapt(getattr(self, part), part, config.rank)
        self.register_state_dict_post_hook(_leave_bases_out)
        self.register_load_state_dict_pre_hook(_keep_bases)

    def let_learn(self, parts: Container[str]) -> None:
        """Whatever learns in these parts does so from now on, and nothing else does."""
        for name, weights in self.named_parameters():
            weights.requires_grad_(name.partition(".")[0] in parts and self.learns(name))

    def learns(self, name: str) -> bool:
        """Whether the weights of that name are ever trained, and not those of a base."""
        return name.partition(".")[0] not in self.config.bases or is_added(name)

    def holds(self, name: str) -> bool:
        """Whether the weights of that name are in its state: what learns, and of weights with two names the first."""
        tied = self.config.language.get("tie_word_embeddings", False)
        return self.learns(name) and not (tied and name == "language.lm_head.weight")

    def train(self, mode: bool = True) -> HearYouAre:
        """As of any module; but a part in which nothing learns just now stays as it answers, and drops nothing."""
        super().train(mode)
        for part in self.children():
            part.train(mode and any(one.requires_grad for one in part.parameters()))
        return self

    @property
    def media_tokens(self) -> int:
        """How many tokens of a prompt are what is seen and heard."""
        projectors = [one for one in (self.seeing_projector, self.hearing_projector) if one is not None]
        return sum(one.queries.shape[1] for one in projectors)

    def heard(self, sounds: Tensor) -> Tensor:
        """The encoder's tokens of sounds (B, 2, samples) in [-1, 1], left ear first."""
        assert self.hearing is not None
        assert self.features is not None
        if self.config.hears == "mono":
            sounds = sounds.mean(1, keepdim=True).expand(-1, 2, -1)
        found: Tensor = self.hearing(self.features(sounds))
        return found

    def seen(self, pictures: Tensor) -> Tensor:
        """The encoder's tokens, row by row, of pictures (B, rows * patch, columns * patch, 3), RGB uint8."""
        assert self.seeing is not None
        rows, columns = self.config.patches
        size, count = self.seeing.config.patch_size, len(pictures)
        cut = (pictures.float() / 127.5 - 1).unflatten(1, (rows, size)).unflatten(3, (columns, size))
        patches = cut.permute(0, 1, 3, 2, 4, 5).reshape(count, rows * columns, -1)  # of each: row, column, colour
        found: Tensor = self.seeing(
            pixel_values=patches.to(self.seeing.dtype),
            pixel_attention_mask=torch.ones(count, rows * columns, dtype=torch.long, device=pictures.device),
            spatial_shapes=torch.tensor([[rows, columns]] * count, device=pictures.device),
        ).last_hidden_state
        return found

    def encoded(self, pictures: Tensor | None = None, sounds: Tensor | None = None) -> dict[str, Tensor]:
        """What its encoders make of them, as of media."""
        found = {}
        if self.seeing is not None and pictures is not None:
            found["seen"] = self.seen(pictures)
        if self.hearing is not None and sounds is not None:
            found["heard"] = self.heard(sounds)
        return found

    def media(self, seen: Tensor | None = None, heard: Tensor | None = None) -> Tensor | None:
        """(B, media_tokens, width) of the language model; None where it neither sees nor hears."""
        parts = []
        for projector, tokens in ((self.seeing_projector, seen), (self.hearing_projector, heard)):
            if projector is not None:
                assert tokens is not None
                parts.append(projector(tokens.to(projector.out.weight.dtype)))
        return torch.cat(parts, 1) if parts else None

    def forward(
        self,
        ids: Tensor,
        attends: Tensor,
        media_at: Tensor,
        labels: Tensor,
        pictures: Tensor | None = None,
        sounds: Tensor | None = None,
        seen: Tensor | None = None,
        heard: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """The loss: mean cross entropy of the answers' tokens.

        ids, attends, media_at, labels (B, L): tokens, 1 where there is one, True where it is a medium's, and what is
        to be told, UNTOLD where nothing is. seen, heard: of pictures and sounds, where the encoders have had them.
        """
        known = {name: one for name, one in (("seen", seen), ("heard", heard)) if one is not None}
        embedded = self._embedded(ids, media_at, {**self.encoded(pictures, sounds), **known})
        hidden = self.language.model(inputs_embeds=embedded, attention_mask=attends).last_hidden_state[:, :-1]
        wanted = labels[:, 1:]
        told = wanted != UNTOLD
        return {"loss": F.cross_entropy(self.language.lm_head(hidden[told]).float(), wanted[told])}

    def answer(
        self,
        ids: Tensor,
        attends: Tensor,
        media_at: Tensor,
        pictures: Tensor | None = None,
        sounds: Tensor | None = None,
        most: int = 1,
        **options: Any,
    ) -> Sequence[Sequence[int]]:
        """The likeliest tokens of each answer, `most` at most. As of forward; prompts end at the right."""
        with torch.inference_mode():
            found: Tensor = self.language.generate(
                inputs_embeds=self._embedded(ids, media_at, self.encoded(pictures, sounds)),
                attention_mask=attends,
                max_new_tokens=most,
                do_sample=False,
                **options,
            )
        tokens: list[list[int]] = found.tolist()
        return tokens

    def _embedded(self, ids: Tensor, media_at: Tensor, encoded: Mapping[str, Tensor]) -> Tensor:
        embedded: Tensor = self.language.get_input_embeddings()(ids)
        media = self.media(**encoded)
        if media is None:
            return embedded
        return embedded.masked_scatter(media_at[..., None], media.to(embedded.dtype))


def _fresh_encoder(config: Siglip2VisionConfig) -> nn.Module:
    """One of pictures, whose positions go around, as a panorama's columns do: waves of ever shorter periods."""
    encoder: nn.Module = AutoModel.from_config(config)
    side, waves = math.isqrt(config.num_patches), max(1, config.hidden_size // 4)
    middles = (torch.arange(side) + 0.5) / side
    periods = torch.arange(1, waves + 1)
    across, down = (math.tau * middles[:, None] * periods for _ in range(2))
    columns = torch.cat([across.cos(), across.sin()], 1)[None].expand(side, -1, -1)
    rows = torch.cat([down.cos(), down.sin()], 1)[:, None].expand(-1, side, -1)
    weights = (torch.cat([columns, rows], 2) / periods.sqrt().repeat(4)).flatten(0, 1)
    with torch.no_grad():
        encoder.embeddings.position_embedding.weight[:, : 4 * waves] = POSITIONS * weights
    return encoder


def _leave_bases_out(model: HearYouAre, state: MutableMapping[str, Any], prefix: str, _metadata: Any) -> None:
    for name in [one for one in state if one.startswith(prefix) and not model.holds(one.removeprefix(prefix))]:
        del state[name]


def _keep_bases(model: HearYouAre, state: MutableMapping[str, Any], prefix: str, *_more: Any) -> None:
    for part in {*model.config.bases, "language"}:
        own = getattr(model, part).state_dict(prefix=f"{part}.", keep_vars=True)
        state.update({prefix + name: weights for name, weights in own.items() if not model.holds(name)})
