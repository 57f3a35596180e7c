"""What the reasoner of small models promises of its logic, with scripted eyes and ears."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Cancelled, Deadline
from gar_ssl_ros.gar.localization import Localization, Outcome, Source
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.reasoner import NotLocated
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.perception.detection import Detection, Image
from gar_ssl_ros.perception.makers import Makers
from gar_ssl_ros.perception.objects import kinds
from gar_ssl_ros.perception.speaking import Speaking
from gar_ssl_ros.perception.tags import Tags, names
from gar_ssl_ros.perception.tracks import FaceTrack
from gar_ssl_ros.reasoners.senses import Senses, SensesReasoner

WIDTH, HEIGHT = 192, 144
DOG, PERSON = Detection("dog", 0.9, Box(10, 60, 70, 130)), Detection("person", 0.9, Box(110, 10, 180, 140))
FACE = Detection("face", 0.9, Box(130, 20, 160, 50))


class DetectorInputs:
    """A detector that sees the same things in every picture, or what a function of the picture says."""

    def __init__(
        self,
        *things: Detection,
        of: Callable[[Image], Iterable[Detection]] | None = None,
        kinds: Iterable[str] = (FACE.label, *kinds()),
    ) -> None:
        self.kinds = tuple(kinds)
        self._see = of or (lambda _: things)

    def detect(self, image: Image) -> list[Detection]:
        return list(self._see(image))


class Ears:
    """A tagger that is so sure of each sound, in every look."""

    def __init__(self, **heard: float) -> None:
        self.names = names()
        self._scores = np.full((5, len(names())), 0.001, np.float32)
        for name, score in heard.items():
            self._scores[:, names().index(name.replace("_", " "))] = score
        self.heard: list[np.ndarray] = []

    def tags(self, samples: np.ndarray) -> Tags:
        self.heard.append(samples)
        return Tags(self._scores, names())


class Names:
    """A finder that finds some things, and knows what it was asked for."""

    def __init__(self, *things: Detection, better_known: Iterable[str] = ()) -> None:
        self._things = things
        self.better_known = tuple(better_known)
        self.asked: set[str] = set()

    def knows(self, name: str) -> bool:
        return name != FACE.label

    def find(self, image: Image, names: Sequence[str]) -> list[Detection]:
        self.asked |= set(names)
        return [thing for thing in self._things if thing.label in names]


class Lips:
    """Who speaks, by the left sides of their faces: so surely, and nobody else."""

    def __init__(self, surely: dict[float, float]) -> None:
        self._surely = surely
        self.asked = 0
        self.prepared: list[Sequence[FaceTrack]] = []

    def speaking(self, window: Window, tracks: Sequence[FaceTrack], samples: np.ndarray) -> list[Speaking]:
        self.asked += 1
        return [
            Speaking(track, np.zeros(1, np.float32), 0.0, 0.0, 0.0, self._surely.get(track.box.x1, 0.0))
            for track in tracks
        ]

    def prepare(self, tracks: Sequence[FaceTrack], check: Callable[[], None]) -> None:
        check()
        self.prepared.append(tracks)


def window(*moves: Box) -> Window:
    """3 s of bursts of noise over a still ground; on it, where asked for, things that jump within boxes with them."""
    random = np.random.default_rng(0)
    ground = random.integers(90, 160, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    loud = (np.arange(30) % 6 < 2).astype(np.float32)
    sound = np.repeat(loud, 1600) * random.normal(0, 0.2, 48_000).astype(np.float32)
    frames = []
    for index in range(30):
        image = ground.copy()
        for thing in moves:
            x1, y1, x2, y2 = (int(side) for side in thing.sides)
            image[y1:y2, x1:x2] = 255 * int(loud[index] * (index % 2))
        frames.append(Frame(index * SECOND // 10, image))
    return Window(0, 3 * SECOND, tuple(frames), Audio(0, sound[None].clip(-1, 1), 16_000))


def senses(
    ears: Ears, faces: DetectorInputs | None = None, objects: DetectorInputs | None = None, makers: Makers | None = None
) -> Senses:
    return Senses(ears, makers or Makers(), faces, objects or DetectorInputs(), ("scripted",))


def found(what: Senses, seen: Window | None = None, seed: int = 0, **options: float) -> Localization:
    *_, last = localize(seen or window(), SensesReasoner(what, seed), GarOptions(**options))  # type: ignore[arg-type]
    return last


def tags(said: Localization) -> tuple[str, ...]:
    agreed = said.cases[0].consensus
    assert agreed is not None
    return tuple(agreed.role_tags)


def test_a_dog_that_is_seen_is_boxed_when_a_bark_is_heard():
    said = found(senses(Ears(bark=0.9), objects=DetectorInputs(PERSON, DOG)))
    (source,) = said.sources
    assert (said.outcome, source.box, source.label) == (Outcome.LOCALIZED, DOG.box, "bark")
    assert source.description == "The dog in the left: bark, a dog makes that."
    assert tags(said)[0] == "dog"


def test_what_no_detector_knows_is_looked_for_by_the_sound_s_own_name():
    finder = Names(Detection("harp", 0.5, Box(20, 30, 80, 120)))
    said = found(replace(senses(Ears(harp=0.9), objects=DetectorInputs(PERSON)), finder=finder))
    (source,) = said.sources
    assert (source.box, source.description) == (
        Box(20, 30, 80, 120),
        "The harp in the left: harp, a harp makes that.",
    )
    assert finder.asked == {"harp"}  # a person is the detector's
    found(replace(senses(Ears(speech=0.9), DetectorInputs(FACE), DetectorInputs(DOG)), finder=finder))
    assert finder.asked == {"harp"}
    found(replace(senses(Ears(bark=0.9), objects=DetectorInputs(DOG)), finder=finder))
    assert finder.asked == {"harp"}
    found(replace(senses(Ears(hammer=0.9), objects=DetectorInputs(DOG)), finder=finder))
    assert finder.asked == {"harp", "hammer", "musical instrument"}  # hands at the last play, and do not work


VIOLIN = Detection("musical instrument", 0.8, Box(100, 30, 180, 130))
HANDS = Box(120, 50, 170, 110)


def test_music_is_of_the_instrument_in_view_and_of_nobody_s_hands_where_there_is_none():
    what = senses(Ears(music=0.9), objects=DetectorInputs(PERSON))
    assert found(what, window(HANDS)).sources[0].box.iou(HANDS) > 0.5
    (source,) = found(replace(what, finder=Names(VIOLIN)), window(HANDS)).sources
    assert (source.box, source.label) == (VIOLIN.box, "music")
    assert source.description.startswith("The musical instrument in the right: music, a musical instrument makes that")
    assert found(replace(what, finder=Names()), window(HANDS)).outcome is Outcome.UNCERTAIN


def test_hands_that_play_are_not_at_work():
    what = senses(Ears(hammer=0.7), objects=DetectorInputs(PERSON))
    assert found(what, window(HANDS)).sources[0].box.iou(HANDS) > 0.5
    playing = replace(what, finder=Names(VIOLIN))
    assert found(playing, window(HANDS)).outcome is Outcome.UNCERTAIN
    assert found(playing, window(Box(20, 20, 70, 80))).outcome is Outcome.LOCALIZED  # somewhere else


def test_a_finder_confirms_what_it_knows_better_than_a_detector():
    doubtful = replace(DOG, score=0.3)
    what = senses(Ears(bark=0.9), objects=DetectorInputs(doubtful))
    assert found(what).sources[0].box == DOG.box
    sees = Names(replace(DOG, box=Box(0, 50, 80, 140)), better_known=["dog"])
    assert [one.box for one in found(replace(what, finder=sees)).sources] == [DOG.box]
    as_cat = senses(Ears(bark=0.9), objects=DetectorInputs(replace(doubtful, label="cat")))
    kin = Names(replace(DOG, box=Box(20, 70, 50, 100)), better_known=["dog", "cat"])  # its head
    assert [one.box for one in found(replace(as_cat, finder=kin)).sources] == [DOG.box]
    blind = Names(better_known=["dog"])
    assert not found(replace(what, finder=blind)).sources
    sure = senses(Ears(bark=0.9), objects=DetectorInputs(DOG))
    assert found(replace(sure, finder=blind)).sources[0].box == DOG.box
    alone = senses(Ears(bark=0.9), objects=DetectorInputs())
    assert found(replace(alone, finder=sees)).sources[0].box == Box(0, 50, 80, 140)


def test_who_eats_is_the_face_in_view_whatever_its_lips_do():
    said = found(replace(senses(Ears(biting=0.6), DetectorInputs(FACE)), speakers=Lips({})))
    assert said.sources[0].box.contains(*FACE.box.center)
    assert said.sources[0].description == "The face in the upper right: biting, a face makes that."


def test_speech_is_a_face_s_and_its_box_is_the_head():
    said = found(senses(Ears(speech=0.9), DetectorInputs(FACE), DetectorInputs(PERSON, DOG)))
    (source,) = said.sources
    assert FACE.box.x1 > source.box.x1 >= 0
    assert FACE.box.y2 < source.box.y2 < PERSON.box.y2
    assert source.box.contains(*FACE.box.center)


LEFT = Detection("face", 0.9, Box(20, 20, 50, 50))


def test_of_two_faces_the_one_whose_lips_go_with_the_voice_is_boxed_and_a_doubt_is_told():
    def told(left: float, right: float) -> Source:
        lips = Lips({LEFT.box.x1: left, FACE.box.x1: right})
        (source,) = found(replace(senses(Ears(speech=0.9), DetectorInputs(LEFT, FACE)), speakers=lips)).sources
        return source

    sure, unsure = told(0.05, 0.9), told(0.4, 0.45)
    assert sure.box.contains(*FACE.box.center)
    assert unsure.box.contains(*FACE.box.center)
    assert "its lips move with it" in sure.description
    assert (sure.av_consistency or 0) > 0.8
    assert 0.4 < (unsure.av_consistency or 0) < 0.6


def test_two_who_speak_are_two_sources():
    lips = Lips({LEFT.box.x1: 0.45, FACE.box.x1: 0.5})
    said = found(replace(senses(Ears(speech=0.9), DetectorInputs(LEFT, FACE)), speakers=lips), sources=2)
    assert len(said.sources) == 2


def test_a_face_that_does_not_speak_is_not_boxed_for_a_voice():
    said = found(replace(senses(Ears(speech=0.9), DetectorInputs(FACE)), speakers=Lips({})))
    assert (said.outcome, said.detail) == (
        Outcome.UNCERTAIN,
        "speech is heard, and nothing shows which thing makes it",
    )


def test_a_face_that_is_seen_too_briefly_to_be_judged_is_not_boxed_for_a_voice_that_others_would_be():
    seen = window(Box(60, 40, 90, 70))  # so that its pictures differ
    middle = seen.center.image
    brief = senses(Ears(speech=0.9), DetectorInputs(of=lambda image: [FACE] if image is middle else []))
    assert found(replace(brief, speakers=Lips({})), seen).outcome is Outcome.UNCERTAIN
    assert found(brief, seen).outcome is Outcome.LOCALIZED  # without a model that looks at lips


@pytest.mark.parametrize(("heard", "times"), [("speech", 1), ("laughter", 1), ("bark", 0), ("music", 0)])
def test_lips_are_looked_at_for_voices_and_laughter_only(heard, times):
    lips = Lips({})
    found(replace(senses(Ears(**{heard: 0.9}), DetectorInputs(FACE), DetectorInputs(DOG)), speakers=lips))
    assert lips.asked == times


@pytest.mark.parametrize(("heard", "times"), [("speech", 1), ("bark", 0)])
def test_a_window_that_comes_is_looked_at_where_it_can_be_and_its_answer_is_the_same(heard, times):
    looks: list[Image] = []

    def counted(image: Image) -> list[Detection]:
        looks.append(image)
        return [DOG]

    lips, whole = Lips({}), window()
    what = replace(senses(Ears(**{heard: 0.9}), DetectorInputs(FACE), DetectorInputs(of=counted)), speakers=lips)
    reasoner = SensesReasoner(what)
    for pictures, seen in ((10, 0), (25, 1)):  # before and after the middle
        reasoner.prepare(replace(whole, frames=whole.frames[:pictures]), Deadline())
        assert len(looks) == seen
    assert [len(tracks[0].crops) for tracks in lips.prepared] == times * [22, 60]
    *_, said = localize(whole, reasoner)
    alone = found(what, whole)
    assert [image is whole.center.image for image in looks[:1]] == [True]
    assert (said.outcome, said.sources) == (alone.outcome, alone.sources)


def test_a_preparation_ends_where_a_window_is_due():
    due = Deadline()
    due.cancel()
    with pytest.raises(Cancelled):
        SensesReasoner(senses(Ears(speech=0.9), DetectorInputs(FACE))).prepare(window(), due)


@pytest.mark.parametrize(("surely", "outcome"), [(0.0, Outcome.UNCERTAIN), (0.15, Outcome.LOCALIZED)])
def test_a_laugh_is_a_face_s_whose_lips_move_a_little_and_not_a_still_one_s(surely, outcome):
    lips = Lips({FACE.box.x1: surely})
    said = found(replace(senses(Ears(laughter=0.9), DetectorInputs(FACE)), speakers=lips))
    assert said.outcome is outcome


def test_what_no_thing_in_view_makes_is_off_screen_with_the_reason():
    said = found(senses(Ears(bark=0.9), DetectorInputs(FACE), DetectorInputs(PERSON)))
    assert (said.outcome, said.detail) == (Outcome.OFF_SCREEN, "bark is heard, and no dog is in view")


def test_what_is_seen_in_another_picture_of_the_window_is_not_called_off_screen():
    seen = window(Box(60, 40, 90, 70))  # so that its pictures differ
    middle = seen.center.image
    said = found(
        senses(Ears(bark=0.9), objects=DetectorInputs(of=lambda image: [] if image is middle else [DOG])), seen
    )
    assert said.outcome in (Outcome.UNCERTAIN, Outcome.LOCALIZED)


def test_a_sound_that_is_not_sure_is_not_called_off_screen():
    assert found(senses(Ears(bark=0.4), objects=DetectorInputs(PERSON))).outcome is Outcome.UNCERTAIN


def test_a_sound_of_what_no_detector_knows_is_not_called_off_screen():
    said = found(senses(Ears(wind=0.9)))
    assert (said.outcome, said.detail) == (
        Outcome.UNCERTAIN,
        "wind is heard, and no model here knows what makes that",
    )


def test_an_insect_is_too_small_to_be_called_off_screen_though_it_is_an_animal():
    heard = {"wild animals": 0.95, "bee, wasp, etc.": 0.9}
    assert found(senses(Ears(**heard), objects=DetectorInputs(PERSON))).outcome is Outcome.UNCERTAIN
    assert found(senses(Ears(roar=0.95), objects=DetectorInputs(PERSON))).outcome is Outcome.OFF_SCREEN


def test_music_over_an_empty_room_or_somebody_who_sits_in_it_is_uncertain():
    assert found(senses(Ears(music=0.9))).outcome is Outcome.UNCERTAIN
    assert found(senses(Ears(music=0.95), objects=DetectorInputs(PERSON))).outcome is Outcome.UNCERTAIN


def test_music_behind_a_voice_is_nobody_s_in_view_whatever_moves():
    moves = Box(120, 70, 150, 110)
    eyes = replace(senses(Ears(speech=0.9, music=0.8), DetectorInputs(FACE), DetectorInputs(PERSON)), speakers=Lips({}))
    assert found(eyes, window(moves)).outcome is Outcome.UNCERTAIN
    assert found(replace(eyes, tagger=Ears(music=0.9)), window(moves)).outcome is Outcome.LOCALIZED


def test_what_has_no_name_is_not_taken_for_the_maker_of_a_lesser_sound():
    moves = Box(120, 70, 150, 110)
    said = found(senses(Ears(wind=0.5, bark=0.95), objects=DetectorInputs(PERSON)), window(moves))
    assert said.outcome is Outcome.OFF_SCREEN


def test_what_moves_in_time_with_a_sound_that_has_no_name_is_boxed_and_called_that():
    moves = Box(60, 40, 90, 70)
    (source,) = found(senses(Ears(), objects=DetectorInputs(PERSON)), window(moves)).sources
    assert source.box.iou(moves) > 0.3
    assert source.label == "sound"
    assert "sound, which nothing here names" in source.description
    assert found(senses(Ears())).outcome is Outcome.UNCERTAIN


def test_a_known_thing_that_moves_is_not_the_maker_of_another_s_sound():
    moves = Box(120, 40, 170, 120)  # all of it in the person
    assert found(senses(Ears(bark=0.9), objects=DetectorInputs(PERSON)), window(moves)).outcome is Outcome.OFF_SCREEN


def test_what_moves_and_has_no_name_is_pointed_at_where_nothing_else_would_make_the_sound():
    moves = Box(110, 60, 150, 100)
    said = found(senses(Ears(wind=0.9)), window(moves))
    assert said.sources[0].box.iou(moves) > 0.3
    assert tags(said)[0] in ("moving", "in_time")


def test_two_sounds_are_two_sources_each_with_its_own_label():
    what = senses(Ears(bark=0.9, speech=0.8), DetectorInputs(FACE), DetectorInputs(DOG, PERSON))
    said = found(what, sources=2)
    assert {source.label for source in said.sources} == {"bark", "speech"}
    assert next(source for source in said.sources if source.label == "bark").box == DOG.box
    assert len(found(what, sources=1).sources) == 1


def test_a_source_is_told_by_the_telling_sound_not_by_the_broad_one():
    (source,) = found(senses(Ears(animal=0.96, dog=0.89), objects=DetectorInputs(DOG))).sources
    assert source.label == "dog"


def test_one_thing_is_never_two_sources():
    again = replace(DOG, score=0.5, box=Box(12, 62, 72, 130))
    assert len(found(senses(Ears(bark=0.9), objects=DetectorInputs(DOG, again)), sources=4).sources) == 1


def test_what_sounds_silent_to_the_tagger_is_silent():
    assert found(senses(Ears(silence=1.0), objects=DetectorInputs(DOG))).outcome is Outcome.SILENT


def test_a_sure_sound_is_not_silent_for_a_little_silence():
    assert found(senses(Ears(bark=0.9, silence=0.2), objects=DetectorInputs(DOG))).outcome is Outcome.LOCALIZED


def test_the_same_seed_gives_the_same_trials_and_another_one_others():
    moves = Box(120, 70, 150, 110)
    what = senses(Ears(musical_instrument=0.8), objects=DetectorInputs(PERSON, DOG))
    trials = [found(what, window(moves), seed).cases[0].trials for seed in (0, 0, 1)]
    assert trials[0] == trials[1] != trials[2]
    fewer = localize(window(moves), SensesReasoner(what), GarOptions(trials=2))
    assert list(fewer)[-1].cases[0].trials == trials[0][:2]


def test_votes_are_places_in_the_picture_the_source_s_own_among_them():
    case = found(senses(Ears(bark=0.9), DetectorInputs(FACE), DetectorInputs(DOG, PERSON))).cases[0]
    assert case.consensus is not None
    assert case.consensus.anchor_votes[0].anchor.startswith("dog_in_the_")
    assert all(vote.point is not None for vote in case.consensus.anchor_votes)
    assert case.kept is True


def test_refinement_meets_what_moves_halfway_with_the_person_that_it_is_a_part_of():
    moves = Box(120, 70, 150, 110)
    what = senses(Ears(musical_instrument=0.9), objects=DetectorInputs(PERSON))
    (source,) = found(what, window(moves), tau_aud=1.0).sources
    assert source.initial_box is not None
    assert source.initial_box.area < source.box.area < PERSON.box.area


def test_no_face_detector_or_no_object_detector_takes_nothing_from_the_other():
    assert found(Senses(Ears(bark=0.9), Makers(), None, DetectorInputs(DOG), ())).sources[0].box == DOG.box
    assert found(Senses(Ears(speech=0.9), Makers(), DetectorInputs(FACE), None, ())).outcome is Outcome.LOCALIZED


def test_what_no_model_that_is_here_looks_for_is_not_called_off_screen():
    assert (
        found(Senses(Ears(bark=0.9), Makers(), DetectorInputs(FACE, kinds=["face"]), None, ())).outcome
        is Outcome.UNCERTAIN
    )
    assert (
        found(Senses(Ears(speech=0.9), Makers(), None, DetectorInputs(DOG, kinds=kinds()), ())).outcome
        is Outcome.UNCERTAIN
    )


def test_makers_of_one_s_own_come_first(tmp_path):
    own = tmp_path / "makers.yaml"
    own.write_text("- {name: robot dog, by: itself, seen: [person], sounds: [bark]}\n")
    (source,) = found(senses(Ears(bark=0.9), objects=DetectorInputs(DOG, PERSON), makers=Makers(own))).sources
    assert source.box == PERSON.box


@pytest.mark.parametrize("rate", [8_000, 44_100])
def test_sound_of_any_rate_and_channels_is_heard_as_one_channel_at_16_khz(rate):
    ears = Ears(bark=0.9)
    audio = Audio(0, np.random.default_rng(0).normal(0, 0.1, (2, 3 * rate)).astype(np.float32), rate)
    found(senses(ears, objects=DetectorInputs(DOG)), replace(window(), audio=audio))
    (heard,) = ears.heard
    assert heard.shape == (48_000,)


@pytest.mark.parametrize("size", [(1, 1), (2, 2), (33, 800), (641, 479)])
def test_any_size_of_picture(size):
    width, height = size
    frames = tuple(
        Frame(i * SECOND // 10, np.random.default_rng(i).integers(0, 255, (height, width, 3), dtype=np.uint8))
        for i in range(30)
    )
    for heard in (Ears(bark=0.9), Ears(wind=0.9), Ears(musical_instrument=0.9)):
        said = found(senses(heard), replace(window(), frames=frames), sources=2)
        assert said.outcome is not Outcome.BACKEND_ERROR, said.detail
        for source in said.sources:
            assert 0 <= source.box.x1 < source.box.x2 <= width
            assert 0 <= source.box.y1 < source.box.y2 <= height


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_pictures_are_enough_for_what_is_known(count):
    few = replace(window(), frames=window().frames[14 : 14 + count])
    assert found(senses(Ears(bark=0.9), objects=DetectorInputs(DOG)), few).sources[0].box == DOG.box


def test_it_is_analyzed_only_once_it_is_located():
    with (
        SensesReasoner(senses(Ears(bark=0.9))).read(window(), Deadline()) as reading,
        pytest.raises(NotLocated),
    ):
        reading.analyze([], 1)


def test_a_deadline_ends_it():
    *_, last = localize(
        window(), SensesReasoner(senses(Ears(bark=0.9), objects=DetectorInputs(DOG))), None, Deadline(0.0)
    )
    assert last.outcome is Outcome.TIMEOUT
