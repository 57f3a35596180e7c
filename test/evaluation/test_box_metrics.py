import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import auc as area
from sklearn.metrics import average_precision_score

from gar_ssl_ros.evaluation.metrics.boxes import IOU_THRESHOLDS, auc, missed, score, success, summary
from gar_ssl_ros.evaluation.metrics.masks import MASK_SIDE_PX, Counts, average_precision, counts, mask

shares = st.floats(0, 1)
boxes = st.lists(st.tuples(shares, shares, shares, shares), max_size=3)


def test_the_known_single_box():
    known = score([[50, 50, 149, 149]], [[100, 100, 199, 199]])
    assert known.iou == pytest.approx(0.142857, abs=1e-6)
    assert known.ap == pytest.approx(0.211974, abs=1e-6)


def test_the_known_duet():
    known = score([[10, 10, 99, 200], [120, 10, 220, 200]], [[20, 20, 90, 180], [130, 30, 200, 190]])
    assert known.iou == pytest.approx(0.626682, abs=1e-6)
    assert known.ap == pytest.approx(0.626682, abs=1e-6)


def test_an_iou_of_exactly_three_tenths_passes_ciou_at_03_and_fails_in_the_auc():
    ious = [0, 0.3, 0.5, 0.72, 1]
    assert auc(ious) == pytest.approx(0.51, abs=1e-12)
    assert success(ious, 0.3) == 0.8
    assert success(ious, IOU_THRESHOLDS[6]) == 0.6


def test_both_corners_are_filled_and_the_outermost_pixel_is_223():
    assert mask([[10, 20, 12, 21]]).sum() == 6
    assert mask([[0, 0, 224, 224]]).all()
    assert mask([[-50, 300, 500, 220.4]])[220:].all()
    assert not mask([])[0].any()


def test_a_box_that_collapses_when_scaled_is_widened_as_in_the_published_evaluation():
    known = score([[40, 184, 41, 223]], [[28, 164, 51, 209]], 448, 224)
    assert known.iou == pytest.approx(0.08306708931922913, abs=1e-8)
    assert known.ap == pytest.approx(0.06740343555900621, abs=1e-12)
    assert (mask([[10, 20, 10, 20]]) == mask([[10, 20, 11, 21]])).all()
    assert mask([[223, 223, 223, 223]]).sum() == 1  # there is no pixel beyond the last


def test_boxes_are_scaled_from_their_image_and_halves_rounded_to_even():
    filled = mask([[50, 0, 150, 100]], width=400, height=200)
    assert (filled == mask([[28, 0, 84, 112]])).all()
    assert np.flatnonzero(mask([[0.5, 0, 1.5, 1]])[0]).tolist() == [0, 1, 2]


def test_corners_in_any_order_are_one_box():
    assert (mask([[90, 80, 10, 20]]) == mask([[10, 20, 90, 80]])).all()


@pytest.mark.parametrize("wrong", [[[1, 2, 3]], [[1, 2, 3, math.nan]], [1, 2, 3, 4]])
def test_what_is_no_box_is_refused(wrong):
    with pytest.raises(ValueError, match="four numbers"):
        mask(wrong)


def test_masks_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="one shape"):
        counts(np.zeros((2, 2)), np.zeros((3, 3)))
    with pytest.raises(ValueError, match="needs its truth"):
        average_precision([True], [0.5, 0.5])


@settings(max_examples=30, deadline=None)
@given(boxes, boxes)
def test_iou_and_ap_are_those_of_the_masks_and_of_scikit_learn(found, true):
    said, is_true = mask(found, 1, 1), mask(true, 1, 1)
    known = score(found, true, 1, 1)
    union = (said | is_true).sum()
    assert known.iou == pytest.approx((said & is_true).sum() / union if union else 0.0)
    if is_true.any():
        assert known.ap == pytest.approx(average_precision_score(is_true.ravel(), said.ravel()), abs=1e-9)
    assert known.counts.tp + known.counts.fp + known.counts.fn + known.counts.tn == MASK_SIDE_PX**2


@settings(deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.5, 0.5000001, 2.0])), min_size=1, max_size=60))
def test_average_precision_of_any_scores_is_scikit_learns(samples):
    true, scores = [t for t, _ in samples], [s for _, s in samples]
    if any(true):
        assert average_precision(true, scores) == pytest.approx(average_precision_score(true, scores), abs=1e-9)
    else:
        assert average_precision(true, scores) == 0.0


@given(st.lists(shares, min_size=1, max_size=30))
def test_the_auc_is_the_trapezoid_of_the_success_curve(ious):
    curve = [np.mean(np.array(ious) >= t) for t in np.linspace(0, 1, 21)]
    assert auc(ious) == pytest.approx(area(np.linspace(0, 1, 21), curve), abs=1e-9)


def test_the_pooled_ap_is_that_of_all_pixels_in_one_ranking():
    random = np.random.default_rng(0)
    pairs = [(random.uniform(0, 224, (2, 4)), random.uniform(0, 224, (2, 4))) for _ in range(6)]
    found = summary([score(p, t) for p, t in pairs])
    said = np.concatenate([mask(p).ravel() for p, _ in pairs])
    true = np.concatenate([mask(t).ravel() for _, t in pairs])
    assert found.piap == pytest.approx(average_precision_score(true, said), abs=1e-9)
    each = [average_precision_score(mask(t).ravel(), mask(p).ravel()) for p, t in pairs]
    assert found.ap == pytest.approx(np.mean(each), abs=1e-9)


def test_a_failure_is_a_miss_unless_the_published_denominator_is_asked_for():
    good = score([[0, 0, 99, 99]], [[0, 0, 99, 99]])
    scores = [good, good, missed("it timed out", [(0, 0, 0.5, 0.5)]), missed("it timed out")]
    every, published = summary(scores), summary(scores, published=True)
    assert (every.samples, every.iou, every.iou_05, every.ap) == (4, 0.5, 0.5, 0.5)
    assert (published.samples, published.iou, published.iou_05, published.ap) == (2, 1.0, 1.0, 1.0)
    for told in (every, published):
        assert told.failed == 2
        assert told.failures == (("it timed out", 2),)
    assert published.piap == 1.0
    assert every.piap < 0.75  # the missed pixels are in the pool


def test_silence_where_something_sounds_is_a_wrong_answer_no_failure():
    said_nothing = score([], [[0, 0, 111, 223]])
    assert said_nothing.iou == 0
    assert said_nothing.ap == 0.5  # what any constant answer gets: the share of true pixels
    assert summary([said_nothing]).failed == 0


def test_a_sample_without_a_true_box_can_only_be_missed():
    assert score([[0, 0, 50, 50]], []).iou == 0
    assert score([], []).ap == 0
    assert Counts().iou == 0


def test_no_sample_gives_no_figure():
    assert math.isnan(summary([]).ap)
    assert math.isnan(summary([missed("gone")], published=True).iou)
    assert summary([missed("gone")], published=True).failed == 1
