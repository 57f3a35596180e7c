"""A trained model of spatial questions in the graph: a panorama and two ears in, boxes and answers out."""

from __future__ import annotations

import json
from array import array
from itertools import count
from threading import Event

import numpy as np
import pytest

pytest.importorskip("torch", reason="needs torch, which is not installed")
pytest.importorskip("transformers", reason="needs transformers, which is not installed")
pytest.importorskip("peft", reason="needs the extra questions")

from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from gar_ssl_ros.msg import SoundSourceArray
from gar_ssl_ros.srv import Ask
from rclpy.parameter import Parameter
from robot import CHUNK, FRAME, PATIENCE, localizer, process, robot, seconds, stamped, until

from gar_ssl_ros.evaluation.questions.drawn import draw_thing, things
from gar_ssl_ros.evaluation.questions.options import QuestionOptions
from gar_ssl_ros.evaluation.questions.panorama import PlacedPicture, empty_room, render
from gar_ssl_ros.evaluation.questions.places import QuestionRoom
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.spatial.model.answering import ModelAnswerer
from gar_ssl_ros.spatial.panorama import pixel_of
from gar_ssl_ros.spatial.questions.forms import Spot

RATE = 16_000
LAG = 6  # samples by which the right ear hears later: from the left
SIZE = (408, 112)
WINDOWS = ("-p", "window:=1.0", "-p", "hop:=0.5", "-p", "deadline:=60.0")


def panorama() -> np.ndarray:
    """A room in which a dog stands to the left."""
    random, options = np.random.default_rng(0), QuestionOptions(width=SIZE[0], height=SIZE[1])
    room = QuestionRoom("one", (5.0, 6.0, 2.8), (2.5, 3.0, 1.2), 0.0, (), (), 3)
    picture, height = draw_thing(random, things()["dog"])
    cutout = np.dstack([picture[..., :3], 255 * picture[..., 3]]).round().astype(np.uint8)
    dog = PlacedPicture(cutout, height, Spot(40.0, -10.0, 2.0))
    return render(random, empty_room(room, options), room, [dog], options)


class Listener:
    """Plays a room to a localizer, and asks it about that."""

    def __init__(self, bot) -> None:
        self.bot, self._steps = bot, count(1)
        self._client = bot.node.create_client(Ask, "/localizer/ask")
        self.picture = panorama()
        self._random = np.random.default_rng(0)

    def play_until(self, condition, channels: int = 2):
        """Play on and on until that holds."""

        def played():
            for _ in range(5):
                stamp = 10 * SECOND + next(self._steps) * FRAME
                height, width = self.picture.shape[:2]
                self.bot.images.publish(self.bot.picture(stamp, width, height, data=array("B", self.picture.tobytes())))
                told = AudioInfo(channels=channels, sample_rate=RATE, sample_format="S16LE", coding_format="wave")
                self.bot.infos.publish(told)
                left = self._random.normal(0, 0.1, RATE * CHUNK // SECOND)
                ears = np.stack([left, np.roll(left, LAG)][:channels], axis=1)
                message = AudioDataStamped()
                message.audio.data = array("B", np.round(32767 * ears).clip(-32768, 32767).astype("<i2").tobytes())
                self.bot.sound.publish(stamped(message, stamp))
            return condition()

        return until(played)

    def answered(self, outcome: int) -> SoundSourceArray | None:
        return next((one for one in reversed(self.bot.finals()) if one.outcome == outcome), None)

    def ask(self, question: str) -> Ask.Response:
        future = self.begin(question)
        until(future.done)
        return future.result()

    def begin(self, question: str):
        """Ask, and do not wait."""
        until(self._client.service_is_ready)
        return self._client.call_async(Ask.Request(question=question))


def test_a_model_boxes_what_sounds_in_a_panorama_and_answers_questions_about_it(toy_questions_model):
    folder = toy_questions_model()
    chosen = ("-p", "reasoner:=hear_you_are", "-p", f"questions_model:={folder}", "-p", f"ask_model:={folder}")
    with process("localizer", "--ros-args", *chosen, *WINDOWS), robot() as bot:
        listener = Listener(bot)
        found = listener.play_until(lambda: listener.answered(SoundSourceArray.LOCALIZED))
        assert (found.reasoner, found.model) == ("hear_you_are", str(folder))
        (source,) = found.sources
        box = source.box
        assert (box.center.position.x, box.center.position.y) == pytest.approx(pixel_of(40.0, -10.0, *SIZE), abs=0.5)
        assert source.label == "dog"
        told = listener.ask("Is it visible?")
        assert (told.success, told.message, told.question_type) == (True, "", "Q9")
        assert told.answer == "dog; visible"
        assert json.loads(told.fields) == {"sound": "dog", "visible": "visible"}
        begin, end = seconds(told.window_start), seconds(told.window_end)
        assert end - begin == pytest.approx(1.0)
        assert told.evidence[0].startswith(f"told by the model in {folder}: it hears two ears and sees 416x112 pixels")
        assert told.evidence[1].startswith(f"about the window of {begin:.2f} to {end:.2f} s")
        state = until(lambda: next((s for s in [bot.state_of("ask_model")()] if s.get("asked") == "1"), None))
        assert (state["message"], state["model"], state["failed"]) == ("loaded", str(folder), "0")


def test_where_there_is_no_panorama_it_is_answered_without_the_model_and_told_why(toy_questions_model):
    folder = str(toy_questions_model())
    with localizer(reasoner="misbehaving:Fixed", ask_model=folder) as _, robot() as bot:
        listener = Listener(bot)
        listener.picture = np.zeros((48, 64, 3), np.uint8)
        listener.play_until(lambda: listener.answered(SoundSourceArray.LOCALIZED))
        told = listener.ask("is it visible")
        assert (told.success, told.answer) == (True, "dog_bark; visible")
        assert told.evidence[-1].startswith(f"answered without the model in {folder}: 64x48 is no panorama")
        state = until(lambda: bot.was_told("ask_model", "answered without it: 64x48 is no panorama"))
        assert (state["asked"], state["failed"]) == ("1", "1")


def test_windows_go_on_while_the_model_is_asked_and_whoever_asked_is_answered_at_the_deadline(
    toy_questions_model, monkeypatch
):
    back, begun, tell = Event(), Event(), ModelAnswerer.tell

    def stuck(*arguments):
        begun.set()
        back.wait(PATIENCE)
        return tell(*arguments)

    monkeypatch.setattr(ModelAnswerer, "tell", stuck)
    parameters = {"reasoner": "misbehaving:Fixed", "ask_model": str(toy_questions_model()), "deadline": 600.0}
    with localizer(**parameters) as node, robot() as bot:
        listener = Listener(bot)
        found = listener.play_until(lambda: listener.answered(SoundSourceArray.LOCALIZED))
        asked = listener.begin("is it visible")
        until(begun.is_set)
        later = seconds(found.window_end) + 2.0
        listener.play_until(lambda: seconds(bot.finals()[-1].window_end) > later)
        assert not asked.done()
        assert node.set_parameters([Parameter("deadline", value=0.1)])[0].successful  # of the next question
        back.set()
        until(asked.done)
        assert asked.result().answer == "dog; visible"
        back.clear()
        told = listener.ask("is it visible")
        assert told.answer == "dog_bark; visible"
        assert told.evidence[-1].endswith("the model did not stop at its deadline of 0.1 s")
        back.set()


def test_a_model_that_cannot_be_had_fails_to_configure_and_nobody_names_one_over_the_graph(
    toy_questions_model, tmp_path, capfd
):
    with localizer(active=False, reasoner="misbehaving:Fixed", ask_model=str(tmp_path)) as node:
        node.trigger_configure()
        assert f"the ask_model cannot be used: {tmp_path} holds no trained model" in capfd.readouterr().err
        for name in ("ask_model", "questions_model", "student"):
            (refused,) = node.set_parameters([Parameter(name, value=str(toy_questions_model()))])
            assert refused.reason.startswith(f"another {name} is named at the node's start")
        told = Parameter("reasoner_options", value=f"questions_model={toy_questions_model()}")
        assert "another questions_model is named" in node.set_parameters([told])[0].reason
        assert node.set_parameters([Parameter("ask_model", value="")])[0].successful
