"""How the language model's weights are made smaller while they are loaded."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

import torch
from transformers import BitsAndBytesConfig, TorchAoConfig

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.reasoners.omni.memory import INT4_GROUP
from gar_ssl_ros.reasoners.options import Quantization
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

BY = {"nf4": "bitsandbytes", "int8": "bitsandbytes", "int4": "torchao"}
LEAST_CAPABILITY = (8, 0)  # compute capability of a GPU that int4's kernels need


def quantization(
    kind: Quantization, device: torch.device, dtype: torch.dtype, kept: Iterable[str]
) -> BitsAndBytesConfig | TorchAoConfig | None:
    """What transformers is told; None where nothing is quantised. kept: modules that stay as they are.

    Raises ModelError where it cannot be done here.
    """
    if kind == "none":
        return None
    if find_spec(BY[kind]) is None:
        raise ModelError(f"{kind} needs {BY[kind]}, not found here: {pip_install('quantized')}")
    whole = list(kept)
    if kind == "int4":
        return TorchAoConfig(_int4(device, dtype), modules_to_not_convert=whole)
    if kind == "int8":
        return BitsAndBytesConfig(load_in_8bit=True, llm_int8_skip_modules=whole)
    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=dtype,
        llm_int8_skip_modules=whole,
    )


def _int4(device: torch.device, dtype: torch.dtype) -> Any:
    """Of torch's own 4-bit kernels, which read each weight once for all rows of a batch."""
    from torchao.prototype.quantization.int4 import PrototypeInt4WeightOnlyConfig
    from torchao.quantization import Int4WeightOnlyConfig
    from torchao.quantization.quantize_.workflows import Int4ChooseQParamsAlgorithm, Int4PackingFormat

    if device.type == "cpu":
        return PrototypeInt4WeightOnlyConfig(group_size=INT4_GROUP, set_inductor_config=False)
    if dtype != torch.bfloat16:
        raise ModelError(f"int4 computes in bfloat16 on a GPU, not in {str(dtype).removeprefix('torch.')}: choose nf4")
    if torch.cuda.get_device_capability(device) < LEAST_CAPABILITY:
        name = torch.cuda.get_device_name(device)
        raise ModelError(
            f"int4 needs a GPU of compute capability {LEAST_CAPABILITY[0]} or more, not {name}: choose nf4"
        )
    return Int4WeightOnlyConfig(
        group_size=INT4_GROUP,
        int4_packing_format=Int4PackingFormat.TILE_PACKED_TO_4D,
        # Half-quadratic: closer to the weights than their least and greatest, which a CPU would take too long for.
        int4_choose_qparams_algorithm=Int4ChooseQParamsAlgorithm.HQQ,
        set_inductor_config=False,
    )
