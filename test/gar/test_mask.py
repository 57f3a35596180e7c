from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from pydantic import TypeAdapter, ValidationError

from gar_ssl_ros.gar.mask import Mask

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))
MASKS = arrays.arrays(np.bool_, SHAPES).map(Mask)
# Of pycocotools 2.0.11: mask.encode of these pixels.
GOLDEN = [
    (np.zeros((3, 4), bool), "<"),
    (np.ones((3, 4), bool), "0<"),
    (np.eye(5, dtype=bool), "0150000000"),
    (np.tile([False, True], (40, 10)), "X1X1X100000000000000000"),
    (np.fromfunction(lambda y, x: (x - 50) ** 2 + (y - 30) ** 2 < 400, (60, 100)),
     "lj1=]14L4M2M4M2N2O0O2N2O0O2O0O2O000000000000000000000001N101N101N2N101N2N3L3N3L4Lbg1"),
    (np.random.default_rng(0).random((9, 8)) < 0.4, "4110011OO020N033N01MO000O12120MNO10O1"),
]  # fmt: skip


@given(MASKS)
def test_run_lengths_give_the_same_mask_back_also_as_json(mask):
    assert Mask.from_rle(json.loads(json.dumps(mask.rle))) == mask
    adapter = TypeAdapter(Mask)
    assert adapter.validate_json(adapter.dump_json(mask)) == mask
    assert adapter.validate_python(mask) is mask


@given(MASKS)
def test_a_masks_box_is_the_tightest_one(mask):
    if mask.box is None:
        assert not mask.pixels.any()
        return
    x1, y1, x2, y2 = map(int, mask.box.sides)
    inside = mask.pixels[y1:y2, x1:x2]
    assert inside.sum() == mask.area
    assert all(edge.any() for edge in (inside[0], inside[-1], inside[:, 0], inside[:, -1]))


@given(SHAPES.flatmap(lambda shape: st.tuples(*[arrays.arrays(np.bool_, shape)] * 2)))
def test_iou_is_symmetric_and_1_of_the_same_thing_alone(pair):
    one, other = map(Mask, pair)
    assert one.iou(other) == other.iou(one)
    assert one.iou(one) == (1.0 if one.area else 0.0)
    assert (one.iou(other) == 1.0) == (one == other and one.area > 0)


def test_masks_of_images_of_different_sizes_are_not_compared():
    with pytest.raises(ValueError, match="cannot be compared"):
        Mask(np.ones((3, 4), bool)).iou(Mask(np.ones((4, 3), bool)))


@pytest.mark.parametrize(("pixels", "counts"), GOLDEN)
def test_the_text_is_what_cocos_own_code_writes(pixels, counts):
    assert Mask(pixels).rle == {"size": list(pixels.shape), "counts": counts}
    assert Mask.from_rle({"size": list(pixels.shape), "counts": counts}) == Mask(pixels)


@given(
    st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=30),
    st.lists(st.integers(-1, 9), max_size=3),
)
def test_what_is_no_mask_is_told_and_nothing_else_is_raised(counts, size):
    try:
        mask = Mask.from_rle({"size": size, "counts": counts})
    except ValueError:
        return
    assert [mask.height, mask.width] == size


def test_what_a_file_says_can_neither_fill_the_memory_nor_hang():
    for rle in (
        {"size": [10**9, 10**9], "counts": "0"},
        {"size": [4, 4], "counts": "o" * 1000 + "0"},
        {"size": [4, 4], "counts": "oooooo0" * 1000},
        {"size": [4, 4]},
        {"size": [True, 4], "counts": "4"},
        None,
    ):
        with pytest.raises(ValueError, match="a mask"):
            Mask.from_rle(rle)
    with pytest.raises(ValidationError):
        TypeAdapter(Mask).validate_json('{"size": [4, 4], "counts": "3"}')


def test_a_mask_does_not_change_with_the_array_that_it_was_made_of():
    pixels = np.zeros((4, 4), bool)
    mask = Mask(pixels)
    pixels[:] = True
    assert mask.area == 0
    with pytest.raises(ValueError, match="read-only"):
        mask.pixels[0, 0] = True
    for wrong in (np.zeros((4, 4), np.uint8), np.zeros((4, 4, 1), bool)):
        with pytest.raises(ValueError, match="a mask is bool"):
            Mask(wrong)
