"""`gar-ssl bag` on bags as robots record them."""

from __future__ import annotations

import fcntl
import math
import os
import pty
import shutil
import signal
import struct
import subprocess
import sys
import termios
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from bags import START, write_bag
from full_disk import full_disk
from hearing_clips import plane_wave
from rosbags.rosbag2 import CompressionMode, StoragePlugin

from gar_ssl_ros.bags.rosbag import Bag
from gar_ssl_ros.cli import main
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions
from gar_ssl_ros.evaluation.scenes.score import matched
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.messages.answers import box_from_bounding_box
from gar_ssl_ros.output.record import WindowRecord
from gar_ssl_ros.spatial.hearing.catalog import arrays

LOCALIZED, UNCERTAIN, INITIAL, FINAL = 1, 7, 1, 2


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene(SceneOptions(kind=Kind.ONE, seed=3, seconds=5.0, width=160, height=120))


@pytest.fixture(scope="module")
def recorded(scene, tmp_path_factory) -> Path:
    return write_bag(tmp_path_factory.mktemp("recorded") / "bag", scene)


def content(path: Path) -> dict[str, list[tuple[int, bytes]]]:
    """Each topic's messages with their times."""
    found = defaultdict(list)
    with Bag(path) as bag:
        for one in bag.messages():
            found[one.topic].append((one.time, one.data))
    return dict(found)


@pytest.mark.parametrize("storage", StoragePlugin)
def test_every_topic_of_the_localizer_is_written_beside_the_recorded_ones(scene, storage, tmp_path, capsys):
    recorded = write_bag(tmp_path / "bag", scene, storage)
    assert main(["bag", str(recorded), "--masks", "grabcut"]) == 0
    assert "2 LOCALIZED" in capsys.readouterr().out
    out = tmp_path / "bag_localized"
    assert next(out.glob("*.db3" if storage is StoragePlugin.SQLITE3 else "*.mcap"))
    before, after = content(recorded), content(out)
    assert {topic: after[topic] for topic in before} == before
    truth = scene.truth().sources[0].boxes
    with Bag(out) as bag:
        answers = [(one, bag.message(one)) for one in bag.messages() if one.topic == "/localizer/sources"]
        pictures = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/image_annotated"]
        detections = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/detections"]
        masks = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/masks"]
        labels = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/label_info"]
    assert [message.stage for _, message in answers] == [INITIAL, FINAL, INITIAL, FINAL]
    assert len(pictures) == len(detections) == 2
    for recording, message in answers:
        assert message.outcome == LOCALIZED
        assert message.header.frame_id == "camera_optical_frame"
        stamp = message.header.stamp.sec * 10**9 + message.header.stamp.nanosec
        box = truth[round((stamp - START) / 1e9 * scene.options.fps)]
        assert matched([box_from_bounding_box(source.box) for source in message.sources], [box])[0] > 0.5
        assert message.latency == pytest.approx((recording.time - end(message)) / 1e9)
        assert WindowRecord.model_validate_json(message.reasoning).width == 160
    assert (pictures[0].width, pictures[0].height, pictures[0].encoding) == (160, 120, "rgb8")
    assert detections[0].detections[0].results[0].hypothesis.class_id == answers[0][1].sources[0].label
    assert [one.header for one in masks] == [one.header for one in labels] == [one.header for one in pictures]
    for message, detected in zip(masks, detections, strict=True):
        assert (message.width, message.height, message.encoding) == (160, 120, "mono8")
        rows, columns = np.nonzero(np.array(message.data, np.uint8).reshape(120, 160))
        box = Box(columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
        assert box_from_bounding_box(detected.detections[0].bbox).iou(box) > 0.99


def test_with_a_calibration_in_the_bag_sources_have_a_bearing_and_markers(scene, recorded, tmp_path):
    calibrated = write_bag(tmp_path / "bag", scene, focal=150.0)
    for path in (calibrated, recorded):
        out = tmp_path / f"{path.parent.name}_out"
        assert main(["bag", str(path), "--out", str(out)]) == 0
        with Bag(out) as bag:
            read = [(one.topic, bag.message(one)) for one in bag.messages() if one.topic.startswith("/localizer/")]
        sources = [source for topic, message in read if topic == "/localizer/sources" for source in message.sources]
        shown = [message for topic, message in read if topic == "/localizer/markers"]
        for source in sources:
            middle = sum(box_from_bounding_box(source.box).sides[::2]) / 2
            known = math.atan2(80 - middle, 150) if path is calibrated else math.nan
            assert source.bearing == pytest.approx(known, abs=1e-5, nan_ok=True)
        assert len(sources) == 4
        assert len(shown) == (2 if path is calibrated else 0)


def test_an_array_in_the_bag_is_heard_and_tells_where_the_sound_comes_from(scene, tmp_path, capsys):
    heard = plane_wave(arrays()["respeaker_usb_4"], scene.samples.astype(np.float64), 170.0)
    path, out = write_bag(tmp_path / "bag", scene, focal=150.0, heard=heard), tmp_path / "out"
    asked = ("--array", "respeaker_usb_4", "--array-to-camera", "0 0 0 0 0 0")
    assert main(["bag", str(path), "--out", str(out), *asked]) == 0
    with Bag(out) as bag:
        read = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/sources"]
    final = [one for one in read if one.stage == FINAL]
    assert all(one.detail.startswith("the sound comes from behind you") for one in final)
    assert [math.degrees(one.unmatched[0].azimuth) for one in final] == pytest.approx([170.0] * len(final), abs=5)
    assert main(["calibrate", str(path), "--reasoner", "signal", *asked]) == 1
    assert "and it takes 12" in capsys.readouterr().err
    capsys.readouterr()
    assert main(["bag", str(write_bag(tmp_path / "blind", scene, heard=heard)), *asked]) == 0
    assert "there is no CameraInfo of that" in capsys.readouterr().err


def end(message: object) -> int:
    return message.window_end.sec * 10**9 + message.window_end.nanosec


def test_beside_ros_2_a_bag_is_read_without_what_stands_for_it(recorded, tmp_path):
    (tmp_path / "rclpy.py").touch()
    code = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "from pathlib import Path\nfrom gar_ssl_ros.bags.rosbag import Bag, known_types\n"
        "with Bag(Path(sys.argv[2])) as bag: print(len({one.topic for one in bag.messages() if bag.message(one)}))\n"
        "print('gar_ssl_ros/msg/SoundSourceArray' in known_types('').fielddefs)\n"
        "print('gar_ssl_ros.embedded_ros' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path), str(recorded)], capture_output=True, text=True, check=False
    )
    assert (done.stdout.split(), done.stderr) == (["2", "True", "False"], "")


def test_the_same_bag_gives_the_same_bytes_each_time(recorded, tmp_path):
    for name in ("first", "second"):
        assert main(["bag", str(recorded), "--out", str(tmp_path / name)]) == 0
    assert content(tmp_path / "first") == content(tmp_path / "second")


def test_windows_follow_the_stamps_of_the_messages_not_the_time_of_recording(scene, tmp_path):
    """The stamps run half as fast as the recorder's clock: half as many windows."""
    slow = write_bag(tmp_path / "slow", scene, restamp=lambda stamp: START + (stamp - START) // 2)
    assert main(["bag", str(slow), "--window", "1", "--hop", "1"]) == 0
    finals = [one for one in messages_of(tmp_path / "slow_localized") if one.stage == FINAL]
    assert [round((end(one) - START) / 1e9, 1) for one in finals] == [1.0, 2.0]


def messages_of(path: Path) -> list[object]:
    with Bag(path) as bag:
        return [bag.message(one) for one in bag.messages() if one.topic == "/localizer/sources"]


@pytest.mark.parametrize("compression", [CompressionMode.MESSAGE, CompressionMode.FILE, CompressionMode.STORAGE])
def test_a_compressed_bag_is_read_as_any_other(scene, recorded, compression, tmp_path):
    packed = write_bag(tmp_path / "packed", scene, compression=compression)
    assert main(["bag", str(packed)]) == 0
    assert main(["bag", str(recorded), "--out", str(tmp_path / "plain")]) == 0
    assert content(tmp_path / "packed_localized") == content(tmp_path / "plain")


def test_options_reach_the_windows_and_the_topics(recorded, tmp_path):
    out = tmp_path / "out"
    wanted = ["--name", "/robot/ears", "--window", "2", "--hop", "0.5", "--trials", "3"]
    assert main(["bag", str(recorded), "--out", str(out), *wanted]) == 0
    with Bag(out) as bag:
        answers = [bag.message(one) for one in bag.messages() if one.topic == "/robot/ears/sources"]
    finals = [one for one in answers if one.stage == FINAL]
    assert len(finals) == 6
    assert [end(one) - one.window_start.sec * 10**9 - one.window_start.nanosec for one in finals] == [2 * 10**9] * 6
    assert all(len(WindowRecord.model_validate_json(one.reasoning).stages[0].trials) == 3 for one in finals)


def test_a_window_of_which_nothing_is_claimed_has_no_detections(recorded, tmp_path, capsys, monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parents[1] / "nodes")  # where misbehaving.py is
    out = tmp_path / "out"
    assert main(["bag", str(recorded), "--out", str(out), "--reasoner", "misbehaving:Wavering", "--hop", "0.5"]) == 0
    with Bag(out) as bag:
        answers = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/sources"]
        detections = [bag.message(one) for one in bag.messages() if one.topic == "/localizer/detections"]
    finals = [one for one in answers if one.stage == FINAL]
    claimed = [one for one in finals if one.outcome != UNCERTAIN]
    assert len(finals) > len(claimed) > 1
    assert [one.header for one in detections] == [one.header for one in claimed]
    assert f"{len(finals) - len(claimed)} UNCERTAIN" in capsys.readouterr().out


def test_one_of_several_topics_is_asked_for_and_can_be_chosen(scene, tmp_path, capsys):
    short = Scene(SceneOptions(seconds=1.0, width=64, height=64))
    bag = write_bag(tmp_path / "bag", short, cameras=("/left/image", "/right/image"), microphones=("/a", "/b"))
    assert main(["bag", str(bag), "--out", str(tmp_path / "out")]) == 1
    told = "has several image topics: choose with --image one of /left/image, /right/image"
    assert capsys.readouterr().err == f"gar-ssl: {bag} {told}\n"
    assert main(["bag", str(bag), "--out", str(tmp_path / "out"), "--image", "/right/image"]) == 1
    assert "choose with --audio one of /a, /b" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
    chosen = ["--image", "/right/image", "--audio", "/b", "--window", "0.5"]
    main(["bag", str(bag), "--out", str(tmp_path / "out"), *chosen])
    assert "/localizer/sources" in content(tmp_path / "out")


def test_a_depth_image_is_no_camera_and_a_name_that_is_taken_leaves_nothing_in_the_way(tmp_path, capsys):
    bag = write_bag(tmp_path / "bag", Scene(SceneOptions(seconds=1.0, width=64, height=64)), depths=("/depth/image",))
    chosen = ["bag", str(bag), "--window", "0.5", "--out"]
    main([*chosen, str(tmp_path / "out")])
    assert "/localizer/sources" in content(tmp_path / "out")
    capsys.readouterr()
    again = ["bag", str(tmp_path / "out"), "--image", "/camera/image", "--out", str(tmp_path / "again")]
    assert main(again) == 1
    assert "already: give the localizer another --name" in capsys.readouterr().err
    assert not (tmp_path / "again").exists()


def test_a_bag_without_images_or_sound_says_what_it_has(tmp_path, capsys):
    short = Scene(SceneOptions(seconds=1.0, width=64, height=64))
    deaf = write_bag(tmp_path / "deaf", short, microphones=())
    blind = write_bag(tmp_path / "blind", short, cameras=())
    deep = write_bag(tmp_path / "deep", short, cameras=(), depths=("/depth/image",))
    assert main(["bag", str(deaf)]) == main(["bag", str(blind)]) == main(["bag", str(deep)]) == 1
    first, second, third = capsys.readouterr().err.splitlines()
    assert first.startswith(f"gar-ssl: {deaf} has no audio topic, of type audio_common_msgs/msg/AudioDataStamped or ")
    assert first.endswith("it has /camera/image (sensor_msgs/msg/Image)")
    assert second.startswith(f"gar-ssl: {blind} has no image topic, of type sensor_msgs/msg/Image or ")
    assert ": it has /depth/image (sensor_msgs/msg/Image of depth), /mic/audio (" in third
    assert main(["bag", str(deaf), "--image", "/other"]) == 1
    told = "has no image topic /other: its image topics are /camera/image"
    assert capsys.readouterr().err == f"gar-ssl: {deaf} {told}\n"


def test_what_is_no_bag_is_refused_in_one_sentence(tmp_path, capsys):
    text, empty, folder, old = (tmp_path / name for name in ("a.txt", "b.mcap", "folder", "c.bag"))
    text.write_text("hello")
    empty.write_bytes(b"")
    folder.mkdir()
    old.write_bytes(b"#ROSBAG V2.0\n")
    for path, told in (
        (tmp_path / "none", "does not exist: check the path"),
        (text, "is not a rosbag2: give its folder, or its .mcap or .db3 file"),
        (empty, "cannot be read (File"),
        (folder, "is a folder without a rosbag2"),
        (old, "is a bag of ROS 1"),
    ):
        assert main(["bag", str(path), "--out", str(tmp_path / "out")]) == 1
        said = capsys.readouterr().err
        assert said.startswith(f"gar-ssl: {path} {told}")
        assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("storage", StoragePlugin)
@pytest.mark.parametrize("kept", [0.02, 0.6, 0.99])
def test_a_truncated_bag_is_told_with_its_remedy(scene, storage, kept, tmp_path, capsys):
    bag = write_bag(tmp_path / "bag", scene, storage)
    (file,) = [path for path in bag.iterdir() if path.suffix != ".yaml"]
    file.write_bytes(file.read_bytes()[: int(kept * file.stat().st_size)])
    assert main(["bag", str(bag)]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"gar-ssl: {bag} ")
    assert "recover it with" in said
    assert said.count("\n") == 1


def test_a_bag_damaged_inside_keeps_what_was_localized_before(scene, recorded, tmp_path, capsys):
    bag = shutil.copytree(recorded, tmp_path / "bag")
    (file,) = bag.glob("*.mcap")
    damaged = bytearray(file.read_bytes())
    place = int(0.85 * len(damaged))
    damaged[place : place + 3000] = b"\xff" * 3000
    file.write_bytes(damaged)
    code = main(["bag", str(bag)])
    said = capsys.readouterr()
    out = content(tmp_path / "bag_localized")
    assert len(out["/localizer/image_annotated"]) >= 1
    assert code == 0 or "is damaged" in said.err  # the bytes may all be pixels


def test_a_bag_whose_recorder_was_killed_is_read_without_its_metadata(recorded, tmp_path):
    bag = shutil.copytree(recorded, tmp_path / "bag")
    (bag / "metadata.yaml").unlink()
    assert main(["bag", str(bag)]) == 0
    assert main(["bag", str(next(bag.glob("*.mcap"))), "--out", str(tmp_path / "of_the_file")]) == 0
    assert content(tmp_path / "bag_localized") == content(tmp_path / "of_the_file")


def test_nothing_that_exists_is_written_over(recorded, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    assert main(["bag", str(recorded), "--out", str(out), "--reasoner", "signal"]) == 1
    assert capsys.readouterr().err == f"gar-ssl: {out} exists already: name a folder that does not\n"
    assert main(["bag", str(recorded), "--out", "/proc/nowhere/out"]) == 1
    assert "/proc/nowhere/out cannot be written" in capsys.readouterr().err
    assert main(["bag", str(recorded), "--out", str(tmp_path / "first")]) == 0
    assert main(["bag", str(tmp_path / "first"), "--out", str(tmp_path / "second"), "--image", "/camera/image"]) == 1
    assert "has /localizer/detections, " in capsys.readouterr().err


def test_messages_that_cannot_be_used_are_counted_and_told(scene, tmp_path, capsys):
    def spoiled(image: object, index: int) -> object:
        image.encoding = "thermal" if index == 10 else "rgb8"
        image.data = image.data[:-1] if index == 20 else image.data
        return image

    bag = write_bag(tmp_path / "bag", scene, spoil=spoiled)
    assert main(["bag", str(bag)]) == 0
    said = capsys.readouterr().err
    assert f"gar-ssl: note: {bag}: image: a message was left out: its encoding 'thermal'" in said
    assert f"gar-ssl: note: {bag}: image: a message was left out: it has " in said
    assert said.endswith(f"gar-ssl: note: {bag}: 2 messages were left out\n")
    first = next(one for one in messages_of(tmp_path / "bag_localized") if one.stage == FINAL)
    assert first.dropped_inputs == 2


@pytest.mark.parametrize("storage", StoragePlugin)
def test_an_interrupt_leaves_a_bag_that_can_be_read(recorded, storage, tmp_path):
    """At a terminal, where progress and the remaining time are shown."""
    scene = Scene(SceneOptions(seconds=12.0, width=160, height=120))
    bag, out = write_bag(tmp_path / "bag", scene, storage), tmp_path / "out"
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    command = [sys.executable, "-m", "gar_ssl_ros.cli", "bag", str(bag), "--out", str(out), "--hop", "0.1"]
    command += ["--reasoner", "misbehaving:Slow"]
    shown = b""
    with subprocess.Popen(command, stderr=slave, stdout=slave) as process:
        os.close(slave)
        while b"/12.0 s [00:" not in shown or b" 3." not in shown:
            shown += os.read(master, 4096)
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # the terminal is gone when the process is
            while more := os.read(master, 4096):
                shown += more
    os.close(master)
    assert process.returncode == 1
    assert b"interrupted; what was computed so far is on disk" in shown
    kept = content(out)
    assert 0 < len(kept["/localizer/image_annotated"]) < 90
    assert 0 < len(kept["/camera/image"]) < 180


def test_a_name_that_no_node_can_have_is_wrong_usage(recorded, capsys):
    with pytest.raises(SystemExit) as ended:
        main(["bag", str(recorded), "--name", "my node"])
    assert ended.value.code == 2
    assert "'my node' is not the name of a node" in capsys.readouterr().err


def test_messages_that_the_reader_passes_over_are_told(recorded, tmp_path, capsys):
    """Ten records of another kind than messages, where ten messages were."""
    bag = shutil.copytree(recorded, tmp_path / "bag")
    file = next(bag.glob("*.mcap"))
    data = bytearray(file.read_bytes())
    with Bag(recorded) as whole:
        messages = list(whole.messages())
    for one in messages[5:105:10]:
        head = 1 + 8 + 22  # op code, length, channel and times
        data[data.index(one.data[:4000]) - head] = 0x90
    file.write_bytes(bytes(data))
    assert main(["bag", str(bag)]) == 1
    said = capsys.readouterr()
    assert f"{bag} is damaged: 10 of its {len(messages)} messages are not to be found: recover it" in said.err
    assert f"-> {tmp_path / 'bag_localized'}" in said.out
    assert sum(map(len, content(tmp_path / "bag_localized").values())) > len(messages) - 10


@pytest.mark.parametrize("storage", StoragePlugin)
@pytest.mark.parametrize("room", [1_500_000, 3_000_000])
def test_a_full_disk_leaves_a_bag_that_can_be_read(run, scene, storage, room, tmp_path):
    bag, out = write_bag(tmp_path / "bag", scene, storage), tmp_path / "out"
    with full_disk(room):
        done = run("bag", bag, "--out", out)
    assert done.returncode == 1
    assert f"{out} cannot be written (" in done.stderr
    assert "free some space" in done.stderr
    kept, whole = content(out), content(bag)
    assert sum(len(messages) for messages in kept.values()) > 10
    for topic, messages in whole.items():
        assert kept.get(topic, []) == messages[: len(kept.get(topic, []))]


def test_what_is_no_bag_is_told_at_once_and_leaves_nothing(recorded, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.mcap")
    Path("inside").mkdir()
    os.mkfifo("inside/a.mcap")
    for name, said in (
        ("/", "/ is a folder without a rosbag2"),
        (".", "pipe.mcap cannot be read: it is a named pipe, not a file"),
        ("pipe.mcap", "pipe.mcap cannot be read: it is a named pipe, not a file"),
        ("inside", "inside/a.mcap cannot be read: it is a named pipe, not a file"),
    ):
        assert main(["bag", name, "--out", "out"]) == 1
        assert said in capsys.readouterr().err
    assert main(["bag", str(recorded), "--out", "out", "--reasoner", "no.such:thing"]) == 1
    assert main(["bag", str(recorded), "--out", os.fsdecode(b"caf\xe9")]) == 1
    assert "is no name for a bag: give it one in UTF-8" in capsys.readouterr().err
    assert sorted(path.name for path in Path().iterdir()) == ["inside", "pipe.mcap"]


def test_sqlite_is_not_sent_to_another_file_by_a_name(scene, tmp_path, capsys):
    bag = write_bag(tmp_path / "bag", scene, StoragePlugin.SQLITE3)
    assert main(["bag", str(bag), "--out", str(tmp_path / "what?")]) == 1
    assert "what? holds ?, which SQLite reads otherwise: give it another name" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["bag"]
