"""OpenAVS with real models, tiny and of random weights: from a clip to masks in a record, and on the graph."""

from __future__ import annotations

from dataclasses import replace
from importlib import import_module
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from clips import write_clip

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from gar_ssl_ros.errors import OptionError  # noqa: E402
from gar_ssl_ros.gar.deadline import Cancelled, Deadline  # noqa: E402
from gar_ssl_ros.gar.localization import Outcome, Timing  # noqa: E402
from gar_ssl_ros.gar.pipeline import localize  # noqa: E402
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window  # noqa: E402
from gar_ssl_ros.output.record import read_records  # noqa: E402
from gar_ssl_ros.reasoners import reasoner  # noqa: E402
from gar_ssl_ros.reasoners.openavs.translate import LINE, answers  # noqa: E402
from gar_ssl_ros.reasoners.prompted.runtime import Question, Sampling  # noqa: E402

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)
SOUND = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
FREE = Question("What is it?", None, Sampling(), (0,), 12, cut=True)


def asked(omni, question: Question = FREE, image=None, sound=None) -> str:
    with omni.encode("Tell.", image, sound, Deadline()) as window:
        (reply,) = window.ask([question], seen=image is not None)[0]
    assert isinstance(reply, str)
    return reply


def test_a_model_is_asked_about_the_sound_the_picture_or_a_text_alone(omni):
    replies = [asked(omni), asked(omni, sound=SOUND), asked(omni, image=IMAGE), asked(omni, image=IMAGE, sound=SOUND)]
    assert len(set(replies)) == 4
    assert asked(omni, image=IMAGE) == replies[2]
    assert asked(omni, image=255 - IMAGE) != replies[2]
    with omni.encode("Tell.", None, SOUND, Deadline()) as window:
        assert window.image_size == (0, 0)
        with pytest.raises(ValueError, match="an image that it was not given"):
            window.ask([FREE], seen=True)


def test_a_text_obeys_its_pattern(omni):
    lines = Question("Who?", None, Sampling(), (0,), 200, pattern=rf"({LINE}\n){{2}}{LINE}")
    assert len(answers(asked(omni, lines), 3)) == 3


def with_models(omni: Path, tiny_dino: Path, preset: str) -> dict[str, object]:
    known = {"model": str(omni), "detector": str(tiny_dino), "box_threshold": 0.0, "coordinates": "pixels"}
    return {**known, "preset": preset, "least_pixels": 3136}


def test_a_clip_goes_from_words_to_masks_in_a_record(run, tiny_omni, tiny_dino, tmp_path):
    clip = write_clip(tmp_path / "clip.mkv", size=(96, 64))
    told = with_models(tiny_omni, tiny_dino, "base")
    options = [part for name, value in told.items() for part in (f"--{name.replace('_', '-')}", value)]
    asked = ("--reasoner", "openavs", *options, "--verify", "--trials", 2)
    done = run("localize", clip, "--out", tmp_path, "--no-video", "--masks", "grabcut", *asked)
    assert done.returncode == 0, done.stderr
    (record,) = read_records(tmp_path / "clip.jsonl")
    assert (record.outcome, record.reasoner) == (Outcome.LOCALIZED, "openavs"), record.detail
    assert record.model == f"{tiny_omni}, {tiny_dino.name}"
    (source,) = record.sources
    assert (source.mask is None) == ("masks failed" in record.detail)  # a random box may hold no thing
    assert source.av_consistency is not None
    assert record.stages[0].consensus is not None


def window(sound: np.ndarray = SOUND) -> Window:
    return Window(0, SECOND, tuple(Frame(i * SECOND // 4, IMAGE) for i in range(4)), Audio(0, sound[None], 16_000))


@pytest.fixture(scope="session")
def lite(tiny_omni, tiny_dino):
    return reasoner("openavs", with_models(tiny_omni, tiny_dino, "lite"))


def test_a_cancelled_window_stops_within_a_step_and_the_next_one_is_as_before(lite):
    def final(deadline: Deadline):
        return replace([*localize(window(), lite, deadline=deadline)][-1], timing=Timing())

    first = final(Deadline())
    assert first.outcome in (Outcome.LOCALIZED, Outcome.SILENT), first.detail
    language = lite._parts.describers[0]._runtime.thinker.module.model.language_model
    for step in (1, 40):  # while it describes, and while it translates
        steps, deadline = count(1), Deadline()

        def at_that_step(*_: object, of=steps, it=deadline, last=step) -> None:
            if next(of) == last:
                it.cancel()

        hook = language.register_forward_pre_hook(at_that_step)
        with pytest.raises(Cancelled):
            final(deadline)
        hook.remove()
        assert next(steps) == step + 1
    assert final(Deadline()) == first


def test_a_model_that_is_no_describer_is_a_sentence(tiny_omni, tiny_dino):
    with pytest.raises(OptionError, match=r"describers: .* is not an audio language model of the transformers library"):
        reasoner("openavs", {"describers": str(tiny_dino), "detector": str(tiny_dino)})


@pytest.mark.parametrize("what", ["qwen2_audio", "audio_flamingo"])
def test_several_describers_and_one_translator(tiny_omni, tiny_dino, tmp_path, what):
    heard = import_module("tiny_models").write(what, tmp_path / what)
    told = {**with_models(tiny_omni, tiny_dino, "large"), "describers": f"{heard},model"}
    made = reasoner("openavs", told)
    assert made.model == f"{what}, {tiny_omni}, {tiny_dino.name}"
    final = [*localize(window(), made)][-1]
    assert final.outcome in (Outcome.LOCALIZED, Outcome.SILENT), final.detail
