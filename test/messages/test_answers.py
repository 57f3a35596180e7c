"""Answers as messages, there and back."""

from __future__ import annotations

import numpy as np
import pytest
from gar_ssl_ros.msg import SoundSourceArray
from rclpy.serialization import deserialize_message, serialize_message

from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.stages import AudioLabel
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.messages.answers import answer_in_words, sources_message
from gar_ssl_ros.output.record import WindowRecord

NUMBERS = {
    Outcome.LOCALIZED: 1, Outcome.SILENT: 2, Outcome.OFF_SCREEN: 3, Outcome.UNPARSEABLE: 4, Outcome.TIMEOUT: 5,
    Outcome.BACKEND_ERROR: 6, Outcome.UNCERTAIN: 7,
}  # fmt: skip


@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_keeps_its_number_on_the_wire_and_its_name_on_the_console(outcome):
    window = Window(0, SECOND, (Frame(SECOND // 2, np.zeros((48, 64, 3), np.uint8)),), None)
    found = Localization(outcome, Stage.FINAL, "r", None, "the reason", AudioLabel("hum", 0.5))
    sent = serialize_message(sources_message(found, window, (), "image", 0))
    came = deserialize_message(sent, SoundSourceArray)
    assert (came.outcome, came.detail, came.label) == (NUMBERS[outcome], "the reason", "hum")
    assert WindowRecord.model_validate_json(came.reasoning).outcome is outcome
    assert answer_in_words(came).split(maxsplit=2) == [outcome.value, "hum", "the reason"]
