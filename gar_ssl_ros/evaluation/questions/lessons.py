"""Questions as lessons: a split's own, or others about the same scenes, with which encoders warm up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import soundfile  # librosa brings it
from numpy.typing import NDArray

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.evaluation.datasets.media import read_image
from gar_ssl_ros.evaluation.questions.record import QuestionRecord, QuestionsError, read_config
from gar_ssl_ros.files import check_file
from gar_ssl_ros.spatial.hearing.array import MicrophoneArray
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.model.lessons import Lesson, Placed, Scene
from gar_ssl_ros.spatial.questions.forms import HEARD_TYPES, SEEN_TYPES, Fields, QuestionType, placed
from gar_ssl_ros.spatial.questions.words import Question, answer_text, question_text, wordings

DRAWS = 4  # questions about each scene, where any may be asked
AMONG = 3  # scenes, about one of which such a question is asked, where a split's own are asked, too
WARM_UP = (*HEARD_TYPES, *SEEN_TYPES)


class QuestionLessons:
    """The questions of these types, all where none is named; of those with which encoders warm up, several about each
    scene, or a few among a split's own.
    """

    def __init__(
        self,
        folder: Path,
        records: Sequence[QuestionRecord],
        ears: tuple[int, int] | None,
        types: Sequence[QuestionType],
    ) -> None:
        """ears: the channels of a recording that are the left ear's and the right one's; None where it is not heard."""
        self._folder, self._ears = folder, ears
        self._symmetric = ears is not None and symmetric(folder, ears)
        own = set(types) - set(WARM_UP)
        self._own = [one for one in records if not types or one.question_type in own]
        self._drawn = [one for one in types if one in WARM_UP]
        self._draws = 1 if self._own else DRAWS
        self._records = records[:: AMONG if self._own else 1] if self._drawn else ()

    def __len__(self) -> int:
        return len(self._own) + self._draws * len(self._records)

    def __getitem__(self, index: int) -> Lesson:
        """Its scene is read when it is asked for."""
        if index < len(self._own):
            record = self._own[index]
            return self._lesson(record, record.question, record.answer)
        draw, at = divmod(index - len(self._own), len(self._records))
        record = self._records[at]
        random = np.random.default_rng([record.index, draw])
        question, answer = about(random, record, self._drawn[int(random.integers(len(self._drawn)))])
        return self._lesson(record, question_text(question), answer_text(question.type, answer))

    def _lesson(self, record: QuestionRecord, question: str, answer: str) -> Lesson:
        source = record.sources[0]
        objects = tuple(Placed(one.label, one.spot, one.width) for one in record.objects)
        scene = partial(scene_of, self._folder, record, self._ears)
        heard = Placed(source.label, source.spot)
        return Lesson(record.id, scene, heard, objects, question, answer, self._symmetric)


def about(random: np.random.Generator, record: QuestionRecord, asked: QuestionType) -> tuple[Question, Fields]:
    """A question with which an encoder warms up, and its answer. Of things alike it is not asked where they are."""
    source = record.sources[0]
    wording = str(random.choice(list(wordings(asked))))
    if asked is QuestionType.A1:
        return Question(asked, wording), {"sound": source.label}
    if asked is QuestionType.A2:
        return Question(asked, wording), placed(source.spot)
    labels = [one.label for one in record.objects]
    single = [one for one in record.objects if labels.count(one.label) == 1]
    if asked is QuestionType.V2 and single:
        thing = single[int(random.integers(len(single)))]
        return Question(asked, wording, {"object": thing.label}), placed(thing.spot)
    if asked is QuestionType.V2:
        asked, wording = QuestionType.V1, str(random.choice(list(wordings(QuestionType.V1))))
    thing = record.objects[int(random.integers(len(labels)))]
    return Question(asked, wording, placed(thing.spot)), {"object": thing.label}


def ears_of(folder: Path, records: Sequence[QuestionRecord]) -> tuple[int, int]:
    """The channels that are the left ear's and the right one's: the array's first two, or one twice where there is one.

    Raises OptionError and ArrayError where the array is not there, QuestionsError where no sound is.
    """
    if len(_recorded(folder / records[0].audio)[0]) == 1:
        return 0, 0
    array = _array_of(folder)
    if array is None:
        raise QuestionsError(f"{folder} names no array that its sounds were heard by: make them anew")
    return array.channels[0], array.channels[1]


def symmetric(folder: Path, ears: tuple[int, int]) -> bool:
    """Whether one of the ears is to the left where the other is to the right, as a head's are.

    Raises OptionError and ArrayError where the array is not there.
    """
    if ears[0] == ears[1]:
        return False
    array = _array_of(folder)
    if array is None or not array.positions:
        return False
    left, right = (array.positions[array.channels.index(one)] for one in ears)
    return bool(np.allclose(left, np.multiply(right, (1, -1, 1)), atol=1e-4))


def _array_of(folder: Path) -> MicrophoneArray | None:
    return array_of(HearingOptions(array=read_config(folder).array))


def classes_of(records: Sequence[QuestionRecord]) -> tuple[str, ...]:
    """All that sounds or is seen in them, by name."""
    return tuple(sorted({one.label for record in records for one in (*record.sources, *record.objects)}))


def scene_of(folder: Path, record: QuestionRecord, ears: tuple[int, int] | None) -> Scene:
    """What a question is about. Raises ClipError and QuestionsError where it cannot be seen or heard."""
    picture = read_image(folder / record.image)
    if ears is None:
        return Scene(picture, None, record.rate)
    path = folder / record.audio
    sound, rate = _recorded(path)
    if len(sound) <= max(ears):
        told = f"{path} has {len(sound)} channels"
        raise QuestionsError(f"{told}, and its ears are the channels {ears[0]} and {ears[1]}: make it anew")
    return Scene(picture, sound[list(ears)], rate)


def _recorded(path: Path) -> tuple[NDArray[np.float32], int]:
    """(channels, samples), and Hz. By libsndfile, far faster than FFmpeg where files are many and short."""
    try:
        check_file(path)
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as problem:
        raise QuestionsError(f"{path} cannot be heard ({sentence(problem)}): make it anew") from None
    return np.ascontiguousarray(sound.T), rate
