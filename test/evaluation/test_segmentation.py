"""Masks as AVSBench and those after it score them: values of the published functions, and what holds of any masks."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gar_ssl_ros.evaluation.metrics.masks import Counts, counts
from gar_ssl_ros.evaluation.metrics.segmentation import (
    SegmentedFrame,
    both_iou,
    by_class,
    f_measure,
    mask_iou,
    summary,
)

frames_of_masks = arrays(np.bool_, (3, 5, 7))


def waves(shape: tuple[int, int, int], step: int, silent: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Logits and truths that anyone can make again; in the frames `silent` nothing sounds."""
    place = np.arange(math.prod(shape)).reshape(shape)
    true = place // step % 3 == 0
    true[list(silent)] = False
    return (6 * np.sin(0.37 * place) + 0.01 * (place % 13)).astype(np.float32), true


@pytest.mark.parametrize(
    ("shape", "step", "silent", "iou", "f"),
    [
        ((1, 8, 8), 3, (), 0.239130437, 0.439849615),
        ((5, 24, 32), 11, (), 0.252190083, 0.395890862),
        ((5, 24, 32), 11, (0, 3), 0.338230610, 0.394399881),
        ((2, 16, 16), 5, (0, 1), 0.474609375, 0.0),
        ((3, 224, 224), 4000, (1,), 0.336360008, 0.401552647),
    ],
)
def test_the_scores_are_those_of_avsbench_s_own_functions(shape, step, silent, iou, f):
    logits, true = waves(shape, step, silent)
    assert mask_iou(logits, true) == pytest.approx(iou, abs=1e-6)
    assert f_measure(logits, true) == pytest.approx(f, abs=1e-6)


def test_a_probability_of_one_half_is_not_said_to_sound_and_no_f_is_less_than_the_whole_image_s():
    true = np.zeros((1, 4, 4), bool)
    true[0, 0] = True
    assert mask_iou(np.zeros((1, 4, 4)), true) == 0
    assert f_measure(np.full((1, 4, 4), -40.0), true) == pytest.approx(1.3 / (0.3 + 4))
    assert f_measure(np.where(true, -40.0, 40.0), true) == pytest.approx(1.3 / (0.3 + 4))  # all wrong, and no less


def test_the_threshold_is_one_for_all_frames_of_a_clip():
    """The first frame is best cut high, the second low: each alone has more than both together."""
    true = np.zeros((2, 1, 4), bool)
    true[0, 0, 0] = true[1, 0, :2] = True
    logits = np.array([[[3.0, 2.0, 2.0, 2.0]], [[1.0, 1.0, -3.0, -3.0]]])
    assert [f_measure(logits[i : i + 1], true[i : i + 1]) for i in (0, 1)] == [pytest.approx(1)] * 2
    assert f_measure(logits, true) < 0.8


@pytest.mark.parametrize(
    ("predicted", "true"),
    [
        (np.zeros((4, 4)), np.zeros((4, 4))),
        (np.zeros((1, 4, 4)), np.zeros((1, 4, 5))),
        (np.zeros((1, 4, 4)), np.full((1, 4, 4), 255)),
        (np.full((1, 4, 4), np.nan), np.zeros((1, 4, 4))),
        (np.zeros((0, 4, 4)), np.zeros((0, 4, 4))),
    ],
)
def test_what_is_no_pair_of_maps_is_refused(predicted, true):
    for score in (mask_iou, f_measure):
        with pytest.raises(ValueError, match=r"frames|true mask|logits"):
            score(predicted, true)


@settings(max_examples=40, deadline=None)
@given(frames_of_masks, frames_of_masks)
def test_counts_of_frames_score_as_their_pixels_do(found, true):
    frames = [SegmentedFrame("clip", counts(*pair)) for pair in zip(found, true, strict=True)]
    told = summary(frames)
    assert told.iou == pytest.approx(mask_iou(found, true))
    assert told.f == pytest.approx(f_measure(found, true))
    single = [(found[i : i + 1], true[i : i + 1]) for i in range(3)]
    alone = [(mask_iou(*pair), f_measure(*pair)) for pair in single]
    assert (told.frame_iou, told.frame_f) == pytest.approx(tuple(np.mean(alone, axis=0)))
    assert told.frame_iou == pytest.approx(told.iou)  # clips of one length
    if true.any(axis=(1, 2)).all():
        assert told.frame_f >= told.f - 1e-12  # a threshold for each frame


@settings(max_examples=40, deadline=None)
@given(frames_of_masks, frames_of_masks, st.randoms())
def test_the_order_of_frames_and_pixels_does_not_matter_and_all_figures_are_shares(found, true, random):
    places = random.sample(range(found.size), found.size)
    mixed = [np.reshape([some.ravel()[p] for p in places], found.shape)[::-1] for some in (found, true)]
    for score in (mask_iou, f_measure):
        whole = [some.reshape(1, 3, 35) for some in (found, true)]
        assert score(*whole) == pytest.approx(score(*(some.reshape(1, 3, 35) for some in mixed)))
        assert 0 <= score(found, true) <= 1
    assert mask_iou(true, true) == pytest.approx(1)


@settings(max_examples=40, deadline=None)
@given(frames_of_masks, frames_of_masks)
def test_formula_9_is_the_same_for_a_mask_and_its_negative(found, true):
    assert both_iou(counts(found[0], true[0])) == pytest.approx(both_iou(counts(~found[0], ~true[0])))


def test_a_mask_of_nothing_has_most_of_formula_9_and_nothing_of_the_iou():
    nothing = Counts(fn=16, tn=84)
    assert both_iou(nothing) == pytest.approx(0.42)
    assert SegmentedFrame("clip", nothing).iou == 0
    assert both_iou(Counts(tn=100)) == 1


def test_a_frame_without_an_answer_earns_nothing_even_where_nothing_sounds():
    quiet, failed = SegmentedFrame("a", Counts(tn=10)), SegmentedFrame("b", Counts(tn=10), failure="it timed out")
    loud = SegmentedFrame("d", Counts(fp=5, tn=5))
    assert summary([loud, failed]).said == 0.5  # nor is saying nothing, for want of an answer, right
    missed = SegmentedFrame("c", Counts(fn=4, tn=6), failure="it timed out")
    told = summary([quiet, failed, missed])
    assert (told.frames, told.clips, told.silent, told.failed) == (3, 3, 2, 2)
    assert told.iou == told.frame_iou == told.both_iou == pytest.approx(1 / 3)
    assert told.f == told.sounding_iou == 0
    told = summary([quiet, failed, missed], published=True)
    assert (told.frames, told.failed, told.iou) == (1, 2, 1)
    assert math.isnan(told.sounding_iou)


def test_what_is_said_where_nothing_sounds_is_counted_apart():
    frames = [SegmentedFrame("a", Counts(fp=3, tn=7)), SegmentedFrame("a", Counts(fp=1, tn=9)),
              SegmentedFrame("b", Counts(tp=5, tn=5))]  # fmt: skip
    told = summary(frames)
    assert told.said == pytest.approx(0.2)
    assert told.sounding_iou == 1
    assert told.iou == pytest.approx((0.8 + 1) / 2)  # a clip counts once
    assert told.frame_iou == pytest.approx((0.7 + 0.9 + 1) / 3)
    assert told.f == pytest.approx(0.5)  # a clip in which nothing ever sounds has 0, as in the published code


def test_classes_are_means_over_the_frames_that_have_them():
    frames = [
        SegmentedFrame("a", Counts(tn=1), {"background": (8, 9, 9), "dog": (2, 3, 3)}),
        SegmentedFrame("a", Counts(tn=1), {"background": (10, 12, 10), "cat": (0, 0, 2)}),
    ]
    ious, scores = by_class(frames)
    assert ious == pytest.approx({"background": (8 / 10 + 10 / 12) / 2, "dog": 2 / 4, "cat": 0})
    assert scores["dog"] == pytest.approx(1.3 * (2 / 3) ** 2 / (0.3 * 2 / 3 + 2 / 3))
    assert summary(frames).class_iou == pytest.approx(np.mean(list(ious.values())))
