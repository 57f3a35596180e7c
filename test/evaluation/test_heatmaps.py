import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from gar_ssl_ros.evaluation.metrics.boxes import missed
from gar_ssl_ros.evaluation.metrics.heatmaps import (
    PROTOCOLS,
    Protocol,
    binary,
    ciou,
    confidence,
    ranked_ap,
    score,
    score_each,
    summary,
    truth,
)
from gar_ssl_ros.evaluation.metrics.resizing import resized

SIZES = [(7, 7), (14, 14), (28, 20), (1, 5), (300, 240)]
LEFT, RIGHT = [0.0, 0.0, 0.5, 1.0], [0.5, 0.0, 1.0, 1.0]


def side(left: float, right: float) -> np.ndarray:
    """A map of 224 x 224 that rises from its left to its right, so that no two columns are equal."""
    return np.tile(np.linspace(left, right, 224), (224, 1))


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("kernel", "flag"), [("linear", cv2.INTER_LINEAR), ("cubic", cv2.INTER_CUBIC)])
def test_maps_are_resized_as_opencv_does(size, kernel, flag):
    heat = np.random.default_rng(1).normal(size=size).astype(np.float32)
    theirs = cv2.resize(heat, (224, 224), interpolation=flag)
    assert np.abs(resized(heat, 224, kernel, corners=False) - theirs).max() < 2e-6


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("kernel", ["linear", "cubic"])
@pytest.mark.parametrize("corners", [False, True])
def test_maps_are_resized_as_pytorch_does(size, kernel, corners):
    torch = pytest.importorskip("torch")
    heat = np.random.default_rng(1).normal(size=size)
    theirs = torch.nn.functional.interpolate(
        torch.tensor(heat)[None, None], size=(224, 224), mode=f"bi{kernel}", align_corners=corners
    )
    assert np.abs(resized(heat, 224, kernel, corners) - theirs[0, 0].numpy()).max() < 1e-6


def test_corners_stay_in_the_corners():
    heat = np.array([[0.0, 1.0], [2.0, 3.0]])
    grown = resized(heat, 224, "linear", corners=True)
    assert grown[[0, 0, -1, -1], [0, -1, 0, -1]].tolist() == [0, 1, 2, 3]
    assert grown[0] == pytest.approx(np.linspace(0, 1, 224))


@pytest.mark.parametrize("wrong", [np.zeros((0, 3)), np.zeros(4), [[np.nan]]])
def test_what_is_no_map_is_refused(wrong):
    with pytest.raises(ValueError, match="heat map"):
        resized(wrong, 224, "linear", corners=True)


def test_true_boxes_are_truncated_with_exclusive_ends_and_united():
    drawn = truth([[0.1, 0.2, 0.5, 0.9], [0.3, 0.3, 0.6, 0.5]])
    by_hand = np.zeros((224, 224))
    by_hand[int(0.2 * 224) : int(0.9 * 224), int(0.1 * 224) : int(0.5 * 224)] = 1
    by_hand[int(0.3 * 224) : int(0.5 * 224), int(0.3 * 224) : int(0.6 * 224)] = 1
    assert (drawn == by_hand).all()
    assert truth([LEFT, LEFT], sums=True).max() == 2
    assert truth([[0.4, 0.3, -2.88e16, 0.9], [0.5, 0.5, 0.5, 0.9]]).sum() == 0


def test_the_median_cuts_a_map_in_two_halves():
    upper = binary(side(0, 1), PROTOCOLS["ez-vsl"])
    assert upper.sum() == 224 * 112
    assert upper[:, 112:].all()
    assert binary(side(0, 1), PROTOCOLS["lvs"]).sum() == 224 * 111  # the median's own column is not above it


def test_a_constant_map_says_everything_or_nothing():
    assert binary(np.ones((7, 7)), PROTOCOLS["ez-vsl"]).all()
    assert not binary(np.ones((7, 7)), PROTOCOLS["lvs"]).any()


def test_a_share_of_the_peak_or_a_fixed_value_cuts_where_it_says():
    assert binary(side(0, 2), PROTOCOLS["dsol-duet"]).sum() == 224 * np.sum(np.linspace(0, 2, 224) > 0.4)
    assert binary(side(0, 2), Protocol("linear", corners=False, threshold="fixed")).sum() == 224 * np.sum(
        np.linspace(0, 2, 224) >= 0.5
    )


def published_ciou(level: np.ndarray, boxes: list[list[float]]) -> float:
    """The formula of EZ-VSL and FNAC, step by step."""
    drawn = np.zeros((224, 224))
    for box in boxes:
        x1, y1, x2, y2 = (np.clip(np.array(box), 0, 1) * 224).astype(int)
        drawn[y1:y2, x1:x2] = 1
    normal = (level - level.min()) / (level.max() - level.min())
    said = np.where(normal >= np.sort(normal.flatten())[int(224 * 224 * 0.5)], 1, 0)
    return float(np.sum(said * drawn) / (np.sum(drawn) + np.sum(said * (drawn == 0))))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.lists(st.lists(st.floats(0, 1), min_size=4, max_size=4), min_size=1, max_size=3))
def test_ciou_is_the_published_formula(seed, boxes):
    level = np.random.default_rng(seed).normal(size=(224, 224))
    boxes = [[min(a, c), min(b, d), max(a, c), max(b, d)] for a, b, c, d in boxes]
    assert score(level, boxes, PROTOCOLS["ez-vsl"]).iou == pytest.approx(published_ciou(level, boxes), abs=1e-6)


def test_the_pixel_ap_is_scikit_learns_and_avgns_has_its_two_sides_swapped():
    heat = np.random.default_rng(2).uniform(size=(14, 14))
    boxes = [[0.1, 0.1, 0.6, 0.6], [0.4, 0.4, 0.9, 0.9]]
    said = binary(heat, PROTOCOLS["avgn"])
    swapped = average_precision_score(said.ravel(), truth(boxes, sums=True).ravel())
    assert score(heat, boxes, PROTOCOLS["avgn"]).ap == pytest.approx(swapped, abs=1e-9)
    plain = average_precision_score(truth(boxes).ravel() > 0, binary(heat, PROTOCOLS["ez-vsl"]).ravel())
    assert score(heat, boxes, PROTOCOLS["ez-vsl"]).ap == pytest.approx(plain, abs=1e-9)


def test_overlapping_boxes_that_add_up_weigh_double():
    said = truth([LEFT]) > 0
    assert ciou(said, truth([LEFT, LEFT, RIGHT], sums=True)) == pytest.approx(2 / 3)
    assert ciou(said, np.stack([truth([LEFT]), truth([RIGHT])])) == pytest.approx(1 / 3)  # AVGN's duet, stacked
    assert ciou(np.zeros((224, 224), bool), truth([])) == 0


def test_an_iou_of_exactly_one_half_passes_but_where_more_is_asked_for():
    half = score(side(0, 1), [[0, 0, 1, 1]], PROTOCOLS["ez-vsl"])
    assert half.iou == 0.5
    assert summary([half], PROTOCOLS["ez-vsl"]).iou_05 == 1
    assert summary([half], PROTOCOLS["slavc"]).iou_05 == 0
    assert summary([half, missed("broken")], PROTOCOLS["slavc"]).iou_03 == 0.5
    assert summary([half, missed("broken")], PROTOCOLS["slavc"], published=True).iou_03 == 1


def test_each_source_is_met_by_its_best_map_once_and_the_rest_are_misses():
    to_right, to_left = side(0, 1), side(1, 0)
    met = score_each([to_right, to_left], [[LEFT], [RIGHT]])
    assert [s.iou for s in met] == pytest.approx([111 / 112, 111 / 112])
    again = score_each([to_right, to_right], [[LEFT], [RIGHT]])
    assert [s.iou for s in again] == [pytest.approx(111 / 112), 0.0]
    assert [s.iou for s in score_each([to_right], [[LEFT], [RIGHT]])] == [pytest.approx(111 / 112), 0.0]


def published_ranked_ap(ious: list[float], confidences: list[float], threshold: float) -> float:
    """SLAVC's calc_ap with every source visible, step by step."""
    precision, recall = [], []
    for least in np.sort(np.array(confidences))[:-1][:: -max(1, len(ious) // 200)]:
        tp = fp = fn = 0
        for iou, sure in zip(ious, confidences, strict=True):
            if sure < least:
                fn += 1
            elif iou >= threshold:
                tp += 1
            else:
                fp += 1
        precision.append(1.0 if tp + fp == 0 else tp / (tp + fp))
        recall.append(1.0 if tp + fn == 0 else tp / (tp + fn))
    best = [max(precision[i:]) for i in range(len(precision))]
    return sum(best[i] * (recall[i + 1] - recall[i]) for i in range(len(best) - 1))


@pytest.mark.parametrize("count", [1, 2, 30, 450])
def test_the_ranked_ap_is_the_published_formula(count):
    random = np.random.default_rng(count)
    ious, confidences = random.uniform(size=count).tolist(), random.uniform(size=count).round(2).tolist()
    assert ranked_ap(ious, confidences) == pytest.approx(published_ranked_ap(ious, confidences, 0.5), abs=1e-9)


def test_confidence_is_the_mean_of_the_highest_quarter():
    assert confidence([[0.0, 1.0], [2.0, 3.0]]) == 3
    with pytest.raises(ValueError, match="needs its confidence"):
        ranked_ap([0.5], [])
