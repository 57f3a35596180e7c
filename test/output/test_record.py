import json
import math
import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from full_disk import full_disk
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.gar.boxes import Box, Delta
from gar_ssl_ros.gar.localization import Case, Localization, Outcome, Source, Stage, Timing
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.gar.stages import (
    AnchorVote,
    AudioLabel,
    Consensus,
    Failure,
    Hypothesis,
    Location,
    Refinement,
    Trial,
)
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.output.record import (
    RecordError,
    RecordWriter,
    WindowRecord,
    read_lines,
    read_records,
    record_from_localization,
    schema,
)
from gar_ssl_ros.reasoners.signal import SignalReasoner

WINDOW = Window(0, 3 * SECOND, (Frame(SECOND, np.zeros((48, 64, 3), np.uint8)),), None)
FULL = Localization(
    Outcome.LOCALIZED,
    Stage.FINAL,
    "scripted",
    "some/model",
    sound=AudioLabel("violin", 0.9),
    sources=(Source(Box(1, 2, 3, 4), "violin", 0.9, 0.8, "a violin", Box(1, 2, 3.5, 4), True, None),),
    cases=(
        Case(
            Location((1, 2, math.nan, math.inf), "a violin", AudioLabel("violin", 0.9), 0.5),
            Hypothesis(Box(1, 2, 3.5, 4), "a violin", AudioLabel("violin", 0.9)),
            (Trial(0.8, ("bow",), (AnchorVote("bow_on_string", 0.9, (2, 3)),), True), Failure("cut off")),
            Consensus(0.4, ("bow",), (AnchorVote("bow_on_string", 0.9, None),), False, 2, 1),
            False,
            Refinement((1, 2, 3, 4), True, Delta(dx=1), "A violin. It is bowed."),
        ),
    ),
    timing=Timing(0.1, 0.2, 0.3, 0.4, 0.5, 1.5),
)


def line(found: Localization = FULL, index: int = 0) -> str:
    return record_from_localization("a.mp4", index, WINDOW, found).model_dump_json()


def test_a_record_is_one_line_of_strict_json_that_reads_back_the_same(tmp_path):
    written = line()
    assert "\n" not in written
    told = json.loads(written, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
    assert told["sources"][0]["box"] == [1, 2, 3, 4]
    assert told["outcome"] == "LOCALIZED"
    assert told["stages"][0]["trials"][1] == {"reason": "cut off"}
    path = tmp_path / "a.jsonl"
    path.write_text(written + "\n")
    (record,) = read_records(path)
    assert record.model_dump_json() == written
    assert record.sources == FULL.sources
    assert record.stages[0].trials == FULL.cases[0].trials
    assert record.stages[0].refinement == FULL.cases[0].refinement


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.LOCALIZED])
def test_an_answer_without_a_source_tells_its_outcome_and_why(outcome):
    found = Localization(outcome, Stage.FINAL, "r", None, "the reason", AudioLabel("hum", 0.5))
    told = WindowRecord.model_validate_json(line(found))
    assert (told.outcome, told.detail, told.sources) == (outcome, "the reason", ())


def test_real_answers_of_every_outcome_read_back(tmp_path, scene_of):
    path = tmp_path / "a.jsonl"
    writer = RecordWriter(path)
    written = []
    for index, kind in enumerate(Kind):
        _, window = scene_of(kind)
        *_, found = localize(window, SignalReasoner(), GarOptions(sources=2))
        written.append(record_from_localization("a.mp4", index, window, found))
        writer.write(written[-1])
    writer.close()
    assert list(read_records(path)) == written


def test_the_schema_in_the_docs_is_the_code_s():
    documented = Path(__file__).parents[2] / "docs" / "localization.schema.json"
    assert documented.read_text() == schema(), "run `make schema`"


@pytest.mark.parametrize("spoilt", ['{"media": 1}', "not JSON", "", line()[:-5], line().replace("LOCALIZED", "LOST")])
def test_a_line_that_is_no_record_is_named(tmp_path, spoilt):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{line()}\n{spoilt}\n")
    records = read_records(path)
    next(records)
    with pytest.raises(RecordError, match=r"a\.jsonl, line 2: "):
        next(records)


def test_records_are_on_disk_as_soon_as_they_are_written(tmp_path):
    path = tmp_path / "a.jsonl"
    writer = RecordWriter(path)
    for index in range(3):
        writer.write(record_from_localization("a.mp4", index, WINDOW, FULL))
        assert len(list(read_records(path))) == index + 1
    writer.close()


def test_what_exists_is_not_overwritten_unless_asked(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("precious")
    with pytest.raises(FileExistsError):
        RecordWriter(path)
    assert path.read_text() == "precious"
    RecordWriter(path, overwrite=True).close()
    assert path.read_text() == ""


def test_a_disk_that_fills_up_leaves_whole_lines(tmp_path):
    """Which has room for one and a half records."""
    path = tmp_path / "a.jsonl"
    size = len(line()) + 1
    with full_disk(size * 3 // 2):
        writer = RecordWriter(path)
        writer.write(record_from_localization("a.mp4", 0, WINDOW, FULL))
        with pytest.raises(OSError, match="File too large"):
            writer.write(record_from_localization("a.mp4", 1, WINDOW, FULL))
    assert path.stat().st_size == size
    assert len(list(read_records(path))) == 1


@given(st.text(max_size=200), st.floats(), st.text(max_size=50))
def test_any_text_and_any_number_can_be_recorded(text, number, label):
    case = Case(Location((number, 0, 1, number), text), failure=text)
    found = Localization(Outcome.UNPARSEABLE, Stage.FINAL, "r", None, text, AudioLabel(label, 0.5), (), (case,))
    written = line(found)
    assert "\n" not in written
    json.loads(written)


def test_a_killed_writer_s_unfinished_line_is_taken_back_and_the_rest_goes_on(tmp_path):
    path = tmp_path / "a.jsonl"
    record = record_from_localization("a.mp4", 0, WINDOW, FULL)
    path.write_text(f"{line()}\n{line()[:40]}")
    assert len(list(read_lines(path, WindowRecord, unfinished=True))) == 1
    writer = RecordWriter(path, resume=True)
    writer.write(record)
    with pytest.raises(BlockingIOError):
        RecordWriter(path, resume=True)
    writer.close()
    assert path.read_text() == f"{line()}\n{record.model_dump_json()}\n"
    RecordWriter(tmp_path / "new.jsonl", resume=True).close()


def test_a_file_name_that_is_not_utf_8_leaves_the_record_so(tmp_path):
    path = tmp_path / "a.jsonl"
    record = record_from_localization("caf\udce9.mp4", 0, WINDOW, replace(FULL, detail="no caf\udce9"))
    with closing(RecordWriter(path)) as writer:
        writer.write(record)
    (read,) = read_records(path)
    assert (read.media, read.detail) == ("caf\\udce9.mp4", "no caf\\udce9")
    assert read.stages[0].location.sides[2:] == (pytest.approx(math.nan, nan_ok=True), math.inf)


def test_a_line_that_is_not_utf_8_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_bytes(line().encode() + b"\n\xff\xfe\n")
    with pytest.raises(RecordError, match=r"a\.jsonl, line 2: "):
        list(read_records(path))


@pytest.mark.parametrize("how", [{"overwrite": True}, {"resume": True}])
def test_a_file_that_is_being_written_is_left_to_its_writer(tmp_path, how):
    path = tmp_path / "a.jsonl"
    with closing(RecordWriter(path)) as writer:
        with pytest.raises(BlockingIOError):
            RecordWriter(path, **how)
        writer.write(record_from_localization("a.mp4", 0, WINDOW, FULL))
    assert len(list(read_records(path))) == 1
    RecordWriter(path, **how).close()


@pytest.mark.parametrize("how", [{"overwrite": True}, {"resume": True}, {}])
def test_a_pipe_holds_no_writer_up(tmp_path, how):
    path = tmp_path / "a.jsonl"
    os.mkfifo(path)
    if how == {"overwrite": True}:
        RecordWriter(path, **how).close()
        assert path.is_file()
    else:
        with pytest.raises(OSError, match=r"File exists|it is a named pipe, not a file"):
            RecordWriter(path, **how)


def test_what_is_overwritten_by_a_link_is_the_link(tmp_path):
    (tmp_path / "mine").write_text("precious")
    (tmp_path / "a.jsonl").symlink_to("mine")
    RecordWriter(tmp_path / "a.jsonl", overwrite=True).close()
    assert (tmp_path / "mine").read_text() == "precious"
    assert not (tmp_path / "a.jsonl").is_symlink()


def test_a_source_has_its_mask_in_a_record_and_records_of_before_have_none():
    pixels = np.zeros((48, 64), np.bool_)
    pixels[2:4, 1:3] = True
    masked = replace(FULL, sources=(replace(FULL.sources[0], mask=Mask(pixels)),))
    written = record_from_localization("clip.mp4", 0, WINDOW, masked)
    told = json.loads(written.model_dump_json())
    assert told["sources"][0]["mask"] == {"size": [48, 64], "counts": "b12^10^k2"}
    assert WindowRecord.model_validate_json(written.model_dump_json()) == written
    del told["sources"][0]["mask"]
    assert WindowRecord.model_validate(told).sources[0].mask is None
    told["sources"][0]["mask"] = {"size": [48, 64], "counts": "1"}
    with pytest.raises(ValueError, match="a mask's runs do not fill its 48 x 64 pixels"):
        WindowRecord.model_validate(told)
