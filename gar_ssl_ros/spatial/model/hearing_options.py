"""What a Spatial-AST is: how sound becomes its features, how large it is, and what it tells apart."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class SpatialAstConfig(BaseModel):
    """The defaults are those of BAT (arXiv:2402.01591) and of its published weights; all sizes are free.

    A clip is what the frames hold, `seconds` at most. Raises pydantic.ValidationError where sizes do not fit together.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rate: int = Field(default=32_000, ge=8_000, le=192_000)  # Hz
    seconds: float = Field(default=10.0, gt=0, le=60)  # of sound in a clip, at most
    n_fft: int = Field(default=1024, ge=64, le=8192, multiple_of=2)  # samples under a spectrum's window
    hop: int = Field(default=320, ge=16, le=8192)  # samples between two spectra
    mels: int = Field(default=128, ge=8, le=512)
    low: float = Field(default=50.0, ge=0)  # Hz, of the mel bands
    high: float = Field(default=14_000.0, gt=0)  # Hz
    phase_gain: float = Field(default=1.0, gt=0, le=1000)  # of cosine and sine; rate / n_fft makes them -1..1
    fuse: bool = Field(default=True)  # the four features into one picture, as published, before it is cut into patches
    frames: int = Field(default=1024, ge=8, le=8192)  # spectra of a clip; fewer ones are stretched to as many
    patch: int = Field(default=16, ge=2, le=64)  # frames and mels of a token
    width: int = Field(default=768, ge=8, le=4096)
    depth: int = Field(default=12, ge=1, le=64)
    heads: int = Field(default=12, ge=1, le=64)
    mlp_ratio: float = Field(default=4.0, gt=0, le=16)
    classes: int = Field(default=355, ge=1, le=10_000)  # of sounds: BAT's share of AudioSet
    distances: int = Field(default=21, ge=2, le=1000)
    distance_step: float = Field(default=0.5, gt=0, le=100)  # m
    azimuths: int = Field(default=360, ge=4, le=3600)  # of a full turn
    elevations: int = Field(default=180, ge=2, le=1800)  # of a half turn
    dropout: float = Field(default=0.0, ge=0, lt=1)
    drop_path: float = Field(default=0.1, ge=0, lt=1)  # share of clips that pass the last block by, in training

    @property
    def samples(self) -> int:
        """Of a clip, at each ear."""
        return min(round(self.seconds * self.rate), self.frames * self.hop)

    @property
    def patches(self) -> int:
        """Of a clip: its tokens, beside the network's own three."""
        return (self.frames // self.patch) * (self.mels // self.patch)

    @model_validator(mode="after")
    def _fits(self) -> SpatialAstConfig:
        if self.width % self.heads:
            raise ValueError(f"width {self.width} is no multiple of heads {self.heads}")
        if self.frames % self.patch or self.mels % self.patch:
            raise ValueError(f"frames {self.frames} and mels {self.mels} are not both multiples of patch {self.patch}")
        if not self.low < self.high <= self.rate / 2:
            raise ValueError(f"low {self.low:g} and high {self.high:g} Hz do not lie in order below {self.rate / 2:g}")
        if self.samples < self.n_fft:
            raise ValueError(f"a clip of {self.samples} samples is shorter than one window, n_fft {self.n_fft}")
        return self
