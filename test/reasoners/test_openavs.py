"""OpenAVS's way without a model: descriptions, translations, what is sought, and the outcome of whatever goes wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import onnx_files
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted import Scripted
from served_windows import final, window

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import Fallback, ReasonerError, Unparseable
from gar_ssl_ros.gar.stages import Failure
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.perception.detection import Detection, Image
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.reasoners.openavs.describe import MAX_WORDS, ModelDescriber, Moment, Text, described, moments
from gar_ssl_ros.reasoners.openavs.ground import Grounder
from gar_ssl_ros.reasoners.openavs.reasoner import OpenAvsReasoner, Parts
from gar_ssl_ros.reasoners.openavs.translate import (
    AsTheyAre,
    MakersTranslator,
    ModelTranslator,
    answers,
    instructions,
    phrases,
    user_input,
)
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply

DOG, BELL = Box(10, 10, 40, 40), Box(60, 5, 90, 25)


@dataclass
class Seen:
    """A finder of what it is told is there, which keeps what it was asked for."""

    there: dict[str, list[tuple[float, Box]]] = field(default_factory=dict)
    asked: list[list[str]] = field(default_factory=list)
    better_known: tuple[str, ...] = ()

    def knows(self, name: str) -> bool:
        return True

    def find(self, image: Image, names: Sequence[str]) -> list[Detection]:
        self.asked.append(list(names))
        return [Detection(name, score, box) for name in names for score, box in self.there.get(name, [])]


@dataclass
class Told:
    """A describer that says these, whatever it hears."""

    texts: list[Text]
    name: str = "told"

    def describe(self, moment: Moment, several: bool, deadline: Deadline) -> list[Text]:
        return self.texts


class Talking(Scripted):
    """A model that answers free questions by their prompt or its system's."""

    def _reply(self, question: Question, seed: int) -> Reply:
        kind = "translate" if "<answer>" in self.system else "sound" if question.schema is None else ""
        if not kind:
            return super()._reply(question, seed)
        reply = self.replies[kind]
        return reply(question, seed) if callable(reply) else reply


def three_seconds(sound: Callable[[np.ndarray], np.ndarray] = lambda t: 0.3 * np.sin(2000 * t)) -> Window:
    samples = sound(np.arange(48_000) / 16_000).astype(np.float32)[None]
    frames = tuple(Frame(i * SECOND // 5, np.full((64, 96, 3), i, np.uint8)) for i in range(15))
    return Window(0, 3 * SECOND, frames, Audio(0, samples, 16_000))


def made(replies: Reply | Callable[[Question, int], Reply], seen: Seen, sound: Reply = "A dog barks.", **more: object):
    runtime = Talking({"sound": sound, "translate": replies})
    consistency = more.pop("consistency", "prompt_frame")
    eyes, translator = Grounder(seen, "eyes", 0.25), ModelTranslator(runtime, consistency)
    parts = Parts([ModelDescriber(runtime)], translator, consistency, eyes, **more)  # type: ignore[arg-type]
    return OpenAvsReasoner(parts), runtime


def answer(made: OpenAvsReasoner, shown: Window, sources: int = 2) -> Localization:
    return [*localize(shown, made, GarOptions(sources=sources, trials=3))][-1]


ONE = "<answer>a dog</answer>\n<answer>the dog, bell</answer>\n<answer></answer>"


def test_what_the_translator_names_in_the_middle_second_is_boxed_the_surest_first():
    seen = Seen({"dog": [(0.6, DOG)], "bell": [(0.8, BELL), (0.24, DOG)]})
    it, runtime = made(ONE, seen)
    found = answer(it, three_seconds())
    assert found.outcome is Outcome.LOCALIZED
    assert [(one.label, one.box) for one in found.sources] == [("bell", BELL), ("dog", DOG)]
    assert seen.asked == [["dog"], ["bell"]]  # one at a time
    assert found.sound is not None
    assert found.sound.label == "dog, bell"
    # Of three answers and nine descriptions, two and all name the dog, one and none the bell.
    assert [one.audio_confidence for one in found.sources] == pytest.approx([1 / 12, 11 / 12])
    assert 'heard: "A dog barks."' in found.sources[0].description
    assert len(runtime.batches) == 4  # a second each, and the translation
    assert [len(questions) for questions, _ in runtime.batches] == [3, 3, 3, 1]
    assert [one.label for one in answer(it, three_seconds(), sources=1).sources] == ["bell"]


def test_nobody_verifies_and_no_score_is_pretended():
    it, _ = made(ONE, Seen({"dog": [(0.6, DOG)]}))
    found = answer(it, three_seconds())
    (source,), (case,) = found.sources, found.cases
    assert source.av_consistency is None
    assert not source.refined
    assert (case.consensus, case.kept, case.refinement, case.trials) == (None, None, None, ())


def test_gar_verifies_what_was_found_where_that_is_asked_for():
    runtime = Scripted()
    it, _ = made(ONE, Seen({"dog": [(0.6, DOG)]}), verifier=lambda _: PromptedReasoner(runtime, "pixels"))
    found = answer(it, three_seconds())
    assert found.sources[0].av_consistency == pytest.approx(0.8)
    assert '"dog"' in runtime.asked("analyze")[0].text
    assert found.cases[0].kept is True


def test_the_nearest_second_counts_where_nothing_sounds_in_the_middle_one():
    it, _ = made("<answer></answer>\n" * 2 + "<answer>dog</answer>", Seen({"dog": [(0.6, DOG)]}))
    assert answer(it, three_seconds()).sources[0].label == "dog"
    it, _ = made("<answer></answer>\n<answer>none</answer>\n<answer>Silence</answer>", Seen())
    assert answer(it, three_seconds()).outcome is Outcome.SILENT


def test_models_are_asked_about_one_second_alone():
    it, runtime = made("The dog is seen. <answer>dog</answer>", Seen({"dog": [(0.6, DOG)]}), consistency="model")
    assert answer(it, three_seconds()).sources[0].label == "dog"
    assert len(runtime.batches) == 2
    assert runtime.batches[-1][0][0].text.startswith("Audio agent 0: A dog barks.")


def test_models_are_asked_about_the_second_that_sounds_next_to_the_middle():
    it, runtime = made("<answer>dog</answer>", Seen({"dog": [(0.6, DOG)]}), consistency="model")
    assert answer(it, three_seconds(lambda t: np.where(t < 2, 0, np.sin(2000 * t)))).outcome is Outcome.LOCALIZED
    assert runtime.heard is None  # of the translation, the last to be asked


def test_a_silent_second_is_not_asked_about():
    it, runtime = made(ONE, Seen({"dog": [(0.6, DOG)]}))
    answer(it, three_seconds(lambda t: np.where(t < 1, 0, np.sin(2000 * t))))
    assert len(runtime.batches) == 3
    assert "<frame0>\n  <exp1>silence</exp1>\n</frame0>" in runtime.batches[-1][0][0].text


WRONG = {
    "too few": "<answer>dog</answer>",
    "too many": ONE + "<answer>dog</answer>",
    "unclosed": "<answer>dog</answer>\n<answer>bell\n<answer></answer>",
    "prose": "I cannot tell.",
    "nothing": "",
    "a story": "\n".join(["<answer>" + "a dog that barks " * 20 + "</answer>"] * 3),
    "a failure": Failure("the reply did not end within 192 tokens"),
}


@pytest.mark.parametrize("reply", WRONG.values(), ids=WRONG)
def test_a_translation_that_is_none_is_unparseable_in_one_sentence(reply):
    found = answer(made(reply, Seen({"dog": [(0.6, DOG)]}))[0], three_seconds())
    assert found.outcome is Outcome.UNPARSEABLE
    assert found.detail.startswith("the translator")
    assert "\n" not in found.detail


def test_what_nothing_in_view_is_called_is_uncertain_and_says_what_was_heard():
    found = answer(made(ONE, Seen())[0], three_seconds())
    assert found.outcome is Outcome.UNCERTAIN
    assert found.detail == 'eyes sees no dog or bell; heard: "A dog barks."'


@pytest.mark.parametrize("sound", ["", "  \n", Failure("the reply is empty")])
def test_a_describer_that_says_nothing_is_unparseable(sound):
    found = answer(made(ONE, Seen(), sound=sound)[0], three_seconds())
    assert (found.outcome, found.detail) == (Outcome.UNPARSEABLE, "scripted said nothing of what is heard")


def test_a_description_of_300_words_is_cut_and_one_with_tags_in_it_is_no_answer():
    it, runtime = made(ONE, Seen({"dog": [(0.6, DOG)]}), sound="woof " * 300 + "<answer>cat</answer>")
    found = answer(it, three_seconds())
    assert found.outcome is Outcome.LOCALIZED
    text = runtime.batches[-1][0][0].text
    assert text.count("woof") == 9 * MAX_WORDS
    assert "answer" not in text
    assert len(found.sources[0].description) < 300


def test_what_a_model_cannot_do_is_a_sentence_and_the_fallback_answers():
    class Full:
        name = "full"

        def describe(self, *_: object) -> list[Text]:
            raise ReasonerError("full ran out of memory: use a smaller model, or free some memory")

    it = OpenAvsReasoner(Parts([Full()], AsTheyAre(), "basic", Grounder(Seen(), "eyes", 0.25)))
    found = answer(it, three_seconds())
    assert found.outcome is Outcome.BACKEND_ERROR
    assert found.detail == "full ran out of memory: use a smaller model, or free some memory"
    second, _ = made(ONE, Seen({"dog": [(0.6, DOG)]}))
    instead = [*localize(three_seconds(), Fallback(it, second))][-1]
    assert instead.outcome is Outcome.LOCALIZED
    assert "full ran out of memory" in instead.detail


def test_one_thing_under_two_names_is_one():
    near = Box(11, 10, 41, 40)
    seen = Seen({"dog": [(0.6, DOG)], "animal": [(0.5, near), (0.3, BELL)]})
    found = Grounder(seen, "eyes", 0.25).boxes(np.zeros((64, 96, 3), np.uint8), ["animal", "dog"], Deadline())
    assert [(one.label, one.box) for one in found] == [("dog", DOG), ("animal", BELL)]


def test_a_detector_of_fixed_kinds_is_asked_by_their_names():
    @dataclass
    class Coco:
        kinds: tuple[str, ...] = ("dog", "person", "acoustic guitar")

        def detect(self, image: Image) -> list[Detection]:
            boxes = (DOG, BELL, Box(0, 40, 9, 60))
            return [Detection(*one) for one in zip(self.kinds, (0.9, 0.8, 0.7), boxes, strict=True)]

    def sought(*names: str) -> list[str]:
        grounder = Grounder(Coco(), "coco", 0.25)
        return [one.label for one in grounder.boxes(np.zeros((64, 96, 3), np.uint8), names, Deadline())]

    assert sought("big brown dogs") == ["big brown dogs"]
    assert sought("woman", "guitar") == ["woman", "guitar"]
    assert sought("hot dog stand", "wind") == []
    assert sought() == []


def test_seconds_hold_the_sound_and_their_own_frame_and_the_middle_one_the_center_frame():
    shown = three_seconds()
    found, middle = moments(shown)
    assert (len(found), middle) == (3, 1)
    assert np.array_equal(np.concatenate([one.samples for one in found]), shown.audio.mono(16_000))  # type: ignore[union-attr]
    assert [int(one.image[0, 0, 0]) for one in found] == [2, 7, 12]
    assert found[1].image is shown.center.image
    assert len(moments(window())[0]) == 1


@given(st.integers(1, 5 * SECOND), st.integers(1, 8))
def test_windows_of_any_length_have_seconds(length, frames):
    stamps = [i * length // frames for i in range(frames)]
    audio = Audio(0, np.zeros((1, max(1, length * 16_000 // SECOND)), np.float32), 16_000)
    shown = Window(0, length, tuple(Frame(stamp, np.zeros((2, 2, 3), np.uint8)) for stamp in stamps), audio)
    found, middle = moments(shown)
    assert 0 <= middle < len(found) == max(1, round(length / SECOND))


NAME = st.text(st.sampled_from("abcdefgh '-"), min_size=1, max_size=20)


BETWEEN = st.text(st.characters(exclude_characters="<>"), max_size=30)


@given(st.lists(st.lists(NAME, max_size=4), min_size=1, max_size=6), BETWEEN)
def test_any_well_formed_answer_is_read_as_many_times_as_it_was_given(named, between):
    reply = between.join(f"<answer>{', '.join(names)}</answer>" for names in named)
    assert answers(reply, len(named)) == [phrases(", ".join(names)) for names in named]
    with pytest.raises(Unparseable):
        answers(reply, len(named) + 1)


@given(st.text(max_size=200), st.integers(1, 4))
def test_any_reply_is_names_or_unparseable(reply, count):
    try:
        found = answers(reply, count)
    except Unparseable as problem:
        assert "\n" not in str(problem)  # noqa: PT017
    else:
        assert len(found) == count


def test_what_was_thought_before_an_answer_is_none():
    assert answers("<think><answer>cat</answer></think><answer>Dog.</answer>", 1) == [("dog",)]


def test_a_translator_is_told_what_is_to_agree_and_shown_as_much():
    texts = [[Text("a dog"), Text("a hound"), Text("a lawn", seen=True)], []]
    assert user_input(texts, several=False) == "<frame0>\n  a dog\n</frame0>\n<frame1>\n</frame1>"
    assert user_input(texts, several=True).splitlines()[1:4] == [
        "  <exp1>a dog</exp1>", "  <exp2>a hound</exp2>", "  <exp3>(seen, not heard) a lawn</exp3>",
    ]  # fmt: skip
    told = {one: instructions(one) for one in ("basic", "prompt", "frame", "prompt_frame", "model")}  # type: ignore[arg-type]
    assert len(set(told.values())) == 5
    assert ("listeners, <exp1>" in told["prompt"], "follow one another" in told["prompt"]) == (True, False)
    assert all(words in told["prompt_frame"] for words in ("listeners, <exp1>", "follow one another"))


def test_the_table_names_what_makes_the_sounds_that_were_told():
    translate = MakersTranslator(Makers()).translate
    said = ["animal, bark, whimper (dog)", "music", "Violin, fiddle", "somebody's speechless", "silence"]
    found = translate([[Text(one)] for one in said], Deadline())
    assert found[0] == ("dog",)  # animal is broad
    assert "person" in found[1]
    assert found[2][0] == "violin"
    assert found[3:] == [(), ()]


def test_descriptions_are_sought_as_they_are_without_a_translator():
    (found,) = AsTheyAre().translate([[Text("A dog barks, the bell."), Text("lawn", seen=True)]], Deadline())
    assert found == ("dog barks", "bell")


def test_a_picture_is_described_without_the_sound_beside_it():
    runtime = Talking({"sound": "A dog on a lawn."})
    moment = Moment(np.zeros((4, 4, 3), np.uint8), np.full(16_000, 0.5, np.float32))
    texts = described(moment, [Told([Text("woof")]), ModelDescriber(runtime, seen=True)], True, Deadline())
    assert texts == (Text("woof"), Text("A dog on a lawn.", seen=True))
    assert runtime.heard is None
    assert runtime.batches[0][1] is True


REFUSED = {
    "preset base needs a model": {"preset": "base"},
    "describers names the server": {"describers": "tagger,server"},
    "translator names the model": {"translator": "model"},
    "without a model that translates": {"preset": "base", "server": "http://127.0.0.1:9/v1", "translator": "none"},
    "consistency frame is for a model": {"consistency": "frame"},
    "verify needs a model": {"verify": True},
}


@pytest.mark.parametrize(("told", "options"), REFUSED.items(), ids=REFUSED)
def test_options_that_do_not_go_together_are_a_sentence(told, options):
    with pytest.raises(OptionError, match=told):
        reasoner("openavs", options)


def test_without_weights_it_is_a_sentence_with_what_brings_them(tmp_path):
    with pytest.raises(ReasonerError, match=r"the model nanodet is not in .*: gar-ssl models get nanodet"):
        reasoner("openavs")
    with pytest.raises(OptionError, match=r"^detector: .*nowhere"):
        reasoner("openavs", {"detector": str(tmp_path / "nowhere")})


def test_a_bark_is_boxed_by_small_models_alone(shared_models, shared_media):
    cv2 = pytest.importorskip("cv2")
    read = pytest.importorskip("clips").read_sound
    made = reasoner("openavs")
    assert (made.name, made.model) == ("openavs", "yamnet, nanodet")
    picture = np.ascontiguousarray(cv2.imread(str(shared_media / "dog.jpg"))[..., ::-1])
    sound = Audio(0, read(shared_media / "dog.wav", 16_000)[None, :48_000], 16_000)
    shown = replace(three_seconds(), frames=tuple(Frame(i * SECOND, picture) for i in range(3)), audio=sound)
    found = answer(made, shown)
    assert found.outcome is Outcome.LOCALIZED
    assert found.sources[0].label == "dog"
    assert found.sources[0].av_consistency is None


def test_a_server_describes_and_translates(vllm, tmp_path):
    pytest.importorskip("httpx2", reason="needs the extra served")
    made = reasoner(
        "openavs",
        {
            "server": vllm.url,
            "preset": "base",
            "detector": str(onnx_files.write(tmp_path / "eyes.onnx", "yolox", 128, 128, 80, 1)),
        },
    )
    try:
        found = final(made)
        log = vllm.until(lambda log: all("until" in one for one in log))
        assert (found.outcome, found.sound.label) == (Outcome.UNCERTAIN, "dog, bell")  # type: ignore[union-attr]
        kinds = [[part["type"] for part in one["body"]["messages"][1]["content"]] for one in log]
        assert kinds == [["input_audio", "text"]] * 3 + [["image_url", "text"], ["text"]]
    finally:
        made.close()  # type: ignore[attr-defined]
