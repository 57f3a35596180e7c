"""A row of bags loses nothing between two, keeps what it is told to, and deletes nothing that is not its own."""

from __future__ import annotations

import shutil
from itertools import accumulate
from pathlib import Path

import pytest
from full_disk import full_disk
from hypothesis import given, settings
from hypothesis import strategies as st

from gar_ssl_ros.bags.pieces import PieceWriter
from gar_ssl_ros.bags.rosbag import Bag, BagError, known_types, qos
from gar_ssl_ros.media.window import SECOND

STRING = "std_msgs/msg/String"
START = 1_700_000_000 * SECOND


def message(text: str) -> bytes:
    store = known_types("")
    return bytes(store.serialize_cdr(store.types[STRING](text), STRING))


def writer(path: Path, piece: float, keep: float, told: list[str] | None = None) -> PieceWriter:
    made = PieceWriter(path, piece, keep, ([] if told is None else told).append)
    made.add_topic("/said", STRING, qos(10), False)
    made.add_topic("/what", STRING, qos(10), True)
    return made


def read(path: Path, topic: str = "/said") -> list[tuple[int, str]]:
    with Bag(path) as bag:
        return [(one.time, bag.message(one).data) for one in bag.messages() if one.topic == topic]


@given(
    steps=st.lists(st.floats(0.0, 3.0), min_size=1, max_size=12),
    piece=st.sampled_from([0.5, 2.0]),
    keep=st.sampled_from([0.0, 1.0, 7.0]),
)
@settings(max_examples=6)
def test_what_is_kept_is_a_row_without_a_gap_and_long_enough(tmp_path_factory, steps, piece, keep):
    path = tmp_path_factory.mktemp("row") / "drive"
    made = writer(path, piece, keep)
    made.write("/what", START, message("what"))
    times = [START + round(step * SECOND) for step in accumulate(steps)]
    for number, time in enumerate(times):
        made.write("/said", time, message(str(number)))
    pieces, seconds, size = made.pieces, made.seconds, made.size
    made.close()
    folders = sorted(path.iterdir())
    assert len(folders) == pieces
    whole = [(time, str(number)) for number, time in enumerate(times)]
    kept = read(path)
    assert kept == whole[len(whole) - len(kept) :]
    assert [one for folder in folders for one in read(folder)] == kept
    assert [text for folder in folders for _, text in read(folder, "/what")] == ["what"] * pieces
    with Bag(path) as bag:
        assert bag.duration - 1 == pytest.approx(seconds * SECOND, abs=2)
    if keep == 0 or times[-1] - START < keep * SECOND:
        assert kept == whole
    else:
        assert keep <= seconds
        begins = [read(folder, "/what")[0][0] for folder in folders]
        assert len(begins) < 2 or times[-1] - begins[1] < keep * SECOND
    assert size <= sum(file.stat().st_size for file in path.rglob("*"))


def test_what_it_has_not_written_it_does_not_delete(tmp_path):
    path, told = tmp_path / "drive", []
    made = writer(path, 1.0, 2.0, told)
    for second in range(3):
        made.write("/said", START + second * SECOND, message("x"))
    (path / "drive_000" / "notes.txt").write_text("mine")
    shutil.copytree(path / "drive_001", tmp_path / "other")
    (path / "drive_001" / "drive_001.mcap").unlink()
    (path / "drive_001" / "drive_001.mcap").write_bytes(b"another's")
    (path / "elsewhere_000").mkdir()
    for second in range(3, 9):
        made.write("/said", START + second * SECOND, message("x"))
    made.close()
    assert [file.name for file in (path / "drive_000").iterdir()] == ["notes.txt"]
    assert [file.name for file in (path / "drive_001").iterdir()] == ["drive_001.mcap"]
    assert not (path / "drive_002").exists()
    assert (path / "elsewhere_000").is_dir()
    assert not told


def test_what_cannot_be_deleted_is_told_and_the_recording_goes_on(tmp_path):
    path, told = tmp_path / "drive", []
    made = writer(path, 1.0, 1.0, told)
    made.write("/said", START, message("0"))
    made.write("/said", START + SECOND, message("1"))
    shutil.rmtree(path / "drive_000")
    for second in range(2, 5):
        made.write("/said", START + second * SECOND, message(str(second)))
    made.close()
    assert [text for _, text in read(path)] == ["3", "4"]
    (said,) = told
    assert said.startswith("what is older than 1 s stays: ")
    assert "No such file" in said


def test_a_clock_that_jumps_back_begins_a_new_piece(tmp_path):
    made = writer(tmp_path / "drive", 10.0, 0.0)
    for time in (START, START + SECOND, START - 5 * SECOND, START - 4 * SECOND):
        made.write("/said", time, message("x"))
    made.close()
    assert [len(read(folder)) for folder in sorted((tmp_path / "drive").iterdir())] == [2, 2]


def fill(made: PieceWriter) -> None:
    for number in range(100):
        made.write("/said", START + SECOND + number, message("x" * 100_000))


def test_a_full_disk_leaves_every_piece_whole(tmp_path):
    path = tmp_path / "drive"
    made = writer(path, 1.0, 0.0)
    made.write("/said", START, message("x" * 1000))
    with full_disk(2_000_000):
        with pytest.raises(BagError, match="free some space"):
            fill(made)
        made.close()
    assert len(read(path / "drive_000")) == 1
    assert len(read(path / "drive_001")) > 5


def test_a_name_that_is_taken_is_refused(tmp_path):
    (tmp_path / "drive").mkdir()
    for piece in (0.0, 1.0):
        with pytest.raises(BagError, match="exists already: name a folder that does not"):
            PieceWriter(tmp_path / "drive", piece, 0.0, print)
    with pytest.raises(BagError, match="cannot be written"):
        PieceWriter(Path("/proc/nowhere/drive"), 1.0, 0.0, print)


@pytest.mark.parametrize(("keep", "length"), [(600.0, 60.0), (120.0, 12.0), (10.0, 5.0), (36000.0, 60.0)])
def test_pieces_are_a_tenth_of_what_is_kept_within_bounds(keep, length, tmp_path):
    made = writer(tmp_path / "drive", 0.0, keep)
    for time in (0, round(length * SECOND) - 1, round(length * SECOND)):
        made.write("/said", START + time, message("x"))
    made.close()
    assert [len(read(folder)) for folder in sorted((tmp_path / "drive").iterdir())] == [2, 1]
