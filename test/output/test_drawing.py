from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.heard import AnsweredDirection
from gar_ssl_ros.gar.localization import Outcome, Source
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.output.drawing import BAD, CALM, COLOURS, GOOD, UNSURE, Caption, _Pen, annotated, overlaid, status_line
from gar_ssl_ros.output.sheet import MAX_TILES, ContactSheet


def source(box: Box, label: str = "violin", refined: bool = False) -> Source:
    return Source(box, label, 0.91, 0.8, "a violin in the middle moves as the loudness changes", box, refined, None)


def caption(*sources: Source, outcome: Outcome = Outcome.LOCALIZED, detail: str = "") -> Caption:
    return Caption(outcome, detail, "signal", AudioLabel("violin", 0.91), sources)


def has(image: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((image == colour).all(axis=2).any())


def test_the_box_is_drawn_where_it_is_and_the_rest_is_left_alone():
    image = np.full((240, 320, 3), 90, np.uint8)
    drawn = annotated(image, caption(source(Box(100, 60, 200, 160))))
    assert (drawn[60, 100:200] == COLOURS[0]).all()
    assert (drawn[60:160, 199] == COLOURS[0]).all()
    assert (drawn[62:158, 102:198] == 90).all()
    assert (drawn[170:240] == 90).all()
    assert (image == 90).all()


def test_a_footer_tells_outcome_and_reason_in_its_colour():
    image = np.full((240, 320, 3), 90, np.uint8)
    assert annotated(image, caption()).shape[0] > 240
    assert has(annotated(image, caption(source(Box(1, 1, 9, 9))))[240:], GOOD)
    for outcome, colour in (
        (Outcome.TIMEOUT, BAD), (Outcome.OFF_SCREEN, CALM), (Outcome.SILENT, CALM), (Outcome.UNCERTAIN, UNSURE)
    ):  # fmt: skip
        footer = annotated(image, caption(outcome=outcome, detail="a reason"))[240:]
        assert [each for each in (BAD, CALM, GOOD, UNSURE) if has(footer, each)] == [colour]


def test_the_reason_of_each_source_is_there_whole_in_the_colour_of_its_box(monkeypatch):
    written = []
    monkeypatch.setattr(_Pen, "write", lambda *of: written.append((of[2], of[5])))
    first, second = Box(10, 10, 90, 90), Box(200, 100, 300, 200)
    annotated(np.zeros((240, 320, 3), np.uint8), caption(source(first), source(second)))
    rows = written[-4:]
    assert [colour for _, colour in rows] == [COLOURS[0], COLOURS[0], COLOURS[1], COLOURS[1]]
    told = source(first).description
    assert [" ".join(text for text, _ in rows[place : place + 2]).strip() for place in (0, 2)] == [told, told]


def test_pictures_of_a_video_are_of_one_size_however_many_sources_each_has():
    image = np.zeros((240, 320, 3), np.uint8)
    boxes = [Box(10, 10, 90, 90), Box(200, 100, 300, 200)]
    shapes = {annotated(image, caption(*map(source, boxes[:count])), 2).shape for count in (0, 1, 2)}
    assert len(shapes) == 1


def test_a_label_of_next_to_no_confidence_is_not_drawn(monkeypatch):
    written = []
    monkeypatch.setattr(_Pen, "write", lambda *of: written.append(of[2]))
    doubtful = replace(source(Box(10, 10, 90, 90), "impact"), audio_confidence=0.004)
    annotated(np.zeros((240, 320, 3), np.uint8), caption(doubtful))
    assert written[0] == "unknown sound  av 0.80"


@pytest.mark.parametrize("size", [(1, 1), (33, 47), (47, 33), (319, 201), (4000, 3000)])
def test_any_picture_can_be_written_on_and_encoded(size):
    width, height = size
    drawn = annotated(
        np.zeros((height, width, 3), np.uint8), caption(source(Box(0, 0, width, height), "x" * 300, True))
    )
    assert drawn.shape[0] % 2 == drawn.shape[1] % 2 == 0
    assert drawn.shape[1] >= 320
    assert drawn.shape[0] > height


@settings(max_examples=30)
@given(st.floats(0, 300), st.floats(0, 220), st.floats(1, 320), st.floats(1, 240), st.text(max_size=40))
def test_any_box_and_label_can_be_drawn(x, y, width, height, label):
    box = Box(x, y, min(320.0, x + width), min(240.0, y + height))
    annotated(np.zeros((240, 320, 3), np.uint8), caption(source(box, label), source(box, label)))


@settings(max_examples=30, deadline=None)
@given(
    st.integers(1, 400),
    st.integers(1, 300),
    st.lists(st.tuples(*[st.floats(0, 1)] * 4), max_size=4),
    st.sampled_from([0.01, 0.3, 0.5, 0.77, 1.0]),
    st.sampled_from(Outcome),
)
def test_an_overlay_has_the_images_size_and_leaves_what_it_does_not_draw_on_to_the_bit(
    width, height, corners, strength, outcome
):
    image = np.random.default_rng(width).integers(0, 256, (height, width, 3), np.uint8)
    sides = [(min(a, c) * width, min(b, d) * height, max(a, c) * width, max(b, d) * height) for a, b, c, d in corners]
    boxes = [Box(*each) for each in sides if each[0] < each[2] and each[1] < each[3]]
    told = caption(*map(source, boxes), outcome=outcome, detail="" if boxes else "a reason")
    drawn = overlaid(image, told, 1.6, strength)
    assert (drawn.shape, drawn.dtype) == (image.shape, np.uint8)
    black, white = (overlaid(np.full_like(image, level), told, 1.6) for level in (0, 255))
    touched = (black != 0).any(axis=2) | (white != 255).any(axis=2)
    assert (drawn[~touched] == image[~touched]).all()
    assert boxes or not touched[: max(0, height - 40)].any()


def test_an_overlay_fades_towards_the_image():
    image = np.full((240, 320, 3), 90, np.uint8)
    told = caption(source(Box(100, 60, 200, 160)))
    whole, half, gone = (overlaid(image, told, 1.6, strength) for strength in (1.0, 0.5, 0.0))
    assert (whole[60, 100:200] == COLOURS[0]).all()
    assert (half[60, 100:200] == [round((90 + part) / 2) for part in COLOURS[0]]).all()
    assert (gone == image).all()
    assert (whole[100:150, 110:190] == 90).all()


def test_tags_do_not_cover_each_other_where_there_is_room():
    image = np.full((240, 320, 3), 90, np.uint8)
    drawn = overlaid(image, caption(source(Box(100, 60, 200, 160)), source(Box(104, 62, 204, 162))), 1.6)
    # Whole: each tag is a filled stretch of its colour, as wide as its words.
    for colour in COLOURS[:2]:
        runs = [max(map(len, "".join("x" if same else " " for same in row).split()), default=0)
                for row in (drawn == colour).all(axis=2)]  # fmt: skip
        assert max(runs) >= 60


@given(st.text(max_size=300), st.integers(0, 300))
def test_words_are_cut_to_their_room(text, room):
    pen = _Pen(320)
    cut = pen.fitted(text, room)
    assert cut in (text, "...") or (cut.endswith("...") and pen.measure(cut) <= room)


def test_the_overlays_line_tells_how_it_ended_how_old_that_is_and_why():
    assert status_line(caption(source(Box(1, 1, 9, 9))), 1.64) == "localized, 1.6 s ago"
    silent = Caption(Outcome.OFF_SCREEN, "nothing moves", "signal", AudioLabel("dog_bark", 0.91), ())
    assert status_line(silent, 2.0) == "off screen, 2.0 s ago  dog bark 0.91  nothing moves"
    assert status_line(replace(silent, outcome=Outcome.TIMEOUT, sound=None, detail="late"), 0.0) == "timeout  late"


def test_a_contact_sheet_stays_bounded_and_evenly_chosen(tmp_path):
    sheet = ContactSheet()
    for index in range(1000):
        sheet.add(f"{index}", np.full((24, 32, 3), index % 256, np.uint8))
    titles = [int(title) for title, _ in sheet._tiles]
    assert MAX_TILES // 2 <= len(titles) <= MAX_TILES
    assert len(set(np.diff(titles))) == 1
    sheet.write(tmp_path / "sheet.png")
    assert (tmp_path / "sheet.png").read_bytes().startswith(b"\x89PNG")


def test_no_sheet_is_written_of_nothing(tmp_path):
    ContactSheet().write(tmp_path / "sheet.png")
    assert not (tmp_path / "sheet.png").exists()


def heard(x: float | None, bearing: float, source: int | None = None, words: str = "behind you") -> AnsweredDirection:
    return AnsweredDirection(1, source, words, bearing, None, 0.05, 0.9, 1.0, float(x is not None), x, None, 9.0)


def test_where_a_sound_was_heard_is_drawn_there_or_at_the_side_to_turn_to():
    image = np.full((240, 320, 3), 100, np.uint8)
    at = [heard(80.0, 0.3), heard(None, 1.5), heard(None, -1.5), heard(None, 3.0)]
    drawn = [overlaid(image, replace(caption(), directions=(one,)), 0.0) for one in at]
    changed = [np.argwhere((one != image).any(axis=2) & (np.arange(240) < 215)[:, None]).mean(axis=0) for one in drawn]
    assert changed[0][1] < 120  # columns: its own, the left, the right
    assert changed[1][1] < 120
    assert changed[2][1] > 200
    assert drawn[0].shape == image.shape
    matched = overlaid(image, replace(caption(source(Box(60, 60, 100, 100))), directions=(heard(80.0, 0.3, 0),)), 0.0)
    assert has(matched, COLOURS[0])


@settings(max_examples=30)
@given(st.floats(-200, 900), st.floats(-4, 4), st.text(max_size=80), st.integers(8, 400), st.integers(8, 300))
def test_any_direction_can_be_drawn_on_any_picture(x, bearing, words, width, height):
    image = np.zeros((height, width, 3), np.uint8)
    told = replace(caption(), directions=(heard(x, bearing, None, words), heard(None, bearing, None, words)))
    assert overlaid(image, told, 0.1).shape == image.shape
    assert annotated(image, told).shape[1] >= width


def test_a_masks_pixels_are_tinted_and_outlined_at_any_enlargement_and_no_others():
    pixels = np.zeros((120, 160), np.bool_)
    pixels[30:60, 40:80] = True
    image = np.full((120, 160, 3), 90, np.uint8)
    masked = replace(source(Box(38, 28, 100, 90)), mask=Mask(pixels))
    for drawn, factor in ((annotated(image, caption(masked)), 2), (overlaid(image, caption(masked), 0.0), 1)):
        inside = drawn[35 * factor : 55 * factor, 45 * factor : 75 * factor]
        assert (inside == inside[0, 0]).all()
        assert inside[0, 0].tolist() == pytest.approx([0.6 * 90 + 0.4 * part for part in COLOURS[0]], abs=1)
        assert drawn[45 * factor, 40 * factor].tolist() == pytest.approx(COLOURS[0], abs=4)
        assert (drawn[70 * factor : 85 * factor, 45 * factor : 90 * factor] == 90).all()
    other = replace(masked, mask=Mask(np.ones((3, 4), np.bool_)))
    assert (overlaid(image, caption(other), 0.0) == overlaid(image, caption(source(masked.box)), 0.0)).all()
