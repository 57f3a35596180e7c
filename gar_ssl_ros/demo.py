"""The main job, seen to work: scenes are rendered, localized and held against their truth."""

from __future__ import annotations

from pathlib import Path

from gar_ssl_ros.evaluation.scenes.files import read_truth, truth_of, write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import FOUND
from gar_ssl_ros.gar.pipeline import GarOptions
from gar_ssl_ros.gar.reasoner import Reasoner
from gar_ssl_ros.offline import Cut, Job, jobs, localize_clip
from gar_ssl_ros.output.record import WindowRecord, read_records

SEED = 7
TITLES = {
    Kind.ONE: "one source, two distractors",
    Kind.TWO: "two sources, one distractor",
    Kind.FACE: "a talking face",
    Kind.OFFSCREEN: "the sound is made off screen",
    Kind.SILENT: "silence",
}
COLUMNS = "{:<30}{:<12}{:<12}{:<22}{}"


def scenes(out: Path, reasoner: Reasoner) -> bool:
    """Render one scene of each kind into `out`, localize it, print how it went. Returns whether all went well."""
    out.mkdir(parents=True, exist_ok=True)
    print(COLUMNS.format("scene", "expected", "answer", "IoU of each source", "heard"))
    right = True
    for kind, title in TITLES.items():
        clip = write_scene(Scene(SceneOptions(kind=kind, seed=SEED)), out, kind.value)
        truth = read_truth(truth_of(clip))
        job = jobs([clip], out, video=True)[0]
        record = _localized(job, reasoner, sources=max(1, len(truth.sources)))[0]
        overlaps = truth.overlaps([source.box for source in record.sources], record.center_s)
        good = record.outcome == truth.outcome and all(overlap >= FOUND for overlap in overlaps)
        right = right and good
        shown = ", ".join(f"{overlap:.2f}" for overlap in overlaps) or "-"
        heard = record.sound.label if record.sound else "-"
        print(COLUMNS.format(title, truth.outcome, record.outcome.value, shown, heard) + ("" if good else "   WRONG"))
    print(f"\nannotated videos and contact sheets: {out}/*_annotated.mp4, {out}/*_contact.png")
    return right


def recording(clip: Path, out: Path, reasoner: Reasoner) -> bool:
    """Localize one recording of the user's own and print its sources. Returns whether no window failed.

    Raises ClipError and OutputError as `localize_clip` does.
    """
    job = jobs([clip], out, video=True)[0]
    records = _localized(job, reasoner, sources=1)
    form = "{:<16}{:<14}{:<22}{:<26}{}"
    print(form.format("window, s", "outcome", "heard", "box, pixels", "why"))
    for record in records:
        heard = f"{record.sound.label} {record.sound.confidence:.2f}" if record.sound else "-"
        source = record.sources[0] if record.sources else None
        box = " ".join(f"{side:.0f}" for side in source.box.sides) if source else "-"
        why = source.description if source else record.detail
        print(form.format(f"{record.start_s:.1f} to {record.end_s:.1f}", record.outcome.value, heard, box, why))
    print(f"\nannotated video: {job.video}\ncontact sheet:   {job.sheet}\nrecords:         {job.records}")
    return not any(record.outcome.failed for record in records)


def _localized(job: Job, reasoner: Reasoner, sources: int) -> list[WindowRecord]:
    localize_clip(job, reasoner, GarOptions(sources=sources), Cut(), overwrite=True)
    return list(read_records(job.records))
