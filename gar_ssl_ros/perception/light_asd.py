"""Whether a face's lips are in time with the sound: Light-ASD (Liao et al., CVPR 2023, arXiv:2303.04439), by NumPy.

The network's shape is the paper's, its weights the publisher's files (MIT). Batch norms are folded into the
convolutions; those of three taps are padded to five, so that both branches of a block are one product. A face of 3 s
takes a quarter of a second of one core.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.perception import winograd
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.sound import HOP, WINDOW, mfcc_light_asd
from gar_ssl_ros.perception.torch_file import TorchFileError, state_dict
from gar_ssl_ros.perception.winograd import INPUTS, ONE, OUTPUTS, STEP, TAPS, TILE, Floats

STEPS_HZ = 25  # steps a second
FACE_SIDE_PX = 112  # pixels of a face, square and grey
PER_STEP = 4
REACH = 6  # steps on either side that what is seen in one depends on: three blocks of five taps
WIDTH = 128  # of what is told of a step, by sight or by sound
BLOCKS = ((1, 32), (32, 64), (64, WIDTH))  # channels in and out
EPSILON = 1e-3  # of the batch norms
MEAN, DEVIATION = 0.4161 * 255, 0.1688 * 255  # of the pixels
ROWS_AT_ONCE = 4  # of the first block's picture at once: what is worked on stays in the processor's cache
WHAT = "Light-ASD, who speaks"

Weights = dict[str, NDArray[np.float64]]


class LightASD:
    """The network of one file of weights. Raises ModelError where the file holds anything else.

    path: a state dict of the publisher's, as torch.save writes it.
    """

    def __init__(self, path: Path) -> None:
        try:
            weights = _checked(state_dict(path))
        except TorchFileError as problem:
            raise ModelError(path, WHAT, problem) from None
        self._sight = [_Sight(weights, f"model.visualEncoder.block{i}.") for i in (1, 2, 3)]
        self._sound = [_Sound(weights, f"model.audioEncoder.block{i}.") for i in (1, 2, 3)]
        self._recurrent = [_Recurrent(weights, f"model.GRU.gru_{way}.") for way in ("forward", "backward")]
        to_logits = weights["lossAV.FC.weight"], weights["lossAV.FC.bias"]
        self._to_odds, self._odds = (np.float32(both[1] - both[0]) for both in to_logits)

    def see(self, faces: NDArray[np.uint8], ahead: bool = False, behind: bool = False) -> Floats:
        """What is seen in each step: (steps, WIDTH).

        faces: grey uint8 (steps, FACE_SIDE_PX, FACE_SIDE_PX), STEPS_HZ a second.
        ahead, behind: True if the first, the last REACH steps are there for the others' sake only, and not answered.
        """
        first, second, third = self._sight
        kept = slice(REACH // 3 if ahead else None, -REACH // 3 if behind else None)  # each block spoils two more
        x = _halved(len(faces), FACE_SIDE_PX // 2, first.start(faces))[:, :, kept]
        x = _halved(x.shape[2], len(x), second(x))[:, :, kept]
        return np.asarray(np.max([rows.max(axis=(1, 2)) for rows in third(x)], axis=0)[kept])

    def hear(self, samples: Floats, steps: int) -> Floats:
        """What is heard in each step: (steps, WIDTH).

        samples: (samples,) in [-1, 1] at SPEECH_RATE_HZ, from the first step on. What is missing at the end counts as
        silence.
        """
        needed = steps * PER_STEP
        cepstra = mfcc_light_asd(np.pad(samples, (0, max(0, needed * HOP + WINDOW - HOP - len(samples)))))[:needed]
        x = cepstra.T[..., None].astype(np.float32)  # (COEFFICIENTS, time, channels)
        for block in self._sound[:2]:
            x = _halved_in_time(block(x))
        return np.asarray(self._sound[2](x).mean(axis=0))

    def log_odds(self, seen: Floats, heard: Floats) -> Floats:
        """Of speaking against not, for each step: (..., steps).

        seen, heard: (..., steps, WIDTH), of which each may be one for several of the other.
        """
        x = seen + heard
        for layer in self._recurrent:
            x = _gelu(layer(x))[..., ::-1, :]  # forwards, then backwards
        return np.asarray(x @ self._to_odds + self._odds)


class _Sight:
    """A block of convolutions over the picture, then over time, by three and by five taps side by side."""

    def __init__(self, weights: Weights, name: str) -> None:
        over_space, self._bias = _pair(weights, name, "s", 2)  # (5, 5, in, 2 out)
        over_time, bias = _pair(weights, name, "t", 1)  # (5, in, 2 out)
        last, last_bias = _folded(weights, f"{name}last", f"{name}bn_last")
        self._time_bias = bias.reshape(2, 1, -1)
        self._last, self._last_bias = _f32(last.reshape(last.shape[:2]).T), _f32(last_bias)
        self._channels = len(last_bias)
        turned = np.einsum("ak,kio->aio", winograd.FILTERS, over_time)
        self._time = _f32(turned.reshape(TILE, self._channels, 2, -1).swapaxes(1, 2))  # (TILE, 2, in, out)
        if over_space.shape[2] == 1:
            taps = over_space.reshape(TAPS * TAPS, -1) / DEVIATION
            self._space = _f32(np.vstack([taps, self._bias]))  # of a patch and a one
        else:
            self._space = _f32(np.einsum("ay,bx,yxio->abio", winograd.FILTERS, winograd.FILTERS, over_space))

    def start(self, faces: NDArray[np.uint8]) -> Iterator[Floats]:
        """The first block, which halves it: (steps, H, W) -> (steps, ROWS_AT_ONCE, W / 2, channels), in turn."""
        steps, height, width = len(faces), faces.shape[1] // 2, faces.shape[2] // 2
        x = np.pad(faces.astype(np.float32) - np.float32(MEAN), ((0, 0), (2, 2), (2, 2)))
        patches = np.lib.stride_tricks.sliding_window_view(x, (TAPS, TAPS), (1, 2))[:, ::2, ::2]
        out = np.empty((steps, ROWS_AT_ONCE, width, self._channels), np.float32)
        strip = np.zeros((winograd.padded(steps), ROWS_AT_ONCE, width, 2 * self._channels), np.float32)
        patch = np.ones((ROWS_AT_ONCE * width, TAPS * TAPS + 1), np.float32)
        pixels = patch[:, :-1].reshape(ROWS_AT_ONCE, width, TAPS, TAPS)
        for row in range(0, height, ROWS_AT_ONCE):
            for step in range(steps):
                np.copyto(pixels, patches[step, row : row + ROWS_AT_ONCE])
                np.maximum((patch @ self._space).reshape(strip.shape[1:]), 0, out=strip[2 + step])
            self._over_time(strip, out)
            yield out

    def __call__(self, x: Floats) -> Iterator[Floats]:
        """A later block: of (H, W, steps, channels in), (steps, at most STEP rows, W, channels out) in turn."""
        height, width, steps, channels = x.shape
        out = np.empty((steps, STEP, width, self._channels), np.float32)
        strip = np.zeros((winograd.padded(steps), STEP, width, 2 * self._channels), np.float32)
        x = np.pad(
            x, ((2, winograd.padded(height) - height - 2), (2, winograd.padded(width) - width - 2), (0, 0), (0, 0))
        )
        for row in range(0, height, STEP):
            rows = (INPUTS @ x[row : row + TILE].reshape(TILE, -1)).reshape(TILE, -1, steps * channels)
            for column in range(0, width, STEP):
                tile = INPUTS @ rows[:, column : column + TILE]
                products = tile.reshape(TILE, TILE, steps, channels) @ self._space
                products[ONE, ONE] += self._bias
                seen = OUTPUTS @ (OUTPUTS @ products.reshape(TILE, TILE, -1)).reshape(TILE, -1)
                place = strip[2 : 2 + steps, :, column : column + STEP]
                seen = seen.reshape(STEP, STEP, steps, -1)[:, : place.shape[2]].transpose(2, 0, 1, 3)
                np.maximum(seen, 0, out=place)
            part = out[:, : height - row]
            self._over_time(strip[:, : part.shape[1]], part)
            yield part

    def _over_time(self, x: Floats, out: Floats) -> None:
        """Padded (time, H, W, 2 channels) -> (steps, H, W, channels)."""
        steps, height, width, channels = out.shape
        for step in range(0, steps, STEP):
            turned = INPUTS @ x[step : step + TILE].reshape(TILE, -1)
            products = turned.reshape(TILE, -1, 2, channels).swapaxes(1, 2) @ self._time
            products[ONE] += self._time_bias
            branches = (OUTPUTS @ products.reshape(TILE, -1)).reshape(STEP, 2, height, width, channels)
            np.maximum(branches, 0, out=branches)
            place = out[step : step + STEP]
            joined = (branches[:, 0] + branches[:, 1])[: len(place)] @ self._last
            joined += self._last_bias
            np.maximum(joined, 0, out=place)


class _Sound:
    """A block of convolutions over the cepstra, then over time: (COEFFICIENTS, time, in) to (same, time, out)."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._over = []
        for kind in ("m", "t"):
            taps, bias = _pair(weights, name, kind, 1)
            self._over.append((_f32(taps), bias))
        last, self._last_bias = _folded(weights, f"{name}last", f"{name}bn_last")
        self._last = _f32(last.reshape(last.shape[:2]).T)

    def __call__(self, x: Floats) -> Floats:
        (cepstra, cepstra_bias), (time, time_bias) = self._over
        x = np.maximum(_five_taps(x, cepstra, 0) + cepstra_bias, 0)
        channels = len(self._last)
        halves = [slice(0, channels), slice(channels, None)]
        x3, x5 = (np.maximum(_five_taps(x[..., h], time[..., h], 1) + time_bias[h], 0) for h in halves)
        return np.asarray(np.maximum((x3 + x5) @ self._last + _f32(self._last_bias), 0))


class _Recurrent:
    """A gated recurrent unit over (..., steps, WIDTH), with torch's order of gates: reset, update, new."""

    def __init__(self, weights: Weights, name: str) -> None:
        self._of_input = _f32(weights[f"{name}weight_ih_l0"].T), _f32(weights[f"{name}bias_ih_l0"])
        self._of_state = _f32(weights[f"{name}weight_hh_l0"].T), _f32(weights[f"{name}bias_hh_l0"])

    def __call__(self, x: Floats) -> Floats:
        inputs = x @ self._of_input[0] + self._of_input[1]
        weight, bias = self._of_state
        state = np.zeros_like(x[..., 0, :])
        out = np.empty_like(x)
        for step in range(x.shape[-2]):
            given, kept = inputs[..., step, :], state @ weight + bias
            gates = 1 / (1 + np.exp(-(given + kept)[..., : 2 * WIDTH]))
            reset, update = gates[..., :WIDTH], gates[..., WIDTH:]
            new = np.tanh(given[..., 2 * WIDTH :] + reset * kept[..., 2 * WIDTH :])
            state = new + update * (state - new)
            out[..., step, :] = state
        return out


def _five_taps(x: Floats, taps: Floats, axis: int) -> Floats:
    """Convolution of (COEFFICIENTS, time, in) along an axis. taps: (5, in, out)."""
    length = x.shape[axis]
    x = np.pad(x, [(2, 2) if i == axis else (0, 0) for i in range(3)])
    parts = (np.take(x, range(k, k + length), axis) @ taps[k] for k in range(TAPS))
    return np.asarray(sum(parts))


def _halved(steps: int, height: int, parts: Iterable[Floats]) -> Floats:
    """Maxima of 3x3 pixels, every other one, of a picture that comes in an even number of rows at a time.

    (steps, rows, W, channels) in turn -> (H / 2, W / 2, steps, channels). All >= 0.
    """
    out: Floats | None = None
    above = None  # the row above the next part
    at = 0
    for part in parts:
        both = np.maximum(part[:, :, ::2], part[:, :, 1::2])
        np.maximum(both[:, :, 1:], part[:, :, 1:-1:2], out=both[:, :, 1:])
        rows = np.maximum(both[:, ::2], both[:, 1::2])
        np.maximum(rows[:, 1:], both[:, 1:-1:2], out=rows[:, 1:])
        if above is not None:
            np.maximum(rows[:, 0], above, out=rows[:, 0])
        above = both[:, -1]
        if out is None:
            out = np.empty((height // 2, rows.shape[2], steps, rows.shape[3]), np.float32)
        out[at : at + rows.shape[1]] = rows.transpose(1, 2, 0, 3)
        at += rows.shape[1]
    assert out is not None  # a picture has rows
    return out


def _halved_in_time(x: Floats) -> Floats:
    """Maxima of 3 moments, every other one: (COEFFICIENTS, time, channels). x >= 0."""
    half = np.maximum(x[:, ::2], x[:, 1::2])
    np.maximum(half[:, 1:], x[:, 1:-1:2], out=half[:, 1:])
    return half


def _gelu(x: Floats) -> Floats:
    """Of x, x times the normal distribution function, which Abramowitz and Stegun's 7.1.26 gives within 1e-7."""
    z = np.abs(x) / np.sqrt(np.float32(2))
    t = 1 / (1 + 0.3275911 * z)
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = series * np.exp(-z * z) / 2
    return np.asarray(x * np.where(x > 0, 1 - tail, tail), np.float32)


def _f32(array: NDArray[Any]) -> Floats:
    return np.ascontiguousarray(array, np.float32)


def _folded(weights: Weights, convolution: str, norm: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A convolution's weight, (out, in, ...), and bias, with the batch norm that follows it."""
    scale = weights[f"{norm}.weight"] / np.sqrt(weights[f"{norm}.running_var"] + EPSILON)
    weight = weights[f"{convolution}.weight"]
    return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), (
        weights[f"{norm}.bias"] - weights[f"{norm}.running_mean"] * scale
    )


def _pair(weights: Weights, block: str, kind: str, axes: int) -> tuple[NDArray[np.float64], Floats]:
    """The convolutions of three and of five taps as one: (5,) * axes + (in, 2 out), and their biases (2 out,)."""
    filters, biases = [], []
    for taps in (3, 5):
        weight, bias = _folded(weights, f"{block}{kind}_{taps}", f"{block}bn_{kind}_{taps}")
        weight = weight.reshape(*weight.shape[:2], *[taps] * axes)
        filters.append(np.pad(weight, [(0, 0)] * 2 + [((TAPS - taps) // 2,) * 2] * axes))
        biases.append(bias)
    return np.moveaxis(np.concatenate(filters), (0, 1), (-1, -2)), _f32(np.concatenate(biases))


def _shapes() -> dict[str, tuple[int, ...]]:
    """Of every tensor that is used."""
    shapes: dict[str, tuple[int, ...]] = {"lossAV.FC.weight": (2, WIDTH), "lossAV.FC.bias": (2,)}
    for i, (channels, out) in enumerate(BLOCKS, 1):
        for sense, first, one in (("visual", "s", (1, 1, 1)), ("audio", "m", (1, 1))):
            block = f"model.{sense}Encoder.block{i}."
            taps = {"last": (out, out, *one)}
            for k in (3, 5):
                taps[f"{first}_{k}"] = (out, channels, 1, k, k) if sense == "visual" else (out, channels, k, 1)
                taps[f"t_{k}"] = (out, out, k, 1, 1) if sense == "visual" else (out, out, 1, k)
            for name, shape in taps.items():
                shapes[f"{block}{name}.weight"] = shape
                for part in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{block}bn_{name}.{part}"] = (out,)
    for way in ("forward", "backward"):
        for of in ("ih", "hh"):
            shapes[f"model.GRU.gru_{way}.weight_{of}_l0"] = (3 * WIDTH, WIDTH)
            shapes[f"model.GRU.gru_{way}.bias_{of}_l0"] = (3 * WIDTH,)
    return shapes


def _checked(tensors: dict[str, NDArray[Any]]) -> Weights:
    for name, shape in _shapes().items():
        if name not in tensors:
            raise TorchFileError(f"it has no {name}")
        if tensors[name].shape != shape:
            raise TorchFileError(f"its {name} is {tensors[name].shape}, not {shape}")
        if not np.isfinite(tensors[name]).all():
            raise TorchFileError(f"its {name} holds what is no number")
    return {name: tensors[name].astype(np.float64) for name in _shapes()}
