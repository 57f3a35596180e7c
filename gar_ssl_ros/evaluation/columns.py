"""Records as columns, one row a sample: `results.parquet`, for whoever likes tables better than trees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.files import draft_of
from gar_ssl_ros.gar.localization import with_cases

BOXES = pa.list_(pa.list_(pa.float64()))
TEXTS, NUMBERS = pa.list_(pa.string()), pa.list_(pa.float64())
SCHEMA = pa.schema(
    {
        "sample": pa.string(),
        "group": pa.string(),
        "expected": pa.string(),
        "outcome": pa.string(),
        "failure": pa.string(),
        "iou": pa.float64(),
        "ap": pa.float64(),
        "tp": pa.int64(),
        "fp": pa.int64(),
        "fn": pa.int64(),
        "tn": pa.int64(),
        "mask_iou": pa.float64(),
        "mask_share": pa.float64(),
        "mask_boxes": pa.int64(),
        "width": pa.int64(),
        "height": pa.int64(),
        "true_boxes": BOXES,
        "true_labels": TEXTS,
        "boxes": BOXES,
        "initial_boxes": BOXES,
        "labels": TEXTS,
        "audio_confidence": NUMBERS,
        "av_consistency": NUMBERS,
        "kept": pa.list_(pa.bool_()),
        "sound": pa.string(),
        "sound_confidence": pa.float64(),
        "notes": TEXTS,
        "open_s": pa.float64(),
        "total_s": pa.float64(),
    }
)


def write_columns(records: Sequence[SampleRecord], path: Path) -> None:
    """All records in their order. Raises OSError where it cannot be written."""
    with draft_of(path) as draft:
        parquet.write_table(pa.Table.from_pylist([_row(record) for record in records], schema=SCHEMA), draft)


def _row(record: SampleRecord) -> dict[str, Any]:
    found, counts, pixels = record.found, record.counts, record.segmented
    sources = () if found is None else found.sources
    sound = None if found is None else found.sound
    return {
        "sample": record.sample,
        "group": record.group,
        "expected": record.expected.value,
        "outcome": record.outcome,
        "failure": record.failure,
        "iou": record.iou,
        "ap": record.ap,
        "tp": counts and counts.tp,
        "fp": counts and counts.fp,
        "fn": counts and counts.fn,
        "tn": counts and counts.tn,
        "mask_iou": pixels and pixels.iou,
        "mask_share": pixels and pixels.said,
        "mask_boxes": pixels and pixels.boxes,
        "width": record.width,
        "height": record.height,
        "true_boxes": [truth.sides for truth in record.truths],
        "true_labels": [truth.label for truth in record.truths],
        "boxes": [source.box.sides for source in sources],
        "initial_boxes": [source.initial_box.sides for source in sources],
        "labels": [source.label for source in sources],
        "audio_confidence": [source.audio_confidence for source in sources],
        "av_consistency": [source.av_consistency for source in sources],
        "kept": [] if found is None else [case.kept for _, case in with_cases(found.sources, found.stages)],
        "sound": sound and sound.label,
        "sound_confidence": sound and sound.confidence,
        "notes": record.notes,
        "open_s": record.open_s,
        "total_s": None if found is None else found.timing_s.total,
    }
