"""A recorded session plays in its own time, is wound to any place, and is answered anew beside what was recorded."""

from __future__ import annotations

import shutil
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rosbags.rosbag2 import StoragePlugin, Writer
from sessions import AUDIO, IMAGE, PATIENCE, START, Page, stamps, write_session

from gar_ssl_ros.bags import marks
from gar_ssl_ros.bags.rosbag import Bag, BagError, known_types
from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.media.window import SECOND, Window
from gar_ssl_ros.page.commands import CommandError, Localize, Play, Rate, Seek
from gar_ssl_ros.page.feed import SOUND_HEAD
from gar_ssl_ros.page.session import Session
from gar_ssl_ros.page.spectrum import COLUMN_NS, VALUES
from gar_ssl_ros.reasoners import reasoner

MS = 10**6
SECONDS = 5.0
OTHERS_CLOCK = 3600 * SECOND  # of the recorder, ahead of the camera's


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(SceneOptions(kind=Kind.ONE, seed=3, seconds=SECONDS, width=160, height=120))


@pytest.fixture(scope="module")
def plain(scene, tmp_path_factory) -> Path:
    """Nobody has answered it."""
    return write_session(tmp_path_factory.mktemp("plain") / "session", scene)


@pytest.fixture(scope="module")
def answered(plain, tmp_path_factory) -> Path:
    """With the answers of `signal` about windows of 2 s, and the pictures that show them."""
    out = tmp_path_factory.mktemp("answered") / "session"
    assert main(["bag", str(plain), "--out", str(out), "--reasoner", "signal", "--window", "2", "--hop", "0.5"]) == 0
    return out


@contextmanager
def shown(path: Path, *others: object, playing: bool = False) -> Iterator[tuple[Session, Page]]:
    """A session with a page that looks at it, held unless it is to play."""
    session = Session(path, *others, playing=playing)
    page = Page(session.feed)
    with session:
        page.until(lambda: page.pictures)
        yield session, page


def seek(session: Session, page: Page, stamp: int) -> None:
    """Until it is told to be there."""
    before = page.resets
    session.do(Seek(id=1, do="seek", to=stamp / MS))
    page.until(lambda: page.resets > before and page.pictures)


def columns(content: bytes) -> list[tuple[int, int]]:
    """Begin and end of each message of sound, ns."""
    found, at = [], 0
    while at < len(content):
        _, values, count, step, stamp = SOUND_HEAD.unpack_from(content, at)
        assert (values, step) == (VALUES, COLUMN_NS / MS)
        found.append((round(stamp * MS), round(stamp * MS) + count * COLUMN_NS))
        at += SOUND_HEAD.size + count * values
    assert at == len(content)
    return found


def test_it_begins_with_its_first_picture_and_all_that_was_answered(scene, answered):
    with shown(answered) as (session, page):
        page.until(lambda: [one["stage"] for one in page.answers(0).values()] == 6 * ["final"])
        page.until(lambda: page.newest("playback"))
        playback = page.newest("playback")
        begin, end = stamps(scene)[0] / MS, stamps(scene)[-1] / MS
        assert (playback["begin"], playback["end"], playback["position"]) == (begin, end, begin)
        assert not playback["playing"]
        assert page.pictures == [START]
        answers = page.answers(0)
        assert [one["end"] for one in answers.values()] == [START / MS + 1000 * (2 + 0.5 * at) for at in range(6)]
        assert session.hello["mode"] == "session"
        assert session.hello["lanes"] == [{"name": "localizer, as recorded"}]
        assert [name for name, can in session.hello["can"].items() if can] == ["play"]


def test_it_plays_to_its_end_and_from_there_from_its_beginning(scene, plain):
    with shown(plain) as (session, page):
        session.do(Rate(id=1, do="rate", rate=4.0))
        session.do(Play(id=2, do="play", on=True))
        ended = lambda now: now and now["position"] == now["end"] and not now["playing"]  # noqa: E731  # after its sound
        page.until(lambda: ended(page.newest("playback")))
        assert len(page.pictures) > 1
        assert page.pictures == stamps(scene)
        heard = [(begin, begin + count * COLUMN_NS) for begin, count in page.sound]
        assert heard[0][0] == pytest.approx(START, abs=MS)
        assert all(earlier[1] == pytest.approx(later[0], abs=MS) for earlier, later in pairwise(heard))
        assert heard[-1][1] == pytest.approx(START + SECONDS * SECOND, abs=2 * COLUMN_NS)
        before = page.resets
        session.do(Play(id=3, do="play", on=True))
        page.until(lambda: page.resets > before and page.pictures[:2] == stamps(scene)[:2])
        told = session.do(Play(id=4, do="play", on=False))
        assert told == "held, of 4.9 s"


@pytest.fixture(scope="module", params=["its own clock", "a recorder's clock that runs twice as fast"])
def held(request, scene, tmp_path_factory) -> Iterator[tuple[Session, Page]]:
    """A session to be wound, in pieces."""
    other = request.param.startswith("a")
    at = (lambda stamp: START + OTHERS_CLOCK + 2 * (stamp - START)) if other else (lambda stamp: stamp)
    path = write_session(tmp_path_factory.mktemp("held") / "session", scene, piece=2.0, at=at)
    with shown(path) as both:
        yield both


@given(st.floats(-2.0, SECONDS + 2.0))
@settings(max_examples=12)
def test_wherever_it_is_wound_to_the_picture_before_is_shown_at_once_and_the_sound_up_to_there(scene, held, place):
    session, page = held
    stamp = START + round(place * SECOND)
    seek(session, page, stamp)
    there = min(max(stamp, START), stamps(scene)[-1])
    assert page.pictures == [max(one for one in stamps(scene) if one <= there)]
    if there > START + SECOND // 4:
        page.until(lambda: page.sound)
        ((begin, count),) = page.sound
        assert begin == pytest.approx(START, abs=MS)
        assert begin + count * COLUMN_NS == pytest.approx(there, abs=SECOND // 10 + 2 * COLUMN_NS)


def test_pictures_and_sound_of_any_time_can_be_asked_for(scene, held):
    session, _ = held
    for stamp in stamps(scene)[::11]:
        found = session.picture(stamp + 3 * MS)
        assert (found.stamp, found.width, found.height) == (stamp, 160, 120)
        ((begin, end),) = columns(session.sound(stamp, stamp + SECOND // 2))
        last = START + SECONDS * SECOND
        assert begin == pytest.approx(stamp, abs=SECOND // 10 + COLUMN_NS)
        assert end == pytest.approx(min(stamp + SECOND // 2, last), abs=SECOND // 10 + 2 * COLUMN_NS)
    assert session.picture(0).stamp == START
    assert session.picture(2**62).stamp == stamps(scene)[-1]
    assert session.sound(0, SECOND) == session.sound(START, START) == session.sound(2**62, 2**62 + 1) == b""


def test_another_reasoner_answers_the_same_windows_beside(answered):
    with shown(answered, reasoner("signal")) as (session, page):
        page.until(lambda: [one["stage"] for one in page.answers(1).values()] == 6 * ["final"])
        recorded, computed = page.answers(0).values(), page.answers(1).values()
        for one, other in zip(recorded, computed, strict=True):
            for field in ("begin", "end", "stamp", "outcome", "label", "sources"):
                assert one[field] == other[field]
        assert session.hello["lanes"] == [{"name": "localizer, as recorded"}, {"name": "signal, computed now"}]


def test_where_nothing_was_recorded_the_reasoner_is_the_first(plain):
    with shown(plain, reasoner("signal")) as (session, page):
        page.until(lambda: page.answers(0) and session.hello["lanes"] == [{"name": "signal, computed now"}])
        health = page.until(lambda: page.newest("health"))
        assert {one["name"] for one in health["statuses"]} == {"session", "answers"}


class Endless:
    """Reads a window until nobody waits for it any more."""

    name, model = "endless", None

    def __init__(self) -> None:
        self.reading, self.left = Event(), Event()

    def read(self, window: Window, deadline: Deadline) -> object:
        del window
        self.reading.set()
        try:
            while True:
                deadline.check()
                Event().wait(0.01)
        finally:
            self.left.set()


def test_a_reasoner_in_the_middle_of_a_window_does_not_hold_up_the_end(plain):
    endless = Endless()
    with shown(plain, endless):
        assert endless.reading.wait(PATIENCE)
    assert endless.left.is_set()


def test_one_piece_plays_by_itself_with_its_sound(scene, tmp_path):
    path = write_session(tmp_path / "session", scene, piece=2.0)
    pieces = sorted(path.iterdir())
    assert [piece.name for piece in pieces] == ["session_000", "session_001", "session_002"]
    with shown(pieces[1]) as (session, page):
        assert page.pictures == [min(one for one in stamps(scene) if one >= START + 2 * SECOND)]
        assert columns(session.sound(START + 3 * SECOND, START + 4 * SECOND))
        assert session.sound(START, START + SECOND) == b""


def test_an_sqlite3_bag_plays_as_well(scene, tmp_path):
    path = write_session(tmp_path / "session", scene, storage=StoragePlugin.SQLITE3)
    with shown(path) as (session, page):
        seek(session, page, START + 3 * SECOND)
        assert page.pictures == [START + 3 * SECOND]
        page.until(lambda: page.sound)


@pytest.mark.parametrize("whole", ["session", "a piece"])
def test_one_that_was_cut_short_plays_as_far_as_it_is_whole_and_says_so(scene, whole, tmp_path, monkeypatch):
    monkeypatch.setattr(marks, "MARK_INTERVAL_BYTES", 2**14)  # its pictures are small
    path = write_session(tmp_path / "session", scene, piece=2.0 if whole == "a piece" else 0.0)
    folder = max(path.iterdir()) if whole == "a piece" else path
    (folder / "metadata.yaml").unlink()
    file = folder / f"{folder.name}.mcap"
    file.write_bytes(file.read_bytes()[: round(0.7 * file.stat().st_size)])
    with pytest.raises(BagError, match=r"(?s)cannot be read .*: recover it with"):
        Bag(path)
    with shown(path) as (session, page):
        playback = page.until(lambda: page.newest("playback"))
        assert START + SECOND < playback["end"] * MS < stamps(scene)[-1]
        seek(session, page, START + SECOND)
        assert page.pictures == [START + SECOND]
        (problem,) = page.until(lambda: page.newest("health"))["problems"]
        assert problem.startswith(f"{file} was cut short: ")
        assert problem.endswith(" s of it are whole")


def foreign_types(path: Path) -> Path:
    """An image of another's making on a topic of that name."""
    store = known_types("")
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        text = store.types["std_msgs/msg/String"]("no picture")
        known = writer.add_connection("/image", "std_msgs/msg/String", typestore=store)
        writer.write(known, START, store.serialize_cdr(text, "std_msgs/msg/String"))
    return path


def no_pictures(path: Path) -> Path:
    """A camera's topic whose messages are none."""
    store = known_types("")
    with Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        known = writer.add_connection("/image", "sensor_msgs/msg/Image", typestore=store)
        writer.write(known, START, b"\0\1\0\0" + bytes(3))
    return path


def another_programs(path: Path) -> Path:
    file = path.with_suffix(".mcap")
    head = BytesIO(b"\x89MCAP0\r\n")
    head.seek(0, 2)
    head.write(struct.pack("<BQI", 1, 8 + 7, 7) + b"foxtrot" + struct.pack("<I", 0))
    file.write_bytes(head.getvalue())
    return file


def no_bag(path: Path) -> Path:
    path.with_suffix(".mcap").write_bytes(bytes(1000))
    return path.with_suffix(".mcap")


def empty(path: Path) -> Path:
    path.with_suffix(".mcap").touch()
    return path.with_suffix(".mcap")


def two_rows(path: Path) -> Path:
    for name in ("first_000", "second_000"):
        (path / name).mkdir(parents=True)
        (path / name / f"{name}.mcap").touch()
    return path


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (foreign_types, "has no image topic, of type sensor_msgs/msg/Image or sensor_msgs/msg/CompressedImage: it has"),
        (no_pictures, "has no picture on /image that can be read: record it again"),
        (another_programs, "is an mcap of another program: give a bag of ROS 2"),
        (no_bag, "cannot be read (File magic is invalid)"),
        (empty, "seems to be empty"),
        (two_rows, "has bags of first and second: give a folder that has those of one"),
        (lambda path: path, "does not exist: check the path"),
    ],
)
def test_what_is_no_session_is_one_sentence(make, problem, tmp_path):
    with pytest.raises(BagError) as said:
        Session(make(tmp_path / "thing"))
    assert problem in str(said.value)
    assert str(said.value).startswith(str(tmp_path / "thing"))
    assert "\n" not in str(said.value)


def test_without_what_describes_its_sound_it_plays_and_says_so(scene, tmp_path):
    path = write_session(tmp_path / "session", scene, topics=(IMAGE, AUDIO))
    with shown(path, reasoner("signal")) as (session, page):
        seek(session, page, START + SECOND)
        assert session.sound(START, START + SECOND) == b""
        problems = page.until(lambda: len(page.newest("health").get("problems", ())) == 2 and page.newest("health"))
        assert "it is played without sound: " in problems["problems"][0]
        assert problems["problems"][1] == "signal is not asked: there is no sound to hear"


def test_damage_inside_ends_it_there_and_is_told(scene, plain, tmp_path):
    path = shutil.copytree(plain, tmp_path / "session")
    file = path / "session.mcap"
    content = bytearray(file.read_bytes())
    place = len(content) // 2
    content[place : place + 200] = np.full(200, 255, np.uint8).tobytes()
    file.write_bytes(content)
    with shown(path, playing=True) as (session, page):
        session.do(Rate(id=1, do="rate", rate=4.0))
        page.until(lambda: page.newest("playback") and not page.newest("playback")["playing"])
        page.until(lambda: len(page.pictures) > 10)


def test_what_only_a_graph_can_do_is_refused(held):
    with pytest.raises(CommandError, match="can only be played"):
        held[0].do(Localize(id=1, do="localize"))
