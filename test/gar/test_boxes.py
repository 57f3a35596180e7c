import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box, Delta, Expand, Recenter, box_from_reply, clamp_refinement, max_delta

anything = st.floats(allow_nan=True, allow_infinity=True)
sizes = st.integers(1, 5000)


@st.composite
def images_and_boxes(draw: st.DrawFn) -> tuple[int, int, Box]:
    """A width, a height and a box inside that image."""
    width, height = draw(sizes), draw(sizes)
    x1, y1 = draw(st.floats(0, width - 1)), draw(st.floats(0, height - 1))
    return width, height, Box(x1, y1, draw(st.floats(x1 + 1, width)), draw(st.floats(y1 + 1, height)))


def inside(box: Box, width: int, height: int) -> bool:
    return 0 <= box.x1 < box.x2 <= width and 0 <= box.y1 < box.y2 <= height


@pytest.mark.parametrize("sides", [(0, 0, 0, 1), (2, 0, 1, 1), (0, 0, 1, math.nan), (0, -math.inf, 1, 1)])
def test_a_box_has_finite_sides_in_order(sides):
    with pytest.raises(ValueError, match="finite x1 < x2"):
        Box(*sides)


@given(st.lists(anything, max_size=6), sizes, sizes)
def test_no_reply_gives_a_box_outside_the_image(sides, width, height):
    box = box_from_reply(sides, width, height)
    if box is not None:
        assert inside(box, width, height)
        assert box.width >= 1
        assert box.height >= 1


def test_swapped_corners_are_put_in_order_and_the_outside_is_cut_off():
    assert box_from_reply((90, 80, -10, 20), 100, 60) == Box(0, 20, 90, 60)


@pytest.mark.parametrize(
    "sides", [(), (1, 2, 3), (0, 0, math.nan, 5), (10, 10, 10.5, 20), (-5, 0, 0, 9), (200, 0, 300, 9)]
)
def test_nothing_is_made_of_what_means_no_box(sides):
    assert box_from_reply(sides, 100, 60) is None


def test_iou():
    assert Box(0, 0, 10, 10).iou(Box(5, 0, 15, 10)) == pytest.approx(1 / 3)
    assert Box(0, 0, 10, 10).iou(Box(10, 0, 20, 10)) == 0
    assert Box(1, 2, 3, 4).iou(Box(1, 2, 3, 4)) == 1


def test_the_operations_are_the_paper_s():
    box = Box(10, 20, 30, 60)
    assert Delta(dx=1, dy=2, dl=3, dr=4, dt=5, db=6).sides(box) == (14, 27, 35, 68)  # eq. 15
    assert Expand(2).sides(box) == (8, 18, 32, 62)  # eq. 16
    assert Expand(-2).sides(box) == (12, 22, 28, 58)
    assert Recenter(0, 0).sides(box) == (-10, -20, 10, 20)  # eq. 17


@pytest.mark.parametrize(("size", "expected"), [((224, 224), 18), ((1920, 1080), 86), ((33, 47), 4), ((320, 240), 19)])
def test_max_delta(size, expected):
    assert max_delta(*size) == expected


@given(images_and_boxes(), st.lists(anything, max_size=5))
def test_refinement_moves_no_side_further_than_it_may_nor_out_of_the_image(image, sides):
    width, height, box = image
    refined = clamp_refinement(box, sides, width, height)
    assert inside(refined, width, height)
    most = max_delta(width, height)
    assert all(abs(a - b) <= most + 1e-6 for a, b in zip(refined.sides, box.sides, strict=True))


@given(
    images_and_boxes(),
    st.builds(Delta, *[anything] * 6) | st.builds(Expand, anything) | st.builds(Recenter, anything, anything),
)
def test_no_operation_however_wild_breaks_the_box(image, operation):
    width, height, box = image
    assert inside(clamp_refinement(box, operation.sides(box), width, height), width, height)


@given(images_and_boxes())
def test_a_wish_within_reach_is_granted(image):
    width, height, box = image
    assert clamp_refinement(box, box.sides, width, height) == box
