"""How often `signal` calls a sound what it is, and what its confidence is worth.

    python benchmarks/hearing.py [--count 200]
    python benchmarks/hearing.py --measure        make the profiles anew, on other sounds than those above
    python benchmarks/hearing.py --real FOLDER TRUTH.json [--half second]        of real clips, as for real.py

The rendered sounds come from near and far, with from hardly any noise to as much as makes them hard to hear.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from real_clips import Truth, chosen, cut

import gar_ssl_ros.reasoners.signal
from gar_ssl_ros.evaluation.scenes import sounds
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.reasoners.signal.hearing import UNKNOWN, features, hear

BINS = (0.0, 0.5, 0.7, 0.9, 0.97, 1.0001)
LEAST = 0.4  # of a feature's spread over all sounds, that of each label's: real sounds vary more than rendered
MEASURED, JUDGED = slice(4), slice(4, 8)  # sentences
INDEPENDENT = 0.3  # share of the covariance that treats the features as unrelated
# What is right to say of a real clip's sound; of a dog or a laughing baby, none of the labels.
HEARD = {
    **{
        clip: {"speech"}
        for clip in ("sadtalker_aoc", "latent2", "restaurant", "retalk4", "makeup", "interview", "friday")
    },
    **{clip: {"impact", "music"} for clip in ("drum2480", "drumqow")},
    **{clip: {"music"} for clip in ("dbass", "duet", "robotroom")},
    **{clip: {"impact"} for clip in ("chopping", "hammeravsync")},
    **{clip: {"noise"} for clip in ("car", "engine", "waterfall")},
    **{clip: set[str]() for clip in ("dog2677", "babylaugh", "dogdoor")},
    "guitar26": {"music", "speech"},  # plays and sings
    "canary": {"tonal"},
    "fire2997": {"noise", "impact"},
    "toolKlsG": {"tonal", "noise"},
    "nasa": {"speech"},
    "cockatoo": {"silence"},
}


def sound(label: str, seed: int, sentences: slice) -> NDArray[np.float32]:
    """3 s of a sound of that kind: every third tone and noise a steady one, every second sound with noise on it."""
    kinds = {**sounds.KINDS, "speech": partial(sounds.speech, sentences=sentences), "silence": sounds.hush}
    random = np.random.default_rng(seed)
    samples = (
        steady(label, random) if label in ("noise", "tonal") and seed % 3 == 0 else kinds[label](random, 3.0).samples
    )
    if label == "silence":
        return samples
    if seed % 2:
        samples = samples + random.normal(0, 10 ** (random.uniform(-50, -15) / 20), len(samples))
    return (samples * 10 ** (random.uniform(-20, 0) / 20)).astype(np.float32)


def steady(label: str, random: np.random.Generator) -> NDArray[np.float64]:
    """A hum of a few harmonics, or a hiss of some colour, that swells slowly."""
    time = np.arange(3 * SPEECH_RATE_HZ) / SPEECH_RATE_HZ
    swell = 1 + random.uniform(0, 0.9) * np.sin(2 * np.pi * random.uniform(0.2, 6) * time + random.uniform(0, 6))
    if label == "noise":
        width = int(random.integers(1, 40))
        wave = np.convolve(random.normal(0, 1, len(time)), np.ones(width) / width, "same")
    else:
        pitch, dull = random.uniform(90, 2500), random.uniform(0.5, 2)
        wave = sum(np.sin(2 * np.pi * pitch * h * time) / h**dull for h in range(1, int(random.integers(2, 9))))
    wave = wave * swell
    return np.asarray(0.5 * wave / np.abs(wave).max())


def measure(count: int) -> None:
    """Write `profiles.json` from sounds of other seeds, and other sentences, than those that are judged."""
    heard = {
        label: [features(sound(label, 100_000 + seed, MEASURED)) for seed in range(count)] for label in sounds.KINDS
    }
    least = LEAST * np.concatenate([*heard.values()]).std(axis=0)
    told = {}
    for label, each in heard.items():
        found = np.array(each)
        together = np.cov(found.T)
        alone = np.diag(np.maximum(found.std(axis=0), least) ** 2)
        covariance = (1 - INDEPENDENT) * together + INDEPENDENT * alone
        told[label] = {"mean": found.mean(axis=0).round(3).tolist(), "covariance": covariance.round(4).tolist()}
    path = Path(gar_ssl_ros.reasoners.signal.__file__).with_name("profiles.json")
    path.write_text(json.dumps(told, indent=1) + "\n")
    print(f"{path} made anew from {count} sounds of each kind")


def judge(count: int) -> None:
    """Print how often labels are right, and how often those of a given confidence are."""
    said: list[tuple[bool, float]] = []
    for label in (*sounds.KINDS, "silence"):
        heard = [hear(sound(label, 50_000 + seed, JUDGED)) for seed in range(count)]
        right = [h.label == label for h in heard]
        said += [(ok, h.confidence) for ok, h in zip(right, heard, strict=True)]
        print(f"{label:<8} right {np.mean(right):6.1%}   mean confidence {np.mean([h.confidence for h in heard]):.2f}")
    table(said)


def judge_real(folder: Path, truth: Path, half: str) -> None:
    """Print the same for the windows of real clips, and how many labels the method's gate would believe.

    Who says only that it is a sound says nothing wrong, and nothing right.
    """
    said: list[tuple[bool, float]] = []
    unnamed = 0
    for clip in chosen(Truth.model_validate_json(truth.read_text()), half):
        for _, window in cut(folder, clip):
            assert window.audio is not None
            heard = hear(window.audio.mono(SPEECH_RATE_HZ))
            unnamed += heard.label == UNKNOWN
            said.append((heard.label in HEARD[clip.name], heard.confidence))
    right, confidence = np.array([ok for ok, _ in said]), np.array([c for _, c in said])
    believed = confidence >= GarOptions().tau_aud
    wrong = len(said) - unnamed - right.sum()
    print(f"{len(said)} windows: {right.sum()} right, {wrong} wrong, {unnamed} only a sound")
    print(f"mean confidence {confidence.mean():.2f}, its squared error {np.mean((confidence - right) ** 2):.3f}")
    print(f"believed by the gate: {np.sum(believed & right)} right, {np.sum(believed & ~right)} wrong")
    table(said)


def table(said: list[tuple[bool, float]]) -> None:
    print("\nconfidence     right    of")
    for low, high in pairwise(BINS):
        inside = [ok for ok, confidence in said if low <= confidence < high]
        if inside:
            print(f"{low:.2f} to {min(high, 1):.2f}  {np.mean(inside):6.1%}  {len(inside):4}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=200, help="sounds of each kind")
    parser.add_argument("--measure", action="store_true", help="make the profiles anew")
    parser.add_argument("--real", type=Path, nargs=2, metavar=("FOLDER", "TRUTH.json"), help="judge on real clips")
    parser.add_argument(
        "--half", choices=["first", "second", "all"], default="second", help="which clips; first: chosen on"
    )
    options = parser.parse_args()
    if options.real:
        judge_real(*options.real, options.half)
    elif options.measure:
        measure(3 * options.count)
    else:
        judge(options.count)


if __name__ == "__main__":
    main()
