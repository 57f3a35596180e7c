"""The microphone, on what PortAudio records through ALSA's null and file plugins: no hardware is needed."""

from __future__ import annotations

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from audio_common_msgs.msg import AudioStamped
from robot import PATIENCE, process, robot, spinning, until

from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.media.devices import DeviceError, listed
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.nodes.microphone import (
    KIND,
    MicrophoneError,
    MicrophoneNode,
    microphone_of_name,
    microphones,
    sounddevice,
)

ALSA = Path("/usr/share/alsa/alsa.conf")
DEVICES = """
pcm.garage {{ type null }}
pcm.garden {{ type file; slave.pcm garage; file /dev/null; infile {tone}; format raw }}
"""
try:
    sounddevice()
except MicrophoneError as missing:
    pytest.skip(str(missing), allow_module_level=True)
if not ALSA.is_file():
    pytest.skip(f"needs ALSA, whose {ALSA} is not here", allow_module_level=True)


@pytest.fixture
def plugged(tmp_path, monkeypatch) -> Path:
    """ALSA's configuration, of two devices: silence, and a tone of 440 Hz."""
    tone = tmp_path / "tone.raw"
    wave = 0.25 * np.sin(2 * np.pi * 440 * np.arange(16000) / 16000)
    tone.write_bytes(np.tile(wave, 600).astype("<f4").tobytes())
    settings = tmp_path / "asoundrc"
    settings.write_text(DEVICES.format(tone=tone))
    monkeypatch.setenv("ALSA_CONFIG_PATH", f"{ALSA}:{settings}")
    again()
    return settings


def again() -> None:
    """Have PortAudio look for devices."""
    sounddevice()._terminate()
    sounddevice()._initialize()


def microphone(**parameters: Any) -> AbstractContextManager[MicrophoneNode]:
    return spinning(MicrophoneNode, **parameters)


def test_devices_are_listed_with_number_name_channels_and_rate(plugged):
    assert {one.name for one in microphones()} >= {"garage", "garden"}
    assert "garden" in listed(microphones(), KIND)


def test_a_device_is_chosen_by_number_or_part_of_its_name(plugged):
    by_name = {one.name: one.number for one in microphones()}
    assert microphone_of_name("") is None
    assert microphone_of_name("DEN") == by_name["garden"]
    assert microphone_of_name("garage") == by_name["garage"]
    assert microphone_of_name(str(by_name["garden"])) == by_name["garden"]


@pytest.mark.parametrize(("wanted", "problem"), [("cellar", "no microphone"), ("gar", "microphones are called 'gar'")])
def test_a_name_of_no_device_or_of_several_is_refused_with_the_list(plugged, wanted, problem):
    with pytest.raises(DeviceError, match=problem) as refused:
        microphone_of_name(wanted)
    assert "garage" in str(refused.value)
    with pytest.raises(DeviceError, match=problem), microphone(device=wanted):
        pass


def test_what_it_records_is_published_with_its_rate_and_counted(plugged):
    heard: list[AudioStamped] = []
    with robot() as bot:
        bot.node.create_subscription(AudioStamped, "audio", heard.append, 100)
        with microphone(device="garden", chunk=0.1, channels=1) as node:
            node.record()
            until(lambda: len(heard) >= 20)
            until(lambda: int(bot.state_of("microphone")().get("chunks", 0)) >= 20)
            status = bot.state_of("microphone")()
    assert (status["level"], status["message"], status["opened"]) == ("0", "recording", "1")
    assert int(status["samples"]) == 1600 * int(status["chunks"])
    assert float(status["level_dbfs"]) == pytest.approx(-15.05, abs=0.05)  # a sine of 0.25
    assert heard[0].header.frame_id == "microphone"
    audio = AudioReader().read(heard[10], now=0)
    assert (audio.rate, audio.samples.shape) == (16000, (1, 1600))
    spectrum = np.abs(np.fft.rfft(audio.samples[0] * np.hanning(1600)))
    assert int(spectrum.argmax()) * 10 == pytest.approx(440, abs=10)


def test_of_an_array_all_channels_are_recorded(plugged):
    heard: list[AudioStamped] = []
    with robot() as bot, microphone(device="garage", array="respeaker_usb_4") as node:
        bot.node.create_subscription(AudioStamped, "audio", heard.append, 100)
        node.record()
        until(lambda: heard)
    assert AudioReader().read(heard[0], now=0).samples.shape == (6, 1600)
    with pytest.raises(OptionError, match="is it 'respeaker"), microphone(array="respeker"):
        pass


def test_it_comes_back_after_the_device_was_gone(plugged):
    with robot() as bot, microphone(device="garden") as node:
        node.record()
        until(lambda: bot.state_of("microphone")().get("message") == "recording")
        there = plugged.read_text()
        plugged.write_text("pcm.attic { type null }\n")
        node._stream.abort()  # as PortAudio does when a device is gone
        until(lambda: "'garden'" in bot.state_of("microphone")().get("message", ""))
        plugged.write_text(there)
        until(lambda: bot.state_of("microphone")().get("message") == "recording")
        assert int(bot.state_of("microphone")()["opened"]) == 2


def test_list_prints_the_devices_and_ends(plugged):
    with process("microphone", "--ros-args", "-p", "list:=true") as listing:
        output, _ = listing.communicate(timeout=PATIENCE)
    assert listing.returncode == 0
    assert "garden" in output
