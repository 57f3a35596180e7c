"""The main job, seen to work live: a clip is played to the localizer, and what it says is held against the truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
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
PLAYBACK_RATE = 2.0  # times as fast as life: the stamps are the scenes' own
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
    each. heard: the label.
    """

    kind: Kind
    expected: str
    right: bool
    overlaps: tuple[float, ...]
    heard: str


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
    truths = write_film([Scene(options) for options in wanted], film)
    records = live(film, out, {"sources": 2, **who}, PLAYBACK_RATE)
    verdicts = [
        _judged(options.kind, truth, records, index * SCENE_S)
        for index, (options, truth) in enumerate(zip(wanted, truths, strict=True))
    ]
    print(f"\n{len(seeds)} scenes of each kind (seeds {seeds[0]} to {seeds[-1]}), judged by a window inside each:\n")
    print(COLUMNS.format("scene", "expected", "right", "promised", "needed", "mean IoU", "heard"))
    held = [row(TITLES[kind], [one for one in verdicts if one.kind is kind]) for kind in TITLES]
    return all([*held, row("all of them", verdicts)])


def recording(clip: Path, out: Path, who: Mapping[str, object], overwrite: bool = False) -> bool:
    """Play a recording of the user's own to the localizer. Returns True if no window failed.

    Raises as `scenes` does.
    """
    Clip(clip)  # what cannot be read is told before anything starts
    make_room(out, clip, [], [clip], overwrite)
    return not any(record.outcome.failed for record in live(clip, out, {"sources": 1, **who}, 1.0))


def live(
    clip: Path, out: Path, parameters: Mapping[str, object], pace: float, calibration: Path | None = None
) -> list[WindowRecord]:
    """The answers to a clip played `pace` times as fast, in its own time; on disk its bag and annotated video.

    calibration: of its camera. Raises LiveError, and what reading a clip and writing results raise.
    """
    bag, (records, video) = out / "bag", _results(out, clip)
    print("player, localizer and recorder start; the answers of ~/sources as they come:\n", flush=True)
    print(f"{'outcome':<14}{'heard':<10}{'id':<5}box, pixels, and why", flush=True)
    play(clip, bag, parameters, lambda line: print(line, flush=True), pace, calibration)
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
                begin = origin / SECOND
                times = {"start_s": record.start_s, "end_s": record.end_s, "center_s": record.center_s}
                if message.stage == FINAL_STAGE:
                    yield record.model_copy(update={key: time - begin for key, time in times.items()})


def _origin(clip: Path, message: Any) -> int:
    """The stamp, ns, at which the clip began, by the picture that a message of it holds."""
    stamp = ns_of(message.header.stamp)
    image = rgb_from_image(message)
    for frame in islice(Clip(clip).pictures(), MAX_LATE_PICTURES):
        if np.array_equal(frame.image, image):
            return stamp - frame.stamp
    return stamp


def _judged(kind: Kind, truth: SceneTruth, records: Sequence[WindowRecord], begin: float) -> Verdict:
    record = record_inside(records, begin, SCENE_S)
    if record is None:
        return Verdict(kind, truth.outcome, False, (), "")
    overlaps = tuple(truth.overlaps([source.box for source in record.sources], record.center_s - begin))
    right = record.outcome == truth.outcome and all(overlap >= MIN_FOUND_IOU for overlap in overlaps)
    return Verdict(kind, truth.outcome, right, overlaps, record.sound.label if record.sound else "")


def record_inside(records: Sequence[WindowRecord], begin: float, seconds: float) -> WindowRecord | None:
    """Of the window that lies wholly in a scene, the one nearest its middle if there are several. begin, seconds: s."""
    inside = [record for record in records if record.start_s >= begin and record.end_s <= begin + seconds]
    return min(inside, key=lambda one: abs(one.center_s - begin - seconds / 2), default=None)


def row(title: str, verdicts: Sequence[Verdict]) -> bool:
    """Print how scenes went. Returns True if as many are right as their promised rates let one expect."""
    rate = float(np.mean([SIGNAL_ACCURACY[one.kind] for one in verdicts]))
    right, needed = sum(one.right for one in verdicts), least_right(len(verdicts), rate)
    outcomes = {one.expected for one in verdicts}
    expected = outcomes.pop() if len(outcomes) == 1 else ""
    overlaps = [overlap for one in verdicts for overlap in one.overlaps]
    shown = f"{np.mean(overlaps):.2f}" if overlaps else "-"
    heard = Counter(one.heard for one in verdicts if one.heard).most_common()
    verdict = "" if right >= needed else "   TOO FEW"
    labels = ", ".join(f"{count} {label}" for label, count in heard) or "-"
    print(
        COLUMNS.format(title, expected, f"{right} of {len(verdicts)}", f"{rate:.1%}", needed, shown, labels) + verdict
    )
    return right >= needed
