"""What a camera, an address and a recording give, and what is said where they give nothing."""

from __future__ import annotations

import errno
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from av.error import err_check
from clips import moving_noise, write_clip
from mjpeg import NetworkCamera, jpeg

from gar_ssl_ros.errors import UsageError
from gar_ssl_ros.media import capture
from gar_ssl_ros.media.capture import Capture, Captured, Wanted
from gar_ssl_ros.media.devices import Device, DeviceError


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    return write_clip(tmp_path_factory.mktemp("clips") / "clip.mkv", seconds=1.0)


@pytest.mark.parametrize(
    ("source", "file"),
    [
        ("", None),
        ("0", None),
        ("HD Webcam C615", None),
        ("/dev/video2", None),
        ("/dev/v4l/by-id/usb-cam", None),
        ("talk.mp4", Path("talk.mp4")),
        ("clips/talk", Path("clips/talk")),
        ("file:///clips/a%20talk.mp4", Path("/clips/a talk.mp4")),
        ("rtsp://camera/talk.mp4", None),
    ],
)
def test_a_source_is_a_device_an_address_or_a_file_by_how_it_is_written(source, file):
    assert Wanted(source).file == file


def test_passwords_are_not_told():
    assert Wanted("rtsp://user:secret@10.0.0.7/main").shown == "rtsp://10.0.0.7/main"


@pytest.mark.parametrize(
    ("wanted", "told"),
    [(("ftp://x",), "there are no addresses of ftp"), (("0", 640, 0), "width is 640 and height 0: give both")],
)
def test_what_means_nothing_is_wrong_usage(wanted, told):
    with pytest.raises(UsageError, match=told):
        Wanted(*wanted)


def test_a_recording_gives_its_pictures_with_their_times(clip):
    read = Capture(Wanted(f"file://{clip}"))
    images = list(read.read())
    assert (read.recorded, read.width, read.height, len(images)) == (True, 64, 48, 10)
    assert [image.time for image in images] == pytest.approx([i / 10 for i in range(10)])
    seen = read.rgb(images[3])
    assert seen is not None
    assert np.abs(seen.astype(int) - moving_noise(64, 48)(3)).mean() < 60
    coded = read.jpeg(images[3])
    assert coded is not None
    assert cv2.imdecode(np.frombuffer(coded, np.uint8), 1).shape == (48, 64, 3)
    read.close()


def test_jpegs_of_an_address_are_passed_on_as_they_came_or_decoded():
    sent = [jpeg(96, 64, level) for level in range(0, 100, 10)]
    camera = NetworkCamera(sent)
    read = Capture(Wanted(camera.address))
    images = read.read()
    one = next(images)
    assert (read.recorded, read.codec, read.width, read.height) == (False, "mjpeg", 96, 64)
    assert read.jpeg(one) in sent
    seen = read.rgb(one)
    assert seen is not None
    expected = cv2.cvtColor(cv2.imdecode(np.frombuffer(read.jpeg(one), np.uint8), 1), cv2.COLOR_BGR2RGB)
    assert np.abs(seen.astype(int) - expected).max() < 8  # two decoders
    assert read.rgb(Captured(b"", 0.0, None)) is None  # a packet that the driver found broken
    assert read.rgb(Captured(b"\xff\xd8nothing", 0.0, None)) is None
    assert read.rgb(next(images)) is not None
    camera.unplug()
    with pytest.raises(DeviceError, match=r"^http://127.0.0.1:\d+/stream was lost \("):
        list(images)
    assert read.rgb(one) is not None  # what was read can be decoded still
    read.close()


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("/dev/video97", "/dev/video97 is not there: plug it in"),
        ("/dev/null", "/dev/null is no camera: choose another"),
        ("nowhere.mp4", "nowhere.mp4 does not exist: check the path"),
        (f"{Path(__file__).parent}/", "cannot be opened .*: give a whole video file"),
        (str(Path(__file__)), "test_capture.py cannot be opened .*: give a whole video file"),
        ("http://user:secret@127.0.0.1:9/stream", "^http://127.0.0.1:9/stream cannot be opened .*: is it on"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence(source, told):
    with pytest.raises(DeviceError, match=told) as refused:
        Capture(Wanted(source))
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (errno.EBUSY, r"Webcam \(/dev/video0\) is in use by another program: end that one"),
        (errno.EACCES, r"Webcam \(/dev/video0\) may not be opened: sudo usermod -aG video \$USER"),
        (errno.ENODEV, r"Webcam \(/dev/video0\) is not there: plug it in"),
        (errno.EIO, r"Webcam \(/dev/video0\) cannot be opened \(Input/output error\): choose another"),
    ],
)
def test_why_a_device_cannot_be_used_is_one_sentence(monkeypatch, number, told):
    monkeypatch.setattr(capture, "cameras", lambda: [Device(0, "Webcam", address="/dev/video0")])
    monkeypatch.setattr(capture.av, "open", lambda *_, **__: err_check(-number))
    for source in ("", "0", "webcam"):
        with pytest.raises(DeviceError, match=told):
            Capture(Wanted(source))


def test_no_camera_at_all_is_one_sentence(monkeypatch):
    monkeypatch.setattr(capture, "cameras", list)
    with pytest.raises(
        DeviceError, match="there is no camera: plug one in, or give the device as an address or a file"
    ):
        Capture(Wanted(""))
    with pytest.raises(DeviceError, match="no camera is called 'usb': there is none, plug it in"):
        Capture(Wanted("usb"))


def test_a_recording_at_an_address_is_read_whole_and_a_playlist_there_opens_no_file(clip, tmp_path):
    (tmp_path / "clip.mkv").write_bytes(clip.read_bytes())
    entry = f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n"
    (tmp_path / "list.m3u8").write_text(entry)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=tmp_path)) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        read = Capture(Wanted(f"{address}/clip.mkv"))
        assert (read.recorded, len(list(read.read()))) == (True, 10)
        read.close()
        with pytest.raises(DeviceError, match=r"list\.m3u8 cannot be opened"):
            Capture(Wanted(f"{address}/list.m3u8"))
        server.shutdown()
