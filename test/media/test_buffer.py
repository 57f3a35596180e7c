from threading import Thread

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.buffer import (
    MAX_JITTER_NS,
    MAX_REORDER_NS,
    MAX_SIGHTINGS,
    MIN_BYTES_PER_CHUNK,
    MIN_BYTES_PER_FRAME,
    WindowBuffer,
)
from gar_ssl_ros.media.window import SECOND, Audio, Detections, Frame, Sighting

MS = SECOND // 1000
RATE = 1000  # Hz: one sample a millisecond


def frame(ms: int) -> Frame:
    return Frame(ms * MS, np.full((2, 2, 3), ms % 251, np.uint8))


def chunk(ms: int, length: int = 100, rate: int = RATE, channels: int = 1, value: float = 0.5) -> Audio:
    return Audio(ms * MS, np.full((channels, length * rate // RATE), value, np.float32), rate)


def filled(frames: range, chunks: range) -> WindowBuffer:
    buffer = WindowBuffer(span=10 * SECOND)
    for ms in frames:
        buffer.add_frame(frame(ms))
    for ms in chunks:
        buffer.add_audio(chunk(ms))
    return buffer


def test_a_window_holds_exactly_its_interval():
    window = filled(range(0, 4000, 100), range(0, 4000, 100)).cut(500 * MS, 1500 * MS)
    assert window is not None
    assert [f.stamp // MS for f in window.frames] == list(range(500, 1500, 100))
    assert window.audio is not None
    assert window.audio.samples.shape == (1, 1000)
    assert (window.audio.samples == 0.5).all()
    assert (window.audio_gap, window.frame_gap) == (0, 100 * MS)


def test_no_frame_no_window_and_no_audio_is_said_to_be_none():
    assert filled(range(0), range(0, 1000, 100)).cut(0, SECOND) is None
    window = filled(range(0, 1000, 100), range(0)).cut(0, SECOND)
    assert window is not None
    assert window.audio is None
    assert window.audio_gap == SECOND


def test_lost_audio_is_zero_and_measured():
    buffer = filled(range(0, 1000, 100), range(0))
    for ms in (0, 100, 400, 500, 600, 700, 800, 900):
        buffer.add_audio(chunk(ms))
    window = buffer.cut(0, SECOND)
    assert window is not None
    assert window.audio is not None
    assert window.audio_gap == 200 * MS
    assert (window.audio.samples[0, 200:400] == 0).all()
    assert (window.audio.samples[0, 400:] == 0.5).all()


def test_a_stretch_without_frames_is_measured_to_the_window_s_edges():
    window = filled(range(300, 700, 100), range(0)).cut(0, 2 * SECOND)
    assert window is not None
    assert window.frame_gap == 1400 * MS


def test_jittering_stamps_leave_neither_holes_nor_doubled_samples():
    buffer = filled(range(0, 1000, 100), range(0))
    ramp = np.arange(1000, dtype=np.float32) / 1000
    for start in range(0, 1000, 100):
        jitter = (start // 100 % 3 - 1) * 14
        assert 2 * abs(jitter) * MS < MAX_JITTER_NS
        buffer.add_audio(Audio((start + jitter) * MS, ramp[None, start : start + 100], RATE))
    window = buffer.cut(0, SECOND)
    assert window is not None
    assert window.audio is not None
    heard = window.audio.samples[0]
    assert np.allclose(np.diff(heard[heard > 0]), 0.001, atol=1e-5)
    assert window.audio_gap <= MAX_JITTER_NS


def test_skew_tells_how_far_audio_runs_ahead():
    window = filled(range(0, 1000, 100), range(0, 2000, 100)).cut(0, SECOND)
    assert window is not None
    assert window.skew == 2000 * MS - 900 * MS


@given(st.permutations(range(0, 500, 50)))
def test_arrivals_out_of_order_are_sorted_in(order):
    buffer = WindowBuffer(span=10 * SECOND)
    for ms in order:
        assert ms * MS <= MAX_REORDER_NS
        buffer.add_frame(frame(ms))
        buffer.add_audio(chunk(ms, 50, value=ms / 1000))
    window = buffer.cut(0, SECOND // 2)
    assert window is not None
    assert window.audio is not None
    assert [f.stamp // MS for f in window.frames] == list(range(0, 500, 50))
    assert (np.diff(window.audio.samples[0]) >= 0).all()
    assert buffer.counts.frames == buffer.counts.chunks == 10


@given(st.lists(st.integers(0, 100_000), max_size=60), st.lists(st.integers(0, 100_000), max_size=60))
def test_whatever_arrives_the_buffer_is_bounded_ordered_and_accounts_for_it(frames, chunks):
    buffer = WindowBuffer(span=3 * SECOND)
    for ms in frames:
        buffer.add_frame(frame(ms))
    for ms in chunks:
        buffer.add_audio(chunk(ms))
    counts = buffer.counts
    assert counts.frames + counts.chunks + counts.thinned + counts.repeated == len(frames) + len(chunks)
    held = buffer.cut(0, 200 * SECOND)
    if held is not None:
        stamps = [f.stamp for f in held.frames]
        assert stamps == sorted(set(stamps))
        assert stamps[-1] - stamps[0] <= 3 * SECOND


def test_time_that_jumps_back_empties_the_buffer():
    buffer = filled(range(5000, 8000, 100), range(5000, 8000, 100))
    buffer.add_frame(frame(100))
    assert buffer.counts.resets == 1
    assert buffer.newest_frame == 100 * MS
    assert buffer.newest_audio is None


def test_a_stamp_that_stands_still_keeps_the_newest_frame_only():
    buffer = WindowBuffer(span=SECOND)
    for value in range(5):
        buffer.add_frame(Frame(0, np.full((1, 1, 3), value, np.uint8)))
    window = buffer.cut(0, 1)
    assert window is not None
    assert [int(f.image[0, 0, 0]) for f in window.frames] == [4]
    assert buffer.counts.repeated == 4


def test_audio_that_changes_its_rate_starts_anew():
    buffer = filled(range(0, 1000, 100), range(0, 500, 100))
    buffer.add_audio(chunk(500, rate=2 * RATE))
    buffer.add_audio(chunk(600, rate=2 * RATE))
    window = buffer.cut(0, SECOND)
    assert window is not None
    assert window.audio is not None
    assert window.audio.rate == 2 * RATE
    assert window.audio_gap == 800 * MS
    assert buffer.counts.changes == 1


def test_large_frames_are_thinned_evenly_to_fit_into_memory():
    big = np.zeros((100, 100, 3), np.uint8)
    buffer = WindowBuffer(span=3 * SECOND, max_bytes=30 * big.nbytes)
    for ms in range(0, 9000, 33):
        buffer.add_frame(Frame(ms * MS, big))
    window = buffer.cut(6 * SECOND, 9 * SECOND)
    assert window is not None
    assert 20 <= len(window.frames) <= 33
    assert window.frame_gap < 200 * MS
    assert buffer.counts.thinned > 100


def test_two_clocks_far_apart_show_as_skew():
    buffer = filled(range(0, 1000, 100), range(0))
    buffer.add_audio(chunk(10_000_000))
    window = buffer.cut(0, SECOND)
    assert window is not None
    assert window.audio is None
    assert window.skew > 9_000 * SECOND


def test_sound_is_bounded_in_bytes_whatever_its_stamps():
    buffer = WindowBuffer(span=10 * SECOND, max_audio_bytes=10 * 4 * 100_000)
    for stamp in range(50):
        buffer.add_audio(Audio(stamp, np.full((1, 100_000), 0.5, np.float32), 1_000_000))
    assert buffer.counts.chunks == 50
    assert buffer.counts.crowded == 40
    buffer.add_frame(frame(0))
    window = buffer.cut(40, 41 * MS)
    assert window is None or window.audio is not None


def test_a_flood_of_tiny_chunks_and_frames_is_bounded_in_number():
    buffer = WindowBuffer(span=SECOND, max_bytes=100 * MIN_BYTES_PER_FRAME, max_audio_bytes=100 * MIN_BYTES_PER_CHUNK)
    for stamp in range(5000):
        buffer.add_audio(Audio(stamp, np.full((1, 1), 0.5, np.float32), RATE))
        buffer.add_frame(Frame(stamp * 1000, np.zeros((1, 1, 3), np.uint8)))
    assert buffer.counts.chunks - buffer.counts.crowded == 100
    window = buffer.cut(0, SECOND)
    assert window is not None
    assert len(window.frames) <= 112


@given(
    st.lists(st.tuples(st.integers(0, 5000), st.integers(1, 400), st.sampled_from([1000, 2000])), max_size=60),
    st.integers(MIN_BYTES_PER_CHUNK, 40 * MIN_BYTES_PER_CHUNK),
)
def test_whatever_sound_arrives_no_more_than_the_bound_is_held_and_the_newest_is_there(chunks, bound):
    buffer = WindowBuffer(span=3 * SECOND, max_audio_bytes=bound)
    for ms, length, rate in chunks:
        buffer.add_audio(chunk(ms, length, rate=rate))
        held = buffer._chunks
        assert buffer._audio_bytes == sum(max(one.samples.nbytes, MIN_BYTES_PER_CHUNK) for one in held) <= bound
        assert [one.stamp for one in held] == sorted(one.stamp for one in held)
    counts = buffer.counts
    assert counts.chunks + counts.repeated == len(chunks)
    assert counts.crowded <= counts.chunks


def test_a_bad_span_or_interval_is_refused():
    with pytest.raises(ValueError, match="positive"):
        WindowBuffer(span=0)
    with pytest.raises(ValueError, match="positive"):
        WindowBuffer(span=1, max_audio_bytes=0)
    with pytest.raises(ValueError, match="ends after it starts"):
        filled(range(1), range(1)).cut(5, 5)


def test_it_may_be_filled_and_cut_from_several_threads():
    buffer = WindowBuffer(span=2 * SECOND)
    threads = [
        Thread(target=lambda: [buffer.add_frame(frame(ms)) for ms in range(0, 4000, 5)]),
        Thread(target=lambda: [buffer.add_audio(chunk(ms, 10)) for ms in range(0, 4000, 10)]),
        Thread(target=lambda: [buffer.cut(ms * MS, (ms + 500) * MS) for ms in range(0, 3500, 5)]),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert buffer.counts.frames == 800
    assert buffer.counts.chunks == 400


def sighting(name: str) -> Sighting:
    return Sighting("dog", 0.5, (0.0, 0.0, 1.0, 1.0), name)


def ids(buffer: WindowBuffer, start: int, end: int) -> list[str]:
    window = buffer.cut(start * MS, end * MS)
    assert window is not None
    return sorted(one.id for one in window.sightings)


def test_a_window_has_what_each_detector_saw_nearest_to_its_center_frame():
    buffer = filled(range(0, 4000, 100), range(0))
    for ms in range(0, 4000, 250):
        buffer.add_detections(Detections(ms * MS, "/yolo", (sighting(f"a{ms}"), sighting(f"b{ms}"))))
        buffer.add_detections(Detections((ms + 60) * MS, "/faces", (sighting(f"f{ms}"),)))
    assert ids(buffer, 0, 2000) == ["a1000", "b1000", "f1000"]
    assert ids(buffer, 500, 1000) == ["a750", "b750", "f750"]


def test_what_is_seen_far_from_the_frame_is_not_of_it_and_nothing_is_a_thing_to_see():
    buffer = filled(range(0, 4000, 100), range(0))
    buffer.add_detections(Detections(0, "/yolo", (sighting("old"),)))
    assert ids(buffer, 0, 2000) == []
    assert ids(buffer, 0, 800) == ["old"]
    buffer.add_detections(Detections(300 * MS, "/yolo"))
    assert ids(buffer, 0, 800) == []


@given(st.lists(st.tuples(st.integers(0, 100_000), st.integers(0, 3), st.integers(0, 9000)), max_size=60))
def test_whatever_detections_come_they_are_bounded_and_go_with_the_frames(given_):
    buffer = WindowBuffer(span=3 * SECOND)
    for ms, detector, count in given_:
        buffer.add_detections(Detections(ms * MS, str(detector), (sighting(""),) * count))
        buffer.add_frame(frame(ms))
        assert sum(1 + len(one.sightings) for one in buffer._detections) == buffer._sightings <= MAX_SIGHTINGS
    assert buffer.counts.detections == len(given_)
    buffer.clear()
    assert (len(buffer._detections), buffer._sightings) == (0, 0)
    for ms in range(0, 60_000, 100):
        buffer.add_detections(Detections(ms * MS, "/yolo", (sighting(""),)))
        buffer.add_frame(frame(ms))
    assert len(buffer._detections) <= 36
