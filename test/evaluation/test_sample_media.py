import cv2
import numpy as np
import pytest
from clips import moving_noise, write_clip

from gar_ssl_ros.evaluation.datasets.media import Duet, Missing, PictureWithSound, VideoCut, side_by_side
from gar_ssl_ros.evaluation.samples import Truth
from gar_ssl_ros.evaluation.scenes.files import write_wav
from gar_ssl_ros.media.clip import Clip, ClipError
from gar_ssl_ros.media.window import SECOND, SPEECH_RATE_HZ, Audio, Frame, Window

WHOLE = (Truth((0.0, 0.0, 1.0, 1.0), "dog"),)


def between(samples: np.ndarray, start: float, end: float) -> np.ndarray:
    return samples[round(start * SPEECH_RATE_HZ) : round(end * SPEECH_RATE_HZ)]


def tone(seconds: float, level: float = 0.5) -> np.ndarray:
    times = np.arange(round(seconds * SPEECH_RATE_HZ)) / SPEECH_RATE_HZ
    return (level * np.sin(2 * np.pi * 440 * times)).astype(np.float32)


@pytest.fixture
def picture(tmp_path):
    path = tmp_path / "picture.png"
    cv2.imwrite(str(path), np.full((60, 80, 3), (255, 0, 0), np.uint8))  # blue, as OpenCV writes it
    return path


def test_a_video_is_cut_to_its_middle_3_s_and_the_truth_is_in_its_pixels(tmp_path):
    path = write_clip(tmp_path / "a.mkv", size=(80, 60), seconds=10.0, pix_fmt="bgr0")
    opened = VideoCut(path).open(WHOLE)
    window = opened.window
    assert (window.start, window.end) == (3.5 * SECOND, 6.5 * SECOND)
    assert window.center.stamp == 5 * SECOND
    assert (window.center.image == moving_noise(80, 60)(50)).all()
    assert window.audio.samples.shape == (1, 48_000)
    assert opened.truths == (Truth((0, 0, 80, 60), "dog"),)


def test_a_short_video_is_taken_whole(tmp_path):
    window = VideoCut(write_clip(tmp_path / "a.mkv", seconds=1.0)).open(WHOLE).window
    assert (window.start, window.end, len(window.frames)) == (0, SECOND, 10)


@pytest.mark.parametrize("at", [0.0, 0.1, 0.5, 1.0, 2.0, 3.3, 3.9])
def test_the_center_frame_is_the_one_of_the_moment_even_at_the_ends(tmp_path, at):
    path = write_clip(tmp_path / "a.mkv", seconds=4.0)
    window = VideoCut(path, at).open(WHOLE).window
    assert abs(window.center.stamp - at * SECOND) <= SECOND // 20
    assert window.audio_gap <= 0.41 * 3 * SECOND


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_a_moment_far_into_a_recording_is_sought_and_found(tmp_path, name):
    path = write_clip(
        tmp_path / name, codec="mpeg4", seconds=20.0, options={"g": "25"}, audio_codec="aac", audio=tone(20)[None],
    )  # fmt: skip
    sought = VideoCut(path, 15.0).open(WHOLE).window
    assert sought.center.stamp == pytest.approx(15 * SECOND, abs=SECOND // 50)
    read = {frame.stamp: frame.image for frame in Clip(path).pictures()}
    assert all((read[frame.stamp] == frame.image).all() for frame in sought.frames)
    assert len(sought.frames) == 30
    assert sought.audio.missing == 0
    whole = np.concatenate([piece.samples for piece in Clip(path).audio()], axis=1)[0]
    heard = sought.audio.samples[0]
    first = round(sought.start * SPEECH_RATE_HZ / SECOND)
    nearest = min(np.abs(whole[first + lag : first + lag + len(heard)] - heard).max() for lag in range(-1100, 1101))
    assert nearest < 1e-3


def test_a_picture_with_its_sound_is_a_window_of_one_frame(tmp_path, picture):
    write_wav(tmp_path / "a.wav", tone(10))
    opened = PictureWithSound(picture, tmp_path / "a.wav").open(WHOLE)
    window = opened.window
    assert (window.start, window.end, len(window.frames)) == (3.5 * SECOND, 6.5 * SECOND, 1)
    assert (window.center.image == (0, 0, 255)).all()
    assert window.audio.samples[0] == pytest.approx(between(tone(10), 3.5, 6.5), abs=1e-3)
    assert opened.truths[0].sides == (0, 0, 80, 60)


def test_a_long_sound_is_sought_where_the_picture_was_taken(tmp_path, picture):
    rising = np.linspace(-1, 1, 40 * SPEECH_RATE_HZ, dtype=np.float32)
    write_wav(tmp_path / "a.wav", rising)
    window = PictureWithSound(picture, tmp_path / "a.wav", 30.0).open(WHOLE).window
    assert window.audio.missing == 0
    assert window.audio.samples[0] == pytest.approx(between(rising, 28.5, 31.5), abs=1e-3)


def test_a_duet_is_side_by_side_and_its_sounds_are_summed(tmp_path, picture):
    write_wav(tmp_path / "a.wav", tone(3, 0.3))
    write_wav(tmp_path / "b.wav", tone(2, 0.5))
    left, right = (PictureWithSound(picture, tmp_path / name) for name in ("a.wav", "b.wav"))
    opened = Duet(left, right).open((Truth((0.0, 0.0, 0.5, 1.0), "dog"), Truth((0.5, 0.0, 1.0, 1.0), "cat")))
    window = opened.window
    assert window.center.image.shape == (224, 448, 3)
    assert (window.start, window.end) == (0, 3 * SECOND)
    both = tone(3, 0.3)
    both[SPEECH_RATE_HZ // 2 : SPEECH_RATE_HZ // 2 + 2 * SPEECH_RATE_HZ] += tone(2, 0.5)  # the middles go together
    assert window.audio.samples[0] == pytest.approx(both, abs=1e-3)
    assert [truth.sides for truth in opened.truths] == [(0, 0, 224, 224), (224, 0, 448, 224)]


def test_the_frames_of_a_duet_go_together_in_time():
    def window(start: int, stamps: list[float], grey: int, level: float) -> Window:
        images = [np.full((50, 60, 3), grey + i, np.uint8) for i in range(len(stamps))]
        frames = tuple(Frame(start + round(s * SECOND), image) for s, image in zip(stamps, images, strict=True))
        return Window(start, start + SECOND, frames, Audio(start, np.full((1, 1000), level, np.float32), 1000))

    left, right = window(5 * SECOND, [0.0, 0.5, 0.9], 10, 0.9), window(0, [0.05, 0.3, 0.55, 0.8], 100, 0.8)
    both = side_by_side(left, right)
    assert [frame.stamp for frame in both.frames] == [0, SECOND // 2, round(0.9 * SECOND)]
    assert [(int(f.image[0, 0, 0]), int(f.image[0, -1, 0])) for f in both.frames] == [(10, 100), (11, 102), (12, 103)]
    assert np.abs(both.audio.samples).max() == 1  # scaled down as a whole, not cut off


def test_what_cannot_be_opened_is_one_sentence(tmp_path, picture):
    write_wav(tmp_path / "a.wav", tone(1))
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    silent = write_clip(tmp_path / "silent.mkv", with_audio=False)
    for media, said in (
        (VideoCut(tmp_path / "gone.mp4"), "does not exist"),
        (VideoCut(silent), "has no sound"),
        (VideoCut(silent, 60.0), "does not reach 60.0 s"),
        (VideoCut(tmp_path / "a.wav"), "has no picture"),
        (PictureWithSound(tmp_path / "broken.jpg", tmp_path / "a.wav"), "is no picture"),
        (PictureWithSound(tmp_path / "gone.jpg", tmp_path / "a.wav"), "cannot be read"),
        (PictureWithSound(picture, silent), "has no sound: give"),
        (PictureWithSound(picture, tmp_path / "broken.jpg"), "broken.jpg"),
        (Missing("it is gone", "it again"), "it is gone: fetch it again"),
    ):
        with pytest.raises(ClipError) as told:
            media.open(WHOLE)
        assert said in str(told.value)
        assert "\n" not in str(told.value)


def test_a_silent_video_will_do_where_nothing_sounds(tmp_path):
    silent = write_clip(tmp_path / "silent.mkv", with_audio=False)
    assert VideoCut(silent).open(()).window.audio is None


def test_sound_that_lies_apart_goes_with_its_video(tmp_path):
    silent = write_clip(tmp_path / "silent.mkv", with_audio=False, seconds=5.0)
    write_wav(tmp_path / "a.wav", tone(5))
    window = VideoCut(silent, sound=tmp_path / "a.wav").open(WHOLE).window
    assert len(window.frames) == 30
    assert window.audio.missing == 0
