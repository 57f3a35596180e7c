"""What a window of openavs costs on random weights, and what it leaves behind.

    python benchmarks/openavs.py time [--size 7b] [--finder tiny|base] [--presets lite,base] [--masks grabcut]
    python benchmarks/openavs.py soak [--windows 200]

time: a window of 3 s of noise by each preset, its parts apart: describing (each second; of base, the middle one and its
picture), translating, seeking (a forward a name) and cutting out. Qwen2.5-Omni of --size describes and translates, as
benchmarks/omni.py writes it; without it, a narrow model of --layers and --hidden. The finder is a GroundingDINO of the
published size. Random weights know no end, so descriptions and reasoning are as long as --sound-tokens,
--picture-tokens and --reasoning say, and names are what chance makes of them, --names of them. The first window goes
unmeasured. On a GPU nothing is fetched, and --folder keeps the models for another run.

soak: memory and threads over windows of a tiny model, every fourth cancelled on its way, every fourth out of time.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from threading import Timer
from time import perf_counter
from typing import Any

import numpy as np
import psutil
import torch
from omni import PUBLISHED, window, write
from transformers import BertTokenizer, GroundingDinoConfig, GroundingDinoForObjectDetection, GroundingDinoProcessor
from transformers.models.grounding_dino.image_processing_pil_grounding_dino import GroundingDinoImageProcessorPil

from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.segmenter import masked
from gar_ssl_ros.options import from_values
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.openavs import describe, translate
from gar_ssl_ros.reasoners.options import LoadOptions

sys.path += [str(Path(__file__).parents[1] / "test"), str(Path(__file__).parents[1] / "test" / "perception")]
import tiny
import tiny_models

BACKBONES = {  # Swin of the published GroundingDINOs (config.json of IDEA-Research/grounding-dino-tiny and -base)
    "tiny": {"embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7},
    "base": {"embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12},
}
WORDS = 30_522  # of BERT's vocabulary


def finder(folder: Path, size: str) -> Path:
    """A GroundingDINO of a published size with random weights, unless the folder holds one already."""
    if (folder / "config.json").exists():
        return folder
    backbone = {"model_type": "swin", "out_features": ["stage2", "stage3", "stage4"], **BACKBONES[size]}
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        GroundingDinoForObjectDetection(GroundingDinoConfig(backbone_config=backbone)).save_pretrained(folder)
    known = {0: "[PAD]", 100: "[UNK]", 101: "[CLS]", 102: "[SEP]", 103: "[MASK]", 1012: ".", 1029: "?"}
    letters = dict(enumerate("abcdefghijklmnopqrstuvwxyz", start=2000))
    letters |= {place + 100: f"##{letter}" for place, letter in letters.items()}
    names = {(known | letters).get(i, f"[unused{i}]"): i for i in range(WORDS)}
    tokenizer = BertTokenizer(vocab=names, model_max_length=512)
    GroundingDinoProcessor(GroundingDinoImageProcessorPil(), tokenizer).save_pretrained(folder)
    return folder


class Timed:
    """Whatever it stands for, with the seconds that one of its methods takes added up."""

    def __init__(self, real: Any, method: str, took: list[float]) -> None:
        self._real, self._method, self._took = real, method, took

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._real, name)
        if name != self._method:
            return found

        def timed(*given: Any) -> Any:
            settle()
            started = perf_counter()
            try:
                return found(*given)
            finally:
                settle()
                self._took[-1] += perf_counter() - started

        return timed


def settle() -> None:
    """Wait for what the GPU still has to do."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def parts_of(made: Any) -> dict[str, list[float]]:
    """Have the parts of an openavs timed; returns where their seconds go, a number a window."""
    took: dict[str, list[float]] = {"describe": [], "translate": [], "seek": []}
    parts = made._parts
    timed = {
        "describers": [Timed(one, "describe", took["describe"]) for one in parts.describers],
        "translator": Timed(parts.translator, "translate", took["translate"]),
        "grounder": Timed(parts.grounder, "boxes", took["seek"]),
    }
    for name, part in timed.items():
        object.__setattr__(parts, name, part)
    return took


def time(options: argparse.Namespace, folder: Path) -> None:
    """Each preset in turn, on models that are written once."""
    model, sought = write(options, folder / "model"), finder(folder / "finder", options.finder)
    describe.SOUND_TOKENS, describe.PICTURE_TOKENS = options.sound_tokens, options.picture_tokens
    letters = 4 * options.reasoning
    translate.REASONING = rf"[ -;=?-~\n]{{{letters},{letters}}}"
    translate.LINE = "<answer>" + ", ".join(["[a-z]{3,10}"] * options.names) + "</answer>"
    segmenter = segmenter_of(MaskOptions(options.masks, options.masks_model))
    for preset in options.presets.split(","):
        told = {**vars(from_values(LoadOptions, vars(options))), "preset": preset, "box_threshold": 0.0}
        started = perf_counter()
        made = reasoner("openavs", {**told, "model": str(model), "detector": str(sought)})
        what = f"{options.size or 'narrow'}, GroundingDINO-{options.finder}"
        print(f"{preset}: {what}, loaded in {perf_counter() - started:.1f} s")
        took = parts_of(made)
        took |= {"cut out": [], "window": []}
        for number in range(options.windows + 1):
            shown = window(np.random.default_rng(number), *map(int, options.picture.split("x")))
            for seconds in took.values():
                seconds.append(0.0)
            started = perf_counter()
            *_, found = localize(shown, made)
            settle()
            before = perf_counter()
            found = masked(found, shown.center.image, segmenter)
            settle()
            took["cut out"][-1], took["window"][-1] = perf_counter() - before, perf_counter() - started
            if number == 0:
                print(
                    f"  {found.outcome.value}: {(found.sound.label if found.sound else '')[:60]} {found.detail[:120]}"
                )
        print("  " + ", ".join(f"{name} {median(seconds[1:]):.3f} s" for name, seconds in took.items()))
        if torch.cuda.is_available():
            print(f"  {torch.cuda.get_device_name()}: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB", flush=True)
        del made
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def soak(options: argparse.Namespace, folder: Path) -> None:
    """Windows of a tiny model."""
    torch.set_num_threads(1)
    told = {"model": str(tiny.write_qwen25(folder / "model")), "box_threshold": 0.0, "least_pixels": 3136}
    told |= {"detector": str(tiny_models.write("grounding_dino", folder / "finder")), "preset": options.presets}
    made, process, outcomes = reasoner("openavs", told), psutil.Process(), Counter[str]()
    levels = []
    for number in range(options.windows):
        deadline = Deadline(0.1 + number % 7 * 0.1 if number % 4 == 1 else None)
        cancel = Timer(0.05 + number % 5 * 0.1, deadline.cancel)
        if number % 4 == 3:
            cancel.start()
        try:
            *_, found = localize(window(np.random.default_rng(number), 320, 240), made, None, deadline)
            outcomes[found.outcome.value] += 1
        except Cancelled:
            outcomes["cancelled"] += 1
        cancel.cancel()
        levels.append(process.memory_info().rss / 2**20)
    quarters = [median(quarter) for quarter in np.array_split(levels, 4)]
    print(f"{options.windows} windows: " + ", ".join(f"{count} {name}" for name, count in outcomes.most_common()))
    print("resident, median of each quarter: " + ", ".join(f"{level:.1f} MiB" for level in quarters))
    print(f"threads: {process.num_threads()}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figure", choices=("time", "soak"))
    parser.add_argument("--windows", type=int)
    parser.add_argument("--presets", help="of time: several with commas between; of soak: one")
    parser.add_argument("--size", choices=tuple(PUBLISHED))
    parser.add_argument("--layers", type=int, default=12)
    parser.add_argument("--hidden", type=int, default=512)
    parser.add_argument("--finder", choices=tuple(BACKBONES), default="tiny")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--picture", default="640x480")
    parser.add_argument("--names", type=int, default=2)
    parser.add_argument("--sound-tokens", type=int, default=32)
    parser.add_argument("--picture-tokens", type=int, default=128)
    parser.add_argument("--reasoning", type=int, default=96, help="tokens, of about four letters each")
    parser.add_argument("--masks", default="grabcut")
    parser.add_argument("--masks-model", default="")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    figures: dict[str, tuple[Callable[[argparse.Namespace, Path], None], int, str]] = {
        "time": (time, 5, "lite,base"),
        "soak": (soak, 200, "lite"),
    }
    figure, windows, presets = figures[options.figure]
    options.windows, options.presets = options.windows or windows, options.presets or presets
    with TemporaryDirectory() as folder:
        figure(options, options.folder or Path(folder))


if __name__ == "__main__":
    main()
