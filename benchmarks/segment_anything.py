"""What SAM, SAM 2 and SAM 3 cost at their published sizes, with random weights: nothing is downloaded.

    python benchmarks/segment_anything.py [NAME ...] [--images 10] [--windows 50] [--json FILE]
    python benchmarks/segment_anything.py --masks sam2 --folder FOLDER    # of one's own, with its weights

Each is made as its publisher's config has it, saved, and loaded as a user's folder is, in a process of its own, on the
GPU where there is one. Told of each: millions of weights; s to load; ms for an image of 640x480 with one box and with
three, the median, and as many of CPU time; the most memory. Of SAM 2 also windows that are followed, two things in
each, every third window cancelled on its way: ms of one that was not, and MiB that the stream remembers at the end,
after a quarter of them and at most. Masks of random weights mean nothing; SAM 3 finds nothing by words, and so is asked
twice a box.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import CLIPTokenizer, Sam2VideoConfig, Sam2VideoModel, SamConfig, SamModel
from transformers.models.sam.image_processing_pil_sam import SamImageProcessorPil
from transformers.models.sam3.configuration_sam3 import Sam3Config
from transformers.models.sam3.modeling_sam3 import Sam3Model

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.following import masked_window
from gar_ssl_ros.masks.segmenter import Prompt
from gar_ssl_ros.media.window import SECOND, Frame, Window

WIDTH, HEIGHT = 640, 480
BOXES = (Box(100, 100, 300, 320), Box(350, 50, 600, 400), Box(20, 20, 120, 460))
MIB = 2**20
# What differs from the library's own configs, as of segment_anything/build_sam.py and sam2/configs/sam2.1.
SAM = {
    "base": {},
    "large": {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16,
              "global_attn_indexes": [5, 11, 17, 23]},
    "huge": {"hidden_size": 1280, "num_hidden_layers": 32, "num_attention_heads": 16,
             "global_attn_indexes": [7, 15, 23, 31]},
}  # fmt: skip
SAM2 = {
    "tiny": {},
    "small": {"blocks_per_stage": [1, 2, 11, 2], "global_attention_blocks": [7, 10, 13]},
    "base-plus": {"hidden_size": 112, "num_attention_heads": 2, "blocks_per_stage": [2, 3, 16, 3],
                  "embed_dim_per_stage": [112, 224, 448, 896], "num_attention_heads_per_stage": [2, 4, 8, 16],
                  "global_attention_blocks": [12, 16, 20], "window_positional_embedding_background_size": [14, 14]},
    "large": {"hidden_size": 144, "num_attention_heads": 2, "blocks_per_stage": [2, 6, 36, 4],
              "embed_dim_per_stage": [144, 288, 576, 1152], "num_attention_heads_per_stage": [2, 4, 8, 16],
              "window_size_per_stage": [8, 4, 16, 8], "global_attention_blocks": [23, 33, 43]},
}  # fmt: skip
NAMES = (*(f"sam-vit-{size}" for size in SAM), *(f"sam2.1-hiera-{size}" for size in SAM2), "sam3")
USUAL = ("sam-vit-base", "sam2.1-hiera-tiny", "sam2.1-hiera-large", "sam3")


def write(name: str, folder: Path) -> str:
    """A model of that name in that folder; whose `masks` it is."""
    torch.manual_seed(0)
    if name == "sam3":
        Sam3Model(Sam3Config()).save_pretrained(folder)
        letters = {chr(33 + i): i for i in range(90)}
        tokenizer = CLIPTokenizer(vocab={**letters, "<|startoftext|>": 49406, "<|endoftext|>": 49407}, merges=[])
        tokenizer.save_pretrained(folder)
        return "sam3"
    kind, _, size = name.rpartition("hiera-" if "hiera" in name else "vit-")
    if kind == "sam-":
        config = SamConfig(vision_config={**SAM[size], "initializer_range": 0.02})
        SamModel(config).save_pretrained(folder)
        SamImageProcessorPil().save_pretrained(folder)
        return "sam"
    backbone = {"model_type": "sam2_hiera_det_model", **SAM2[size]}
    channels = SAM2[size].get("embed_dim_per_stage", [96, 192, 384, 768])[::-1]
    vision = {"backbone_config": backbone, "backbone_channel_list": channels}
    Sam2VideoModel(Sam2VideoConfig(vision_config=vision)).save_pretrained(folder)
    return "sam2"


def held(one: object, seen: dict[int, int]) -> float:
    """MiB of the tensors that something refers to."""
    if isinstance(one, torch.Tensor):
        seen[one.untyped_storage().data_ptr()] = one.untyped_storage().nbytes()
    elif isinstance(one, dict):
        for value in one.values():
            held(value, seen)
    elif isinstance(one, (list, tuple)):
        for value in one:
            held(value, seen)
    elif type(one).__name__ in ("Sam2Stream", "Sam2VideoInferenceSession", "Sam2VideoInferenceCache"):
        held({name: value for name, value in vars(one).items() if name != "_segmenter"}, seen)
    return round(sum(seen.values()) / MIB, 2)


def timed(work: Callable[..., object], *arguments: object) -> tuple[float, float]:
    """How long that takes, and its CPU time, ms."""
    began, worked = time.perf_counter(), time.process_time()
    work(*arguments)
    return 1000 * (time.perf_counter() - began), 1000 * (time.process_time() - worked)


class CancelledOnItsWay(Deadline):
    """At its so manyth check."""

    def __init__(self, checks: int) -> None:
        super().__init__()
        self._left = checks

    def check(self) -> None:
        """As of Deadline."""
        self._left -= 1
        if not self._left:
            self.cancel()
        super().check()


def measured(name: str, given: Path | None, images: int, windows: int, frames: int) -> dict[str, Any]:
    """In a process of its own. given: the folder of the masks of that name; None where it is to be made."""
    random = np.random.default_rng(0)
    cuda = torch.cuda.is_available()
    told: dict[str, Any] = {"model": name, "device": torch.cuda.get_device_name() if cuda else "CPU"}
    with tempfile.TemporaryDirectory() as made:
        folder = str(given or made)
        masks = name if given else write(name, Path(made))
        began = time.perf_counter()
        segmenter: Any = segmenter_of(MaskOptions(masks, folder))
        told["load_s"] = round(time.perf_counter() - began, 1)
        told["million"] = round(sum(one.numel() for one in segmenter._model.parameters()) / 1e6, 1)
        picture = random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        for count in (1, 3):
            prompts = [Prompt(box, "a dog") for box in BOXES[:count]]
            took = [timed(segmenter.segment, picture, prompts, Deadline()) for _ in range(images)]
            told[f"ms_{count}"], told[f"cpu_ms_{count}"] = (round(float(one), 1) for one in np.median(took, axis=0))
        if masks == "sam2" and windows:
            del segmenter
            told |= followed(MaskOptions(masks, folder, masks_track=True), windows, frames)
    told["rss_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    if cuda:
        told["gpu_mib"] = round(torch.cuda.max_memory_allocated() / MIB)
    return told


def followed(options: MaskOptions, windows: int, frames: int) -> dict[str, Any]:
    """Windows of a stream."""
    follower: Any = segmenter_of(options)
    random = np.random.default_rng(0)
    sources = tuple(Source(box, "dog", 0.9, 0.8, "a dog", box, False, None) for box in BOXES[:2])
    found = Localization(Outcome.LOCALIZED, Stage.FINAL, "fixed", None, sources=sources)
    pictures = [random.integers(0, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8) for _ in range(frames)]
    took, sizes, cancelled = [], [], 0
    for start in range(windows):
        shown = tuple(Frame((start * frames + i) * SECOND // frames, one) for i, one in enumerate(pictures))
        window = Window(start * SECOND, (start + 1) * SECOND, shown, None)
        deadline = CancelledOnItsWay(1 + start % 7) if start % 3 == 1 else Deadline()
        try:
            took.append(timed(masked_window, found, window, follower, deadline)[0])
        except Cancelled:
            cancelled += 1
        sizes.append(held(follower._stream, {}))
    return {
        "followed_million": round(sum(one.numel() for one in follower.segmenter._model.parameters()) / 1e6, 1),
        "windows": windows, "cancelled": cancelled, "window_ms": round(float(np.median(took)), 1),
        "remembered_mib_quarter": sizes[windows // 4], "remembered_mib_end": sizes[-1],
        "remembered_mib_most": max(sizes),
    }  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", choices=[*NAMES, []], metavar="NAME", help=f"of {', '.join(NAMES)}")
    parser.add_argument("--masks", choices=("sam", "sam2", "sam3"), default="sam2", help="whose --folder is")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--images", type=int, default=10, help="of each timing")
    parser.add_argument("--windows", type=int, default=50, help="of a stream, of SAM 2; 0: none")
    parser.add_argument("--frames", type=int, default=8, help="of a window")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    told = []
    for name in [options.masks] if options.folder else options.names or USUAL:
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            asked = (name, options.folder, options.images, options.windows, options.frames)
            told.append(pool.submit(measured, *asked).result())
        print(json.dumps(told[-1]), flush=True)
    if options.json:
        options.json.write_text(json.dumps(told, indent=2) + "\n")


if __name__ == "__main__":
    main()
