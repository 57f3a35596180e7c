"""Every audio message of ROS 2, of any rate, channels and sample format, gives the sound it was made of."""

from __future__ import annotations

import array
import io
import resource
from itertools import pairwise

import av
import numpy as np
import pytest
from audio_common_msgs.msg import AudioData, AudioDataStamped, AudioInfo, AudioStamped
from audio_utils_msgs.msg import AudioFrame
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.messages.audio.codec import AudioError
from gar_ssl_ros.messages.audio.families import AUDIO_TYPES
from gar_ssl_ros.messages.audio.introlab import FORMATS as INTROLAB
from gar_ssl_ros.messages.audio.mgonzs13 import PORTAUDIO
from gar_ssl_ros.messages.audio.pcm import Pcm, samples_from_bytes
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.audio.ros_drivers import pcm_from_gstreamer
from gar_ssl_ros.messages.ros import message_type
from gar_ssl_ros.work.window_assembler import WindowAssembler

NOW = 1_000 * SECOND
GSTREAMER = {
    f"{letter}{bits}{order}": (letter, bits, order)
    for letter in "SU"
    for bits in ("8", "16", "24", "24_32", "32")
    for order in (("LE", "BE") if bits != "8" else ("",))
} | {f"F{bits}{order}": ("F", bits, order) for bits in ("32", "64") for order in ("LE", "BE")}


def wave(channels: int = 1, samples: int = 400, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.99, 0.99, (channels, samples))


def stored(samples: np.ndarray, pcm: Pcm) -> bytes:
    """(channels, samples) as interleaved bytes, one sample after another: slow, and written apart from the reader."""
    out = bytearray()
    for value in samples.T.reshape(-1):
        if pcm.letter == "F":
            part = np.array([value], f"<f{pcm.stored}").tobytes()
        else:
            scaled = round(value * 2 ** (8 * pcm.valid - 1))
            whole = scaled + (2 ** (8 * pcm.valid - 1) if pcm.letter == "U" else 0)
            part = whole.to_bytes(pcm.valid, "little", signed=pcm.letter == "S") + b"\x5a" * (pcm.stored - pcm.valid)
        out += part[::-1] if pcm.big else part
    return bytes(out)


def close(actual: np.ndarray, expected: np.ndarray, pcm: Pcm) -> None:
    assert actual.shape == expected.shape
    assert np.abs(actual - expected).max() <= (1e-6 if pcm.letter == "F" else 2.0 ** (1 - 8 * pcm.valid) + 1e-7)


def stamp(message, time: int):
    message.header.stamp.sec, message.header.stamp.nanosec = divmod(time, SECOND)
    return message


def audio_stamped(samples: np.ndarray, kind: int, rate: int = 16000, time: int = NOW):
    message = stamp(AudioStamped(), time)
    info, data = message.audio.info, message.audio.audio_data
    info.format, info.channels, info.rate, info.chunk = kind, len(samples), rate, samples.shape[1]
    field, pcm = PORTAUDIO[kind]
    code = "B" if field == "uint8_data" else {"F": "f", "S": {1: "b", 2: "h", 4: "i"}.get(pcm.stored, "B")}[pcm.letter]
    setattr(data, field, array.array(code, stored(samples, pcm)))
    return message


def audio_frame(samples: np.ndarray, form: str, rate: int = 16000, time: int = NOW):
    message = stamp(AudioFrame(), time)
    message.format, message.channel_count, message.sampling_frequency = form, len(samples), rate
    message.frame_sample_count = samples.shape[1]
    message.data = array.array("B", stored(samples, INTROLAB[form]))
    return message


def audio_data_stamped(content: bytes, time: int = NOW):
    message = stamp(AudioDataStamped(), time)
    message.audio.data = array.array("B", content)
    return message


def info_of(sample_format: str = "S16LE", channels: int = 1, rate: int = 16000, coding: str = "wave") -> AudioInfo:
    facts = {"sample_format": sample_format, "coding_format": coding}
    return AudioInfo(channels=channels, sample_rate=rate, bitrate=192, **facts)


def reader_of(sample_format: str = "S16LE", channels: int = 1, rate: int = 16000, coding: str = "wave") -> AudioReader:
    reader = AudioReader()
    reader.take_info(info_of(sample_format, channels, rate, coding))
    return reader


@pytest.mark.parametrize("kind", PORTAUDIO)
@pytest.mark.parametrize("channels", [1, 2, 8])
def test_audio_stamped_of_mgonzs13(kind, channels):
    samples = wave(channels)
    audio = AudioReader().read(audio_stamped(samples, kind, rate=44100), now=0)
    close(audio.samples, samples, PORTAUDIO[kind][1])
    assert (audio.stamp, audio.rate, audio.missing) == (NOW, 44100, 0)


@pytest.mark.parametrize("form", INTROLAB)
@pytest.mark.parametrize("channels", [1, 3])
def test_audio_frame_of_introlab(form, channels):
    samples = wave(channels)
    audio = AudioReader().read(audio_frame(samples, form, rate=48000), now=0)
    close(audio.samples, samples, INTROLAB[form])
    assert (audio.stamp, audio.rate) == (NOW, 48000)


@pytest.mark.parametrize("name", GSTREAMER)
@pytest.mark.parametrize("channels", [1, 4])
def test_audio_data_stamped_of_ros_drivers(name, channels):
    letter, bits, order = GSTREAMER[name]
    valid, _, whole = bits.partition("_")
    pcm = Pcm(letter, int(valid) // 8, int(whole or valid) // 8, order == "BE")
    samples = wave(channels)
    audio = reader_of(name, channels, 8000).read(audio_data_stamped(stored(samples, pcm)), now=0)
    close(audio.samples, samples, pcm)
    assert (audio.stamp, audio.rate) == (NOW, 8000)


@pytest.mark.parametrize("name", [name for name, kind in AUDIO_TYPES.items() if kind.write])
def test_sound_that_is_written_into_a_message_is_read_out_of_it(name):
    kind, reader, samples = AUDIO_TYPES[name], AudioReader(), wave(2)
    if kind.info:
        info = message_type(kind.info.name)()
        kind.info.write(info, 2, 48000)
        reader.take_info(info)
        assert reader.described == "2 x 48000 Hz, S16LE, wave"
    message = stamp(message_type(name)(), NOW)
    kind.write(message, np.round(samples.T * 32767).astype(np.int16), 48000)
    audio = reader.read(message, now=0)
    np.testing.assert_allclose(audio.samples, samples, atol=2**-14)
    assert (audio.stamp, audio.rate) == (NOW, 48000)


def test_audio_data_without_a_stamp_ended_when_it_came():
    content = stored(wave(1, 1600), Pcm("S", 2, 2))
    audio = reader_of().read(AudioData(data=array.array("B", content)), now=NOW)
    assert (audio.stamp, audio.end) == (NOW - SECOND // 10, NOW)
    assert reader_of().read(audio_data_stamped(content, time=0), now=NOW).end == NOW


def test_samples_that_are_not_numbers_are_missing_and_those_too_loud_are_clipped():
    samples = wave(1, 100)
    samples[0, :3] = [np.nan, np.inf, 5.0]
    audio = AudioReader().read(audio_stamped(samples, 1), now=0)
    assert audio.missing == 2
    assert list(audio.samples[0, :3]) == [0.0, 0.0, 1.0]


def encoded(samples: np.ndarray, codec: str, form: str, rate: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format=form) as container:
        stream = container.add_stream(codec, rate=rate, layout="mono")
        frame = av.AudioFrame.from_ndarray((samples * 32767).astype(np.int16), format="s16", layout="mono")
        frame.sample_rate, frame.pts = rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def tone(rate: int, seconds: float = 2.0) -> np.ndarray:
    return 0.5 * np.sin(2 * np.pi * 440 * np.arange(round(rate * seconds)) / rate)[None]


@pytest.mark.parametrize(("coding", "codec", "form"), [("mp3", "libmp3lame", "mp3"), ("AAC", "aac", "adts")])
@pytest.mark.parametrize("entered", [0, 0.5])
def test_a_compressed_stream_is_decoded_wherever_it_is_entered_and_keeps_its_time(coding, codec, form, entered):
    rate = 16000
    whole = encoded(tone(rate), codec, form, rate)
    content = whole[round(entered * len(whole)) :]
    reader = reader_of(rate=rate, coding=coding)
    heard = []
    for first in range(0, len(content), 500):
        time = NOW + round(first / len(whole) * 2 * SECOND)
        try:
            heard.append(reader.read(audio_data_stamped(content[first : first + 500], time), now=0))
        except AudioError:
            assert first == 0  # bytes from the middle of a frame
    audio = [part for part in heard if part is not None]
    assert all(abs(later.stamp - earlier.end) <= 1 for earlier, later in pairwise(audio))
    assert abs(audio[0].stamp - NOW) < SECOND // 4
    heard = np.concatenate([part.samples[0] for part in audio])
    assert len(heard) / rate == pytest.approx(2 * (1 - entered), abs=0.2)
    last = heard[-rate // 2 :]
    spectrum = np.abs(np.fft.rfft(last * np.hanning(len(last))))
    assert int(spectrum.argmax()) * 2 == pytest.approx(440, abs=4)


@pytest.mark.parametrize(("codec", "form"), [("pcm_s16le", "wav"), ("flac", "flac")])
def test_a_message_that_holds_a_whole_file_is_read_as_one(codec, form):
    content = encoded(tone(22050, 0.5), codec, form, 22050)
    audio = reader_of(coding=form, rate=1).read(audio_data_stamped(content), now=0)
    assert audio.rate == 22050
    assert np.abs(audio.samples - tone(22050, 0.5)).max() < 1e-3


def test_info_that_changes_the_codec_changes_the_decoder():
    rate = 16000
    mp3, raw = encoded(tone(rate), "libmp3lame", "mp3", rate), stored(wave(1, 1600), Pcm("S", 2, 2))
    reader = reader_of(coding="mp3")
    assert reader.read(audio_data_stamped(mp3), now=0) is not None
    reader.take_info(info_of())
    assert reader.read(audio_data_stamped(raw, time=5 * SECOND), now=0).stamp == 5 * SECOND


def broken(change):
    message = audio_stamped(wave(1), 8)
    change(message)
    return message


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda m: setattr(m.audio.info, "chunk", 500), "800 bytes of samples, not the 1000"),
        (lambda m: setattr(m.audio.info, "format", 99), "format 99 is not known"),
        (lambda m: setattr(m.audio.info, "channels", 0), "0 channels"),
        (lambda m: setattr(m.audio.info, "channels", 9), "9 channels"),
        (lambda m: setattr(m.audio.info, "rate", 0), "rate is 0 Hz"),
        (lambda m: setattr(m.audio.info, "rate", 2**31 - 1), "rate is 2147483647 Hz"),
        (lambda m: setattr(m.audio.audio_data, "int16_data", []), "0 bytes of samples, not the 800"),
        (lambda m: (setattr(m.audio.info, "chunk", 0), setattr(m.audio.audio_data, "int16_data", [])), "no sample"),
        (lambda m: (setattr(m.audio.info, "channels", 3), setattr(m.audio.info, "chunk", 0)), "no whole number"),
    ],
)
def test_an_audio_stamped_that_is_no_sound_is_refused_in_a_sentence(change, problem):
    with pytest.raises(AudioError, match=problem):
        AudioReader().read(broken(change), now=0)


def test_an_audio_frame_that_is_no_sound_is_refused_in_a_sentence():
    message = audio_frame(wave(1), "signed_16")
    message.frame_sample_count = 1000
    with pytest.raises(AudioError, match="800 bytes of samples, not the 2000"):
        AudioReader().read(message, now=0)
    message.format = "ulaw"
    with pytest.raises(AudioError, match="'ulaw' is not known"):
        AudioReader().read(message, now=0)


@pytest.mark.parametrize(
    ("reader", "problem"),
    [
        (AudioReader, "no AudioInfo has come"),
        (lambda: reader_of("S20LE"), "'S20LE' is not known"),
        (lambda: reader_of("F16LE"), "'F16LE' is not known"),
        (lambda: reader_of("S64LE"), "'S64LE' is not known"),
        (lambda: reader_of(coding="opus"), "coding format 'opus' is not known"),
        (lambda: reader_of(coding="mp3"), "no mp3"),
        (lambda: reader_of(channels=2), "no whole number of samples of 2 x 2 bytes"),
    ],
)
def test_audio_data_that_is_no_sound_is_refused_in_a_sentence(reader, problem):
    content = np.random.default_rng(0).bytes(2**14) if "mp3" in problem else bytes(402)
    with pytest.raises(AudioError, match=problem):
        read_twice(reader(), content)


def read_twice(reader: AudioReader, content: bytes) -> None:
    for _ in range(2):
        reader.read(audio_data_stamped(content), now=0)


def test_a_file_cut_short_in_a_message_is_refused():
    with pytest.raises(AudioError, match="no whole audio file"):
        reader_of().read(audio_data_stamped(b"RIFF\0\0\0\0WAVE"), now=0)


@given(name=st.sampled_from(list(GSTREAMER)), content=st.binary(max_size=200))
def test_any_bytes_of_any_format_are_numbers_one_for_each_sample(name, content):
    pcm = pcm_from_gstreamer(name)
    whole = content[: len(content) // pcm.stored * pcm.stored]
    samples = samples_from_bytes(whole, pcm)
    assert len(samples) * pcm.stored == len(whole)
    if pcm.letter != "F":
        assert np.all((samples >= -1) & (samples <= 1))


def silence(seconds: int, codec: str, container: str) -> bytes:
    """So long a file of nothing, of 16 kHz."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=16_000, layout="mono")
        for second in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), format="s16", layout="mono")
            frame.rate, frame.pts = 16_000, second * 16_000
            file.mux(stream.encode(frame))
        file.mux(stream.encode(None))
    return out.getvalue()


@pytest.mark.parametrize(
    ("coding", "content", "problem"),
    [
        ("wave", lambda: silence(1200, "flac", "flac"), "it comes in more than 4096 packets"),
        ("wave", lambda: silence(1200, "pcm_u8", "wav"), "it comes in more than|holds more than"),
        ("mp3", lambda: silence(330, "libmp3lame", "mp3"), "it comes in more than 4096 packets"),
        ("mp3", lambda: bytes(2**20 + 1), "1048577 bytes of mp3 are too many"),
    ],
)
def test_decoding_stops_where_a_message_holds_too_much(coding, content, problem):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reader, message = reader_of(coding=coding), audio_data_stamped(content())
    with pytest.raises(AudioError, match=problem):
        reader.read(message, now=0)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


@given(content=st.binary(max_size=400), start=st.sampled_from([b"RIFF", b"fLaC", b"OggS", b"\xff\xfb", b""]))
@pytest.mark.parametrize("coding", ["wave", "mp3", "aac", "opus", ""])
def test_any_bytes_of_any_coding_are_sound_or_an_audio_error(coding, content, start):
    reader = reader_of(coding=coding)
    for _ in range(2):
        try:
            heard = reader.read(audio_data_stamped(start + content), now=0)
        except AudioError:
            continue
        assert heard is None or heard.samples.shape[1]


def test_a_stamp_that_is_no_time_is_refused():
    message = audio_frame(wave(1), "signed_16")
    message.header.stamp.nanosec = 2**32 - 1
    with pytest.raises(AudioError, match="is no time"):
        AudioReader().read(message, now=0)


def test_sound_of_which_no_window_fits_into_memory_is_refused_and_told():
    said: list[str] = []
    windowing = WindowAssembler(WindowOptions(60.0, 1.0), said.append)
    windowing.take_audio(audio_frame(wave(8, 800), "float", rate=192_000), NOW)
    assert windowing.sound.statistics.refused == 1
    assert "8 channels of 192000 Hz are too much for windows of 60 s" in said[0]
    windowing.take_audio(audio_frame(wave(2, 800), "float", rate=48_000), NOW)
    assert windowing.sound.statistics.refused == 1
