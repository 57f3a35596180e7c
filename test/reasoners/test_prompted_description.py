"""Which description fits which checkpoint."""

from __future__ import annotations

import pytest

from gar_ssl_ros.reasoners.prompted.description import describe, descriptions


def omni(hidden_size: int, layers: int, **more: object) -> dict[str, object]:
    text = {"hidden_size": hidden_size, "num_hidden_layers": layers}
    return {"model_type": "qwen2_5_omni", "thinker_config": {"text_config": text}, **more}


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (omni(2048, 36), "Qwen2.5-Omni-3B"),
        (omni(3584, 28), "Qwen2.5-Omni-7B"),
        (omni(64, 2), "Qwen2.5-Omni"),
        (omni(3584, 28, quantization_config={"quant_method": "awq"}), "Qwen2.5-Omni-7B-AWQ"),
        (omni(3584, 28, quantization_config={"quant_method": "gptq"}), "Qwen2.5-Omni-7B-GPTQ-Int4"),
        (omni(3584, 28, quantization_config={"quant_method": "bitsandbytes"}), "Qwen2.5-Omni-7B"),
        (
            {"model_type": "qwen2_5_omni_thinker", "text_config": {"hidden_size": 2048, "num_hidden_layers": 36}},
            "Qwen2.5-Omni-3B",
        ),
        ({"model_type": "qwen3_omni_moe", "thinker_config": {"text_config": {"hidden_size": 2048}}}, "Qwen3-Omni"),
    ],
)
def test_a_checkpoint_is_known_by_its_config(config, name):
    found = describe(config)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("config", [{}, {"model_type": "llama", "text_config": {"hidden_size": 3584}}])
def test_another_architecture_has_no_description(config):
    assert describe(config) is None


def test_every_description_is_whole():
    assert len({known.name for known in descriptions()}) == len(descriptions()) >= 6
    for known in descriptions():
        assert known.layout.audio.count(known.layout.audio_placeholder) == 1
        assert known.layout.image.count(known.layout.image_placeholder) == 1
        assert "{system}" in known.layout.opening
        assert "{question}" in known.layout.question
        assert known.least_pixels <= known.most_pixels
