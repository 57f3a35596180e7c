import os
import signal
import time
from fractions import Fraction

import av
import numpy as np
import pytest

from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.output.video import VideoWriter

RATE = 16_000


def tone(channels: int, seconds: float, rate: int = RATE) -> Audio:
    wave = 0.5 * np.sin(2 * np.pi * 500 * np.arange(round(seconds * rate)) / rate)
    return Audio(0, np.repeat(wave[None].astype(np.float32), channels, axis=0), rate)


def test_frames_and_sound_keep_their_times(tmp_path):
    """A flash and a click at 1 s are at 1 s when the file is read back."""
    click = np.zeros((1, 2 * RATE), np.float32)
    click[0, RATE : RATE + 400] = 0.8
    with VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(25), Audio(0, click, RATE)) as writer:
        for index in range(50):
            writer.add_image(np.full((48, 64, 3), 255 if index == 25 else 20, np.uint8), index * SECOND // 25)
        writer.add_audio(Audio(0, click, RATE))
    clip = Clip(tmp_path / "a.mp4")
    flash = max(clip.pictures(), key=lambda frame: float(frame.image.mean()))
    assert flash.stamp == SECOND
    pieces = list(clip.audio())
    heard = np.concatenate([piece.samples[0] for piece in pieces])
    at = pieces[0].stamp / SECOND + np.argmax(np.abs(heard) > 0.3) / RATE
    assert at == pytest.approx(1.0, abs=0.005)


@pytest.mark.parametrize(
    ("channels", "rate"), [(1, 8_000), (2, 44_100), (3, 48_000), (6, 48_000), (8, 192_000), (12, 48_000)]
)
def test_sound_of_any_channels_and_rate_is_kept(tmp_path, channels, rate):
    sound = tone(channels, 1.0, rate)
    with VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(10), sound) as writer:
        for index in range(10):
            writer.add_image(np.zeros((48, 64, 3), np.uint8), index * SECOND // 10)
        writer.add_audio(sound)
    info = Clip(tmp_path / "a.mp4").info
    assert info.channels == min(channels, 8)
    assert info.rate == min(rate, 48_000)
    assert info.duration == pytest.approx(SECOND, rel=0.1)


def test_uneven_times_and_a_change_of_size_are_written(tmp_path):
    stamps = [0, SECOND // 7, SECOND // 5, 2 * SECOND]
    with VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(30_000, 1001)) as writer:
        for stamp in stamps:
            size = (24, 32, 3) if stamp == stamps[2] else (48, 64, 3)
            writer.add_image(np.zeros(size, np.uint8), stamp)
    times = [frame.stamp for frame in Clip(tmp_path / "a.mp4").pictures()]
    assert times == pytest.approx(stamps, abs=SECOND // 10_000)


def test_a_writer_that_is_killed_leaves_a_file_that_can_be_played(tmp_path):
    path = tmp_path / "a.mp4"
    child = os.fork()
    if child == 0:
        writer = VideoWriter(path, 320, 240, Fraction(10), tone(1, 0.1))
        random = np.random.default_rng(0)
        for index in range(10_000):
            writer.add_image(random.integers(0, 255, (240, 320, 3), dtype=np.uint8), index * SECOND // 10)
            part = tone(1, 0.1)
            writer.add_audio(Audio(index * SECOND // 10, part.samples, RATE))
        os._exit(1)
    deadline = time.monotonic() + 240
    while not path.exists() or path.stat().st_size < 3e6:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with av.open(str(path)) as container:
        assert sum(1 for _ in container.decode(video=0)) > 10


def test_sound_that_changes_its_rate_and_channels_is_kept(tmp_path):
    with VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(10), tone(2, 1.0, 44_100)) as writer:
        for index in range(30):
            writer.add_image(np.zeros((48, 64, 3), np.uint8), index * SECOND // 10)
        for second, part in enumerate((tone(2, 1.0, 44_100), tone(1, 1.0, 16_000), tone(6, 1.0, 48_000))):
            writer.add_audio(Audio(second * SECOND, part.samples, part.rate))
    heard = list(Clip(tmp_path / "a.mp4").audio())
    assert {(piece.rate, len(piece.samples)) for piece in heard} == {(44_100, 2)}
    assert sum(piece.samples.shape[1] for piece in heard) == pytest.approx(3 * 44_100, rel=0.03)


def test_a_video_that_exists_is_not_written_over(tmp_path):
    (tmp_path / "a.mp4").write_text("precious")
    with pytest.raises(FileExistsError):
        VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(10))
    assert (tmp_path / "a.mp4").read_text() == "precious"


def test_sound_that_overlaps_is_heard_once(tmp_path):
    sound = tone(1, 0.1)
    with VideoWriter(tmp_path / "a.mp4", 64, 48, Fraction(10), sound) as writer:
        for index in range(10):
            writer.add_image(np.zeros((48, 64, 3), np.uint8), index * SECOND // 10)
        for stamp in (0.0, 0.05, 0.1, 0.1, 0.26, 0.3, 0.9):
            writer.add_audio(Audio(round(stamp * SECOND), sound.samples, RATE))
    assert list(Clip(tmp_path / "a.mp4").audio())[-1].end == pytest.approx(SECOND, rel=0.1)
