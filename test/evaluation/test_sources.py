import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.metrics import average_precision_score

from gar_ssl_ros.evaluation.metrics import boxes
from gar_ssl_ros.evaluation.metrics.assignment import assigned
from gar_ssl_ros.evaluation.metrics.sources import Found, class_aware_ap, missed, same_class, score, summary
from gar_ssl_ros.evaluation.samples import Truth

LEFT, RIGHT = (0.0, 0.0, 99.0, 199.0), (120.0, 0.0, 219.0, 199.0)


def test_two_boxes_with_their_labels_exchanged_score_nothing_and_everything_as_a_union():
    found = [Found(LEFT, "cello"), Found(RIGHT, "guitar")]
    true = [Truth(LEFT, "guitar"), Truth(RIGHT, "cello")]
    swapped = score(found, true)
    assert (swapped.ciou, swapped.cap, swapped.missing, swapped.surplus) == (0, 0, 2, 2)
    assert boxes.score([LEFT, RIGHT], [LEFT, RIGHT]).iou == 1


def test_each_source_has_one_partner():
    both = score([Found(LEFT, "dog"), Found(LEFT, "dog")], [Truth(LEFT, "dog"), Truth(RIGHT, "dog")])
    assert (len(both.pairs), both.missing, both.surplus) == (1, 1, 1)
    assert both.ciou == pytest.approx(1 / 3)


def test_the_assignment_takes_the_greatest_sum_not_the_first_best():
    wide = (0.0, 0.0, 219.0, 199.0)
    matched = score([Found(wide, "a"), Found(LEFT, "a")], [Truth(LEFT, "a"), Truth(RIGHT, "a")])
    assert {(pair.found, pair.true) for pair in matched.pairs} == {(0, 1), (1, 0)}


def test_missing_and_surplus_sources_cost():
    right = [Found(LEFT, "dog", 0.9)]
    assert score(right, [Truth(LEFT, "dog")]).ciou == 1
    assert score(right, [Truth(LEFT, "dog"), Truth(RIGHT, "dog")]).ciou == 0.5
    assert score([*right, Found(RIGHT, "dog", 0.4)], [Truth(LEFT, "dog")]).ciou == 0.5
    assert score(right, []).ciou == 0
    assert math.isnan(score([], []).ciou)


def test_the_summary_counts_every_source():
    scores = [
        score([Found(LEFT, "dog", 0.9), Found(RIGHT, "car", 0.3)], [Truth(LEFT, "dog")]),
        score([Found(RIGHT, "cat", 0.6)], [Truth(RIGHT, "cat"), Truth(LEFT, "cat")]),
        missed("it timed out", [Truth(LEFT, "dog")]),
        score([], []),
    ]
    told = summary(scores)
    assert (told.samples, told.failed, told.failures) == (3, 1, (("it timed out", 1),))
    assert (told.true, told.paired, told.missing, told.surplus) == (4, 2, 2, 1)
    assert told.ciou == pytest.approx((0.5 + 0.5 + 0) / 3)
    assert told.ciou_03 == pytest.approx(2 / 3)
    assert told.precision == pytest.approx(2 / 3)
    assert told.recall == 0.5
    assert told.ap == pytest.approx(0.5)  # both hits ranked above the surplus one, half of the sources found
    assert summary(scores, published=True).missing == 1


def test_class_aware_ap_is_that_of_the_ranking_with_the_missing_never_found():
    random = np.random.default_rng(5)
    scores, hits, ranks, true = [], [], [], 0
    for _ in range(40):
        hit, confidence, more = random.random() < 0.6, float(random.random()), random.random() < 0.5
        scores.append(
            score([Found(LEFT, "dog" if hit else "cat", confidence)], [Truth(LEFT, "dog")] * (2 if more else 1))
        )
        hits.append(hit)
        ranks.append(confidence)
        true += 2 if more else 1
    assert class_aware_ap(scores) == pytest.approx(average_precision_score(hits, ranks) * sum(hits) / true)
    assert class_aware_ap([]) == 0


@pytest.mark.parametrize(
    ("found", "true"),
    [
        ("guitar", "playing acoustic guitar"),
        ("Dog", "dog barking"),
        ("acoustic_guitar", "acoustic guitar"),
        ("x", None),
    ],
)
def test_a_free_label_goes_with_its_class(found, true):
    assert same_class(found, true)


@pytest.mark.parametrize(
    ("found", "true"), [("", "dog"), (None, "dog"), ("cat", "dog"), ("playing drum", "playing cello")]
)
def test_another_label_does_not(found, true):
    assert not same_class(found, true)


@given(
    arrays(
        float, array_shapes(min_dims=2, max_dims=2, max_side=5), elements=st.floats(-1, 1).map(lambda x: round(x, 3))
    )
)
def test_the_assignment_is_the_best_of_all(gains):
    rows, columns = gains.shape
    worth = np.maximum(gains if rows <= columns else gains.T, 0)
    best = max(sum(worth[i, j] for i, j in enumerate(way)) for way in permutations(range(worth.shape[1]), len(worth)))
    pairs = assigned(gains)
    assert sum(gains[i, j] for i, j in pairs) == pytest.approx(best)
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)
    assert all(gains[i, j] > 0 for i, j in pairs)


def test_nothing_to_assign_is_no_pair():
    assert assigned(np.zeros((0, 3))) == []
