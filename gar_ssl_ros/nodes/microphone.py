"""The microphone: what PortAudio records, on the graph."""

from __future__ import annotations

from importlib import import_module
from threading import Event, Thread
from time import monotonic
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.node import Node

from gar_ssl_ros.errors import pip_install
from gar_ssl_ros.media.devices import Device, DeviceError, device_of_name
from gar_ssl_ros.media.level import LevelMeter
from gar_ssl_ros.media.window import SECOND, audio_from_samples
from gar_ssl_ros.nodes.diagnostic_updater import DiagnosticUpdater
from gar_ssl_ros.nodes.diagnostics import Status
from gar_ssl_ros.nodes.node_parameters import NodeParameters
from gar_ssl_ros.nodes.parameters import MICROPHONE
from gar_ssl_ros.nodes.sound_publisher import SoundPublisher
from gar_ssl_ros.spatial.hearing.catalog import array_of
from gar_ssl_ros.spatial.hearing.options import HearingOptions

KIND = "microphone"  # of device
REOPEN_AFTER_S = 1.0  # s from one attempt to open the device to the next
DEVICE_GONE_S = 3.0  # s without a sample after which a device is taken to be gone


class MicrophoneError(DeviceError):
    """Why there is nothing to record with: one sentence that says what to install."""


def sounddevice() -> Any:
    """The library, set up. Raises MicrophoneError where it or PortAudio is not installed."""
    try:
        return import_module("sounddevice")
    except ImportError:
        raise MicrophoneError(f"sounddevice is not installed: {pip_install('microphone')}") from None
    except OSError:
        raise MicrophoneError("PortAudio is not installed: sudo apt install libportaudio2") from None


def microphones() -> list[Device]:
    """Those that record, numbered as PortAudio has them."""
    return [
        Device(one["index"], one["name"], f"{one['max_input_channels']} channels, {one['default_samplerate']:.0f} Hz")
        for one in sounddevice().query_devices()
        if one["max_input_channels"] > 0
    ]


def microphone_of_name(wanted: str) -> int | None:
    """The number of the one meant; None, the system's choice, for no text. Raises DeviceError where there is none."""
    return device_of_name(wanted, microphones(), KIND).number if wanted else None


class MicrophoneNode(Node):
    """The node. It records from `record` on; `close` it before it is destroyed."""

    def __init__(self, name: str = "microphone", **options: Any) -> None:
        """options: as of rclpy's Node. Raises DeviceError where there is no such device at the start, UserError
        where there is no such array.
        """
        super().__init__(name, **options)
        self._chosen = NodeParameters(self, MICROPHONE).values
        array = array_of(HearingOptions(array=self._chosen["array"]))
        if array is not None:
            self._chosen = {**self._chosen, "channels": array.recorded or max(array.channels) + 1}
        self._library = sounddevice()
        if not self.only_lists:
            microphone_of_name(self._chosen["device"])
        self._sound_out = SoundPublisher(
            self, *(self._chosen[name] for name in ("frame_id", "channels", "rate", "audio_type"))
        )
        self._counts = {"chunks": 0, "samples": 0, "overflows": 0, "opened": 0}
        self._meter = LevelMeter()
        self._problem = "not recording yet"
        self._newest = monotonic()
        self._stream: Any = None
        self.diagnostics = DiagnosticUpdater(self, self._statuses)
        self._stopping = Event()
        self._thread = Thread(target=self._record, name="microphone", daemon=True)

    @property
    def only_lists(self) -> bool:
        """True if it is to do no more than list the devices."""
        return bool(self._chosen["list"])

    def record(self) -> None:
        """Begin."""
        self._thread.start()

    def close(self) -> None:
        """Stop recording."""
        self._stopping.set()
        if self._thread.is_alive():
            self._interrupt()
            self._thread.join(DEVICE_GONE_S)

    def _record(self) -> None:
        while not self._stopping.is_set():
            try:
                self._record_until_it_breaks()
            except Exception as problem:  # PortAudio's errors, and ours where the device is not there any more
                self._say(str(problem).splitlines()[0])
            self._stopping.wait(REOPEN_AFTER_S)

    def _record_until_it_breaks(self) -> None:
        if self._counts["opened"] or self._problem:
            self._library._terminate()  # PortAudio looks for devices only when it is set up; there is no public way
            self._library._initialize()
        rate, size = self._chosen["rate"], round(self._chosen["rate"] * self._chosen["chunk"])
        device = microphone_of_name(self._chosen["device"])
        if device is None and not microphones():
            raise MicrophoneError("there is no microphone: plug one in, and see that this user may record")
        options = {"device": device, "channels": self._chosen["channels"], "samplerate": rate, "dtype": "float32"}
        with self._library.RawInputStream(**options) as stream:
            self._stream, self._newest = stream, monotonic()
            self._counts["opened"] += 1
            self._say("")
            try:
                while not self._stopping.is_set():
                    content, overflowed = stream.read(size)  # raw: its arrays trip over NumPy 2.5
                    samples = np.frombuffer(content, np.float32).reshape(size, -1)
                    now = self.get_clock().now().nanoseconds - stream.read_available * SECOND // rate
                    self._newest = monotonic()
                    self._counts["overflows"] += bool(overflowed)
                    audio = audio_from_samples(now - size * SECOND // rate, samples.T, rate)
                    self._sound_out.publish(audio)
                    self._meter.add(audio)
                    self._counts["chunks"] += 1
                    self._counts["samples"] += size
            finally:
                self._stream = None

    def _say(self, problem: str) -> None:
        if problem and problem != self._problem:
            self.get_logger().error(f"{problem}; it is tried again every {REOPEN_AFTER_S:.0f} s")
        elif self._problem and not problem:
            self.get_logger().info(f"recording {self._chosen['device'] or 'the default device'}")
        self._problem = problem

    def _interrupt(self) -> None:
        """Have a read that waits for a device that is gone come back, with an error."""
        stream = self._stream
        if stream is not None:
            try:
                stream.abort()
            except Exception as problem:
                self.get_logger().debug(f"the stream could not be aborted: {problem}")

    def _statuses(self) -> list[Status]:
        idle = monotonic() - self._newest
        if self._stream is not None and idle > DEVICE_GONE_S:
            self._say(f"no sample has come for {idle:.0f} s")
            self._interrupt()
        concern = self._meter.problem
        level = DiagnosticStatus.ERROR if self._problem else DiagnosticStatus.WARN if concern else DiagnosticStatus.OK
        form = {"rate_hz": self._chosen["rate"], "channels": self._chosen["channels"]}
        values = {**self._counts, **form, **self._meter.values}
        return [Status("microphone", level, self._problem or concern or "recording", values)]
