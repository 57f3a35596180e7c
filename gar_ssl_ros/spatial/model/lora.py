"""LoRA (arXiv:2106.09685): beside a pretrained layer, which stays as it is, learns a product of two narrow ones."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from torch import nn

from gar_ssl_ros.perception.quiet import quiet
from gar_ssl_ros.spatial.model.options import PartName

# What "Hear You Are" names (section 5.1): the patch embedding and the attention of the encoder of pictures. Of the
# language model it tells only the rank; here it is the attention, as in the paper of LoRA, and no MLP.
TARGETS: Mapping[PartName, tuple[str, ...]] = MappingProxyType(
    {
        "seeing": ("patch_embedding", "q_proj", "k_proj", "v_proj", "out_proj"),
        "language": ("q_proj", "k_proj", "v_proj", "o_proj"),
    }
)
ADDED = "lora_"  # in the names of the weights that it adds


def adapt(network: nn.Module, part: PartName, rank: int) -> None:
    """Add it to a part of the model, in place; at first it changes no answer. Its weights are of float32 in any part.

    Its alpha is the rank: what it learns is added as it is.
    """
    with quiet():  # here, since it takes seconds, and a model without LoRA has no need of it
        from peft import LoraConfig, inject_adapter_in_model

    inject_adapter_in_model(LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS[part])), network)
    for name, weights in network.named_parameters():
        if is_added(name):
            weights.data = weights.data.float()  # small steps would be lost in bfloat16


def is_added(name: str) -> bool:
    """Whether LoRA has added the weights of that name."""
    return ADDED in name
