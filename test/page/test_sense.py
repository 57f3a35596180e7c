"""A browser's own camera and microphone as the robot's: what it sends, what is refused, and what its page says."""

from __future__ import annotations

import json
import os
import shutil
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from threading import Event
from typing import Any

import cv2
import numpy as np
import pytest
from domains import own_environment
from hypothesis import given
from hypothesis import strategies as st

import gar_ssl_ros.messages.ros  # noqa: F401  # before rclpy

# isort: split
from rclpy.qos import qos_profile_sensor_data
from sensor_msgs.msg import CompressedImage
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.offline.processes import Processes
from gar_ssl_ros.page import sensor as sensor_module
from gar_ssl_ros.page.access import Access
from gar_ssl_ros.page.feed import PICTURE, PICTURE_HEAD, SOUND, Picture
from gar_ssl_ros.page.graph import Graph
from gar_ssl_ros.page.live_node import Names
from gar_ssl_ros.page.sensor import CLOCK_TOLD, TAKEN, TAKEN_TOLD, Sensor
from gar_ssl_ros.page.sensor_messages import SOUND_HEAD, SenseError, read_sense
from gar_ssl_ros.page.sensor_publisher import SensorPublisher
from gar_ssl_ros.page.server import Server
from gar_ssl_ros.page.web import application

PATIENCE_S = 20.0
BROWSER = shutil.which("chromium-headless-shell")
FLAGS = ["--no-sandbox", "--use-fake-device-for-media-stream=fps=30", "--use-fake-ui-for-media-stream"]
JPEG = cv2.imencode(".jpg", np.full((48, 64, 3), 90, np.uint8))[1].tobytes()
MS = 1_000_000  # ns


@dataclass
class Live:
    """A graph with a sensor, served. images: what comes on image/compressed."""

    graph: Graph
    sensor: Sensor
    port: int
    images: Queue[Any]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/"

    def join(self) -> ClientConnection:
        return connect(f"ws://localhost:{self.port}/sense", origin=f"http://localhost:{self.port}")

    def told(self, kind: str) -> dict[str, Any]:
        """What the feed says last of that kind."""
        found = [json.loads(one) for one in self.graph.feed.news(0).messages if isinstance(one, str)]
        return next((one for one in reversed(found) if one["type"] == kind), {})

    @property
    def status(self) -> str:
        """What /diagnostics says of the sensor."""
        statuses = self.told("health").get("statuses", [])
        return next((one["message"] for one in statuses if one["name"].endswith(": sensor")), "")

    @property
    def heard(self) -> bytes:
        """The sound of the last seconds."""
        now = time.time_ns()
        return self.graph.feed.sound(now - 5 * SECOND, now)

    def next_image(self, after: int = 0) -> Any:
        """The next one that was taken after that time, ns."""
        while True:
            image = self.images.get(timeout=PATIENCE_S)
            if ns(image) > after:
                return image


def until(true: Callable[[], Any]) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found


def ns(image: Any) -> int:
    return int(image.header.stamp.sec) * SECOND + int(image.header.stamp.nanosec)


def picture(stamp: int, jpeg: bytes = JPEG) -> bytes:
    return PICTURE_HEAD.pack(PICTURE, 64, 48, stamp / 1e6) + jpeg


def sound(stamp: int, channels: int = 1, rate: int = 16_000, samples: bytes = b"\0\x10" * 320) -> bytes:
    return SOUND_HEAD.pack(SOUND, channels, 0, rate, stamp / 1e6) + samples


@pytest.fixture(scope="module")
def live() -> Iterator[Live]:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in own_environment().items():
            environment.setenv(name, value)
        hello = {"mode": "browser", "title": "a page", "can": {"sense": True}, "lanes": [{"name": ""}]}
        graph = Graph(Processes(), [], Names(), hello, Path(os.devnull), None)
        sensor = Sensor(graph.node, graph.feed)
        images: Queue[Any] = Queue()
        graph.node.create_subscription(CompressedImage, "image/compressed", images.put, qos_profile_sensor_data)
        with Server(application(graph, Access(), sensor.serve), "127.0.0.1", 0) as server:
            yield Live(graph, sensor, server.port, images)
        sensor.close()
        graph.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright, which is not installed")
    if BROWSER is None:
        pytest.skip("needs chromium-headless-shell, which is not here")
    with api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=BROWSER, args=FLAGS)
        yield started
        started.close()


@pytest.fixture
def page(live: Live, browser: Any) -> Iterator[Callable[..., Any]]:
    """The page, opened with a script that runs before its own; nobody else is the sensor."""
    contexts = []

    def opened(script: str = "", url: str = "") -> Any:
        contexts.append(browser.new_context(permissions=["camera", "microphone"]))
        shown = contexts[-1].new_page()
        shown.add_init_script(script)
        shown.goto(url or live.url)
        return shown

    yield opened
    for context in contexts:
        context.close()
    until(lambda: not live.told("sensor")["on"])


def closing_code(client: ClientConnection) -> int:
    with pytest.raises(ConnectionClosed) as closed:
        client.recv(PATIENCE_S)
    assert closed.value.rcvd is not None
    return closed.value.rcvd.code


def says(shown: Any, what: str) -> None:
    shown.locator("#sense", has_text=what).wait_for(timeout=1000 * PATIENCE_S)


def test_what_a_page_sends_is_on_the_graph_at_the_time_it_was_taken(live: Live) -> None:
    with live.join() as client:
        until(lambda: live.told("sensor")["on"])

        # Best effort: who has not been discovered yet hears nothing.
        def sent() -> Any:
            stamp = time.time_ns() - 40 * MS
            client.send(picture(stamp))
            client.send(sound(stamp))
            return not live.images.empty() and live.heard

        until(sent)
        stamp = time.time_ns() - 40 * MS
        client.send(picture(stamp))
        image = live.next_image(stamp - MS // 100)
    assert abs(ns(image) - stamp) < 1000  # as near as a float64 of ms tells
    assert (image.header.frame_id, image.format) == ("camera_optical_frame", "jpeg")
    assert bytes(image.data) == JPEG
    until(lambda: not live.told("sensor")["on"])


def test_the_clock_is_told_to_who_asks(live: Live) -> None:
    with live.join() as client:
        client.send('{"do": "ping", "id": 7}')
        answer = json.loads(client.recv(PATIENCE_S))
    assert (answer["type"], answer["id"]) == ("pong", 7)
    assert abs(answer["now"] - time.time() * 1000) < 60_000


@pytest.mark.parametrize(
    ("message", "why"),
    [
        (b"", "of kind 0"),
        (b"\x07" * 40, "of kind 7"),
        (picture(1)[:20], "are no JPEG"),
        (picture(10**18, b"\x89PNG\r\n\x1a\n" + bytes(64)), "are no JPEG"),
        (picture(10**18, JPEG.replace(struct.pack(">HH", 48, 64), struct.pack(">HH", 4097, 64))), "64x4097 pixels"),
        (PICTURE_HEAD.pack(PICTURE, 64, 48, float("nan")) + JPEG, "is no time"),
        (SOUND_HEAD.pack(SOUND, 1, 0, 16_000, 1.0)[:9], "has 9 bytes"),
        (sound(10**18, channels=0), "0 channels"),
        (sound(10**18, channels=9), "9 channels"),
        (sound(10**18, rate=7999), "7999 Hz"),
        (sound(10**18, rate=192_001), "192001 Hz"),
        (sound(10**18, samples=b"\0\0\0"), "3 bytes"),
        (sound(10**18, samples=b""), "0 bytes"),
        (sound(10**18, samples=bytes(2 * 16_001)), "at most 1 s"),
        ("{", "cannot be read"),
        ('{"do": "localize", "id": 1}', "ask by /stream"),
        ("x" * 5000, "5000 characters"),
    ],
)
def test_what_is_of_no_use_is_refused_with_a_sentence_and_the_rest_goes_on(live: Live, message: Any, why: str) -> None:
    with live.join() as client:
        client.send(message)
        answer = json.loads(client.recv(PATIENCE_S))
        assert not answer["ok"]
        assert why in answer["text"]
        client.send('{"do": "ping", "id": 1}')
        assert json.loads(client.recv(PATIENCE_S))["type"] == "pong"


def test_ten_megabytes_are_not_taken_in_and_the_next_page_can_come(live: Live) -> None:
    with suppress(ConnectionClosed), live.join() as client:
        client.send(bytes(10 * 2**20))
        assert closing_code(client) == 1009
    test_the_clock_is_told_to_who_asks(live)


@given(
    st.one_of(
        st.binary(max_size=64),
        st.binary(max_size=64).map(lambda tail: b"\x01" + tail),
        st.binary(max_size=64).map(lambda tail: b"\x02" + tail),
    )
)
def test_whatever_comes_is_a_picture_or_sound_or_refused(message: bytes) -> None:
    try:
        found = read_sense(message)
    except SenseError:
        return
    assert found.stamp > 0
    assert isinstance(found, Picture) or np.abs(found.samples).max() <= 1


def test_one_page_is_the_sensor_and_another_is_told_so(live: Live) -> None:
    with live.join() as first:
        first.send('{"do": "ping", "id": 1}')
        first.recv(PATIENCE_S)
        with live.join() as second:
            assert json.loads(second.recv(PATIENCE_S))["text"] == TAKEN_TOLD
            assert closing_code(second) == TAKEN
        first.send('{"do": "ping", "id": 2}')
        assert json.loads(first.recv(PATIENCE_S))["id"] == 2


def test_a_page_that_was_cut_off_does_not_keep_the_next_one_away(live: Live, monkeypatch) -> None:
    with live.join() as gone:
        gone.send('{"do": "ping", "id": 1}')
        gone.recv(PATIENCE_S)
        monkeypatch.setattr(sensor_module, "SILENT_S", 0.0)
        with live.join() as back:
            back.send('{"do": "ping", "id": 1}')
            assert json.loads(back.recv(PATIENCE_S))["type"] == "pong"
            gone.send('{"do": "ping", "id": 2}')
            assert json.loads(gone.recv(PATIENCE_S))["text"] == TAKEN_TOLD
            back.send('{"do": "ping", "id": 2}')
            assert json.loads(back.recv(PATIENCE_S))["id"] == 2


def test_a_page_whose_clock_is_off_is_told_so_and_seen_at_the_time_of_arrival(live: Live) -> None:
    with live.join() as client:
        before = time.time_ns()
        client.send(picture(before - 3600 * SECOND))
        assert json.loads(client.recv(PATIENCE_S))["text"] == CLOCK_TOLD
        assert before <= ns(live.next_image(before - 1)) <= time.time_ns()
        client.send(sound(before + 3600 * SECOND))
        until(lambda: live.status == CLOCK_TOLD)


def test_what_comes_late_is_left_out_and_a_clock_that_was_set_back_is_believed(live: Live) -> None:
    with live.join() as client:
        now = time.time_ns()
        for stamp in (now, now - 100 * MS, now + 33 * MS, now - 2 * SECOND):
            client.send(picture(stamp))
            client.send('{"do": "ping", "id": 1}')
            client.recv(PATIENCE_S)
            if stamp != now - 100 * MS:  # since the newest alone waits to be published
                assert abs(ns(live.next_image(now - 3 * SECOND)) - stamp) < 1000
    assert live.images.empty()


def test_of_what_cannot_be_published_in_time_the_newest_is_kept(live: Live, monkeypatch) -> None:
    publisher = SensorPublisher(live.graph.node)
    begun, may, came = Event(), Event(), []

    def publish(message: Any) -> None:
        begun.set()
        assert may.wait(PATIENCE_S)
        came.append(ns(message))

    monkeypatch.setattr(publisher._images, "publish", publish)
    publisher.see(Picture(1, 64, 48, JPEG))
    assert begun.wait(PATIENCE_S)
    for stamp in (2, 3, 4):
        publisher.see(Picture(stamp, 64, 48, JPEG))
    for index in range(150):
        publisher.hear(Audio(index * 20 * MS, np.zeros((1, 320), np.float32), 16_000))
    may.set()
    until(lambda: publisher.counts["pictures"] == 2 and publisher.counts["chunks"] == 50)
    monkeypatch.undo()
    publisher.close()
    assert came == [1, 4]
    assert publisher.counts["dropped_pictures"] == 2
    assert publisher.counts["dropped_chunks"] == 100


def test_a_browser_s_camera_and_microphone_come_with_the_times_of_one_clock(live: Live, page) -> None:
    shown = page()
    shown.click("#sense button")
    says(shown, "sound is sent")
    until(lambda: live.told("sensor")["on"])
    image = live.next_image(time.time_ns())
    assert cv2.imdecode(np.frombuffer(image.data, np.uint8), cv2.IMREAD_COLOR).shape == (480, 640, 3)
    columns = until(lambda: live.heard)
    stamp = struct.unpack_from("<d", columns, 8)[0]
    assert abs(stamp - time.time() * 1000) < 6000
    until(lambda: live.status == "comes")
    assert shown.locator("#sense select#sense-camera option").count() >= 4
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    assert not axe.run(shown, context={"include": ["#sense"]}).response["violations"]
    shown.click("#sense button")
    until(lambda: not live.told("sensor")["on"])
    assert shown.inner_text("#sense button").startswith("Use this device")


def test_a_camera_that_is_unplugged_leaves_the_sound_and_comes_back_by_another_choice(live: Live, page) -> None:
    shown = page()
    shown.click("#sense button")
    live.next_image(time.time_ns())
    shown.evaluate("document.querySelector('#sense video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))")
    says(shown, "was unplugged")
    says(shown, "0 pictures a second are sent; sound is sent")
    shown.select_option("#sense-camera", "environment")
    live.next_image(time.time_ns())


def test_a_hidden_page_s_camera_rests_and_the_robot_is_told(live: Live, page) -> None:
    shown = page()
    shown.click("#sense button")
    live.next_image(time.time_ns())
    shown.evaluate(TURN, True)
    says(shown, "its camera rests until it is shown")
    until(lambda: "hidden" in live.status)
    shown.evaluate(TURN, False)
    until(lambda: "hidden" not in live.status)


TURN = """on => {
  Object.defineProperty(document, 'hidden', {value: on, configurable: true});
  document.dispatchEvent(new Event('visibilitychange'));
}"""
REFUSE = """
const real = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
navigator.mediaDevices.getUserMedia = async (asked) => {
  if (asked.%s) throw new DOMException('', '%s');
  return real(asked);
};
"""


@pytest.mark.parametrize(
    ("kind", "error", "told", "rest"),
    [
        ("video", "NotFoundError", "No such camera is here", "sound is sent"),
        ("video", "NotReadableError", "The camera is in use", "sound is sent"),
        ("audio", "NotFoundError", "No such microphone is here", "no sound is sent"),
    ],
)
def test_without_one_of_them_the_other_goes_on(live: Live, page, kind, error, told, rest) -> None:
    shown = page(REFUSE % (kind, error))
    shown.click("#sense button")
    says(shown, told)
    says(shown, rest)
    if kind == "audio":
        live.next_image(time.time_ns())


def test_a_browser_that_may_not_says_so(live: Live, browser: Any) -> None:
    flags = [*FLAGS[:-1], f"{FLAGS[-1]}=deny"]
    denied = browser.browser_type.launch(executable_path=BROWSER, args=flags)
    shown = denied.new_page()
    shown.goto(live.url)
    shown.click("#sense button")
    says(shown, "The browser keeps the camera from this page")
    says(shown, "The browser keeps the microphone from this page")
    denied.close()
    until(lambda: not live.told("sensor")["on"])


def test_a_page_without_a_secure_origin_says_what_to_do(live: Live, page) -> None:
    script = "Object.defineProperty(navigator, 'mediaDevices', {value: undefined});"
    shown = page(script + "Object.defineProperty(window, 'isSecureContext', {value: false});")
    says(shown, "open it by https (gar-ssl live --https) or on localhost")
    assert shown.is_disabled("#sense button")


def test_a_second_page_says_that_another_is_the_sensor(live: Live, page) -> None:
    with live.join() as client:
        shown = page()
        shown.click("#sense button")
        says(shown, TAKEN_TOLD)
        client.send('{"do": "ping", "id": 1}')
    live.next_image(time.time_ns())  # as soon as the other has gone


def test_a_page_that_was_cut_off_comes_back(live: Live, page) -> None:
    app = application(live.graph, Access(), live.sensor.serve)
    with Server(app, "127.0.0.1", 0) as server:
        port = server.port
        shown = page(url=f"http://localhost:{port}/")
        shown.click("#sense button")
        live.next_image(time.time_ns())
    says(shown, "Trying again")
    with Server(app, "127.0.0.1", port):
        live.next_image(time.time_ns())
        says(shown, "Connected")
