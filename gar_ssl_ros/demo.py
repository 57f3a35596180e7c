"""The main job, seen to work live: a clip is played to the localizer, and what it says is held against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from gar_ssl_ros.evaluation.scenes.files import SceneTruth, write_film
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import FOUND
from gar_ssl_ros.files import OutputError, check_outputs, taken
from gar_ssl_ros.live import LiveError, play
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.nodes.images import rgb_from_image
from gar_ssl_ros.nodes.rosbag import Bag
from gar_ssl_ros.offline import annotate
from gar_ssl_ros.output.record import RecordWriter, WindowRecord

LENGTH = 6.0  # s of each scene, so that several windows of 3 s lie wholly in it
SCENES = {  # kind: seed, title
    Kind.ONE: (7, "one source, two distractors"),
    Kind.TWO: (7, "two sources, one distractor"),
    Kind.FACE: (4, "a talking face"),
    Kind.OFFSCREEN: (7, "the sound is made off screen"),
    Kind.SILENT: (7, "silence"),
}
COLUMNS = "{:<32}{:<12}{:<16}{:<26}{}"
FINAL = 2  # SoundSourceArray.FINAL
LATE = 300  # pictures of the clip that may be gone before the recorder hears the first


def scenes(out: Path, who: Mapping[str, object], overwrite: bool = False) -> bool:
    """Play one scene of each kind to the localizer and print how it went. Returns whether all went well.

    who: the localizer's parameters that say who answers. overwrite: whether results that exist may be replaced.

    Raises OutputError where they may not, LiveError, and what reading a clip and writing results raise.
    """
    film = out / "scenes.mp4"
    _make_room(out, film, [film], [], overwrite)
    print(f"rendering {len(SCENES)} scenes of {LENGTH:g} s into {film}", flush=True)
    rendered = [Scene(SceneOptions(kind=kind, seed=seed, seconds=LENGTH)) for kind, (seed, _) in SCENES.items()]
    truths = write_film(rendered, film)
    records = _live(film, out, {"sources": 2, **who})
    print("\n" + COLUMNS.format("scene", "expected", "windows right", "IoU of each source", "heard"))
    verdicts = []
    for index, (truth, (_, title)) in enumerate(zip(truths, SCENES.values(), strict=True)):
        begin = index * LENGTH
        inside = [record for record in records if record.start_s >= begin and record.end_s <= begin + LENGTH]
        verdicts.append(_judged(title, truth, inside, begin))
    return all(verdicts)


def recording(clip: Path, out: Path, who: Mapping[str, object], overwrite: bool = False) -> bool:
    """Play a recording of the user's own to the localizer. Returns whether no window failed.

    Raises as `scenes` does.
    """
    Clip(clip)  # what cannot be read is told before anything starts
    _make_room(out, clip, [], [clip], overwrite)
    return not any(record.outcome.failed for record in _live(clip, out, {"sources": 1, **who}))


def _live(clip: Path, out: Path, parameters: Mapping[str, object]) -> list[WindowRecord]:
    """The answers to a clip that was played, in its own time; on disk beside them its bag and annotated video."""
    bag, (records, video) = out / "bag", _results(out, clip)
    print("player, localizer and recorder start; the answers of ~/sources as they come:\n", flush=True)
    print(f"{'outcome':<14}{'heard':<10}{'id':<5}box, pixels, and why", flush=True)
    play(clip, bag, parameters, lambda line: print(line, flush=True))
    found = list(_recorded(clip, bag))
    if not found:
        raise LiveError(f"no window of {clip} was answered: it must have more than 3 s")
    with closing(RecordWriter(records)) as writer:
        for record in found:
            writer.write(record)
    annotate(Clip(clip), records, video)
    print(f"\nannotated video: {video}\nrosbag2:         {bag}\nrecords:         {records}")
    return found


def _results(out: Path, clip: Path) -> tuple[Path, Path]:
    """Where a clip's records and its annotated video go."""
    return out / f"{clip.stem}.jsonl", out / f"{clip.stem}_annotated.mp4"


def _make_room(out: Path, clip: Path, made: Sequence[Path], read: Sequence[Path], overwrite: bool) -> None:
    """Make `out`, and free in it the names of all results of a clip, and of what is `made` beside them.

    read: what must stay. Nothing is removed before all is settled, and of the folder `bag` nothing but a bag of ours.
    """
    bag = out / "bag"
    parts = [bag / "metadata.yaml", bag / "bag.mcap"]
    if not bag.is_dir() or bag.is_symlink():
        parts = [bag]
    elif not overwrite:
        raise taken(bag)
    elif others := sorted(path.name for path in set(bag.iterdir()) - set(parts)):
        raise OutputError(f"{bag} holds more than a bag ({others[0]}): move it, or give another --out")
    results = [*made, *_results(out, clip), *parts]
    check_outputs(results, read, overwrite)
    out.mkdir(parents=True, exist_ok=True)
    for path in results:
        path.unlink(missing_ok=True)
    if bag.is_dir():
        bag.rmdir()


def _recorded(clip: Path, path: Path) -> Iterator[WindowRecord]:
    """The final answers in a bag, their times those of the clip."""
    origin: int | None = None
    with Bag(path) as bag:
        for one in bag.messages():
            if one.topic == "/image" and origin is None:
                origin = _origin(clip, bag.message(one))
            elif one.topic == "/localizer/sources" and origin is not None:
                message: Any = bag.message(one)
                record = WindowRecord.model_validate_json(message.reasoning)
                begin = origin / SECOND
                times = {"start_s": record.start_s, "end_s": record.end_s, "center_s": record.center_s}
                if message.stage == FINAL:
                    yield record.model_copy(update={key: time - begin for key, time in times.items()})


def _origin(clip: Path, message: Any) -> int:
    """The stamp, ns, at which the clip began, by the picture that a message of it holds."""
    stamp = int(message.header.stamp.sec * SECOND + message.header.stamp.nanosec)
    image = rgb_from_image(message)
    for frame in islice(Clip(clip).pictures(), LATE):
        if np.array_equal(frame.image, image):
            return stamp - frame.stamp
    return stamp


def _judged(title: str, truth: SceneTruth, records: Sequence[WindowRecord], begin: float) -> bool:
    """Print how the windows that lie in a scene went; whether most of them are right."""
    overlaps = [truth.overlaps([box.box for box in record.sources], record.center_s - begin) for record in records]
    right = [
        record.outcome == truth.outcome and all(overlap >= FOUND for overlap in seen)
        for record, seen in zip(records, overlaps, strict=True)
    ]
    good = 2 * sum(right) > len(records)
    shown = ", ".join(f"{np.mean(column):.2f}" for column in zip(*overlaps, strict=True)) or "-"
    heard = ", ".join(dict.fromkeys(record.sound.label for record in records if record.sound)) or "-"
    counts = f"{sum(right)} of {len(records)}"
    print(COLUMNS.format(title, truth.outcome, counts, shown, heard) + ("" if good else "   WRONG"))
    return good
