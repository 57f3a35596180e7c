import itertools
import sqlite3
from contextlib import closing

import cv2
import numpy as np
import pytest
from rosbags.rosbag2 import StoragePlugin, Writer

from gar_ssl_ros.bags.rosbag import known_types
from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.samples import DatasetError
from gar_ssl_ros.media.clip import ClipError
from gar_ssl_ros.media.window import SECOND

EPOCH = 1_700_000_000 * SECOND
LAG = 20_000_000  # ns from a message's stamp to its recording
RATE = 16_000
SIZE = (80, 60)
FAMILIES = ("stamped", "data_stamped", "data", "frame")


def picture(index: int) -> np.ndarray:
    return np.full((SIZE[1], SIZE[0], 3), (index, 2 * index, 3 * index), np.uint8)


def wave(index: int) -> np.ndarray:
    """A tenth of a second, whose level tells which."""
    return np.full(RATE // 10, index / 100, np.float32)


def write_bag(path, family="stamped", encoding="rgb8", seconds=6.0, plugin=StoragePlugin.MCAP, cameras=("/image",)):
    """10 pictures and 10 pieces of sound a second, received LAG after their stamp."""
    store = known_types(f"audio_common_msgs/msg/{'AudioStamped' if family == 'stamped' else 'AudioDataStamped'}")
    types = store.types

    def header(stamp):
        return types["std_msgs/msg/Header"](
            types["builtin_interfaces/msg/Time"](stamp // SECOND, stamp % SECOND), "camera_optical"
        )

    def image(stamp, pixels):
        if encoding == "jpeg":
            data = cv2.imencode(".png", pixels[..., ::-1])[1].ravel()
            return types["sensor_msgs/msg/CompressedImage"](header(stamp), "png", data)
        data = {"rgb8": pixels, "bgr8": pixels[..., ::-1], "mono8": pixels[..., :1]}[encoding]
        padded = np.pad(data.reshape(SIZE[1], -1), ((0, 0), (0, 4)))
        return types["sensor_msgs/msg/Image"](
            header(stamp), SIZE[1], SIZE[0], encoding, 0, padded.shape[1], padded.ravel()
        )

    def sound(stamp, samples):
        pcm = np.frombuffer((samples * 32767).astype("<i2").tobytes(), np.uint8)
        if family == "stamped":
            none = {"int32_data": np.zeros(0, np.int32), "int8_data": np.zeros(0, np.int8)}
            data = types["audio_common_msgs/msg/AudioData"](
                np.zeros(0, np.float32), none["int32_data"], pcm.view("<i2"), none["int8_data"], np.zeros(0, np.uint8)
            )
            info = types["audio_common_msgs/msg/AudioInfo"](8, 1, RATE, len(samples))
            return types["audio_common_msgs/msg/AudioStamped"](
                header(stamp), types["audio_common_msgs/msg/Audio"](data, info)
            )
        if family == "frame":
            return types["audio_utils_msgs/msg/AudioFrame"](header(stamp), "signed_16", 1, RATE, len(samples), pcm)
        data = types["audio_common_msgs/msg/AudioData"](pcm)
        return data if family == "data" else types["audio_common_msgs/msg/AudioDataStamped"](header(stamp), data)

    with Writer(path, version=8, storage_plugin=plugin) as bag:
        example = image(0, picture(0)), sound(0, wave(0))
        cameras = [bag.add_connection(name, example[0].__msgtype__, typestore=store) for name in cameras]
        microphone = bag.add_connection("/audio", example[1].__msgtype__, typestore=store)
        if family in ("data", "data_stamped"):
            described = bag.add_connection("/audio_info", "audio_common_msgs/msg/AudioInfo", typestore=store)
            info = types["audio_common_msgs/msg/AudioInfo"](1, RATE, "S16LE", 256_000, "wave")
            bag.write(described, EPOCH, store.serialize_cdr(info, described.msgtype))
        for index in range(round(10 * seconds)):
            stamp = EPOCH + index * SECOND // 10
            for camera in cameras:
                data = store.serialize_cdr(image(stamp, picture(index)), camera.msgtype)
                bag.write(camera, stamp + LAG, data)
            data = store.serialize_cdr(sound(stamp, wave(index)), microphone.msgtype)
            bag.write(microphone, stamp + SECOND // 10 + LAG, data)  # a piece is recorded when it has ended
    return path


@pytest.fixture
def truth(tmp_path):
    path = tmp_path / "truth.csv"
    path.write_text("file,at,x1,y1,x2,y2,label\nbag,3.02,10,20,40,50,dog\n")
    return path


@pytest.mark.parametrize(
    ("family", "encoding", "plugin"),
    [
        *zip(FAMILIES, itertools.cycle(["rgb8", "bgr8", "jpeg"]), itertools.cycle(StoragePlugin), strict=False),
        ("stamped", "mono8", StoragePlugin.SQLITE3),
    ],
)
def test_a_moment_of_a_bag_is_a_window_by_the_messages_own_stamps(tmp_path, truth, family, encoding, plugin):
    bag = write_bag(tmp_path / "bag", family, encoding, plugin=plugin)
    (sample,) = dataset("rosbag", bag, truth).samples
    opened = sample.open()
    window = opened.window
    assert len(window.frames) in (29, 30)
    assert window.center.stamp == EPOCH + 3 * SECOND
    assert window.center.frame_id == "camera_optical"
    assert (window.center.image == (picture(30)[..., :1] if encoding == "mono8" else picture(30))).all()
    assert opened.truths[0].sides == (10, 20, 40, 50)
    assert window.audio.missing == 0
    first = round((window.start - EPOCH) * RATE / SECOND)
    whole = np.concatenate([wave(i) for i in range(60)])[first : first + 3 * RATE]
    late = 0 if family != "data" else 3  # unstamped sound is as exact as its recording
    assert window.audio.samples[0, late : len(whole)] == pytest.approx(whole[: len(whole) - late], abs=0.011)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_bag_without_definitions_is_read_as_well(tmp_path, truth, family):
    bag = write_bag(tmp_path / "bag", family, plugin=StoragePlugin.SQLITE3)
    with closing(sqlite3.connect(next(bag.glob("*.db3")))) as content, content:  # as Humble writes it
        content.execute("DELETE FROM message_definitions")
    window = dataset("rosbag", bag, truth).samples[0].open().window
    assert (window.center.image == picture(30)).all()
    assert window.audio.missing == 0


def test_a_folder_of_bags_is_a_dataset(tmp_path):
    for name in ("one", "two"):
        write_bag(tmp_path / name, seconds=4.0)
    (tmp_path / "truth.csv").write_text("file,x1,y1,x2,y2\none,1,2,30,40\ntwo,1,2,30,40\nthree,1,2,30,40\n")
    read = dataset("rosbag", tmp_path)
    assert [name for name, _ in read.missing] == ["three"]
    assert all(sample.open().window.audio is not None for sample in read.samples[:2])


def test_of_several_cameras_one_is_named(tmp_path):
    bag = write_bag(tmp_path / "bag", seconds=4.0, cameras=("/left", "/right"))
    truth = tmp_path / "truth.json"
    truth.write_text('{"samples": [{"file": "bag", "sources": [{"box": [1, 2, 30, 40]}]}]}')
    with pytest.raises(ClipError, match=r"has the cameras /left, /right: name one as image_topic in a truth.json"):
        dataset("rosbag", bag, truth).samples[0].open()
    truth.write_text('{"image_topic": "right", "samples": [{"file": "bag", "sources": [{"box": [1, 2, 30, 40]}]}]}')
    assert dataset("rosbag", bag, truth).samples[0].open().window.center.image.shape == (60, 80, 3)
    truth.write_text('{"audio_topic": "mic", "samples": [{"file": "bag", "sources": [{"box": [1, 2, 30, 40]}]}]}')
    with pytest.raises(ClipError, match="has the cameras"):
        dataset("rosbag", bag, truth).samples[0].open()


def test_a_bag_that_cannot_be_used_is_one_failed_sample(tmp_path, truth):
    bag = write_bag(tmp_path / "bag", seconds=2.0)
    with pytest.raises(ClipError, match=r"does not reach 3.02 s"):
        dataset("rosbag", bag, truth).samples[0].open()
    file = next(bag.glob("*.mcap"))
    file.write_bytes(b"nothing" * 50)
    with pytest.raises(ClipError, match=r"bag cannot be read \(.*record it again"):
        dataset("rosbag", bag, truth).samples[0].open()


def test_what_a_bag_lacks_is_told(tmp_path, truth):
    with pytest.raises(DatasetError, match="does not exist: give --root"):
        dataset("rosbag", tmp_path / "nowhere", truth)
    truth.unlink()
    with pytest.raises(DatasetError, match=r"holds neither truth\.csv nor truth\.json"):
        dataset("rosbag", tmp_path)
