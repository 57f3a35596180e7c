"""Spatial-AST (BAT, arXiv:2402.01591): a transformer over what two ears hear, patch by patch of their spectrogram."""

from __future__ import annotations

from typing import NamedTuple

import librosa
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere

from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig

LEAST_MAGNITUDE = 1e-10  # under the logarithm: -100 dB
FEATURES = 4  # the log-mel of each ear, and the cosine and sine of the phase between them
DISTANCE, DIRECTION, CLASS = range(3)  # the network's own tokens, which stand before those of the patches
FRONT = 90.0  # degrees: the published azimuth of what is straight ahead; 0 is right, and it turns to the left
NADIR = -90.0  # degrees: the elevation of bin 0, straight down


class SpatialLogits(NamedTuple):
    """classes: (B, classes), one yes or no each (a sigmoid's). The others: one of (B, distances), azimuths, elevations.

    The azimuth's bins begin at the right and turn to the left, as published: see directions.
    """

    classes: Tensor
    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


class SpatialDirections(NamedTuple):
    """From the listener's head, signed as REP-103 has it, each (B,).

    azimuth: degrees in -180..180, 0 straight ahead, positive to the left. elevation: degrees, positive up. distance: m.
    """

    azimuth: Tensor
    elevation: Tensor
    distance: Tensor


class SpatialTargets(NamedTuple):
    """The bins that SpatialLogits should choose: int64, each (B,)."""

    distance: Tensor
    azimuth: Tensor
    elevation: Tensor


class SpatialFeatures(nn.Module):
    """What the network looks at: the log-mel of each ear, dB, and on the mel bands the cosine and sine between them.

    The phase is the right ear's less the left one's, so a sound from the left has a negative sine at low frequencies.
    Mel bands are librosa's (Slaney's scale and norm) of magnitudes, not of powers, as published. Nothing here learns.
    """

    mel: Tensor
    window: Tensor

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        self.config = config
        bands = librosa.filters.mel(
            sr=config.rate, n_fft=config.n_fft, n_mels=config.mels, fmin=config.low, fmax=config.high
        )
        self.register_buffer("mel", torch.from_numpy(bands.T.copy()), persistent=False)
        self.register_buffer("window", torch.hann_window(config.n_fft), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Features (B, 4, frames, mels) of waveforms (B, 2, samples), left ear first, float32 in [-1, 1] at the rate.

        A longer clip is cut, a shorter one filled up with silence. Raises ValueError where there are not two ears.
        """
        if waveforms.ndim != 3 or waveforms.shape[1] != 2:
            shape = tuple(waveforms.shape)
            raise ValueError(f"waveforms have the shape {shape}, not (clips, 2, samples): give a left and a right ear")
        config = self.config
        clip = F.pad(waveforms, (0, config.samples - waveforms.shape[2]))
        spectra = torch.stft(
            clip.flatten(0, 1), config.n_fft, config.hop, window=self.window, pad_mode="reflect", return_complex=True
        )
        spectra = spectra.unflatten(0, (-1, 2)).transpose(2, 3)
        log_mel = 10 * (spectra.abs() @ self.mel).clamp(min=LEAST_MAGNITUDE).log10()
        phase = spectra.angle()
        between = phase[:, 1] - phase[:, 0]
        cosine_sine = torch.stack([between.cos(), between.sin()], 1) @ self.mel * config.phase_gain
        features = torch.cat([log_mel, cosine_sine], 1)
        if features.shape[2] < config.frames:
            size = (config.frames, config.mels)
            features = F.interpolate(features, size, mode="bicubic", align_corners=True)
        return features[:, :, : config.frames]


class SpatialAst(nn.Module):
    """See above. Its weights are random at first; load_bat brings published ones.

    Where the published training drops an attention or an MLP, this one drops a whole block (stochastic depth).
    """

    def __init__(self, config: SpatialAstConfig) -> None:
        super().__init__()
        self.config = config
        width = config.width
        # Here, and not before the stretching as published, which is the same once it has learned: features are fixed.
        self.log_mel_norm = nn.BatchNorm2d(2, affine=False)
        channels = 1 if config.fuse else FEATURES
        self.fuse = (
            nn.Sequential(nn.Conv2d(FEATURES, 1, 3, padding=1, bias=False), nn.BatchNorm2d(1), nn.GELU())
            if config.fuse
            else nn.Identity()
        )
        self.embed = nn.Conv2d(channels, width, config.patch, stride=config.patch)
        self.own_tokens = nn.Parameter(torch.empty(1, 3, width))
        self.positions = nn.Parameter(torch.empty(1, config.patches, width))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width,
                config.heads,
                dim_feedforward=round(width * config.mlp_ratio),
                dropout=config.dropout,
                activation="gelu",
                layer_norm_eps=1e-6,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(config.depth)
        )
        self.distance_norm, self.direction_norm, self.class_norm = (nn.LayerNorm(width, eps=1e-6) for _ in range(3))
        self.class_head = nn.Linear(width, config.classes)
        self.distance_head = nn.Linear(width, config.distances)
        self.azimuth_head = nn.Linear(width, config.azimuths)
        self.elevation_head = nn.Linear(width, config.elevations)
        self._begin()

    def forward(self, features: Tensor) -> Tensor:
        """Tokens (B, 3 + patches, width) of what SpatialFeatures gives. All of them go into BAT's language model.

        The first three are the network's own, for distance, direction and class; then the patches, time by time.
        """
        log_mel, phase = features.split(2, dim=1)
        patches: Tensor = self.embed(self.fuse(torch.cat([self.log_mel_norm(log_mel), phase], 1)))
        tokens = patches.flatten(2).transpose(1, 2) + self.positions
        tokens = self.dropout(torch.cat([self.own_tokens.expand(len(tokens), -1, -1), tokens], 1))
        for order, block in enumerate(self.blocks):
            rate = self.config.drop_path * order / max(1, self.config.depth - 1)
            tokens = self._passed(block, tokens, rate)
        return tokens

    def heads(self, tokens: Tensor) -> SpatialLogits:
        """Of what forward gives."""
        direction = self.direction_norm(tokens[:, DIRECTION])
        return SpatialLogits(
            self.class_head(self.class_norm(tokens[:, CLASS])),
            self.distance_head(self.distance_norm(tokens[:, DISTANCE])),
            self.azimuth_head(direction),
            self.elevation_head(direction),
        )

    def _passed(self, block: nn.Module, tokens: Tensor, rate: float) -> Tensor:
        """Tokens after a block, which so large a share of the clips passes by in training."""
        after: Tensor = block(tokens)
        if not (self.training and rate):
            return after
        kept = torch.empty(len(tokens), 1, 1, device=tokens.device, dtype=tokens.dtype).bernoulli_(1 - rate)
        return tokens + (after - tokens) * kept / (1 - rate)

    def _begin(self) -> None:
        """As published, with heads so small that at first every answer is as likely as any other."""
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=0.02)
                nn.init.zeros_(module.bias)
            elif isinstance(module, nn.MultiheadAttention):
                nn.init.trunc_normal_(module.in_proj_weight, std=0.02)
        for head in (self.class_head, self.distance_head, self.azimuth_head, self.elevation_head):
            nn.init.trunc_normal_(head.weight, std=2e-5)
        nn.init.xavier_uniform_(self.embed.weight.flatten(1))
        nn.init.normal_(self.own_tokens, std=0.02)
        nn.init.trunc_normal_(self.positions, std=0.02)


def directions(logits: SpatialLogits, config: SpatialAstConfig) -> SpatialDirections:
    """The likeliest bin of each, in our convention."""
    azimuth = logits.azimuth.argmax(-1) * (360 / config.azimuths) - FRONT
    return SpatialDirections(
        (azimuth + 180) % 360 - 180,
        logits.elevation.argmax(-1) * (180 / config.elevations) + NADIR,
        logits.distance.argmax(-1) * config.distance_step,
    )


def targets(azimuth: Tensor, elevation: Tensor, distance: Tensor, config: SpatialAstConfig) -> SpatialTargets:
    """The nearest bins of what SpatialDirections holds; the outermost ones where distance or elevation goes beyond."""
    turned = torch.round((azimuth + FRONT) * (config.azimuths / 360)) % config.azimuths
    raised = torch.round((elevation - NADIR) * (config.elevations / 180)).clamp(0, config.elevations - 1)
    away = torch.round(distance / config.distance_step).clamp(0, config.distances - 1)
    return SpatialTargets(away.long(), turned.long(), raised.long())
