"""Kinds of sound, by the real model."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module

import numpy as np
import pytest
from clips import read_sound
from pictures import damaged

from gar_ssl_ros.media.window import SPEECH_RATE_HZ, Audio, Frame, Window
from gar_ssl_ros.perception.failure import ModelError
from gar_ssl_ros.perception.store import load_path
from gar_ssl_ros.perception.tags import LOOK_SAMPLES, Tags, Yamnet, names


@pytest.fixture
def yamnet(shared_models) -> Yamnet:
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    return Yamnet(load_path("yamnet"))


@pytest.fixture
def heard(yamnet, shared_media) -> Callable[[str, int], Tags]:
    """A function from a recording and the rate at which it comes to what is heard in it."""

    def tags(what: str, rate: int) -> Tags:
        samples = read_sound(shared_media / f"{what}.wav", rate)
        sound = Audio(0, np.stack([samples, samples]).clip(-1, 1), rate)
        window = Window(0, 1, (Frame(0, np.zeros((1, 1, 3), np.uint8)),), sound)
        assert window.audio is not None
        return yamnet.tags(window.audio.mono(SPEECH_RATE_HZ))

    return tags


def surest(tags: Tags) -> set[str]:
    """The five surest sounds."""
    return {names()[i] for i in np.argsort(-tags.all())[:5]}


def test_names_are_audioset_s():
    assert len(names()) == 521
    assert {names()[0], names()[494]} == {"speech", "silence"}


@pytest.mark.parametrize("rate", [16_000, 44_100])
@pytest.mark.parametrize(
    ("what", "expected"), [("dog", "dog"), ("car", "vehicle horn, car horn, honking"), ("bird", "bird")]
)
def test_a_real_sound_is_named_whatever_the_rate(heard, what, expected, rate):
    tags = heard(what, rate)
    assert expected in surest(tags)
    assert tags.scores.shape == (5, 521)
    assert 0 <= tags.scores.min() <= tags.scores.max() <= 1


def test_silence_is_silence(yamnet):
    tags = yamnet.tags(np.zeros(3 * SPEECH_RATE_HZ, np.float32))
    assert tags.scores[:, names().index("silence")].min() > 0.99


@pytest.mark.parametrize("length", [0, 1, LOOK_SAMPLES - 1, LOOK_SAMPLES])
def test_what_is_no_longer_than_a_look_is_looked_at_once(yamnet, length):
    tags = yamnet.tags(np.random.default_rng(0).normal(0, 0.1, length).astype(np.float32))
    assert tags.scores.shape == (1, 521)
    assert np.isfinite(tags.all()).all()


def test_one_window_after_another_changes_nothing(yamnet):
    sound = np.random.default_rng(0).normal(0, 0.1, 2 * SPEECH_RATE_HZ).astype(np.float32)
    before = yamnet.tags(sound)
    yamnet.tags(np.zeros(SPEECH_RATE_HZ, np.float32))
    assert np.array_equal(yamnet.tags(sound).scores, before.scores)


def test_the_runtime_says_nothing_and_what_others_say_meanwhile_stays(yamnet, capfd, monkeypatch):
    interpreter = import_module("ai_edge_litert.interpreter")

    class Interpreter(interpreter.Interpreter):  # type: ignore[misc, name-defined]
        def allocate_tensors(self) -> None:
            os.write(2, b"another thread's line\n")
            super().allocate_tensors()

    monkeypatch.setattr(interpreter, "Interpreter", Interpreter)
    Yamnet(load_path("yamnet"))
    assert capfd.readouterr().err == "another thread's line\n"


def test_one_strong_look_does_not_make_a_sound():
    scores = np.zeros((5, 521), np.float32)
    scores[0, 7], scores[:2, 9] = 1.0, 1.0
    assert Tags(scores, names()).all()[[7, 9]].tolist() == [0.5, 1.0]


@pytest.mark.parametrize("how", ["text", "empty", "half"])
def test_a_file_that_is_not_the_model_is_a_sentence(yamnet, tmp_path, how):
    file = damaged(load_path("yamnet"), tmp_path, how)
    with pytest.raises(ModelError, match=f"^{file} is not YAMNet, the audio tagger .*gar-ssl models get") as refused:
        Yamnet(file)
    assert "\n" not in str(refused.value)


def test_a_tagger_of_other_sounds_is_a_sentence(yamnet, monkeypatch):
    monkeypatch.setattr("gar_ssl_ros.perception.tags.names", lambda: ("bark", "meow"))
    with pytest.raises(ModelError, match=r"is not YAMNet, the audio tagger \(it takes .* and gives "):
        Yamnet(load_path("yamnet"))


def test_without_litert_it_is_a_sentence_with_the_command(tmp_path):
    code = (
        "import sys; sys.modules['ai_edge_litert'] = None\n"
        "from pathlib import Path; from gar_ssl_ros.gar.reasoner import ReasonerError\n"
        "from gar_ssl_ros.perception.tags import Yamnet\n"
        "try: Yamnet(Path('x'))\n"
        "except ReasonerError as problem: print(problem)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "LiteRT, which is not installed" in done.stdout
    assert "pip install" in done.stdout
