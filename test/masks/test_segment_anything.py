"""SAM, SAM 2 and SAM 3 from a folder: real architectures, tiny, with random weights."""

from __future__ import annotations

import ast
import json
import pickle
import shutil
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from known_masks import KINDS, knowing, picture, segmenter, torch

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline, DeadlineExceeded
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.box import BoxSegmenter
from gar_ssl_ros.masks.segmenter import Prompt, SegmenterError, masked

SIZES = [(33, 47), (641, 479), (1921, 1079)]


@pytest.mark.parametrize("what", KINDS)
def test_of_what_the_model_finds_the_surest_fills_the_prompt_s_box_to_the_pixel_at_any_size(folder, what):
    made = segmenter(folder, what, track=what == "sam2_video")
    knowing(made, what)
    for width, height in SIZES:
        boxes = [Box(0.2 * width, 0.3 * height, 0.8 * width, 0.9 * height), Box(0, 0, width, 0.7 * height)]
        answers = made.segment(picture(width, height), [Prompt(box, "a dog") for box in boxes], Deadline())
        true = BoxSegmenter().segment(picture(width, height), [Prompt(box) for box in boxes], Deadline())
        for box, found, whole in zip(boxes, answers, true, strict=True):
            assert isinstance(found, Mask)
            assert found.pixels.shape == (height, width)
            assert found.iou(whole) > 0.9, (width, height)
            if box.x1 > 0:  # where the box's own edge is what ends it, and not the image's
                reach = max(width, height) / 64 * 0.5  # half a pixel of what the model sees
                assert np.abs(np.subtract(found.box.sides, box.sides)).max() <= 1 + reach, (width, height)


@pytest.mark.parametrize("what", KINDS)
def test_a_model_that_is_loaded_is_the_one_that_was_saved_and_gives_masks_of_the_images_size(folder, what):
    made = segmenter(folder, what)
    image = picture(133, 47)
    prompts = [Prompt(Box(10, 10, 50, 40), "dog"), Prompt(Box(60, 5, 133, 47)), Prompt(Box(150, 5, 160, 47))]
    answers = made.segment(image, prompts, Deadline())
    assert answers == segmenter(folder, what).segment(image, prompts, Deadline())
    assert answers[2].reason == "[150.0, 5.0, 160.0, 47.0] takes up no pixel of the 133x47 image"
    for answer in answers[:2]:
        if isinstance(answer, Mask):
            assert answer.pixels.shape == (47, 133)
        else:
            assert what == "sam3"


@pytest.mark.parametrize("what", ["sam", "sam2", "sam3"])
def test_an_image_is_encoded_once_for_all_prompts_and_the_deadline_is_looked_at_in_between(folder, what):
    made = segmenter(folder, what)
    encoded, passes = made._encoded, []
    made._encoded = lambda image: passes.append("image") or encoded(image)
    made._mask = lambda seen, prompt, size: passes.append("prompt") or Failure("no matter")
    prompts = [Prompt(Box(10, 10, 50, 40))] * 3
    made.segment(picture(64, 48), prompts, Deadline())
    assert passes == ["image", *["prompt"] * 3]
    deadline = Deadline()
    made._mask = lambda seen, prompt, size: passes.append("prompt") or deadline.cancel()
    del passes[:]
    with pytest.raises(Cancelled):
        made.segment(picture(64, 48), prompts, deadline)
    assert passes == ["image", "prompt"]
    with pytest.raises(DeadlineExceeded):
        made.segment(picture(64, 48), prompts, Deadline(-1))


def test_sam3_takes_the_box_alone_where_the_words_find_nothing_in_it_and_says_where_neither_does(folder):
    made = segmenter(folder, "sam3")
    asked = []

    def sure_of(word: str):
        def instance(seen, words, box, size):
            asked.append(words)
            return Mask(np.ones(size, bool)) if words == word else None

        return instance

    prompt = Prompt(Box(10, 10, 50, 40), "a barking dog")
    made._instance = sure_of("visual")
    assert isinstance(made.segment(picture(64, 48), [prompt], Deadline())[0], Mask)
    made._instance = sure_of("")
    answers = made.segment(picture(64, 48), [prompt, Prompt(prompt.box)], Deadline())
    assert answers[0].reason == "it found nothing there, by the words 'a barking dog' and by the box"
    assert answers[1].reason == "it found nothing there, by the box"
    assert asked == ["a barking dog", "visual", "a barking dog", "visual", "visual"]


def test_of_sam3_s_instances_none_counts_that_it_is_unsure_of_or_that_is_elsewhere(folder):
    made = segmenter(folder, "sam3")

    def forward(boxes, logits):
        return lambda **_: SimpleNamespace(
            pred_masks=torch.full((1, len(boxes), 8, 8), 9.0), pred_boxes=torch.tensor([boxes]),
            pred_logits=torch.tensor([logits]), presence_logits=torch.tensor([[9.0]]),
        )  # fmt: skip

    image, prompts = picture(100, 50), [Prompt(Box(10, 10, 50, 40), "dog")]
    made._model.forward = forward([[0.1, 0.2, 0.5, 0.8], [0.6, 0.2, 0.9, 0.8], [0.5, 0.5, 0.4, 0.4]], [-1.0, 9.0, 9.0])
    assert isinstance(made.segment(image, prompts, Deadline())[0], Failure)
    made._model.forward = forward([[0.1, 0.2, 0.5, 0.8], [0.6, 0.2, 0.9, 0.8]], [0.0, 9.0])
    assert isinstance(made.segment(image, prompts, Deadline())[0], Mask)


def test_a_box_s_features_are_the_mean_of_points_between_pixels_as_torchvision_has_it():
    """Its definition, one point after the other: vision/torchvision/csrc/ops/cpu/roi_align_kernel.cpp."""
    roi_align = import_module("gar_ssl_ros.masks.pretrained.sam3").roi_align
    features = torch.rand(1, 2, 9, 12)

    def at(channel: int, y: float, x: float) -> float:
        if not (-1 <= y <= 9 and -1 <= x <= 12):
            return 0.0
        y, x = min(max(y, 0.0), 8.0), min(max(x, 0.0), 11.0)
        top, left = min(int(y), 8), min(int(x), 11)
        rows = ((top, 1 - (y - top)), (min(top + 1, 8), y - top))
        columns = ((left, 1 - (x - left)), (min(left + 1, 11), x - left))
        return sum(float(features[0, channel, r, c]) * a * b for r, a in rows for c, b in columns)

    for box in ((1.3, 0.7, 11.2, 8.9), (2.0, 3.0, 2.4, 3.1), (-0.5, 4.0, 12.0, 9.0)):
        x1, y1, x2, y2 = box
        down, across = max(y2 - y1, 1.0) / 3, max(x2 - x1, 1.0) / 3
        rows, columns = int(np.ceil(down)), int(np.ceil(across))
        true = [
            [
                [
                    np.mean([
                        at(channel, y1 + down * (i + (a + 0.5) / rows), x1 + across * (j + (b + 0.5) / columns))
                        for a in range(rows) for b in range(columns)
                    ])
                    for j in range(3)
                ]
                for i in range(3)
            ]
            for channel in range(2)
        ]  # fmt: skip
        assert np.allclose(roi_align(features, [torch.tensor([box])], 3)[0], true, atol=1e-5), box


@pytest.mark.parametrize("what", ["sam2", "sam3"])
def test_images_are_made_as_the_published_processor_is_defined(what):
    """The processor's class needs torchvision, so its definition is read and not run."""
    found = find_spec(f"transformers.models.{what}")
    assert found is not None
    source = (Path(found.origin).parent / f"image_processing_{what}.py").read_text()
    classes = {one.name: one for one in ast.parse(source).body if isinstance(one, ast.ClassDef)}
    kind = classes[f"{what.capitalize()}ImageProcessor"]
    told = {one.targets[0].id: ast.unparse(one.value) for one in kind.body if isinstance(one, ast.Assign)}
    known = import_module("transformers.image_utils")
    usual = import_module(f"gar_ssl_ros.masks.pretrained.{what}").USUAL
    assert usual.size.model_dump() == ast.literal_eval(told["size"])
    assert list(usual.image_mean) == getattr(known, told["image_mean"])
    assert list(usual.image_std) == getattr(known, told["image_std"])
    assert usual.resample == getattr(known.PILImageResampling, told["resample"].partition(".")[2])
    assert all(ast.literal_eval(told[step]) for step in ("do_resize", "do_rescale", "do_normalize"))


def test_images_are_resized_as_pillow_does_it():
    image = import_module("PIL.Image")
    picture_module = import_module("gar_ssl_ros.masks.pretrained.picture")
    made = picture_module.Preprocessing(
        size=picture_module.Size(height=64, width=64), image_mean=(0.5, 0.4, 0.3), image_std=(0.2, 0.3, 0.4)
    )
    given = picture(133, 47)
    resized = np.asarray(image.fromarray(given).resize((64, 64), image.Resampling.BILINEAR))
    true = (resized / 255 - np.array([0.5, 0.4, 0.3])) / np.array([0.2, 0.3, 0.4])
    assert np.abs(made(given, torch.device("cpu"))[0].permute(1, 2, 0).numpy() - true).max() <= 1.01 / 255 / 0.2


def spoilt(folder: Path, how: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    weights = folder / "model.safetensors"
    if how == "another model":
        (folder / "config.json").write_text(json.dumps(config | {"model_type": "detr"}))
    elif how == "code of its own":
        (folder / "config.json").write_text(json.dumps(config | {"auto_map": {"AutoModel": "evil.Evil"}}))
    elif how == "pickled":
        weights.unlink()
        (folder / "pytorch_model.bin").write_bytes(pickle.dumps({}))
    elif how == "no weights":
        weights.unlink()
    elif how == "cut off":
        weights.write_bytes(weights.read_bytes()[:5000])
    elif how == "some weights":
        files = import_module("safetensors.torch")
        kept = {name: value for name, value in files.load_file(weights).items() if "mask_decoder" not in name}
        files.save_file(kept, weights, metadata={"format": "pt"})
    elif how == "no config":
        (folder / "config.json").unlink()
    elif how == "another size":
        told = json.loads((folder / "preprocessor_config.json").read_text())
        sizes = {"size": {"height": 32, "width": 32}, "pad_size": {"height": 32, "width": 32}}
        (folder / "preprocessor_config.json").write_text(json.dumps(told | sizes))
    elif how == "another resize":
        told = json.loads((folder / "preprocessor_config.json").read_text())
        (folder / "preprocessor_config.json").write_text(json.dumps(told | {"resample": 3}))


@pytest.mark.parametrize(
    ("what", "how", "why"),
    [
        ("sam", "another model", "it is a detr"),
        ("sam2", "code of its own", "auto_map in config.json, which is never run"),
        ("sam3", "pickled", "its weights are pickled, which can run code"),
        ("sam2_video", "no weights", "no weights"),
        ("sam", "cut off", ""),
        ("sam2", "some weights", "of its weights"),
        ("sam3", "no config", "no config.json"),
        ("sam2", "another size", "its processor makes images of 32x32 pixels, and its model takes 64x64"),
        ("sam3", "another resize", "resampled in way 3"),
    ],
)
def test_a_folder_that_holds_no_such_model_is_refused_in_one_sentence(folder, tmp_path, what, how, why):
    damaged = tmp_path / "model"
    shutil.copytree(folder(what), damaged)
    spoilt(damaged, how)
    with pytest.raises(SegmenterError) as told:
        segmenter_of(MaskOptions(KINDS[what], str(damaged), masks_track=True))
    assert str(told.value).startswith(f"{damaged} is not a SAM")
    assert why in str(told.value)
    assert str(told.value).endswith("name a folder as `hf download` or save_pretrained writes it (docs/masks.md)")
    assert "\n" not in str(told.value)


def test_a_video_s_folder_of_sam_3_is_taken_too(folder, tmp_path):
    """As the publisher's: the image model's weights are a part of it."""
    files = import_module("safetensors.torch")
    shutil.copytree(folder("sam3"), tmp_path / "model")
    config = json.loads((tmp_path / "model/config.json").read_text())
    (tmp_path / "model/config.json").write_text(json.dumps({"model_type": "sam3_video", "detector_config": config}))
    weights = files.load_file(tmp_path / "model/model.safetensors")
    named = {f"detector_model.{name}": value for name, value in weights.items()}
    files.save_file(named, tmp_path / "model/model.safetensors", metadata={"format": "pt"})
    made = segmenter_of(MaskOptions("sam3", str(tmp_path / "model")))
    alike = zip(made._model.state_dict().values(), segmenter(folder, "sam3")._model.state_dict().values(), strict=True)
    assert all(torch.equal(one, other) for one, other in alike)


@pytest.mark.parametrize(
    "problem",
    [
        lambda: torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has ..."),
        lambda: RuntimeError("[enforce fail at alloc_cpu.cpp:114] . DefaultCPUAllocator: can't allocate memory"),
    ],
)
def test_too_little_memory_costs_the_mask_and_is_told_in_one_sentence(folder, problem, monkeypatch):
    made = segmenter(folder, "sam2")

    def fail(_):
        raise problem()

    made._encoded = fail
    box = Box(10, 10, 50, 40)
    source = Source(box, "dog", 0.9, 0.8, "a dog", box, False, None)
    found = Localization(Outcome.LOCALIZED, Stage.FINAL, "fixed", None, sources=(source,))
    done = masked(found, picture(64, 48), made)
    assert done.sources == (source,)
    assert done.detail.startswith("1 of 1 masks failed: there is not enough memory for it")
    monkeypatch.setattr(type(made), "_encoded", lambda *_: fail(None))
    with pytest.raises(SegmenterError) as told:
        segmenter(folder, "sam2")
    assert str(told.value).startswith(f"{folder('sam2')}: there is not enough memory for it")
