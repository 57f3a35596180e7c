"""Spatial-AST: what its features mean, that it learns from them, its directions, and the published weights."""

from __future__ import annotations

import argparse
import math

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from torch.nn import functional as F  # noqa: E402, N812

from gar_ssl_ros.spatial.model.bat import BatWeightsError, load_bat  # noqa: E402
from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig  # noqa: E402
from gar_ssl_ros.spatial.model.spatial_ast import (  # noqa: E402
    SpatialAst,
    SpatialFeatures,
    SpatialLogits,
    directions,
    targets,
)

PUBLISHED = SpatialAstConfig()
TINY = SpatialAstConfig(
    rate=16_000,
    n_fft=512,
    hop=160,
    mels=64,
    high=8000,
    phase_gain=31.25,
    frames=32,
    width=48,
    depth=2,
    heads=4,
    classes=5,
    drop_path=0.0,
)


def noise(clips: int, samples: int = TINY.samples, seed: int = 0) -> torch.Tensor:
    return 0.1 * torch.randn(clips, samples, generator=torch.Generator().manual_seed(seed))


def heard(sound: torch.Tensor, lags: list[int]) -> torch.Tensor:
    """Both ears (B, 2, samples); of each clip the right one hears it so many samples later than the left one."""
    return torch.stack([sound, torch.stack([one.roll(lag) for one, lag in zip(sound, lags, strict=True)])], 1)


@given(samples=st.integers(1, 3 * TINY.samples))
@settings(max_examples=20, deadline=None)
def test_a_clip_of_any_length_fills_the_frames(samples):
    features = SpatialFeatures(TINY)(heard(noise(2, samples), [0, 1]))
    assert features.shape == (2, 4, TINY.frames, TINY.mels)
    assert features.isfinite().all()


def test_ten_seconds_fill_the_published_frames():
    assert SpatialFeatures(PUBLISHED)(torch.zeros(1, 2, 320_000)).shape == (1, 4, 1024, 128)
    assert (PUBLISHED.samples, PUBLISHED.patches) == (320_000, 512)


def test_a_sound_from_the_left_has_a_negative_sine_below_half_a_turn():
    low = torch.from_numpy(librosa.mel_frequencies(TINY.mels, fmin=TINY.low, fmax=TINY.high)) < TINY.rate / (2 * 4)
    left, right = SpatialFeatures(TINY)(heard(noise(2), [4, -4]))[:, 3].mean(1)[:, low]
    assert (left < 0).all()
    assert (right > 0).all()


def test_ears_changed_over_change_the_log_mels_and_the_sign_of_the_sine():
    features = SpatialFeatures(TINY)
    both = heard(noise(1), [3])
    there, back = features(both)[0], features(both.flip(1))[0]
    torch.testing.assert_close(back[:2], there[:2].flip(0))
    torch.testing.assert_close(back[2], there[2])
    torch.testing.assert_close(back[3], -there[3])


def test_ears_alike_have_no_phase_between_them():
    features = SpatialFeatures(TINY)
    _, _, cosine, sine = features(heard(noise(1), [0]))[0]
    assert (sine == 0).all()
    at_most = TINY.phase_gain * features.mel.sum(0)  # cos = 1, through the mel bands
    torch.testing.assert_close(cosine, at_most.expand_as(cosine))


def test_the_log_mel_is_librosas_of_magnitudes():
    sound = noise(1)
    spectrum = librosa.feature.melspectrogram(
        y=sound[0].numpy(),
        sr=TINY.rate,
        n_fft=TINY.n_fft,
        hop_length=TINY.hop,
        n_mels=TINY.mels,
        fmin=TINY.low,
        fmax=TINY.high,
        power=1.0,
        pad_mode="reflect",
    )
    expected = librosa.amplitude_to_db(spectrum, ref=1.0, amin=1e-10, top_db=None).T / 2
    left = SpatialFeatures(TINY)(heard(sound, [0]))[0, 0]
    np.testing.assert_allclose(left.numpy(), expected[: TINY.frames], atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 1, 4000), (2, 4000), (1, 4, 4000)])
def test_anything_but_two_ears_is_refused(shape):
    with pytest.raises(ValueError, match="give a left and a right ear"):
        SpatialFeatures(TINY)(torch.zeros(shape))


def test_tokens_and_logits_have_the_sizes_of_the_config():
    network = SpatialAst(TINY).eval()
    tokens = network(SpatialFeatures(TINY)(heard(noise(2), [0, 5])))
    assert tokens.shape == (2, 3 + TINY.patches, TINY.width)
    assert [one.shape for one in network.heads(tokens)] == [(2, 5), (2, 21), (2, 360), (2, 180)]


def test_what_it_hears_in_a_clip_depends_on_nothing_else():
    network = SpatialAst(TINY).eval()
    features = SpatialFeatures(TINY)(heard(noise(3), [0, 5, -5]))
    with torch.no_grad():
        tokens = network(features)
        assert torch.equal(network(features), tokens)
        torch.testing.assert_close(network(features[1:2]), tokens[1:2], atol=1e-5, rtol=1e-5)


def test_blocks_are_passed_by_in_training_only():
    torch.manual_seed(0)
    network = SpatialAst(TINY.model_copy(update={"drop_path": 0.5}))
    features = SpatialFeatures(TINY)(heard(noise(8), [0] * 8))
    assert not torch.equal(network(features), network(features))
    network.eval()
    assert torch.equal(network(features), network(features))


def test_every_weight_learns_from_the_four_answers():
    network = SpatialAst(TINY)
    logits = network.heads(network(SpatialFeatures(TINY)(heard(noise(4), [0, 1, 2, 3]))))
    sum(one.logsumexp(1).sum() for one in logits).backward()
    assert [name for name, one in network.named_parameters() if one.grad is None] == []


def test_a_tiny_one_learns_left_from_right():
    config = TINY.model_copy(update={"azimuths": 12})
    torch.manual_seed(0)
    features, network = SpatialFeatures(config), SpatialAst(config)
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    for step in range(100):
        lags = lags_of(16, seed=step)
        logits = network.heads(network(features(heard(noise(16, seed=step), lags.tolist()))))
        wanted = targets(60.0 * lags.sign(), torch.zeros(16), torch.ones(16), config)
        optimizer.zero_grad()
        F.cross_entropy(logits.azimuth, wanted.azimuth).backward()
        optimizer.step()
    network.eval()
    unheard = lags_of(64, seed=1000)
    with torch.no_grad():
        logits = network.heads(network(features(heard(noise(64, seed=1000), unheard.tolist()))))
    right = directions(logits, config).azimuth.sign() == unheard.sign()
    assert right.float().mean() > 0.9


def lags_of(clips: int, seed: int) -> torch.Tensor:
    """Of the right ear, samples: half a millisecond at most, as heads have it; from the left where positive."""
    chance = torch.Generator().manual_seed(seed)
    return torch.randint(1, 9, (clips,), generator=chance) * (2 * torch.randint(0, 2, (clips,), generator=chance) - 1)


def logits_of(bins, config: SpatialAstConfig) -> SpatialLogits:
    """Those that choose these bins."""
    return SpatialLogits(
        torch.zeros(len(bins.azimuth), config.classes),
        F.one_hot(bins.distance, config.distances).float(),
        F.one_hot(bins.azimuth, config.azimuths).float(),
        F.one_hot(bins.elevation, config.elevations).float(),
    )


@pytest.mark.parametrize(
    ("azimuth", "bin_"), [(0.0, 90), (90.0, 180), (-90.0, 0), (180.0, 270), (-180.0, 270), (89.6, 180), (-90.4, 0)]
)
def test_the_published_azimuth_begins_at_the_right_and_turns_to_the_left(azimuth, bin_):
    assert targets(torch.tensor([azimuth]), torch.zeros(1), torch.ones(1), PUBLISHED).azimuth.item() == bin_


@pytest.mark.parametrize(("elevation", "bin_"), [(0.0, 90), (-90.0, 0), (30.0, 120), (90.0, 179)])
def test_the_published_elevation_begins_below(elevation, bin_):
    assert targets(torch.zeros(1), torch.tensor([elevation]), torch.ones(1), PUBLISHED).elevation.item() == bin_


sizes = st.sampled_from([PUBLISHED, TINY.model_copy(update={"azimuths": 72, "elevations": 37, "distance_step": 0.3})])


@given(azimuth=st.floats(-180, 180), elevation=st.floats(-90, 90), distance=st.floats(0, 6), config=sizes)
@settings(deadline=None)
def test_a_direction_comes_back_from_its_bins_as_near_as_these_lie(azimuth, elevation, distance, config):
    bins = targets(*(torch.tensor([one], dtype=torch.float64) for one in (azimuth, elevation, distance)), config)
    found = directions(logits_of(bins, config), config)
    turn, rise = 360 / config.azimuths, 180 / config.elevations
    assert -180 <= found.azimuth.item() < 180
    assert abs(math.remainder(found.azimuth.item() - azimuth, 360)) <= turn / 2 + 1e-4
    assert abs(found.elevation.item() - elevation) <= (rise if elevation > 90 - rise else rise / 2) + 1e-4
    assert abs(found.distance.item() - distance) <= config.distance_step / 2 + 1e-4


@given(
    azimuth=st.integers(0, 359), elevation=st.integers(0, 179), distance=st.integers(0, 20), config=st.just(PUBLISHED)
)
@settings(deadline=None)
def test_bins_come_back_from_their_direction(azimuth, elevation, distance, config):
    bins = [torch.tensor([one]) for one in (distance, azimuth, elevation)]
    logits = SpatialLogits(
        torch.zeros(1, 1),
        *(F.one_hot(one, n).float() for one, n in zip(bins, (21, 360, 180), strict=True)),
    )
    assert [one.item() for one in targets(*directions(logits, config), config)] == [distance, azimuth, elevation]


def test_what_lies_beyond_the_last_distance_is_in_it():
    assert targets(torch.zeros(1), torch.zeros(1), torch.tensor([80.0]), PUBLISHED).distance.item() == 20


@pytest.mark.parametrize(
    "sizes",
    [{"heads": 5}, {"frames": 1000}, {"mels": 100}, {"rate": 16_000}, {"low": 15_000}, {"seconds": 0.01}, {"wide": 1}],
)
def test_sizes_that_do_not_fit_together_are_refused(sizes):
    with pytest.raises(ValidationError):
        SpatialAstConfig(**sizes)


def published_weights(width: int = 128, depth: int = 2, mels: int = 32, frames: int = 64) -> dict[str, torch.Tensor]:
    """Random ones of the published names and shapes, at toy size: two heads, patches of 16."""
    torch.manual_seed(0)
    shapes: dict[str, tuple[int, ...]] = {
        "cls_tokens": (1, 3, width),
        "pos_embed": (1, frames * mels // 256 + 1, width),
        "patch_embed.proj.weight": (width, 1, 16, 16),
        "patch_embed.proj.bias": (width,),
        "spectrogram_extractor.conv_real.weight": (513, 1, 1024),
        "logmel_extractor.melW": (513, mels),
        "conv_downsample.0.weight": (1, 4, 3, 3),
        "bn.running_mean": (2,),
        "bn.running_var": (2,),
        **{f"conv_downsample.1.{one}": (1,) for one in ("weight", "bias", "running_mean", "running_var")},
    }
    layers = {"head": 5, "distance_head": 21, "azimuth_head": 360, "elevation_head": 180}
    linear = {name: (size, width) for name, size in layers.items()}
    norms = ["dis_norm", "doa_norm", "fc_norm"]
    for block in (f"blocks.{order}" for order in range(depth)):
        norms += [f"{block}.norm1", f"{block}.norm2"]
        linear |= {f"{block}.attn.qkv": (3 * width, width), f"{block}.attn.proj": (width, width)}
        linear |= {f"{block}.mlp.fc1": (4 * width, width), f"{block}.mlp.fc2": (width, 4 * width)}
    for name, (out, into) in linear.items():
        shapes |= {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
    for name in norms:
        shapes |= {f"{name}.weight": (width,), f"{name}.bias": (width,)}
    weights = {name: 0.1 * torch.randn(shape) for name, shape in shapes.items()}
    weights |= {name: one.abs() + 0.5 for name, one in weights.items() if name.endswith("running_var")}
    counts = {f"{name}.num_batches_tracked": torch.tensor(7) for name in ("bn", "conv_downsample.1")}
    return {**weights, **counts}


def as_published(weights: dict[str, torch.Tensor], features: torch.Tensor) -> list[torch.Tensor]:
    """Classes, distance, azimuth and elevation as the paper's network has them, written out from its weights."""

    def normed(name: str, x: torch.Tensor) -> torch.Tensor:
        return F.layer_norm(x, x.shape[-1:], weights[f"{name}.weight"], weights[f"{name}.bias"], 1e-6)

    def linear(name: str, x: torch.Tensor) -> torch.Tensor:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def scaled(name: str, x: torch.Tensor) -> torch.Tensor:
        mean, var = (weights[f"{name}.running_{one}"][:, None, None] for one in ("mean", "var"))
        return (x - mean) / (var + 1e-5).sqrt()

    x = torch.cat([scaled("bn", features[:, :2]), features[:, 2:]], 1)
    x = scaled("conv_downsample.1", F.conv2d(x, weights["conv_downsample.0.weight"], padding=1))
    x = F.gelu(x * weights["conv_downsample.1.weight"] + weights["conv_downsample.1.bias"])
    x = F.conv2d(x, weights["patch_embed.proj.weight"], weights["patch_embed.proj.bias"], stride=16)
    x = x.flatten(2).transpose(1, 2) + weights["pos_embed"][:, 1:]
    x = torch.cat([weights["cls_tokens"].expand(len(x), -1, -1), x], 1)
    for block in ("blocks.0", "blocks.1"):
        parts = linear(f"{block}.attn.qkv", normed(f"{block}.norm1", x)).chunk(3, -1)
        query, key, value = (one.unflatten(-1, (2, 64)).transpose(1, 2) for one in parts)
        seen = (query @ key.transpose(-1, -2) / 8).softmax(-1) @ value
        x = x + linear(f"{block}.attn.proj", seen.transpose(1, 2).flatten(2))
        x = x + linear(f"{block}.mlp.fc2", F.gelu(linear(f"{block}.mlp.fc1", normed(f"{block}.norm2", x))))
    direction = normed("doa_norm", x[:, 1])
    return [
        linear("head", normed("fc_norm", x[:, 2])),
        linear("distance_head", normed("dis_norm", x[:, 0])),
        linear("azimuth_head", direction),
        linear("elevation_head", direction),
    ]


def test_published_weights_answer_as_the_published_network_does(tmp_path):
    weights = published_weights()
    rest = {"optimizer": {"state": {}, "param_groups": [{"lr": 1e-3}]}, "epoch": 99, "args": argparse.Namespace(lr=1.0)}
    torch.save({"model": weights, **rest}, tmp_path / "finetuned.pth")
    network = load_bat(tmp_path / "finetuned.pth")
    config = network.config
    assert (config.width, config.depth, config.heads, config.mels, config.frames, config.classes) == (
        *(128, 2, 2, 32, 64, 5),
    )
    assert not network.training
    features = SpatialFeatures(config)(heard(noise(2, config.samples), [0, 9]))
    with torch.no_grad():
        logits = network.heads(network(features))
    for found, expected in zip(logits, as_published(weights, features), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


class Intruder:
    def __reduce__(self):
        return print, ("it ran",)


def test_a_checkpoint_that_wants_to_run_code_is_refused_before_it_does(tmp_path, capsys):
    torch.save({"model": published_weights(), "args": Intruder()}, tmp_path / "other.pth")
    with pytest.raises(BatWeightsError, match=r"other\.pth .* wants to run code"):
        load_bat(tmp_path / "other.pth")
    assert "it ran" not in capsys.readouterr().out


def test_a_file_that_is_not_there_or_no_checkpoint_is_told(tmp_path):
    (tmp_path / "notes.pth").write_text("weights to come")
    with pytest.raises(BatWeightsError, match="No such file"):
        load_bat(tmp_path / "none.pth")
    with pytest.raises(BatWeightsError, match="no PyTorch checkpoint"):
        load_bat(tmp_path / "notes.pth")
    with pytest.raises(BatWeightsError, match="directory"):
        load_bat(tmp_path)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.999])
def test_a_download_that_was_cut_short_is_told(tmp_path, share):
    torch.save({"model": published_weights()}, tmp_path / "whole.pth")
    whole = (tmp_path / "whole.pth").read_bytes()
    (tmp_path / "part.pth").write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(BatWeightsError, match="cut short"):
        load_bat(tmp_path / "part.pth")


def test_a_file_with_other_contents_is_told(tmp_path):
    for contents in ({"state": 1}, {"model": 3}, [1, 2], {"model": {"a": "text"}}):
        torch.save(contents, tmp_path / "other.pth")
        with pytest.raises(BatWeightsError, match="no weights under the name model"):
            load_bat(tmp_path / "other.pth")


@pytest.mark.parametrize("name", sorted(published_weights().keys() - {"spectrogram_extractor.conv_real.weight"}))
def test_a_weight_that_is_missing_is_named(tmp_path, name):
    weights = published_weights()
    del weights[name]
    torch.save({"model": weights}, tmp_path / "part.pth")
    with pytest.raises(BatWeightsError, match=name.replace(".", r"\.")):
        load_bat(tmp_path / "part.pth")


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("azimuth_head.bias", (7,)),
        ("patch_embed.proj.weight", (3,)),
        ("pos_embed", (1, 4, 128)),
        ("blocks.1.attn.qkv.weight", (128, 128)),
        ("logmel_extractor.melW", (513, 5)),
    ],
)
def test_weights_of_other_shapes_are_told_in_one_sentence(tmp_path, name, shape):
    torch.save({"model": {**published_weights(), name: torch.zeros(shape)}}, tmp_path / "other.pth")
    with pytest.raises(BatWeightsError, match=r"other\.pth .*(shape|sizes|mels)"):
        load_bat(tmp_path / "other.pth")
