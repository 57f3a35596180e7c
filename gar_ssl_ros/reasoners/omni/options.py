"""How a model is loaded."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Literal, get_args, get_type_hints

from gar_ssl_ros.errors import OptionError

Dtype = Literal["auto", "bfloat16", "float16", "float32"]
Quantization = Literal["none", "nf4", "int8"]
Attention = Literal["sdpa", "eager", "flash_attention_2"]


@dataclass(frozen=True)
class LoadOptions:
    """Where and how the weights are held.

    device: auto (the first GPU, else the CPU), balanced (spread over all GPUs), cpu, cuda or cuda:N. dtype: auto is
    bfloat16 on a GPU, or float16 where it has none, and float32 on a CPU. quantization: of the language model's
    weights, done while loading; both towers and the head stay as they are. attention: flash_attention_2 serves the
    towers alone, since only the others read the branches of a shared prefix. compile: the language model by
    torch.compile, which takes minutes at the start. Raises OptionError where one has another value.
    """

    device: str = "auto"
    dtype: Dtype = "auto"
    quantization: Quantization = "none"
    attention: Attention = "sdpa"
    compile: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"auto|balanced|cpu|cuda(:\d+)?", self.device):
            raise OptionError(f"device is {self.device!r}: it must be auto, balanced, cpu, cuda or cuda:N")
        hints = get_type_hints(LoadOptions)
        for field in fields(self):
            known = get_args(hints[field.name])
            value = getattr(self, field.name)
            if known and value not in known:
                raise OptionError(f"{field.name} is {value!r}: it must be one of {', '.join(known)}")
