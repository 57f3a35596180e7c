from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.localization import Localization, Outcome, Source, Stage
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import Frame
from gar_ssl_ros.messages.masks import label_info_message, masks_message

FRAME = Frame(1_500_000_000, np.zeros((6, 8, 3), np.uint8), "camera")


def rows(first: int, last: int) -> Mask:
    pixels = np.zeros((6, 8), np.bool_)
    pixels[first:last] = True
    return Mask(pixels)


def found(*masks: Mask | None, outcome: Outcome = Outcome.LOCALIZED) -> Localization:
    box = Box(1, 1, 5, 5)
    sources = tuple(Source(box, f"sound {i}", 0.9, 0.8, "", box, False, None, mask=m) for i, m in enumerate(masks, 1))
    return Localization(outcome, Stage.FINAL, "fixed", None, sources=sources)


def test_each_pixel_has_the_number_of_the_surest_source_there():
    told = found(rows(0, 3), None, rows(2, 5))
    message = masks_message(told, FRAME)
    assert (message.encoding, message.width, message.height, message.step) == ("mono8", 8, 6, 8)
    assert (message.header.frame_id, message.header.stamp.sec, message.header.stamp.nanosec) == (
        "camera",
        1,
        500_000_000,
    )
    assert np.array(message.data).reshape(6, 8)[:, 0].tolist() == [1, 1, 1, 3, 3, 0]
    labels = label_info_message(told, FRAME)
    assert labels.header == message.header
    assert [(one.class_id, one.class_name) for one in labels.class_map] == [
        (1, "sound 1"), (2, "sound 2"), (3, "sound 3")
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
def test_where_nothing_sounds_all_is_0_and_where_that_is_not_known_nothing_is_said(outcome):
    if outcome is Outcome.LOCALIZED:
        assert masks_message(found(None, None), FRAME) is None
        return
    message = masks_message(replace(found(), outcome=outcome), FRAME)
    assert (message is not None) == (outcome in (Outcome.SILENT, Outcome.OFF_SCREEN))
    assert message is None or not any(message.data)
