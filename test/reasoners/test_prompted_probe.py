"""A model that answers in one convention is found out, and one that answers nothing is not guessed at."""

from __future__ import annotations

from typing import get_args

import pytest
from scripted import Scripted, described

from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.reasoners.options import Coordinates
from gar_ssl_ros.reasoners.prompted.coordinates import view
from gar_ssl_ros.reasoners.prompted.probe import HEIGHT, SQUARES, WIDTH, coordinates_of, probe
from gar_ssl_ros.reasoners.prompted.runtime import ModelError

SEEN_AS = (1316, 728)  # what Qwen2.5-VL's processor makes of 1920x1080


class Speaks(Scripted):
    """Sees the squares and answers in one convention, some pixels off."""

    convention: Coordinates
    form = '```json\n[{{"bbox_2d": {box}, "label": "square"}}]\n```'

    def ask(self, questions, seen):
        (question,) = questions
        assert (question.schema, seen) == (None, True)
        square = next(square for color, (_, square) in SQUARES.items() if color in question.text)
        box = [round(side) + 3 for side in view(self.convention, (WIDTH, HEIGHT), SEEN_AS).to_model(square.sides)]
        return [[self.form.format(box=box)]]


@pytest.mark.parametrize("convention", get_args(Coordinates))
@pytest.mark.parametrize("form", [Speaks.form, "The square is at {box}.", '{{"bbox_2d": {box}}}'])
def test_the_convention_is_found_out(convention, form):
    runtime = Speaks(seen_as=SEEN_AS)
    runtime.convention, runtime.form = convention, form
    probed = probe(runtime)
    assert probed.convention == convention
    assert probed.agreement[convention] > 0.9
    assert len(probed.replies) == 3
    assert coordinates_of(runtime) == convention  # since its makers have not said
    assert coordinates_of(runtime, "original") == "original"
    runtime.description = described("Qwen3-Omni")
    assert coordinates_of(runtime) == "thousandths"


@pytest.mark.parametrize("reply", ["I see 3 squares.", "", "[0, 0, 99999, 99999]", Failure("the reply did not end")])
def test_a_reply_that_tells_nothing_is_not_taken_for_an_answer(reply):
    runtime = Scripted({"refine": reply}, seen_as=SEEN_AS, description=described("Qwen3-Omni"))
    probed = probe(runtime)
    assert probed.convention is None
    runtime.description = described("Qwen2.5-Omni")
    with pytest.raises(ModelError, match="in which coordinates scripted speaks is not known"):
        coordinates_of(runtime)
    assert set(probed.replies.values()) == {reply.reason if isinstance(reply, Failure) else reply or "nothing"}
