"""Which description fits which checkpoint."""

from __future__ import annotations

import pytest

from gar_ssl_ros.reasoners.prompted.description import CheckpointDescription, describe, described_as, descriptions


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
        assert known.least_pixels <= known.most_pixels
        if not isinstance(known, CheckpointDescription):
            continue
        assert known.layout.audio.count(known.layout.audio_placeholder) == 1
        assert known.layout.image.count(known.layout.image_placeholder) == 1
        assert "{system}" in known.layout.opening
        assert "{question}" in known.layout.question


@pytest.mark.parametrize(
    ("names", "name"),
    [
        (["Qwen/Qwen2.5-Omni-3B"], "Qwen2.5-Omni-3B"),
        (["Qwen/Qwen2.5-Omni-7B-AWQ"], "Qwen2.5-Omni-7B-AWQ"),
        (["ggml-org/Qwen2.5-Omni-7B-GGUF"], "Qwen2.5-Omni-7B"),
        (["qwen2.5-omni"], "Qwen2.5-Omni"),
        (["Qwen/Qwen3-Omni-30B-A3B-Instruct"], "Qwen3-Omni"),
        (["qwen3-omni-flash"], "Qwen3-Omni"),
        (["google/gemma-4-E4B-it"], "Gemma 4"),
        (["openbmb/MiniCPM-o-4_5"], "MiniCPM-o"),
        (["robot", "/models/MiniCPM_o_2_6"], "MiniCPM-o"),  # a name of one's own, and where it was loaded from
        (["gpt-4o-audio-preview"], "an unknown model"),
        ([""], "an unknown model"),
    ],
)
def test_a_model_on_a_server_is_known_by_its_names(names, name):
    assert described_as(*names).name == name


@pytest.mark.parametrize("kind", ["gemma4", "minicpmo"])
def test_what_is_only_served_is_no_checkpoint_to_load(kind):
    assert describe({"model_type": kind}) is None
