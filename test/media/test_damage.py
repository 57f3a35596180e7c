"""Damage is told: of recordings with real codecs, broken in many places."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import av.logging
import numpy as np
import pytest
from clips import moving_noise, write_clip

from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.clip import Clip, ClipError, windows
from gar_ssl_ros.media.decoding import Decoded, steady
from gar_ssl_ros.media.window import SECOND, Frame, Window
from gar_ssl_ros.reasoners.signal import SignalReasoner

CODECS = {"libx264": {"g": "10"}, "mpeg4": {"g": "10"}, "mjpeg": {}, "ffv1": {"g": "1"}}


def packets(path: Path, kind: str) -> list[tuple[int, int, float]]:
    """Place and size, bytes, and time, s, of each packet."""
    with av.open(str(path)) as container:
        stream = container.streams.best(kind)
        found = [packet for packet in container.demux(stream) if packet.size and packet.pos is not None]
        return [(packet.pos, packet.size, float((packet.pts or 0) * packet.time_base)) for packet in found]


def broken(path: Path, chosen: list[tuple[int, int, float]], seed: int = 0) -> Path:
    """A copy with some bytes of each chosen packet replaced."""
    data, dice = bytearray(path.read_bytes()), random.Random(seed)
    for pos, size, _ in chosen:
        first = pos + max(12, size // 3)
        for at in range(first, min(first + 24, pos + size)):
            data[at] = dice.randrange(256)
    copy = path.with_name(f"broken_{seed}{path.suffix}")
    copy.write_bytes(bytes(data))
    return copy


@pytest.fixture(scope="module", params=CODECS)
def clip(request, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp(request.param)
    pixels = "yuvj420p" if request.param == "mjpeg" else "yuv420p"
    return write_clip(
        folder / "a.mkv", size=(160, 128), codec=request.param, pix_fmt=pixels, options=CODECS[request.param],
        seconds=6.0, image=smooth(160, 128),
    )  # fmt: skip


def smooth(width: int, height: int):
    """Noise that moves and has some shape, so that codecs find something to do."""
    draw = moving_noise(width // 8, height // 8)
    return lambda index: draw(index).repeat(8, axis=0).repeat(8, axis=1)


@pytest.mark.parametrize("seed", range(3))
def test_pictures_that_look_wrong_are_known_to_be_damaged(clip, seed):
    whole = {frame.stamp: frame.image for frame in Clip(clip).pictures()}
    every = packets(clip, "video")
    damaged = Clip(broken(clip, random.Random(seed).sample(every, len(every) // 3), seed))
    frames = list(damaged.pictures())
    wrong = [frame for frame in frames if np.abs(frame.image.astype(int) - whole[frame.stamp]).mean() > 4]
    assert wrong
    # A JPEG, which holds no sums, can be broken into another one that is whole.
    assert sum(frame.damaged for frame in wrong) >= (0.4 if "mjpeg" in str(clip) else 0.9) * len(wrong)
    told = sum(frame.damaged for frame in frames)
    assert f"{told} of its {len(frames)} pictures are damaged, or build on one that is" in damaged.notes[0]


def test_a_whole_recording_has_no_damage(clip):
    whole = Clip(clip)
    assert not any(frame.damaged for frame in whole.pictures())
    assert sum(audio.missing for audio in whole.audio()) == 0
    assert whole.notes == []
    assert [window.damage for window in windows(whole, 3 * SECOND, 3 * SECOND)] == [0, 0]


def test_a_window_says_how_long_its_pictures_are_damaged(clip):
    late = [one for one in packets(clip, "video") if 4.0 <= one[2] < 5.0]
    first, last = windows(Clip(broken(clip, late)), 3 * SECOND, 3 * SECOND)
    assert first.damage == 0
    assert 0.3 * SECOND < last.damage < 2.2 * SECOND  # until the next key frame, at most 1 s away


def test_damage_lasts_until_the_next_key_frame(tmp_path):
    path = write_clip(
        tmp_path / "a.mkv", size=(160, 128), codec="mpeg4", options={"g": "10"}, seconds=4.0, image=smooth(160, 128)
    )
    frames = list(Clip(broken(path, [packets(path, "video")[13]])).pictures())
    assert [i for i, frame in enumerate(frames) if frame.damaged] == list(range(13, 20))


def test_a_lost_picture_stays_as_the_one_before_it(tmp_path):
    path = write_clip(tmp_path / "a.avi", audio_codec="pcm_s16le", codec="mjpeg", pix_fmt="yuvj420p", seconds=2.0)
    whole = list(Clip(path).pictures())
    data = bytearray(path.read_bytes())
    lost = packets(path, "video")[5:8]
    for pos, size, _ in lost:
        data[pos : pos + size] = bytes(size)
    path.write_bytes(bytes(data))
    frames = list(Clip(path).pictures())
    assert [frame.stamp for frame in frames] == [frame.stamp for frame in whole]
    assert [i for i, frame in enumerate(frames) if frame.damaged] == [5, 6, 7]
    assert (frames[7].image == whole[4].image).all()


def test_pictures_lost_at_the_start_are_damaged_too(tmp_path):
    path = write_clip(tmp_path / "a.mkv", codec="mjpeg", pix_fmt="yuvj420p", seconds=3.0)
    data = bytearray(path.read_bytes())
    for pos, size, _ in packets(path, "video")[:20]:
        data[pos : pos + size] = bytes(size)
    path.write_bytes(bytes(data))
    (window,) = windows(Clip(path), 3 * SECOND, 3 * SECOND)
    assert window.damage == pytest.approx(2 * SECOND, rel=0.06)


@pytest.mark.parametrize("codec", ["aac", "flac", "ac3"])
def test_sound_that_cannot_be_decoded_is_silence_that_counts_as_missing(tmp_path, codec):
    path = write_clip(
        tmp_path / "a.mkv", codec="libx264", audio_codec=codec, rate=48_000, seconds=6.0, image=smooth(64, 48)
    )
    every = packets(path, "audio")
    damaged = Clip(broken(path, every[2::3]))
    pieces = list(damaged.audio())
    gap = sum(window.audio_gap for window in windows(damaged, 3 * SECOND, 3 * SECOND))
    assert 0.2 * 6 * SECOND < gap < 0.5 * 6 * SECOND
    assert all(not piece.samples.any() for piece in pieces if piece.missing == piece.samples.shape[1])
    assert any("audio packets cannot be wholly decoded (FFmpeg: " in note for note in damaged.notes)


def test_a_hole_too_short_to_be_told_from_jitter_is_filled_and_counted(tmp_path):
    """AAC's packets last 21 ms at 48 kHz."""
    path = write_clip(tmp_path / "a.mp4", codec="libx264", audio_codec="aac", rate=48_000, seconds=3.0)
    data = bytearray(path.read_bytes())
    pos, size, _ = packets(path, "audio")[40]
    data[pos : pos + size] = b"\xff" * size
    path.write_bytes(bytes(data))
    pieces = list(Clip(path).audio())
    assert sum(piece.missing for piece in pieces) >= 1024
    assert max(later.stamp - earlier.end for earlier, later in pairwise(pieces)) < SECOND // 1000


def test_ffmpeg_s_log_is_as_quiet_after_reading_as_before(clip, capfd):
    damaged = broken(clip, packets(clip, "video")[::3])
    before = av.logging.get_level(), av.logging.get_skip_repeated()
    list(Clip(damaged).pictures())
    next(Clip(damaged).pictures())  # left in its middle
    assert (av.logging.get_level(), av.logging.get_skip_repeated()) == before
    assert capfd.readouterr() == ("", "")


def test_the_damage_of_a_window_is_how_long_its_damaged_frames_are_seen():
    def frame(stamp: int, damaged: bool) -> Frame:
        return Frame(stamp, np.zeros((4, 4, 3), np.uint8), damaged=damaged)

    assert Window(0, 100, (frame(10, False), frame(20, True), frame(50, False), frame(90, True)), None).damage == 40


LISTS = {
    "list.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{there}\n#EXT-X-ENDLIST\n",
    "beside.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nsecret.ts\n#EXT-X-ENDLIST\n",
    "net.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nhttp://127.0.0.1:9/secret.ts\n#EXT-X-ENDLIST\n",
    "master.m3u8": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1280000\nbeside.m3u8\n",
    "live.m3u8": "#EXTM3U\n#EXT-X-TARGETDURATION:999\n" + "#EXTINF:3,\nsecret.ts\n" * 4,
    "list.ffconcat": "ffconcat version 1.0\nfile secret.ts\n",
    "list.mp4": "ffconcat version 1.0\nfile secret.ts\n",
    "call.sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
}


@pytest.mark.parametrize("name", LISTS)
def test_a_playlist_opens_no_other_file_and_no_network(tmp_path, name, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    secret = write_clip(tmp_path / "secret.ts", codec="libx264", audio_codec="aac")
    Path(name).write_text(LISTS[name].format(there=secret))
    with pytest.raises(ClipError, match="names other files or addresses, which are not opened: name the recordings"):
        Clip(Path(name))
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("name", "content"),
    [("drive.mcap", b"\x89MCAP0\r\n" + bytes(200)), ("notes.txt", b"mine\n" * 9), ("a.bin", b"a" * 99)],
)
def test_bags_and_notes_are_no_recordings(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ClipError, match="is not a recording that FFmpeg can read"):
        Clip(tmp_path / name)


def test_a_file_name_is_never_a_pattern_or_an_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mkv")
    for name in ("file:a.mkv", "concat:a.mkv|a.mkv", "subfile,,start,0,end,0,,:a.mkv", "pipe:0", "-"):
        with pytest.raises(ClipError, match="does not exist: check the path"):
            Clip(Path(name))
    with pytest.raises(ClipError, match="does not exist: fetch it first, addresses are not read"):
        Clip(Path("http://127.0.0.1:9/a.mkv"))
    for name in ("a%03d.mkv", "http:a.mkv", "caf\udce9.mkv"):
        Path(name).write_bytes(Path("a.mkv").read_bytes())
        assert len(list(Clip(Path(name)).pictures())) == 30


def test_a_fragmented_recording_cut_after_its_header_is_one_sentence(tmp_path):
    path = tmp_path / "cut.mp4"
    whole = write_clip(
        tmp_path / "a.mp4", codec="libx264", audio_codec="aac", container={"movflags": "frag_keyframe+empty_moov"}
    ).read_bytes()
    path.write_bytes(whole[: whole.index(b"moof") - 4])
    with pytest.raises(ClipError, match="has no picture that can be decoded"):
        next(windows(Clip(path), SECOND, SECOND))


def test_a_time_far_beyond_all_others_makes_no_endless_recording(tmp_path):
    path = write_clip(tmp_path / "a.mkv", stamps=[0.0, 0.1, 0.2, 0.3], with_audio=False, seconds=0.4)
    late = write_clip(tmp_path / "b.mkv", stamps=[0.0, 0.1, 0.2, 9000.0], with_audio=False, seconds=0.4)
    assert len(list(windows(Clip(path), SECOND, SECOND))) == 1
    clip = Clip(late)
    (window,) = windows(clip, SECOND, SECOND)
    assert len(window.frames) == 3
    assert any("1 of its pictures and pieces of sound carry a time more than 10 minutes after" in n for n in clip.notes)


class Times:
    """Frames of these times, s."""

    time_base = Fraction(1)

    def __init__(self, *times: int | None) -> None:
        self._times = times

    def __iter__(self):
        return iter([Decoded(None, time, damaged=False) for time in self._times])


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((0, 1, 2, 3), [0, 1, 2, 3]),
        ((0, 1, 5000, 2, 3), [0, 1, None, 2, 3]),
        ((0, 1, 5000, 5001, 5002), [0, 1, 5000, 5001, 5002]),
        ((0, 1, 5000), [0, 1, 5000]),
        ((0, 5000, None, 1), [0, None, None, 1]),
        ((5000, 1, 2), [5000, 1, 2]),
        ((), []),
    ],
)
def test_one_time_that_no_neighbour_shares_is_not_believed(times, expected):
    assert [one.pts for one in steady(Times(*times), Fraction(10))] == expected


def test_a_codec_that_nobody_knows_is_one_sentence(tmp_path):
    path = write_clip(tmp_path / "a.mkv", codec="mjpeg", pix_fmt="yuvj420p")
    path.write_bytes(path.read_bytes().replace(b"V_MJPEG", b"V_XXXXX"))
    with pytest.raises(ClipError, match="has pictures of a kind that FFmpeg does not know: give it in another format"):
        Clip(path)


def test_sound_that_nobody_knows_is_not_silence(tmp_path):
    path = write_clip(tmp_path / "a.mkv", audio_codec="flac")
    path.write_bytes(path.read_bytes().replace(b"A_FLAC", b"A_XXXX"))
    with pytest.raises(ClipError, match="has sound of a kind that FFmpeg does not know: give it in another format"):
        Clip(path)


@pytest.mark.parametrize(("first", "last"), [(0, 6), (0, 3), (3, 6), (2, 4)])
def test_sound_that_is_lost_for_long_is_missing_and_not_silence(tmp_path, first, last):
    path = write_clip(tmp_path / "a.mp4", codec="libx264", audio_codec="aac", rate=48_000, seconds=6.0)
    data = bytearray(path.read_bytes())
    for pos, size, time in packets(path, "audio"):
        if first <= time < last:
            data[pos : pos + size] = b"\xff" * size
    path.write_bytes(bytes(data))
    cut = list(windows(Clip(path), SECOND, SECOND))
    assert len(cut) == 6
    for window in cut:
        inside = max(0, min(window.end, last * SECOND) - max(window.start, first * SECOND))
        assert window.audio_gap == pytest.approx(inside, abs=0.06 * SECOND)
        assert window.audio is not None
        *_, found = localize(window, SignalReasoner())
        assert (found.outcome is Outcome.BACKEND_ERROR) == (inside > SECOND / 2)
