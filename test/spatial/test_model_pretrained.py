"""A model of questions that begins with pretrained parts: they stay as they are, and are found again."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("peft", reason="needs peft, which is not installed")

from safetensors.torch import load_file, save_file  # noqa: E402
from transformers import (  # noqa: E402
    Blip2Config,
    Blip2Model,
    Blip2QFormerConfig,
    Blip2QFormerModel,
    Blip2VisionConfig,
    OPTConfig,
    Qwen2Config,
    Qwen2ForCausalLM,
    Siglip2Config,
    Siglip2Model,
    Siglip2TextConfig,
    Siglip2VisionConfig,
    Siglip2VisionModel,
)
from transformers.models.siglip2.image_processing_pil_siglip2 import (  # noqa: E402
    Siglip2ImageProcessorPil,
    get_image_size_for_max_num_patches,
)

from gar_ssl_ros.errors import UsageError  # noqa: E402
from gar_ssl_ros.spatial.model.answering import ModelAnswerer  # noqa: E402
from gar_ssl_ros.spatial.model.bat import BatWeightsError, published_name  # noqa: E402
from gar_ssl_ros.spatial.model.checkpoint import load, save  # noqa: E402
from gar_ssl_ros.spatial.model.hearing_options import SpatialAstConfig  # noqa: E402
from gar_ssl_ros.spatial.model.lessons import Batches, Lesson, Placed, Scene, picture_of  # noqa: E402
from gar_ssl_ros.spatial.model.lora import is_added  # noqa: E402
from gar_ssl_ros.spatial.model.network import HearYouAre  # noqa: E402
from gar_ssl_ros.spatial.model.options import ModelConfig, Origin, Parts, TrainingOptions  # noqa: E402
from gar_ssl_ros.spatial.model.pretrained import PartError, begin, fingerprint  # noqa: E402
from gar_ssl_ros.spatial.model.sizes import LORA_RANK, config_of  # noqa: E402
from gar_ssl_ros.spatial.model.spatial_ast import SpatialAst  # noqa: E402
from gar_ssl_ros.spatial.model.training import stages_of, train  # noqa: E402
from gar_ssl_ros.spatial.model.words import prompt, vocabulary  # noqa: E402
from gar_ssl_ros.spatial.questions.forms import Spot  # noqa: E402

CLASSES = ("dog", "piano")
RANK = 2
NO_WARM_UPS = {f"{name}_steps": 0 for name in ("listening", "looking", "classes", "places", "sounds")}
VISION = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
VISION |= {"patch_size": 8, "num_patches": 16}
FORMER = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48, "vocab_size": 7}
BAT = {"n_fft": 1024, "mels": 32, "frames": 64, "width": 64, "depth": 2, "heads": 1, "classes": 5}
CHAT = (  # as Qwen2's: a system's words where none are given, each turn between two tokens, then the assistant's
    "{% for message in messages %}"
    "{% if loop.first and message.role != 'system' %}<|im_start|>system\nYou help.<|im_end|>\n{% endif %}"
    "<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n"
    "{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def write_language(folder: Path, dtype: torch.dtype = torch.float32) -> Path:
    words = vocabulary(CLASSES)
    words.add_special_tokens({"pad_token": "<|endoftext|>", "eos_token": "<|im_end|>"})
    words.add_special_tokens({"additional_special_tokens": ["<|im_start|>"]})
    words.chat_template = CHAT
    words.save_pretrained(folder)
    config = Qwen2Config(
        vocab_size=len(words),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        tie_word_embeddings=True,
    )
    model = Qwen2ForCausalLM(config).to(dtype)
    model.generation_config.repetition_penalty = 1.05  # as Qwen2-Instruct's
    model.save_pretrained(folder)
    return folder


def write_hearing(path: Path) -> Path:
    """As BAT's authors publish it."""
    network = SpatialAst(SpatialAstConfig(**BAT))
    weights = {published_name(name): one for name, one in network.state_dict().items()}
    weights["pos_embed"] = torch.cat([torch.zeros(1, 1, BAT["width"]), weights["pos_embed"]], 1)
    weights["logmel_extractor.melW"] = torch.zeros(BAT["n_fft"] // 2 + 1, BAT["mels"])
    torch.save({"model": weights}, path)
    return path


@pytest.fixture(scope="module")
def parts(tmp_path_factory) -> Parts:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("parts")
    text = Siglip2TextConfig(
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=1,
        num_attention_heads=4,
        vocab_size=9,
        projection_size=32,
    )
    Siglip2Model(Siglip2Config(vision_config=VISION, text_config=text.to_dict())).save_pretrained(folder / "siglip2")
    former = Blip2QFormerConfig(**FORMER, num_hidden_layers=3, encoder_hidden_size=VISION["hidden_size"])
    Blip2QFormerModel(former).save_pretrained(folder / "former")
    return Parts(
        seeing=folder / "siglip2",
        language=write_language(folder / "qwen2"),
        seeing_projector=folder / "former",
        hearing=write_hearing(folder / "bat.pth"),
    )


def wanted(hears: str = "binaural", sees: bool = True, rank: int = RANK) -> ModelConfig:
    tiny = config_of("tiny", CLASSES, hears, sees)
    return tiny.model_copy(update={"patches": (2, 4), "rank": rank})


def lessons(count: int = 8) -> list[Lesson]:
    chance = np.random.default_rng(0)
    made = []
    for index in range(count):
        picture = chance.integers(0, 255, (16, 32, 3), dtype=np.uint8)
        sound = (0.1 * chance.standard_normal((2, 20_000))).astype(np.float32)
        source = Placed(CLASSES[index % 2], Spot(10.0 * index, 0.0, 1.0))
        question = ("What sounds?", "What can be heard there, and where is it?")[index % 2]
        scene = Scene(picture, sound, 32_000)
        made.append(Lesson(str(len(made)), partial(_same, scene), source, (source,), question, source.label))
    return made


def _same(scene: Scene) -> Scene:
    return scene


def trained(model: HearYouAre, tokenizer, out: Path, **options) -> HearYouAre:
    """For two steps of being asked everything, unless options say more."""
    steps = {**NO_WARM_UPS, "joint_steps": 2, "batch": 4, "rate": 1e-2}
    train(model, tokenizer, lambda asks: lessons(), TrainingOptions(**{**steps, **options}), out, lambda *_: None)
    return model


def answers(model: HearYouAre, tokenizer) -> list[list[int]]:
    """As tokens, so many of each whether it ends before or not."""
    asked = [(one.scene(), one.question) for one in lessons()]
    batch = Batches(model.config, tokenizer, model.media_tokens).to_answer(asked)
    return [list(one) for one in model.answer(**batch, most=8, pad_token_id=tokenizer.pad_token_id)]


def weights_of(network: torch.nn.Module, prefix: str = "") -> dict[str, torch.Tensor]:
    """Under the names that they have without LoRA, and not what it added."""
    own = [*network.named_parameters(prefix), *network.named_buffers(prefix)]
    return {name.replace(".base_layer", ""): one.detach().clone() for name, one in own if not is_added(name)}


@pytest.fixture(scope="module")
def checkpoint(parts, tmp_path_factory) -> Path:
    """Of a model that learned for a few steps."""
    folder = tmp_path_factory.mktemp("checkpoint")
    model, tokenizer = begin(wanted(), parts, seed=1)
    save(trained(model, tokenizer, folder / "training"), tokenizer, folder)
    return folder


def test_a_model_begins_with_the_weights_of_its_parts_bit_for_bit(parts):
    model, _ = begin(wanted(), parts, seed=1)
    language = Qwen2ForCausalLM.from_pretrained(parts.language)
    whole = Siglip2Model.from_pretrained(parts.seeing)
    former = dict(Blip2QFormerModel.from_pretrained(parts.seeing_projector).named_parameters())
    for network, published in ((model.language, language), (model.seeing, whole.vision_model)):
        own, theirs = weights_of(network), dict(published.named_parameters())
        assert own
        assert all(torch.equal(one, theirs[name]) for name, one in own.items() if name in theirs)
        assert {name for name in theirs if not name.startswith("head.")} <= own.keys()
    own = dict(model.seeing_projector.former.named_parameters())
    assert all(torch.equal(one, former[name]) for name, one in own.items())
    assert len(model.seeing_projector.former.encoder.layer) == 2
    heard = torch.load(parts.hearing)["model"]
    assert torch.equal(model.hearing.state_dict()["blocks.1.linear1.weight"], heard["blocks.1.mlp.fc1.weight"])


def test_sizes_and_origins_are_those_of_the_folders(parts):
    config = begin(wanted(), parts, seed=1)[0].config
    assert config.language["hidden_size"] == 32
    assert config.seeing["patch_size"] == 8
    assert config.hearing.width == BAT["width"]
    assert {name: Path(one.path) for name, one in config.origins.items()} == parts.given
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config


def test_the_vision_tower_alone_and_a_whole_blip_2_will_do(parts, tmp_path):
    torch.manual_seed(2)
    Siglip2VisionModel(Siglip2VisionConfig(**VISION)).save_pretrained(tmp_path / "tower")
    opt = OPTConfig(hidden_size=32, ffn_dim=32, num_hidden_layers=1, num_attention_heads=4, vocab_size=9)
    blip = Blip2Config(
        vision_config=Blip2VisionConfig(
            hidden_size=40, intermediate_size=32, num_hidden_layers=1, num_attention_heads=4, image_size=28
        ).to_dict(),
        qformer_config={**FORMER, "num_hidden_layers": 2, "encoder_hidden_size": 40},
        text_config={**opt.to_dict(), "word_embed_proj_dim": 32},
    )
    whole = Blip2Model(blip)
    whole.save_pretrained(tmp_path / "blip")
    given = replace(parts, seeing=tmp_path / "tower", seeing_projector=tmp_path / "blip")
    model, _ = begin(wanted(), given, seed=1)
    former = dict(whole.qformer.named_parameters())
    own = dict(model.seeing_projector.former.named_parameters())
    anew = {name for name, one in own.items() if not torch.equal(one, former[name])}
    # BLIP-2's own encoder is of another width: only how its tokens are looked at begins anew
    assert anew == {f"encoder.layer.0.crossattention.attention.{one}.weight" for one in ("key", "value")}
    tower = Siglip2VisionModel.from_pretrained(tmp_path / "tower")
    assert torch.equal(weights_of(model.seeing)["post_layernorm.weight"], tower.post_layernorm.weight)


def test_weights_in_several_files_are_found_and_known_again(parts, tmp_path):
    Qwen2ForCausalLM.from_pretrained(parts.language).save_pretrained(tmp_path / "qwen2", max_shard_size="30KB")
    for file in parts.language.glob("*token*"):
        shutil.copy(file, tmp_path / "qwen2")
    Blip2QFormerModel.from_pretrained(parts.seeing_projector).save_pretrained(
        tmp_path / "former", max_shard_size="30KB"
    )
    shutil.copy(parts.language / "chat_template.jinja", tmp_path / "qwen2")
    assert len(list(tmp_path.glob("*/*.safetensors"))) > 4
    given = replace(parts, language=tmp_path / "qwen2", seeing_projector=tmp_path / "former")
    split, whole = (begin(wanted(), one, seed=1)[0] for one in (given, parts))
    theirs = dict(whole.named_parameters())
    assert all(torch.equal(one, theirs[name]) for name, one in split.named_parameters())
    before = fingerprint(given.language)
    change_weights(max(given.language.glob("*.safetensors")))
    assert fingerprint(given.language) != before


def test_lora_changes_no_answer_before_it_learns(parts):
    adapted, tokenizer = begin(wanted(), parts, seed=1)
    plain, _ = begin(wanted(rank=0), parts, seed=1)
    plain.load_state_dict({**plain.state_dict(), **{n: w for n, w in adapted.state_dict().items() if not is_added(n)}})
    batch = Batches(adapted.config, tokenizer, adapted.media_tokens).to_learn(lessons())
    with torch.inference_mode():
        assert torch.equal(adapted.eval()(**batch)["loss"], plain.eval()(**batch)["loss"])


def test_only_lora_and_projectors_learn(parts, tmp_path):
    model, tokenizer = begin(wanted(), parts, seed=1)
    before = {name: one.detach().clone() for name, one in [*model.named_parameters(), *model.named_buffers()]}
    trained(model, tokenizer, tmp_path, classes_steps=1, places_steps=1, sounds_steps=1)
    changed = {
        name for name, one in [*model.named_parameters(), *model.named_buffers()] if not torch.equal(one, before[name])
    }
    assert {name.split(".")[0] for name in changed} == {"seeing", "language", "seeing_projector", "hearing_projector"}
    assert all(is_added(name) or "_projector." in name for name in changed)
    assert any("patch_embedding" in name for name in changed)
    assert any(name.startswith("language.") and "o_proj" in name for name in changed)


def test_pretrained_encoders_have_no_stage_of_their_own(parts):
    options = TrainingOptions(classes_steps=1, places_steps=1, sounds_steps=1)

    def names(given: Parts) -> list[str]:
        return [stage.name for stage, _ in stages_of(begin(wanted(), given, seed=1)[0].config, options)]

    asked = ["listening", "looking", "classes", "places", "sounds", "joint"]
    assert names(parts) == asked
    assert names(replace(parts, hearing=None)) == ["hearing", *asked]
    assert names(Parts(language=parts.language)) == ["hearing", "seeing", *asked]


def test_without_lora_a_pretrained_language_model_learns_whole_and_is_kept_whole(parts, tmp_path):
    model, tokenizer = begin(wanted("nothing", sees=False, rank=0), Parts(language=parts.language), seed=1)
    trained(model, tokenizer, tmp_path / "training")
    save(model, tokenizer, tmp_path / "whole")
    loaded, _ = load(tmp_path / "whole")
    assert all(torch.equal(one, weights_of(loaded)[name]) for name, one in weights_of(model).items())


def test_a_checkpoint_holds_nothing_of_a_base(checkpoint, parts):
    held = load_file(checkpoint / "model.safetensors")
    assert {name.split(".")[0] for name in held} == {"seeing", "language", "seeing_projector", "hearing_projector"}
    assert all(is_added(name) for name in held if name.startswith(("seeing.", "language.")))
    assert not list(checkpoint.rglob("*.pt"))
    for stage in (checkpoint / "training" / "stages").iterdir():
        assert load_file(stage).keys() == held.keys()


def test_what_is_loaded_answers_as_what_was_saved(parts, tmp_path):
    model, tokenizer = begin(wanted(), parts, seed=1)
    unlearned = answers(model.eval(), tokenizer)
    trained(model, tokenizer, tmp_path / "training", joint_steps=20)
    said = answers(model, tokenizer)
    assert said != unlearned
    save(model, tokenizer, tmp_path)
    files = [one for one in tmp_path.iterdir() if one.is_file()]
    assert len({one.stat().st_mode for one in files}) == 1  # whoever may read one may read them all
    loaded, words = load(tmp_path)
    assert answers(loaded, words) == said
    asked = [(one.scene(), one.question) for one in lessons()]
    assert ModelAnswerer.of(tmp_path).answer(asked) == ModelAnswerer(model, tokenizer).answer(asked)
    own = dict(model.named_parameters())
    assert all(torch.equal(one, own[name]) for name, one in loaded.named_parameters())


def test_training_goes_on_from_where_it_was_stopped_without_a_base_on_disk(parts, tmp_path):
    steps = {**NO_WARM_UPS, "joint_steps": 6, "save_steps": 2}
    model, tokenizer = begin(wanted(), parts, seed=1)
    trained(model, tokenizer, tmp_path / "whole", **steps)

    def stop(_stage: str, step: int, _loss: float) -> None:
        if step == 5:
            raise KeyboardInterrupt

    again, _ = begin(wanted(), parts, seed=1)
    options = TrainingOptions(**steps, batch=4, rate=1e-2)
    with pytest.raises(KeyboardInterrupt):
        train(again, tokenizer, lambda asks: lessons(), options, tmp_path / "part", stop)
    (kept,) = (tmp_path / "part" / "unfinished" / "joint").glob("checkpoint-*/model.safetensors")
    assert all(is_added(name) or "_projector." in name for name in load_file(kept))
    fresh, _ = begin(wanted(), parts, seed=1)
    trained(fresh, tokenizer, tmp_path / "part", **steps)
    own = dict(model.named_parameters())
    assert all(torch.allclose(one, own[name], atol=1e-5) for name, one in fresh.named_parameters())


def test_with_checkpointing_it_learns_the_same(parts, tmp_path):
    found = []
    for checkpointing in (False, True):
        model, tokenizer = begin(wanted(), parts, seed=1)
        trained(model, tokenizer, tmp_path / str(checkpointing), checkpointing=checkpointing)
        found.append(dict(model.named_parameters()))
    assert all(torch.allclose(one, found[1][name], atol=1e-5) for name, one in found[0].items())


@pytest.mark.parametrize("rank", [0, RANK])
def test_a_language_model_of_bfloat16_stays_one(parts, tmp_path, rank):
    language = write_language(tmp_path / "qwen2", torch.bfloat16)
    model, tokenizer = begin(wanted(rank=rank), replace(parts, language=language), seed=1)
    trained(model, tokenizer, tmp_path / "training")
    said = answers(model, tokenizer)
    save(model, tokenizer, tmp_path / "checkpoint")
    loaded, words = load(tmp_path / "checkpoint")
    assert loaded.language.model.embed_tokens.weight.dtype == torch.bfloat16
    added = {one.dtype for name, one in loaded.named_parameters() if is_added(name)}
    assert added == ({torch.float32} if rank else set())
    assert answers(loaded, words) == said


def test_a_chats_own_ways_of_choosing_words_are_left(parts):
    model, _ = begin(wanted(), parts, seed=1)
    assert not model.language.generation_config.repetition_penalty


def test_in_a_chat_the_media_stand_at_the_beginning_of_what_the_user_says(parts):
    _, tokenizer = begin(wanted(), parts, seed=1)
    before, after = prompt(tokenizer, "What sounds?")
    assert tokenizer.decode(before).endswith("<|im_start|>user\n")
    assert tokenizer.decode(after) == "What sounds?<|im_end|>\n<|im_start|>assistant\n"
    config = begin(wanted(), parts, seed=1)[0].config
    batch = Batches(config, tokenizer, media_tokens=3).to_answer([(lessons()[0].scene(), "What sounds?")])
    (at,) = batch["media_at"].nonzero(as_tuple=True)[1].reshape(1, -1).tolist()
    assert at == list(range(len(before), len(before) + 3))


def copies(parts: Parts, folder: Path) -> Parts:
    for name, path in parts.given.items():
        (shutil.copytree if path.is_dir() else shutil.copy)(path, folder / name)
    return Parts(**{name: folder / name for name in parts.given})


def test_a_base_that_moved_is_named(parts, tmp_path):
    there = copies(parts, tmp_path)
    model, tokenizer = begin(wanted(), there, seed=1)
    save(model, tokenizer, tmp_path / "checkpoint")
    moved = tmp_path / "elsewhere"
    there.language.rename(moved)
    with pytest.raises(PartError, match=r"language, with which .* cannot be read \(No such file .*name the place"):
        load(tmp_path / "checkpoint")
    loaded, _ = load(tmp_path / "checkpoint", Parts(language=moved))
    assert torch.equal(loaded.language.model.norm.weight, model.language.model.norm.weight)


def change_weights(place: Path) -> None:
    file = place / "model.safetensors" if place.is_dir() else place
    save_file({name: 1.01 * one for name, one in load_file(file).items()}, file)


def change_config(folder: Path) -> None:
    told = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**told, "rms_norm_eps": 1e-5}))


@pytest.mark.parametrize("change", [change_weights, change_config])
def test_a_base_that_changed_is_told(parts, tmp_path, change):
    there = copies(parts, tmp_path)
    model, tokenizer = begin(wanted(), there, seed=1)
    save(model, tokenizer, tmp_path / "checkpoint")
    change(there.language)
    with pytest.raises(PartError, match=r"language is not that with which .* or has changed since: name a place"):
        load(tmp_path / "checkpoint")


def test_a_base_of_another_size_is_told(checkpoint, parts):
    with pytest.raises(PartError, match=r"siglip2 is not that with which the model's language began"):
        load(checkpoint, Parts(language=parts.seeing))


def test_all_of_a_large_file_is_looked_at_here_and_there(tmp_path):
    path = tmp_path / "weights"
    path.write_bytes(bytes(5 * 2**20))
    before = fingerprint(path)
    path.write_bytes(bytes(4 * 2**20) + b"\x01" * 2**20)
    assert fingerprint(path) != before
    path.write_bytes(bytes(5 * 2**20 - 1))
    assert fingerprint(path) != before


def spoil(parts: Parts, name: str, how: str, folder: Path) -> Parts:
    there = copies(parts, folder)
    place = there.given[name]
    if how == "other":
        other = there.language if name != "language" else there.seeing
        return replace(there, **{name: other})
    if how == "missing":
        return replace(there, **{name: folder / "none"})
    weights = load_file(place / "model.safetensors")
    if how == "lacks":
        weights.pop(next(one for one in sorted(weights) if ".1." in one and "text_model" not in one))
        save_file(weights, place / "model.safetensors")
    if how == "cut":
        (place / "model.safetensors").write_bytes((place / "model.safetensors").read_bytes()[:2000])
    return there


@pytest.mark.parametrize("how", ["other", "missing", "lacks", "cut"])
@pytest.mark.parametrize("name", ["seeing", "language", "seeing_projector"])
def test_a_folder_that_will_not_do_is_one_sentence(parts, tmp_path, name, how):
    given = spoil(parts, name, how, tmp_path)
    with pytest.raises(PartError) as told:
        begin(wanted(), given, seed=1)
    assert str(given.given[name]) in str(told.value)
    assert "name a folder" in str(told.value)
    assert "\n" not in str(told.value)


def test_a_tokenizer_that_is_not_there_is_told(parts, tmp_path):
    there = copies(parts, tmp_path)
    for file in there.language.glob("token*"):
        file.unlink()
    with pytest.raises(PartError, match=r"Qwen2 with its tokenizer \(it has no tokenizer\)"):
        begin(wanted(), there, seed=1)


def test_weights_of_bat_that_will_not_do_are_told(parts, tmp_path):
    with pytest.raises(BatWeightsError):
        begin(wanted(), replace(parts, hearing=tmp_path / "none.pth"), seed=1)


@pytest.mark.parametrize(("hears", "sees", "part"), [("nothing", True, "hearing"), ("mono", False, "seeing")])
def test_a_part_that_the_model_has_not_is_refused(parts, hears, sees, part):
    with pytest.raises(UsageError, match=f"weights for {part} are given, but"):
        begin(wanted(hears, sees), parts, seed=1)


def test_patches_are_those_of_siglip_2():
    config = config_of("paper", CLASSES, "nothing", True)
    picture = np.random.default_rng(0).integers(0, 255, (224, 816, 3), dtype=np.uint8)
    theirs = Siglip2ImageProcessorPil(max_num_patches=14 * 51)(picture, return_tensors="pt")
    assert theirs["spatial_shapes"].tolist() == [list(config.patches)]
    small = config.model_copy(update={"seeing": {**VISION, "patch_size": 16}, "patches": config.patches})
    model = HearYouAre(small.model_copy(update={"language": config_of("tiny", CLASSES, "nothing", True).language}))
    seen = []
    model.seeing.register_forward_pre_hook(lambda _m, _a, given: seen.append(given), with_kwargs=True)
    model.seen(torch.from_numpy(picture)[None])
    assert torch.allclose(seen[0]["pixel_values"], theirs["pixel_values"], atol=1e-6)
    assert torch.equal(seen[0]["spatial_shapes"], theirs["spatial_shapes"])


def test_the_papers_picture_is_scaled_to_the_patches_that_siglip_2_takes():
    config = config_of("paper", CLASSES, "nothing", True)
    rows, columns = config.patches
    assert get_image_size_for_max_num_patches(224, 812, 16, rows * columns) == config.picture[::-1]
    smooth = np.linspace(0, 255, 812)[None, :, None].repeat(224, 0).repeat(3, 2).astype(np.uint8)
    theirs = Siglip2ImageProcessorPil(max_num_patches=rows * columns)(smooth, return_tensors="pt")["pixel_values"]
    ours = torch.from_numpy(picture_of(Scene(smooth, None, 0), config)).float() / 127.5 - 1
    cut = ours.unflatten(0, (rows, 16)).unflatten(2, (columns, 16)).permute(0, 2, 1, 3, 4).reshape(rows * columns, -1)
    assert (cut - theirs[0]).abs().max() < 2.5 / 127.5  # bilinear in both, but for rounding


def test_at_the_papers_size_there_are_the_weights_that_the_librarys_own_configs_give():
    config = config_of("paper", CLASSES, "binaural", True)
    origins = {name: Origin(path=name, sha256="") for name in ("seeing", "language", "hearing")}
    with torch.device("meta"):
        model = HearYouAre(config.model_copy(update={"origins": origins}))
        language = Qwen2ForCausalLM(Qwen2Config(**config.language))
        seeing = Siglip2VisionModel(Siglip2VisionConfig(**config.seeing, vision_use_head=False))
    for ours, theirs in ((model.language, language), (model.seeing, seeing)):
        own = {
            name.replace(".base_layer", ""): one.shape for name, one in ours.named_parameters() if not is_added(name)
        }
        assert own == {name: one.shape for name, one in theirs.named_parameters()}
    assert sum(one.numel() for one in language.parameters()) == 7_615_616_512  # Qwen2-7B-Instruct's own
    added = sum(one.numel() for name, one in model.language.named_parameters() if is_added(name))
    wide, narrow = config.language["hidden_size"], 4 * 128
    assert added == 28 * LORA_RANK * (2 * 2 * wide + 2 * (wide + narrow))
