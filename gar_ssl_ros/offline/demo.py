"""The main job, seen to work live: a clip is played to the localizer, and what it says is held against the truth."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.evaluation.scenes.files import SceneTruth, write_film
from gar_ssl_ros.evaluation.scenes.promised import SIGNAL_ACCURACY, least_right
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import MIN_FOUND_IOU
from gar_ssl_ros.files import OutputError, check_outputs, taken
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.images import rgb_from_image
from gar_ssl_ros.messages.stamps import ns_of
from gar_ssl_ros.offline.playback import play
from gar_ssl_ros.offline.processes import LiveError
from gar_ssl_ros.offline.recordings import annotate
from gar_ssl_ros.output.record import RecordWriter, WindowRecord

SCENE_S = 4.0  # of each scene, so that at least one window of 3 s, one each second, lies wholly in it
SEEDS = range(20_000, 20_006)  # none that anything was chosen on or is measured on
RATES = (2.0, 1.0)  # times as fast as life, the later for what is late at the earlier: the stamps are the scenes' own
MAX_GAP_S = 0.1  # a window with less than this missing has lost neither a picture nor a message of sound on the way
TITLES = {
    Kind.ONE: "one source, two distractors",
    Kind.TWO: "two sources, one distractor",
    Kind.FACE: "a talking face, two distractors",
    Kind.OFFSCREEN: "the sound is made off screen",
    Kind.SILENT: "silence",
}
COLUMNS = "{:<33}{:<13}{:<9}{:<11}{:<12}{:<10}{}"
FINAL_STAGE = 2  # SoundSourceArray.FINAL
MAX_LATE_PICTURES = 300  # pictures of the clip that may be gone before the recorder hears the first


@dataclass(frozen=True)
class Verdict:
    """What was said of one scene.

    expected: the outcome that it should have. right: True if it has, with a box on every source. overlaps: the IoU with
    each. heard: the label. late: True if no whole window of it was answered in time.
    """

    kind: Kind
    expected: str
    right: bool
    overlaps: tuple[float, ...]
    heard: str
    late: bool = False


def scenes(out: Path, who: Mapping[str, object], seeds: Sequence[int] = SEEDS, overwrite: bool = False) -> bool:
    """Play rendered scenes of each kind, one for each of `seeds`, to the localizer and print how it went.

    who: the localizer's parameters that say who answers. overwrite: True if results that exist may be replaced. Returns
    True if the rates of docs/figures.md hold. Raises OutputError where results may not be replaced, LiveError, and what
    reading a clip and writing results raise.
    """
    film = out / "scenes.mp4"
    make_room(out, film, [film], [], overwrite)
    wanted = [SceneOptions(kind=kind, seed=seed, seconds=SCENE_S) for seed in seeds for kind in Kind]
    print(f"rendering {len(wanted)} scenes of {SCENE_S:g} s into {film}", flush=True)
    rendered = [Scene(options) for options in wanted]
    truths = write_film(rendered, film)
    records = answers(rendered, film, out, {"sources": 2, **who})
    verdicts = [
        _judged(options.kind, truth, record) for options, truth, record in zip(wanted, truths, records, strict=True)
    ]
    print(f"\n{len(seeds)} scenes of each kind (seeds {seeds[0]} to {seeds[-1]}), judged by a window inside each:\n")
    print(COLUMNS.format("scene", "expected", "right", "promised", "needed", "mean IoU", "heard"))
    held = [row(TITLES[kind], [one for one in verdicts if one.kind is kind]) for kind in TITLES]
    held.append(row("all of them", verdicts))
    tell_late(records)
    return all(held)


def recording(clip: Path, out: Path, who: Mapping[str, object], overwrite: bool = False) -> bool:
    """Play a recording of the user's own to the localizer. Returns True if no window failed.

    Raises as `scenes` does.
    """
    Clip(clip)  # what cannot be read is told before anything starts
    make_room(out, clip, [], [clip], overwrite)
    records = _live(clip, out / "bag", {"sources": 1, **who}, 1.0)
    _write(clip, out, records)
    return not any(record.outcome.failed for record in records)


def answers(
    scenes: Sequence[Scene],
    film: Path,
    out: Path,
    parameters: Mapping[str, object],
    calibration: Path | None = None,
) -> list[WindowRecord | None]:
    """What is answered of a window inside each scene of a film, in the scene's own time; on disk the bag and a video.

    Scenes without such a window that is whole, as on a busy machine, are played again at the next of RATES; None where
    there is none at the last either. What was answered once stands. calibration: of the camera. Raises LiveError, and
    what reading a clip and writing results raise.
    """
    records = _live(film, out / "bag", parameters, RATES[0], calibration)
    found = windows_inside(records, len(scenes))
    for before, rate in pairwise(RATES):
        late = [index for index, record in enumerate(found) if record is None]
        if not late:
            break
        told = f"what was lost or late, {len(late)} of {len(scenes)} scenes, is played again at {rate:g}x"
        print(f"\nthe machine was too slow for {before:g}x: {told}\n", flush=True)
        with TemporaryDirectory(dir=out) as folder:
            again = Path(folder) / film.name
            write_film([scenes[index] for index in late], again)
            heard = _live(again, Path(folder) / "bag", parameters, rate, calibration)
        for index, record in zip(late, windows_inside(heard, len(late)), strict=True):
            if record is not None:
                found[index] = record
                records.append(_moved(record, index * SCENE_S))
    _write(film, out, sorted(records, key=lambda record: record.center_s))
    return found


def _live(
    clip: Path, bag: Path, parameters: Mapping[str, object], pace: float, calibration: Path | None = None
) -> list[WindowRecord]:
    """The answers to a clip played `pace` times as fast, in its own time, told as they come."""
    print("player, localizer and recorder start; the answers of ~/sources as they come:\n", flush=True)
    print(f"{'outcome':<14}{'heard':<10}{'id':<5}box, pixels, and why", flush=True)
    play(clip, bag, parameters, lambda line: print(line, flush=True), pace, calibration)
    return list(_recorded(clip, bag))


def _write(clip: Path, out: Path, found: Sequence[WindowRecord]) -> None:
    """Put a clip's answers on disk, and draw them."""
    if not found:
        raise LiveError(f"no window of {clip} was answered: it must have more than 3 s, and the machine must keep up")
    records, video = _results(out, clip)
    with closing(RecordWriter(records)) as writer:
        for record in found:
            writer.write(record)
    annotate(Clip(clip), records, video)
    print(f"\nannotated video: {video}\nrosbag2:         {out / 'bag'}\nrecords:         {records}")


def _results(out: Path, clip: Path) -> tuple[Path, Path]:
    """Where a clip's records and its annotated video go."""
    return out / f"{clip.stem}.jsonl", out / f"{clip.stem}_annotated.mp4"


def make_room(out: Path, clip: Path, made: Sequence[Path], read: Sequence[Path], overwrite: bool) -> None:
    """Make `out`, and free in it the names of all results of a clip, and of what is `made` beside them.

    read: what must stay. Nothing is removed before all is settled, and of the folder `bag` nothing but a bag of ours.
    Raises OutputError where results may not be replaced.
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
                if message.stage == FINAL_STAGE:
                    yield _moved(record, -origin / SECOND)


def _origin(clip: Path, message: Any) -> int:
    """The stamp, ns, at which the clip began, by the picture that a message of it holds."""
    stamp = ns_of(message.header.stamp)
    image = rgb_from_image(message)
    for frame in islice(Clip(clip).pictures(), MAX_LATE_PICTURES):
        if np.array_equal(frame.image, image):
            return stamp - frame.stamp
    return stamp


def _judged(kind: Kind, truth: SceneTruth, record: WindowRecord | None) -> Verdict:
    if record is None:
        return Verdict(kind, truth.outcome, False, (), "", late=True)
    overlaps = tuple(truth.overlaps([source.box for source in record.sources], record.center_s))
    right = record.outcome == truth.outcome and all(overlap >= MIN_FOUND_IOU for overlap in overlaps)
    return Verdict(kind, truth.outcome, right, overlaps, record.sound.label if record.sound else "")


def windows_inside(records: Sequence[WindowRecord], scenes: int) -> list[WindowRecord | None]:
    """Of the whole windows inside each scene of a film, the one nearest its middle, in the scene's own time."""
    whole = [one for one in records if max(one.frame_gap_s, one.audio_gap_s) < MAX_GAP_S]
    own = [[_moved(record, -index * SCENE_S) for record in whole] for index in range(scenes)]
    inside = [[one for one in scene if one.start_s >= 0 and one.end_s <= SCENE_S] for scene in own]
    return [min(scene, key=lambda one: abs(one.center_s - SCENE_S / 2), default=None) for scene in inside]


def _moved(record: WindowRecord, seconds: float) -> WindowRecord:
    """The same so much later."""
    times = {"start_s": record.start_s, "end_s": record.end_s, "center_s": record.center_s}
    return record.model_copy(update={key: time + seconds for key, time in times.items()})


def row(title: str, verdicts: Sequence[Verdict]) -> bool:
    """Print how scenes went. Returns True if as many are right as their promised rates let one expect."""
    rate = float(np.mean([SIGNAL_ACCURACY[one.kind] for one in verdicts]))
    right, needed = sum(one.right for one in verdicts), least_right(len(verdicts), rate)
    outcomes = {one.expected for one in verdicts}
    expected = outcomes.pop() if len(outcomes) == 1 else ""
    overlaps = [overlap for one in verdicts for overlap in one.overlaps]
    shown = f"{np.mean(overlaps):.2f}" if overlaps else "-"
    heard = Counter(one.heard for one in verdicts if one.heard).most_common()
    late = sum(one.late for one in verdicts)
    labels = ", ".join(f"{count} {label}" for label, count in heard) or "-"
    columns = COLUMNS.format(title, expected, f"{right} of {len(verdicts)}", f"{rate:.1%}", needed, shown, labels)
    print(columns + shortfall(right, late, needed))
    return right >= needed


def shortfall(right: int, late: int, needed: int) -> str:
    """What is wrong with so many right scenes, where `needed` are: TOO LATE if those that were late might suffice."""
    if right >= needed:
        return ""
    return "   TOO LATE" if right + late >= needed else "   TOO FEW"


def tell_late(records: Sequence[WindowRecord | None]) -> None:
    """Print what it means that scenes have no answer, where some have none."""
    if late := sum(record is None for record in records):
        load = f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        told = f"of {late} of {len(records)} scenes no whole window was answered in time, even at {RATES[-1]:g}x"
        print(f"\nthe machine was too slow ({load}), or the nodes are, if it has little else to do: {told}")
