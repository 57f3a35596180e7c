"""A model is loaded as its makers publish it, or one sentence says why not and what to do."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.reasoners.omni import LoadOptions, load
from gar_ssl_ros.reasoners.prompted.runtime import ModelError, Question, Sampling

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402

from gar_ssl_ros.reasoners.omni.checkpoint import open_checkpoint  # noqa: E402
from gar_ssl_ros.reasoners.omni.memory import need  # noqa: E402
from gar_ssl_ros.reasoners.omni.quantization import BY  # noqa: E402
from gar_ssl_ros.reasoners.prompted.description import describe  # noqa: E402

FIRST, SECOND = "model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"


@pytest.fixture
def copy(tiny_omni, tmp_path) -> Path:
    return Path(shutil.copytree(tiny_omni, tmp_path / "model"))


def change(path: Path, **changes: object) -> None:
    """Set what is named, and drop what is None."""
    known = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in known.items() if value is not None}))


def reply(folder: Path | str, options: LoadOptions | None = None) -> str:
    runtime = load(str(folder), options)
    image, audio = np.full((60, 60, 3), 90, np.uint8), np.sin(np.arange(8000, dtype=np.float32))
    schema = {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 99}, "minItems": 9, "maxItems": 9}
    with runtime.encode("Look.", image, audio, Deadline()) as window:
        said = window.ask([Question("Where?", schema, Sampling(), (0,), 100)], seen=True)[0][0]
    assert isinstance(said, str)
    return said


def held_bytes(weight: torch.Tensor) -> int:
    """What it takes; one that torchao quantised tells the size of what it stands for, and holds its parts by name."""
    parts = [getattr(weight, name) for name in getattr(weight, "tensor_data_names", ())]
    return sum(part.nbytes for part in parts) if parts else weight.nbytes


def empty(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()


def no_weights(folder: Path) -> None:
    for path in folder.glob("*.safetensors*"):
        path.unlink()


def pickled(folder: Path) -> None:
    no_weights(folder)
    torch.save({}, folder / "pytorch_model.bin")


def truncated(folder: Path) -> None:
    whole = (folder / SECOND).read_bytes()
    (folder / SECOND).write_bytes(whole[: len(whole) // 2])


def pointer(folder: Path) -> None:
    (folder / FIRST).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 4000000000\n")


def lacking(folder: Path) -> None:
    weights = load_file(folder / FIRST)
    weights.pop(next(name for name in sorted(weights) if "layers.1" in name))
    save_file(weights, folder / FIRST, {"format": "pt"})


def header(described: object) -> Callable[[Path], object]:
    """The second part, its header replaced."""
    text = json.dumps(described).encode()
    return lambda folder: (folder / SECOND).write_bytes(len(text).to_bytes(8, "little") + text)


def nested(folder: Path) -> None:
    (folder / "config.json").write_text('{"a":' * 100_000)


def pipe(folder: Path) -> None:
    (folder / SECOND).unlink()
    os.mkfifo(folder / SECOND)


INDEX = "model.safetensors.index.json"
TENSOR = {"dtype": "F32", "shape": [1], "data_offsets": [0, 0]}
BROKEN = {
    "a list of weights": (lambda folder: change(folder / INDEX, weight_map=["a"]), f"{INDEX} tells no files"),
    "numbers for files": (lambda folder: change(folder / INDEX, weight_map={"a": 1}), f"{INDEX} tells no files"),
    "files elsewhere": (lambda folder: change(folder / INDEX, weight_map={"a": "../a"}), "which is no file in it"),
    "a tensor without type": (header({"a": {**TENSOR, "dtype": None}}), f"{SECOND} is no safetensors"),
    "a tensor of no shape": (header({"a": {**TENSOR, "shape": "large"}}), f"{SECOND} is no safetensors"),
    "a tensor of negative shape": (header({"a": {**TENSOR, "shape": [-1]}}), f"{SECOND} is no safetensors"),
    "a tensor without place": (header({"a": {"dtype": "F32", "shape": [1]}}), f"{SECOND}"),
    "a text for a tensor": (header({"a": "b"}), f"{SECOND} is no safetensors"),
    "a list for a header": (header([TENSOR]), f"{SECOND} is no safetensors"),
    "a pipe in place of a part": (pipe, f"{SECOND} cannot be read"),
    "a deep config": (nested, "config.json is no JSON"),
    "a text for a part of the config": (
        lambda folder: change(folder / "config.json", thinker_config="x"),
        "does not describe the model",
    ),
    "sizes that are none": (
        lambda folder: change(folder / "config.json", thinker_config={"text_config": {"hidden_size": "x"}}),
        "does not describe the model",
    ),
    "an empty folder": (empty, "config.json"),
    "no weights": (no_weights, "no weights"),
    "a missing part": (lambda folder: (folder / SECOND).unlink(), f"half a download: {SECOND}"),
    "a truncated part": (truncated, f"{SECOND} ends before"),
    "a pointer in place of a part": (pointer, f"{FIRST} is no safetensors"),
    "a weight short": (lacking, "lacks 1 of its weights"),
    "pickled weights": (pickled, "convert them to safetensors"),
    "no tokenizer": (lambda folder: (folder / "tokenizer.json").unlink(), "tokenizer.json"),
    "no preprocessor": (lambda folder: (folder / "preprocessor_config.json").unlink(), "preprocessor_config.json"),
    "broken config": (lambda folder: (folder / "config.json").write_text('{"model_type": '), "config.json is no JSON"),
    "a list for a config": (lambda folder: (folder / "config.json").write_text("[]"), "no JSON object"),
    "another architecture": (lambda folder: change(folder / "config.json", model_type="llama"), "is a llama model"),
    "no architecture": (lambda folder: change(folder / "config.json", model_type=None), "nameless"),
    "code of its own": (
        lambda folder: change(folder / "config.json", auto_map={"AutoModel": "modeling_x.M"}),
        "never run",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_checkpoint_is_one_sentence_with_its_remedy(copy, name):
    harm, told = BROKEN[name]
    harm(copy)
    with pytest.raises(ModelError, match=told) as raised:
        load(str(copy))
    assert "\n" not in str(raised.value)
    assert str(copy) in str(raised.value)


def test_code_that_lies_beside_the_weights_is_never_run(copy):
    (copy / "modeling_qwen2_5_omni.py").write_text("raise SystemExit('run')")
    assert reply(copy)


def test_a_file_is_no_model(copy):
    with pytest.raises(ModelError, match="give the folder of a whole model"):
        load(str(copy / "config.json"))


def test_a_path_that_is_not_there_says_so():
    with pytest.raises(ModelError, match="there is no folder /nowhere/at/all"):
        load("/nowhere/at/all")


def test_a_hub_id_whose_weights_are_not_there_is_not_fetched_and_says_how_to_fetch_it(monkeypatch):
    def connect(*_):
        raise AssertionError("nobody asked for the network")

    monkeypatch.setattr("socket.socket.connect", connect)
    monkeypatch.setattr("socket.getaddrinfo", connect)
    with pytest.raises(ModelError, match="hf download Nobody/Has-This"):
        load("Nobody/Has-This")


def test_a_hub_id_whose_weights_are_there_is_loaded_without_a_connection(tiny_omni, tmp_path, monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository, commit = tmp_path / "models--Tiny--Omni", "0" * 40
    shutil.copytree(tiny_omni, repository / "snapshots" / commit)
    (repository / "refs").mkdir()
    (repository / "refs" / "main").write_text(commit)
    assert load("Tiny/Omni").model == "Tiny/Omni"


def test_too_little_memory_is_told_before_anything_is_loaded(copy):
    header = {"thinker.model.layers.0.mlp.up_proj.weight": {"dtype": "F32", "shape": [1 << 19, 1 << 19]}}
    header["thinker.model.layers.0.mlp.up_proj.weight"]["data_offsets"] = [0, 1 << 40]
    text = json.dumps(header).encode()
    with (copy / SECOND).open("wb") as file:  # a hole of a tebibyte
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + (1 << 40))
    with pytest.raises(ModelError, match=r"needs about 1\d\d\d\.\d GiB .* GiB are free on the machine"):
        load(str(copy))


@pytest.mark.parametrize("quantization", ["none", *BY])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_the_estimate_of_the_weights_is_what_they_take(omni_folder, dtype, quantization):
    if quantization != "none":
        pytest.importorskip(BY[quantization], reason=f"needs {BY[quantization]}, which is not installed")
    options = LoadOptions(dtype=dtype, quantization=quantization)
    checkpoint = open_checkpoint(str(omni_folder))
    description = describe(checkpoint.config)
    estimate = need(checkpoint, description, options, torch.empty(0, dtype=getattr(torch, dtype)).itemsize, gpu=False)
    loaded = sum(map(held_bytes, load(str(omni_folder), options).thinker.module.parameters()))
    assert estimate.weights == pytest.approx(loaded, rel=0 if quantization == "none" else 0.05)
    assert estimate.total > estimate.weights


@pytest.mark.parametrize("quantization", BY)
def test_quantisation_leaves_towers_and_head_alone(tiny_omni, quantization):
    pytest.importorskip(BY[quantization], reason=f"needs {BY[quantization]}, which is not installed")
    module = load(str(tiny_omni), LoadOptions(quantization=quantization)).thinker.module
    whole = {name for name, weight in module.named_parameters() if held_bytes(weight) == 4 * weight.numel()}
    quantised = {name for name, _ in module.named_parameters()} - whole
    assert all(".language_model.layers." in name for name in quantised)
    assert len(quantised) == 7 * len(module.model.language_model.layers)  # four of attention, three of feed-forward
    assert {"lm_head.weight", "model.audio_tower.proj.weight", "model.visual.patch_embed.proj.weight"} <= whole
    assert reply(tiny_omni, LoadOptions(quantization=quantization))


@pytest.mark.parametrize("missing", sorted(set(BY.values())))
def test_what_a_quantisation_needs_is_named_where_it_is_missing(tiny_omni, missing, monkeypatch):
    monkeypatch.setattr("gar_ssl_ros.reasoners.omni.quantization.find_spec", lambda name: None)
    kind = next(kind for kind, by in BY.items() if by == missing)
    with pytest.raises(ModelError, match=rf"{kind} needs {missing}, not found here: .*pip install .*quantized"):
        load(str(tiny_omni), LoadOptions(quantization=kind))


def test_int4_stays_close_to_the_weights(tiny_omni):
    """As close as four bits can: nf4, which has no zero of its own a group, is a little further off."""
    pytest.importorskip("torchao", reason="needs torchao, which is not installed")
    states = torch.randn(3, 64)
    given, held = (
        load(str(tiny_omni), LoadOptions(quantization=kind)).thinker.module.model.language_model.layers[0].mlp.up_proj
        for kind in ("none", "int4")
    )
    off = torch.linalg.norm(held(states) - given(states)) / torch.linalg.norm(given(states))
    assert 0.001 < off < 0.15


def test_a_checkpoint_quantised_before_it_was_published_is_loaded_so(copy, tiny_omni):
    """Its quantisation is told at the top of config.json, of the whole model."""
    pytest.importorskip("bitsandbytes", reason="needs bitsandbytes, which is not installed")
    load(str(tiny_omni), LoadOptions(quantization="nf4")).thinker.module.save_pretrained(copy / "saved")
    saved = json.loads((copy / "saved" / "config.json").read_text())
    no_weights(copy)
    weights = load_file(copy / "saved" / "model.safetensors")
    save_file(weights, copy / "model.safetensors", {"format": "pt"})
    change(copy / "config.json", quantization_config=saved["quantization_config"])
    runtime = load(str(copy))
    assert runtime.thinker.module.is_loaded_in_4bit
    assert reply(copy) == reply(tiny_omni, LoadOptions(quantization="nf4"))


def test_the_thinker_alone_is_a_model_too(copy):
    expected = reply(copy)
    config = json.loads((copy / "config.json").read_text())
    (copy / "config.json").write_text(json.dumps(config["thinker_config"] | {"dtype": "float32"}))
    assert reply(copy) == expected


def test_a_quantisation_told_of_the_whole_model_is_the_thinker_s(copy):
    told = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
    change(copy / "config.json", quantization_config=told)
    assert open_checkpoint(str(copy)).thinker_config["quantization_config"] == told


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
def test_steps_are_recorded_on_a_gpu_alone(tiny_omni):
    with pytest.raises(ModelError, match=r"CUDA graphs of one GPU, not of a CPU: leave it out$"):
        load(str(tiny_omni), LoadOptions(compile=True))


@pytest.mark.parametrize("options", [LoadOptions(attention="eager"), LoadOptions(device="cpu", dtype="float32")])
def test_options_that_compute_the_same_reply_the_same(tiny_omni, options):
    assert reply(tiny_omni, options) == reply(tiny_omni)


def test_a_lower_precision_is_loaded_as_asked(tiny_omni):
    runtime = load(str(tiny_omni), LoadOptions(dtype="bfloat16"))
    assert {weight.dtype for weight in runtime.thinker.module.parameters()} == {torch.bfloat16}
    assert reply(tiny_omni, LoadOptions(dtype="bfloat16"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "balanced"])
def test_no_gpu_is_told(tiny_omni, device):
    with pytest.raises(ModelError, match="torch finds no GPU here: choose cpu"):
        load(str(tiny_omni), LoadOptions(device=device))


@pytest.mark.parametrize(
    ("option", "value"), [("device", "tpu"), ("dtype", "int4"), ("quantization", "q4"), ("attention", "x")]
)
def test_an_option_that_is_none_is_told(option, value):
    with pytest.raises(ValueError, match=f"{option} is '{value}': (it must be|choose one of)"):
        LoadOptions(**{option: value})


@pytest.mark.parametrize("missing", ["torch", "transformers", "llguidance"])
def test_without_torch_one_sentence_says_what_to_install(missing):
    """In a Python where it cannot be imported."""
    program = f"import sys; sys.modules[{missing!r}] = None\n" + (
        "from gar_ssl_ros.reasoners.omni import load\n"
        "from gar_ssl_ros.reasoners.prompted.runtime import ModelError\n"
        "try:\n    load(sys.argv[1])\nexcept ModelError as told:\n    print(told)\n"
    )
    ran = subprocess.run([sys.executable, "-c", program, "who/knows"], capture_output=True, text=True, check=True)
    assert ran.stdout.count("\n") == 1
    assert ("[omni]'" if sys.version_info >= (3, 11) else "it takes Python 3.11 or later") in ran.stdout
    assert missing in ran.stdout
