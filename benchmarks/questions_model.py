"""How large the model of spatial questions is at each size, and what memory a step of its training needs.

    python benchmarks/questions_model.py --size paper           parameters, and an estimate of a step's memory
    python benchmarks/questions_model.py --size tiny --measure  the estimate beside what a step takes here, on a CPU

Nothing is loaded: the model is built without its weights' values (torch's device meta). Memory is estimated, not
measured: weights of SigLIP 2 and Qwen2 in bfloat16 where LoRA adapts them, all else in float32; gradients and AdamW's
two moments of what is trained, in float32; and what autograd keeps of a forward pass until the backward one, counted
tensor by tensor, with attention that keeps no scores. What it frees at once, and the framework's own, is not in it.
"""

from __future__ import annotations

import argparse
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psutil
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - as everywhere
from torch.overrides import TorchFunctionMode

from gar_ssl_ros.spatial.model.lora import is_added
from gar_ssl_ros.spatial.model.network import UNTOLD, HearYouAre
from gar_ssl_ros.spatial.model.options import SIZES, ModelConfig, Origin
from gar_ssl_ros.spatial.model.sizes import config_of
from gar_ssl_ros.spatial.model.training import ALL
from gar_ssl_ros.spatial.model.words import VOCABULARY
from gar_ssl_ros.spatial.questions.forms import PAPER_TYPES
from gar_ssl_ros.spatial.questions.words import wordings

CLASSES = tuple(f"class {number}" for number in range(20))
TRAINED = ALL[-1].trains  # when it is asked everything
CHAT, ANSWER = 25, 20  # tokens: of Qwen2's form around what a user says, and of an answer
CHARACTERS = 4  # of English in a token of Qwen2
FLOAT32, MOMENTS = 4, 2  # bytes; AdamW's
GB = 1e9
PAPER = "the paper: 8 x A5000 of 24 GB, 128 questions in a step in all (16 each), 3 epochs in three days"


@dataclass(frozen=True)
class Memory:
    """Of a step, bytes. kept: by the forward pass. layer: of that, by one of the language model's layers; layers of
    them take `taken` each.
    """

    weights: int
    trained: int
    kept: int
    layer: int
    layers: int
    taken: int

    def total(self, checkpointing: bool) -> int:
        """Checkpointing: of each layer of the language model only what it takes is kept, and one is computed again."""
        saved = self.layers * (self.layer - self.taken) - self.layer if checkpointing else 0
        return self.weights + self.trained + self.kept - max(0, saved)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", choices=SIZES, default="paper")
    parser.add_argument("--batch", type=int, nargs="+", default=[1, 4, 16], help="questions in a step on a device")
    parser.add_argument("--measure", action="store_true", help="take a real step, too, on the CPU")
    options = parser.parse_args()
    if options.measure and options.size != "tiny":
        parser.error("--measure takes a step on the CPU: leave it out, or give --size tiny")
    model = built(options.size)
    told_parts(model)
    question = max(len(one) for asked in PAPER_TYPES for one in wordings(asked).values()) // CHARACTERS
    length = CHAT + model.media_tokens + question + ANSWER
    print(
        f"\ntokens: {CHAT} of the chat + {model.media_tokens} media + {question} question + {ANSWER} answer = {length}"
    )
    print(
        f"{'questions':>10}{'weights':>10}{'trained':>10}{'kept':>10}{'in all':>10}{'checkpointing':>15}  GB, estimated"
    )
    for batch in options.batch:
        memory = memory_of(model, batch, length)
        shown = (memory.weights, memory.trained, memory.kept, memory.total(False))
        row = "".join(f"{one / GB:10.2f}" for one in shown)
        print(f"{batch:10}{row}{memory.total(True) / GB:15.2f}")
    print(PAPER)
    if options.measure:
        measure(model.config, max(options.batch), length)


def built(size: str) -> HearYouAre:
    """As it is trained at last, without values. At the paper's size and the small one with LoRA."""
    config = config_of(size, CLASSES, "binaural", True, VOCABULARY if size == "tiny" else None)
    if config.rank:
        origins = {name: Origin(path=name, sha256="") for name in ("seeing", "language", "hearing")}
        config = config.model_copy(update={"origins": origins})
    with torch.device("meta"):
        model = HearYouAre(config)
    for part in config.adapted:
        for name, weights in getattr(model, part).named_parameters():
            if not is_added(name):
                weights.data = weights.data.bfloat16()
    model.let_learn(TRAINED)
    return model.train()


def told_parts(model: HearYouAre) -> None:
    print(f"{'part':<20}{'parameters':>16}{'trained':>14}{'of LoRA':>14}")
    parts = {name: part for name, part in model.named_children() if any(True for _ in part.parameters())}
    for name, part in {**parts, "in all": model}.items():
        weights = list(part.named_parameters())
        trained = sum(one.numel() for _, one in weights if one.requires_grad)
        added = sum(one.numel() for own, one in weights if is_added(own))
        print(f"{name:<20}{sum(one.numel() for _, one in weights):>16,}{trained:>14,}{added:>14,}")


def memory_of(model: HearYouAre, batch: int, length: int) -> Memory:
    weights = list(model.parameters())
    seen, heard = model.seeing, model.hearing
    assert seen is not None
    assert heard is not None
    rows, columns = model.config.patches
    language, dtype = model.language, model.language.dtype
    with torch.device("meta"), kept_of(model) as kept:
        pixels = torch.empty(batch, rows * columns, 3 * seen.config.patch_size**2, dtype=seen.dtype)
        shapes = torch.tensor([[rows, columns]] * batch, device="cpu")
        tokens = seen(pixel_values=pixels, pixel_attention_mask=None, spatial_shapes=shapes).last_hidden_state
        model.seeing_projector(tokens)
        model.hearing_projector(torch.empty(batch, 3 + heard.config.patches, heard.config.width))
        before = bytes_of(kept)
        embedded = torch.empty(batch, length, language.config.hidden_size, dtype=dtype, requires_grad=True)
        hidden = language.model(inputs_embeds=embedded).last_hidden_state
        layers = bytes_of(kept) - before
        told = hidden[:, -ANSWER:].flatten(0, 1)
        F.cross_entropy(language.lm_head(told).float(), torch.empty(len(told), dtype=torch.long))
        count = language.config.num_hidden_layers
        return Memory(
            weights=sum(one.nbytes for one in weights),
            trained=sum((1 + MOMENTS) * FLOAT32 * one.numel() for one in weights if one.requires_grad),
            kept=bytes_of(kept),
            layer=layers // count,
            layers=count,
            taken=embedded.nbytes,
        )


@contextmanager
def kept_of(model: nn.Module) -> Iterator[dict[int, Tensor]]:
    """What autograd keeps within it beside the weights, by its place in memory."""
    own = {one.untyped_storage()._cdata for one in model.parameters()}
    kept: dict[int, Tensor] = {}

    def keep(one: Tensor) -> Tensor:
        place = one.untyped_storage()._cdata
        if place not in own:
            kept[place] = one
        return one

    with FusedAttention(), torch.autograd.graph.saved_tensors_hooks(keep, lambda one: one):
        yield kept


def bytes_of(kept: dict[int, Tensor]) -> int:
    return sum(one.untyped_storage().nbytes() for one in kept.values())


class Fused(torch.autograd.Function):
    """What kernels of attention keep for the backward pass: what they are given, and what they give."""

    @staticmethod
    def forward(ctx, query, key, value):
        """Of the right shape, and no values."""
        found = torch.empty_like(query)
        ctx.save_for_backward(query, key, value, found)
        return found


class FusedAttention(TorchFunctionMode):
    """On the device meta torch would take attention apart, and keep its scores."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func is F.scaled_dot_product_attention:
            return Fused.apply(*args[:3])
        return func(*args, **(kwargs or {}))


def measure(config: ModelConfig, batch: int, length: int) -> None:
    """A real step in this process, of random pictures, sounds and tokens."""
    torch.manual_seed(0)
    before = psutil.Process().memory_info().rss
    model = HearYouAre(config)
    model.let_learn(TRAINED)
    model.train()
    optimizer = torch.optim.AdamW([one for one in model.parameters() if one.requires_grad])
    width, height = config.picture
    ids = torch.randint(model.language.config.vocab_size, (batch, length))
    at = torch.arange(length).expand(batch, -1)
    loss = model(
        ids=ids,
        attends=torch.ones_like(ids),
        media_at=(at >= CHAT) & (at < CHAT + model.media_tokens),
        labels=torch.where(at >= length - ANSWER, ids, UNTOLD),
        pictures=torch.randint(256, (batch, height, width, 3), dtype=torch.uint8),
        sounds=0.1 * torch.randn(batch, 2, config.hearing.samples),
    )["loss"]
    loss.backward()
    optimizer.step()
    peak = 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(f"measured, {batch} questions, float32 on a CPU: at most {(peak - before) / GB:.2f} GB more than before")


if __name__ == "__main__":
    main()
