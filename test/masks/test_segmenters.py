"""From boxes to pixels: what every segmenter promises, whatever the box and the image."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import cv2
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx_files import write_saliency

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.masks import MaskOptions, segmenter_of
from gar_ssl_ros.masks.grabcut import GrabCutSegmenter
from gar_ssl_ros.masks.segmenter import Prompt, SegmenterError, masked

NAMES = ("box", "grabcut", "salient")


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_saliency(tmp_path_factory.mktemp("model") / "red.onnx", 48, 64)


@pytest.fixture(scope="module")
def segmenters(model):
    return {name: segmenter_of(MaskOptions(name, str(model) if name == "salient" else "")) for name in NAMES}


def disc(width: int, height: int, noise: float = 3.0) -> tuple[np.ndarray, Mask]:
    """A red disc on grey ground, and its pixels."""
    y, x = np.mgrid[:height, :width]
    pixels = ((x - 0.55 * width) / (0.15 * width)) ** 2 + ((y - 0.45 * height) / (0.2 * height)) ** 2 < 1
    image = np.full((height, width, 3), 120.0) + np.random.default_rng(0).normal(0, noise, (height, width, 3))
    image[pixels] += (120, -90, -90)
    return np.clip(image, 0, 255).astype(np.uint8), Mask(pixels)


def one(segmenter, image: np.ndarray, box: Box) -> Mask | Failure:
    (answer,) = segmenter.segment(image, [Prompt(box)], Deadline())
    return answer


@pytest.mark.parametrize("name", ["grabcut", "salient"])
@pytest.mark.parametrize(("width", "height"), [(33, 47), (320, 240), (641, 479), (1920, 1080)])
def test_masks_of_any_image_size_are_aligned_to_the_pixel(segmenters, name, width, height):
    image, true = disc(width, height)
    found = one(segmenters[name], image, true.box)
    assert isinstance(found, Mask)
    assert found.iou(true) > 0.97 if name == "grabcut" else found.iou(true) > 0.85  # its model sees 64x48 pixels
    middles = [np.argwhere(mask.pixels).mean(axis=0) for mask in (found, true)]
    assert np.abs(middles[0] - middles[1]).max() < max(0.5, 0.002 * width)


@settings(deadline=None, max_examples=25)
@given(st.tuples(*[st.floats(-60, 140)] * 4), st.sampled_from(NAMES))
@example((0, 0, 80, 60), "grabcut")
@example((-1e9, -1e9, 1e9, 1e9), "grabcut")
@example((40, 30, 40.001, 30.001), "salient")
@example((79, 59, 80, 60), "grabcut")
def test_whatever_the_box_there_is_a_mask_of_the_images_size_or_one_sentence(segmenters, sides, name):
    x1, x2 = sorted(sides[::2])
    y1, y2 = sorted(sides[1::2])
    if x1 == x2 or y1 == y2:
        return
    image, _ = disc(80, 60)
    answer = one(segmenters[name], image, Box(x1, y1, x2, y2))
    if isinstance(answer, Mask):
        assert (answer.width, answer.height) == (80, 60)
        assert answer.area
    else:
        assert answer.reason


@pytest.mark.parametrize("name", NAMES)
def test_a_box_outside_the_image_is_told(segmenters, name):
    answer = one(segmenters[name], disc(80, 60)[0], Box(90, 10, 99, 20))
    assert answer == Failure("[90.0, 10.0, 99.0, 20.0] takes up no pixel of the 80x60 image")


def test_an_image_of_one_colour_and_a_box_of_the_whole_image_are_told(segmenters):
    grey = np.full((60, 80, 3), 90, np.uint8)
    assert one(segmenters["grabcut"], grey, Box(10, 10, 40, 40)).reason.endswith("there is one colour alone")
    assert one(segmenters["salient"], grey, Box(10, 10, 40, 40)) == Failure("nothing in the box is salient")
    image, true = disc(80, 60)
    assert one(segmenters["grabcut"], image, Box(0, 0, 80, 60)).reason.startswith("the box leaves nothing around it")
    assert one(segmenters["box"], image, Box(0, 0, 80, 60)).area == 80 * 60
    assert one(segmenters["salient"], image, Box(0, 0, 80, 60)).iou(true) > 0.85


def test_a_box_that_is_too_small_too_large_or_beside_it_gives_the_whole_thing():
    image, true = disc(320, 240)
    x1, y1, x2, y2 = true.box.sides
    dx, dy = 0.15 * (x2 - x1), 0.15 * (y2 - y1)
    for sides in (
        (x1 + dx, y1 + dy, x2 - dx, y2 - dy), (x1 - dx, y1 - dy, x2 + dx, y2 + dy), (x1 + dx, y1, x2 + dx, y2)
    ):  # fmt: skip
        assert one(GrabCutSegmenter(), image, Box(*sides)).iou(true) > 0.95


def test_holes_belong_to_the_thing():
    image, true = disc(160, 120)
    cv2.circle(image, (88, 54), 5, (120, 120, 120), -1)
    assert one(GrabCutSegmenter(), image, true.box).iou(true) > 0.95


@cache
def drawn(kind: Kind, seed: int) -> tuple[np.ndarray, list[tuple[Mask, ...]], list[Box]]:
    """The first image of a scene, what counts as each source's pixels, and its box."""
    scene = Scene(SceneOptions(kind=kind, seed=seed, seconds=0.2, distractors=0))
    pixels = [tuple(mask for mask in masks if mask is not None) for masks in scene.masks(0)]
    return scene.image(0), pixels, [source.boxes[0] for source in scene.truth().sources]


@pytest.mark.parametrize("kind", [Kind.ONE, Kind.TWO, Kind.FACE])
def test_grabcut_finds_the_pixels_of_rendered_things(kind):
    overlaps = []
    for seed in range(60_000, 60_003):
        image, pixels, boxes = drawn(kind, seed)
        answers = GrabCutSegmenter().segment(image, [Prompt(box) for box in boxes], Deadline())
        overlaps += [
            max(answer.iou(mask) for mask in counts) if isinstance(answer, Mask) else 0.0
            for answer, counts in zip(answers, pixels, strict=True)
        ]
    assert np.mean(overlaps) > 0.9


def test_the_same_image_gives_the_same_mask():
    image, _, boxes = drawn(Kind.ONE, 60_000)
    first = one(GrabCutSegmenter(), image, boxes[0])
    one(GrabCutSegmenter(), disc(80, 60)[0], Box(10, 10, 50, 50))
    assert one(GrabCutSegmenter(), image, boxes[0]) == first


BOX = Box(36, 15, 53, 39)
SOURCE = Source(BOX, "dog", 0.9, 0.8, "a dog", BOX, False, None)
FOUND = Localization(Outcome.LOCALIZED, Stage.FINAL, "fixed", None, sources=(SOURCE, SOURCE))


class Told:
    """Answers what it is told to."""

    name = "told"

    def __init__(self, *answers) -> None:
        self.answers = answers

    def segment(self, image, prompts, deadline):
        deadline.check()
        if isinstance(self.answers[0], Exception):
            raise self.answers[0]
        assert [prompt.words for prompt in prompts] == ["dog", "dog"]
        return self.answers


def test_a_failed_mask_is_told_and_costs_neither_its_box_nor_the_other_mask():
    image, true = disc(80, 60)
    done = masked(FOUND, image, Told(true, Failure("it hides")))
    assert done.sources == (replace(SOURCE, mask=true), SOURCE)
    assert done.detail == "1 of 2 masks failed: it hides"
    again = masked(replace(FOUND, detail="a sentence"), image, Told(true, Failure("it hides")))
    assert again.detail == "a sentence; 1 of 2 masks failed: it hides"


@pytest.mark.parametrize(
    ("answers", "why"),
    [
        ([RuntimeError("the GPU is gone")], "the GPU is gone"),
        ([MemoryError()], "there is not enough memory for it: close other programs, or give it less at once"),
        ([Mask(np.ones((60, 80), bool))], "told gave 1 masks for 2 boxes"),
        ([Mask(np.ones((6, 8), bool))] * 2, "told gave a mask of 8x6 pixels for an image of 80x60"),
        ([Mask(np.zeros((60, 80), bool))] * 2, "told found no pixel of it"),
    ],
)
def test_a_segmenter_that_breaks_its_promise_costs_masks_alone(answers, why):
    done = masked(FOUND, disc(80, 60)[0], Told(*answers))
    assert (done.sources, done.detail) == (FOUND.sources, f"2 of 2 masks failed: {why}")


def test_only_final_answers_with_sources_are_masked_and_in_time():
    image, true = disc(80, 60)
    for other in (
        replace(FOUND, stage=Stage.INITIAL), replace(FOUND, outcome=Outcome.SILENT, sources=()), FOUND
    ):  # fmt: skip
        assert masked(other, image, None if other is FOUND else Told(true, true)) is other
    late = masked(FOUND, image, Told(true, true), Deadline(-1))
    assert (late.sources, late.detail) == (FOUND.sources, "2 of 2 masks failed: there was no time left for them")
    given_up = Deadline()
    given_up.cancel()
    with pytest.raises(Cancelled):
        masked(FOUND, image, Told(true, true), given_up)


def test_what_is_no_saliency_model_is_refused_in_one_sentence(tmp_path):
    (tmp_path / "text.onnx").write_text("no model\n")
    write_saliency(tmp_path / "two.onnx", 48, 64, channels=2)
    write_saliency(tmp_path / "wide.onnx", 48, 64, squashed=False)
    write_saliency(tmp_path / "huge.onnx", 48, 10**6)
    write_saliency(tmp_path / "open.onnx", 0, 0)
    for name, why in (
        ("text", "it is no ONNX file, or only its beginning"),
        ("missing", "No such file"),
        ("two", "1x2x48x64"),
        ("wide", "not 1x1xHxW in 0..1"),
        ("huge", "its input is 1x3x48x1000000, not 1x3xHxW"),
        ("open", "its input is 1x3x0x0"),
    ):
        path = tmp_path / f"{name}.onnx"
        with pytest.raises(SegmenterError) as told:
            segmenter_of(MaskOptions("salient", str(path)))
        assert str(told.value).startswith(f"{path} is no saliency model that OpenCV can run (")
        assert why in str(told.value)
        assert str(told.value).endswith("name an ONNX file with one picture in and its saliency out")


def test_a_model_that_nobody_asks_and_one_that_is_missing_are_told():
    with pytest.raises(UsageError, match="only masks of salient, sam, sam2, sam3 have one"):
        segmenter_of(MaskOptions("grabcut", "some.onnx"))
    with pytest.raises(SegmenterError, match="need a masks_model: name the ONNX file"):
        segmenter_of(MaskOptions("salient"))
    assert segmenter_of(MaskOptions()) is None
