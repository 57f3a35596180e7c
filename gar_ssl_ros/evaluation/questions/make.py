"""Questions made: each by its number alone, so that shards and resumed runs give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.evaluation.questions.catalog import Catalog
from gar_ssl_ros.evaluation.questions.options import SPLITS, QuestionOptions
from gar_ssl_ros.evaluation.questions.panorama import Image, PlacedPicture, empty_room, render, width_of
from gar_ssl_ros.evaluation.questions.places import KEPT_ROOMS, QuestionRoom, RoomResponses
from gar_ssl_ros.evaluation.questions.record import (
    QuestionRecord,
    QuestionsError,
    TrueObject,
    TrueSound,
    media_of,
    name_of,
    write_config,
)
from gar_ssl_ros.evaluation.questions.scenes import QuestionScene, draw_scene
from gar_ssl_ros.evaluation.scenes.acoustics import require_rooms
from gar_ssl_ros.evaluation.scenes.rooms import PEAK, convolved, level_of, room_noise
from gar_ssl_ros.files import write_whole
from gar_ssl_ros.media.window import SPEECH_RATE_HZ
from gar_ssl_ros.output.record import RecordWriter
from gar_ssl_ros.output.video import LAYOUTS
from gar_ssl_ros.spatial.hearing.array import Kind, MicrophoneArray
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.questions.forms import Spot
from gar_ssl_ros.spatial.questions.words import answer_text, question_text

RESPONSES = "responses"  # folder of what rooms carry
IMAGE, SOUND = ".jpg", ".flac"
JPEG_QUALITY = 92
NOISES = 32  # pieces of noise that take turns, each begun anywhere: they take as long to make as all else


@dataclass(frozen=True, eq=False)
class MadeQuestion:
    """image, sound: as the files that the record names hold them."""

    record: QuestionRecord
    image: bytes
    sound: bytes


class Maker:
    """Makes any question of a set of options. folder: where room responses are kept; None for nowhere.

    Raises UserError where the options name what is not there or cannot be used.
    """

    def __init__(self, options: QuestionOptions, folder: Path | None = None) -> None:
        self.options = options
        self.array = array_to_hear_with(options)
        self.catalog = Catalog(options)
        self.responses = RoomResponses(self.array, options.rt60, folder)
        self._noise = lru_cache(maxsize=NOISES)(self._noise_made)
        self._empty = lru_cache(maxsize=KEPT_ROOMS)(self._ground)

    def make(self, split: str, index: int) -> MadeQuestion:
        """Raises UserError and OSError where the user's own pictures or sounds cannot be used."""
        scene = draw_scene(self.options, self.catalog, split, index)
        random = np.random.default_rng([self.options.seed, SPLITS.index(split), index, 8])
        cutouts = [self.catalog.cutout(one.label, one.picture) for one in scene.things]
        placed = [PlacedPicture(*cut, scene.spot(at)) for at, cut in enumerate(cutouts)]
        image = render(random, self._empty(scene.room), scene.room, placed, self.options)
        record = self._record(scene, split, index, [width_of(one) for one in placed])
        return MadeQuestion(record, _jpeg(image), _flac(self._heard(scene, random)))

    def _heard(self, scene: QuestionScene, random: np.random.Generator) -> NDArray[np.float32]:
        """(recorded channels, samples); those that are not the array's are zero."""
        count = round(self.options.seconds * SPEECH_RATE_HZ)
        samples = self.catalog.sound(scene.sound, scene.recording)
        arrived = convolved(samples, self.responses.of(scene.room)[scene.place])[:, :count]
        noise = np.roll(self._noise(int(random.integers(NOISES))), int(random.integers(count)), axis=1)
        heard = arrived / max(level_of(arrived, self.array), 1e-9) + noise * 10 ** (-self.options.snr / 20)
        heard *= PEAK / max(float(np.abs(heard).max()), 1e-9)
        recorded = np.zeros((self.array.recorded or 1 + max(self.array.channels), count), np.float32)
        recorded[list(self.array.channels)] = heard
        return recorded

    def _record(self, scene: QuestionScene, split: str, index: int, widths: Sequence[float]) -> QuestionRecord:
        objects = [
            TrueObject(label=one.label, picture=one.picture, width=round(width, 2), **_place(scene.spot(at)))
            for at, (one, width) in enumerate(zip(scene.things, widths, strict=True))
        ]
        place = _place(scene.room.spots[scene.place])
        source = TrueSound(label=scene.sound, recording=scene.recording, object=scene.source, **place)
        return QuestionRecord(
            id=name_of(split, index),
            split=split,
            image=media_of(split, index, IMAGE),
            audio=media_of(split, index, SOUND),
            rate=SPEECH_RATE_HZ,
            question_type=scene.question.type,
            template=scene.question.template,
            question=question_text(scene.question),
            answer=answer_text(scene.question.type, scene.answer),
            slots=dict(scene.question.slots),
            fields=dict(scene.answer),
            sources=(source,),
            objects=tuple(objects),
            room=scene.room.name,
        )

    def _noise_made(self, number: int) -> NDArray[np.float32]:
        count = round(self.options.seconds * SPEECH_RATE_HZ)
        return room_noise(number, self.array, count).astype(np.float32)

    def _ground(self, room: QuestionRoom) -> Image:
        return empty_room(room, self.options)


def array_to_hear_with(options: QuestionOptions) -> MicrophoneArray:
    """Raises UserError where there is no such array, or what simulates rooms about it is not installed."""
    array = array_of(HearingOptions(array=options.array))
    if array is None:
        raise UserError("questions need an array to hear with: give --array binaural, or another that is known")
    if options.sofa:
        if array.kind is not Kind.BINAURAL:
            raise UserError(f"--sofa gives a head's responses, and {array.name} is no head: give --array binaural")
        array = replace(array, responses=options.sofa)
    require_rooms(array)
    return array


def write_question(folder: Path, made: MadeQuestion) -> None:
    """Its picture and sound, each whole or not there. Raises OSError."""
    for name, content in ((made.record.image, made.image), (made.record.audio, made.sound)):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)


class QuestionWork:
    """Makes questions and writes their media: what one worker does. Raises UserError, as Maker."""

    def __init__(self, options: QuestionOptions, folder: Path) -> None:
        self._maker, self._folder = Maker(options, folder / RESPONSES), folder

    def make(self, split: str, index: int) -> QuestionRecord:
        """Its line is for whoever collects them. Raises UserError and OSError."""
        made = self._maker.make(split, index)
        write_question(self._folder, made)
        return made.record


def file_of(split: str, shard: tuple[int, int]) -> str:
    """Which of a folder holds a shard's questions."""
    index, of = shard
    return f"{split}.jsonl" if of == 1 else f"{split}-{index}-of-{of}.jsonl"


def open_questions(
    options: QuestionOptions, folder: Path, split: str, shard: tuple[int, int], resume: bool
) -> RecordWriter:
    """For a shard's lines. Raises QuestionsError where the folder holds others, or the same and `resume` is not given,
    or another process writes them; OSError where it cannot be written.
    """
    write_config(folder, options)
    path = folder / file_of(split, shard)
    if not resume and path.exists() and path.stat().st_size:
        raise QuestionsError(f"{path} exists already: go on with --resume, or give another --out")
    try:
        return RecordWriter(path, resume=True)
    except BlockingIOError:
        raise QuestionsError(f"{path} is being written by another run: let it end first") from None


def append_all(writer: RecordWriter, records: Iterable[QuestionRecord]) -> Iterator[QuestionRecord]:
    """Each line on disk once its media are, in order. Raises OSError."""
    with closing(writer):
        for record in records:
            writer.write(record)
            yield record


def _place(spot: Spot) -> dict[str, float]:
    return {
        "azimuth": round(spot.azimuth, 2),
        "elevation": round(spot.elevation, 2),
        "distance": round(spot.distance, 3),
    }


def _jpeg(image: Image) -> bytes:
    _, packed = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    return packed.tobytes()


def _flac(samples: NDArray[np.float32]) -> bytes:
    """(channels, samples), 8 channels at most, in 16 bits at SPEECH_RATE_HZ."""
    layout = LAYOUTS[len(samples) - 1]
    packed = io.BytesIO()
    with av.open(packed, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=SPEECH_RATE_HZ, layout=layout, options={"compression_level": "3"})
        content = np.ascontiguousarray((samples.T * 32767).round().astype(np.int16)).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(content, format="s16", layout=layout)
        frame.sample_rate = SPEECH_RATE_HZ
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return packed.getvalue()
