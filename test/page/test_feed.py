"""What a page shows is kept once, within bounds, and each client is told what is new to it."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gar_ssl_ros.media.window import SECOND, Audio
from gar_ssl_ros.page import feed as feed_module
from gar_ssl_ros.page.feed import (
    KEPT_BYTES,
    LATE_SOUND_NS,
    MOST_ANSWERS,
    PICTURE,
    PICTURE_HEAD,
    RECENT_BYTES,
    SOUND,
    SOUND_HEAD,
    SOUND_NS,
    Columns,
    Feed,
    Picture,
)
from gar_ssl_ros.page.spectrum import BANDS, COLUMN_NS, VALUES, Spectrum

MS = 10**6


def picture(stamp: int, size: int = 100) -> Picture:
    return Picture(stamp, 640, 480, bytes(size))


def columns(stamp: int, count: int = 5) -> Columns:
    return Columns(stamp, np.full((count, VALUES), 7, np.uint8))


def pictures_of(messages: list[str | bytes]) -> list[float]:
    return [PICTURE_HEAD.unpack_from(one)[3] for one in messages if isinstance(one, bytes) and one[0] == PICTURE]


def told(messages: list[str | bytes], kind: str) -> list[dict[str, object]]:
    return [found for one in messages if isinstance(one, str) and (found := json.loads(one))["type"] == kind]


def test_a_client_gets_the_newest_picture_only_and_nothing_twice():
    feed = Feed()
    for stamp in range(1, 6):
        feed.see(picture(stamp * MS))
    first = feed.news(0)
    assert pictures_of(first.messages) == [5.0]
    assert feed.news(first.cursor).messages == []
    feed.see(picture(6 * MS))
    assert pictures_of(feed.news(first.cursor).messages) == [6.0]


def test_a_client_that_cannot_show_pictures_is_sent_all_else():
    feed = Feed()
    feed.see(picture(MS))
    feed.hear(columns(MS))
    kinds = [one[0] for one in feed.news(0, pictures=False).messages if isinstance(one, bytes)]
    assert kinds == [SOUND]


def test_an_answer_takes_the_place_of_the_one_before_of_its_key():
    feed = Feed()
    feed.answer("0:1", MS, {"stage": "initial"})
    feed.answer("0:2", 2 * MS, {"stage": "initial"})
    seen = feed.news(0).cursor
    feed.answer("0:1", MS, {"stage": "final"})
    assert [one["stage"] for one in told(feed.news(0).messages, "answer")] == ["initial", "final"]
    assert [one["key"] for one in told(feed.news(seen).messages, "answer")] == ["0:1"]


def test_a_picture_of_an_answer_outlives_the_others():
    feed = Feed()
    feed.see(picture(MS))
    feed.answer("0:1", MS, {})
    for stamp in range(2, 60):
        feed.see(picture(stamp * MS, RECENT_BYTES // 20))
    assert feed.picture(MS) == picture(MS)
    assert feed.picture(3 * MS) == picture(MS)  # the third is gone, and nothing nearer is held


def test_a_picture_of_an_answer_is_found_by_its_time_as_a_page_tells_it():
    feed, now = Feed(), 1_764_236_748_123_456_789
    feed.see(picture(now))
    feed.answer("0:1", now, {})
    for step in range(1, 60):
        feed.see(picture(now + step * MS, RECENT_BYTES // 20))
    told = round(now / 1e6 * 1e6)  # ms as float64
    assert told != now
    assert feed.picture(told) == picture(now)


def test_all_that_is_held_is_bounded(monkeypatch):
    feed = Feed()
    size = KEPT_BYTES // 50
    for stamp in range(1, 200):
        feed.see(picture(stamp * MS, size))
        feed.answer(str(stamp), stamp * MS, {})
    held = (feed._recent._bytes, feed._kept._bytes)
    assert held[0] <= RECENT_BYTES
    assert held[1] <= KEPT_BYTES
    for index in range(MOST_ANSWERS + 10):
        feed.answer(f"more {index}", 0, {})
    assert len(told(feed.news(0).messages, "answer")) == MOST_ANSWERS
    step = 10 * SECOND
    for index in range(2 * SOUND_NS // step):
        feed.hear(columns(index * step, step // COLUMN_NS))
    assert sum(len(one.values) for _, one in feed._sound) <= (SOUND_NS + step) // COLUMN_NS


def test_who_was_away_is_not_sent_all_the_sound_that_passed():
    feed = Feed()
    for index in range(100):
        feed.hear(columns(index * 5 * COLUMN_NS))
    sound = [one for one in feed.news(0).messages if isinstance(one, bytes)]
    counts = [SOUND_HEAD.unpack_from(one)[2] for one in sound]
    assert sum(counts) <= LATE_SOUND_NS // COLUMN_NS


def test_sound_of_an_interval_is_given_in_runs_without_gaps():
    feed = Feed()
    feed.hear(columns(0))
    feed.hear(columns(5 * COLUMN_NS))
    feed.hear(columns(SECOND))
    given_back = feed.sound(0, 2 * SECOND)
    heads = []
    while given_back:
        _, size, count, period, stamp = SOUND_HEAD.unpack_from(given_back)
        heads.append((count, period, stamp))
        given_back = given_back[SOUND_HEAD.size + size * count :]
    assert heads == [(10, COLUMN_NS / MS, 0.0), (5, COLUMN_NS / MS, 1000.0)]


def test_what_is_told_again_the_same_is_no_news():
    feed = Feed()
    feed.tell("health", problems=["a"])
    seen = feed.news(0).cursor
    feed.tell("health", problems=["a"])
    assert feed.news(seen).messages == []
    feed.tell("health", problems=[])
    assert told(feed.news(seen).messages, "health") == [{"type": "health", "problems": []}]


def test_a_jump_in_time_is_told_to_who_looks_and_not_to_who_comes_later():
    feed = Feed()
    feed.see(picture(MS))
    feed.answer("0:1", MS, {})
    seen = feed.news(0).cursor
    feed.reset()
    assert [one["answers"] for one in told(feed.news(seen).messages, "reset")] == [True]
    assert feed.news(0).messages == []
    assert feed.picture(MS) is None


def test_listeners_are_told_until_they_end_it():
    feed = Feed()
    count = []
    end = feed.listen(lambda: count.append(1))
    feed.see(picture(MS))
    end()
    feed.see(picture(2 * MS))
    assert len(count) == 1


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_a_tone_shows_in_its_band_with_its_level(rate):
    times = np.arange(rate) / rate
    tone = (0.5 * np.sin(2 * np.pi * 1000 * times)).astype(np.float32)[None]
    found = Spectrum().add(Audio(SECOND, tone, rate))
    assert found is not None
    stamp, values = found
    assert stamp == SECOND
    levels = values.astype(float) / 2.55 - 100
    assert np.allclose(levels[:, 0], 20 * np.log10(0.5 / np.sqrt(2)), atol=0.5)
    assert np.allclose(levels[:, 1], 20 * np.log10(0.5), atol=0.5)
    edges = np.geomspace(60, min(8000, rate / 2), BANDS + 1)
    band = int(np.searchsorted(edges, 1000)) - 1
    assert (np.abs(levels[:, 2:].argmax(axis=1) - band) <= 1).all()


@given(st.lists(st.integers(1, 4000), min_size=1, max_size=12))
def test_columns_follow_one_another_however_sound_is_cut(sizes):
    spectrum, at, expected = Spectrum(), 0, None
    for size in sizes:
        found = spectrum.add(Audio(round(at * SECOND / 16000), np.zeros((2, size), np.float32), 16000))
        at += size
        if found is None:
            continue
        stamp, values = found
        assert values.shape[1] == VALUES
        assert expected is None or abs(stamp - expected) < MS
        expected = stamp + len(values) * COLUMN_NS
    whole = at // 320
    assert (0 if expected is None else round(expected / COLUMN_NS)) == max(0, whole - 1)


def test_after_a_gap_columns_begin_anew_at_the_time_of_the_sound():
    spectrum = Spectrum()
    chunk = np.zeros((1, 1600), np.float32)
    spectrum.add(Audio(0, chunk, 16000))
    found = spectrum.add(Audio(10 * SECOND, chunk, 16000))
    assert found is not None
    assert found[0] == 10 * SECOND


def test_a_message_is_laid_out_as_the_page_reads_it():
    assert PICTURE_HEAD.size == SOUND_HEAD.size == 16
    assert feed_module.COLUMN_NS / MS == 20
    kind, width, height, stamp = struct.unpack_from("<B3xHHd", picture(1_500_000).message)
    assert (kind, width, height, stamp) == (1, 640, 480, 1.5)
