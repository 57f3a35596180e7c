from pathlib import Path

import av
import numpy as np
import psutil
import pytest
from clips import moving_noise, write_clip

from gar_ssl_ros.media.clip import MAX_HOLD_NS, Clip, ClipError, windows
from gar_ssl_ros.media.window import SECOND, Audio, Frame


def spans(path: Path, length: float = 3.0, hop: float = 3.0) -> list[tuple[float, float]]:
    cut = windows(Clip(path), round(length * SECOND), round(hop * SECOND))
    return [(window.start / SECOND, round(window.end / SECOND, 2)) for window in cut]


def test_frames_and_sound_come_back_as_they_were_written(tmp_path):
    audio = np.random.default_rng(3).uniform(-1, 1, (2, 24_000)).astype(np.float32)
    draw = moving_noise(64, 48)
    path = write_clip(
        tmp_path / "a.mkv", stamps=[0.0, 0.1, 0.2], image=draw, codec="ffv1", pix_fmt="bgr0", audio=audio, rate=8000,
        layout="stereo",
    )  # fmt: skip
    clip = Clip(path)
    pictures = list(clip.pictures())
    assert [p.stamp for p in pictures] == [0, SECOND // 10, SECOND // 5]
    assert all((p.image == draw(i)).all() for i, p in enumerate(pictures))
    heard = list(clip.audio())
    assert {a.rate for a in heard} == {8000}
    assert np.array_equal(np.concatenate([a.samples for a in heard], axis=1), audio)
    assert clip.notes == []


def test_variable_frame_rate_keeps_every_stamp(tmp_path):
    stamps = [0.0, 0.04, 0.05, 0.3, 0.31, 1.2]
    path = write_clip(tmp_path / "a.mkv", stamps=stamps, with_audio=False)
    assert [round(p.stamp / SECOND, 3) for p in Clip(path).pictures()] == stamps


def test_a_picture_that_stays_is_handed_out_again_as_a_viewer_sees_it(tmp_path):
    path = write_clip(tmp_path / "a.mkv", stamps=[0.0, 1.0], seconds=2.0)
    items = list(Clip(path).read())
    frames = [item for item in items if isinstance(item, Frame)]
    assert [f.stamp for f in frames[:6]] == [i * MAX_HOLD_NS for i in range(6)]
    assert frames[-1].stamp >= 2 * SECOND - 2 * MAX_HOLD_NS
    assert (frames[3].image == frames[0].image).all()
    assert [i.stamp for i in items] == sorted(i.stamp for i in items)


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_rotated_recording_is_turned_upright(tmp_path, turn):
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:16, :16] = (255, 0, 0)  # red in the upper left as stored
    stored = write_clip(
        tmp_path / "a.mp4", image=lambda _: picture, codec="libx264", audio_codec="aac", options={"crf": "1"}
    )
    turned = tmp_path / "turned.mp4"
    with av.open(str(stored)) as source, av.open(str(turned), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.metadata["rotate"] = str(turn)
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write rotation metadata")
        stream.set_display_rotation(turn)
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    upright = next(Clip(turned).pictures()).image
    assert np.abs(upright.astype(int) - np.rot90(picture, turn // 90)).max() < 60


@pytest.mark.parametrize(
    ("layout", "rate", "codec"),
    [
        ("mono", 8000, "pcm_u8"),
        ("stereo", 44_100, "pcm_s16le"),
        ("2.1", 48_000, "pcm_s32le"),
        ("5.1", 96_000, "flac"),
        ("6.1", 22_050, "pcm_f64le"),
        ("7.1", 192_000, "pcm_s24le"),
    ],
)
def test_any_channels_rate_and_sample_format(tmp_path, layout, rate, codec):
    channels = av.AudioLayout(layout).nb_channels
    levels = np.linspace(0.1, 0.8, channels, dtype=np.float32)
    time = np.arange(rate // 2) / rate
    audio = (levels[:, None] * np.sin(2 * np.pi * 300 * time)).astype(np.float32)
    path = write_clip(tmp_path / "a.mkv", audio=audio, rate=rate, layout=layout, audio_codec=codec, seconds=0.5)
    heard = np.concatenate([a.samples for a in Clip(path).audio()], axis=1)
    assert heard.shape == audio.shape
    assert np.abs(heard - audio).max() < 0.01


def test_what_is_no_finite_number_is_counted_as_missing_and_told(tmp_path):
    audio = np.full((1, 16_000), 0.2, np.float32)
    audio[0, 4000:8000] = np.nan
    audio[0, 9000] = np.inf
    clip = Clip(write_clip(tmp_path / "a.mkv", audio=audio, seconds=1.0))
    heard = list(clip.audio())
    assert sum(a.missing for a in heard) == 4001
    assert clip.notes == ["4001 of its audio samples are not finite numbers and count as missing"]
    (window,) = windows(Clip(clip.path), SECOND, SECOND)
    assert window.audio_gap == pytest.approx(4001 / 16_000 * SECOND, rel=0.01)


@pytest.mark.parametrize(("pix_fmt", "codec"), [("gray", "ffv1"), ("gray16le", "ffv1"), ("yuv420p10le", "ffv1")])
def test_grey_and_deep_pictures_become_rgb(tmp_path, pix_fmt, codec):
    path = write_clip(tmp_path / "a.mkv", codec=codec, pix_fmt=pix_fmt, seconds=0.3)
    pictures = list(Clip(path).pictures())
    assert len(pictures) == 3
    assert pictures[0].image.std() > 10


def test_windows_cover_every_moment_and_are_full(tmp_path):
    path = write_clip(tmp_path / "a.mkv", seconds=7.5)
    assert spans(path) == [(0, 3), (3, 6), (4.5, 7.5)]
    assert spans(path, hop=2.0) == [(0, 3), (2, 5), (4, 7), (4.5, 7.5)]
    assert spans(path, length=10) == [(0, 7.5)]


def test_a_codec_s_padding_makes_no_window_of_its_own(tmp_path):
    path = write_clip(tmp_path / "a.mkv", stamps=[i / 10 for i in range(30)], seconds=3.05)
    assert spans(path) == [(0, 3)]


def test_a_still_picture_with_sound_lasts_as_long_as_the_sound(tmp_path):
    path = write_clip(tmp_path / "a.mkv", stamps=[0.0], seconds=6.0)
    assert spans(path) == [(0, 3), (3, 6)]


def test_windows_of_a_clip_without_sound_say_so(tmp_path):
    (window,) = windows(Clip(write_clip(tmp_path / "a.mkv", with_audio=False)), 3 * SECOND, 3 * SECOND)
    assert window.audio is None


@pytest.mark.parametrize(("length", "hop"), [(0, SECOND), (SECOND, 0), (-1, SECOND)])
def test_windows_need_a_length_and_a_hop(tmp_path, length, hop):
    with pytest.raises(ValueError, match="positive"):
        next(windows(Clip(write_clip(tmp_path / "a.mkv")), length, hop))


def test_a_truncated_recording_gives_what_is_there_and_says_where_it_ends(tmp_path):
    whole = write_clip(tmp_path / "whole.mkv", size=(160, 120), seconds=4.0)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    clip = Clip(cut)
    seconds = sum(isinstance(item, Frame) for item in clip.read()) / 10
    assert 1 < seconds < 3
    assert any("as its header says" in note for note in clip.notes)


def test_damage_in_the_middle_is_passed_over_and_told(tmp_path):
    path = write_clip(tmp_path / "a.mkv", size=(160, 120), codec="libx264", audio_codec="aac", seconds=4.0)
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data), len(data) // 12):
        data[at : at + 40] = bytes(40)
    path.write_bytes(bytes(data))
    clip = Clip(path)
    assert sum(isinstance(item, Audio) for item in clip.read()) > 10
    assert clip.notes


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("missing.mp4", None, "does not exist: check the path"),
        ("text.mp4", b"hello\n" * 50, "is not a recording that FFmpeg can read: give a whole video file"),
        ("empty.mp4", b"", "is empty: give a whole video file"),
    ],
)
def test_what_is_no_recording_is_one_sentence(tmp_path, name, content, problem):
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ClipError, match=problem) as caught:
        Clip(path)
    assert str(path) in str(caught.value)


def test_a_folder_and_a_recording_without_pictures_are_one_sentence(tmp_path):
    with pytest.raises(ClipError, match="is a folder"):
        Clip(tmp_path)
    with pytest.raises(ClipError, match="has no picture"):
        Clip(write_clip(tmp_path / "a.wav", codec=None, audio_codec="pcm_s16le"))


def test_memory_does_not_grow_with_the_recording_s_length(tmp_path):
    path = write_clip(tmp_path / "a.mkv", size=(320, 240), seconds=40.0, codec="libx264", audio_codec="aac")
    process = psutil.Process()
    sizes = []
    for index, _ in enumerate(windows(Clip(path), 3 * SECOND, SECOND)):
        if index % 5 == 0:
            sizes.append(process.memory_info().rss)
    assert sizes[-1] - sizes[2] < 30e6


def test_a_real_film_with_surround_sound(shared_media):
    clip = Clip(shared_media / "bigbuckbunny.mp4")
    assert (clip.info.width, clip.info.height, clip.info.channels, clip.info.rate) == (1280, 720, 6, 48_000)
    first, last = windows(clip, 3 * SECOND, 3 * SECOND)
    assert len(first.frames) == 75
    assert first.audio is not None
    assert first.audio.samples.shape == (6, 144_000)
    assert last.end == pytest.approx(5.31 * SECOND, rel=0.01)


@pytest.mark.parametrize("name", ["dog", "car", "bird"])
def test_a_real_photograph_is_one_frame(shared_media, name):
    clip = Clip(shared_media / f"{name}.jpg")
    assert len(list(clip.pictures())) == 1
