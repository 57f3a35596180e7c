"""The live page in a real browser: what it shows, what it asks for, and that what strangers say stays text."""

from __future__ import annotations

import itertools
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from gar_ssl_ros.msg import SoundDirection
from stage import Behind, answered, just_now, shifted

from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.gar.localization import Case, Outcome, Stage
from gar_ssl_ros.masks.grabcut import GrabCutSegmenter
from gar_ssl_ros.masks.segmenter import masked
from gar_ssl_ros.media.window import SECOND
from gar_ssl_ros.page.access import Access
from gar_ssl_ros.page.commands import Command, Enable, Localize, Play, Rate, Record, Seek, SetParameter
from gar_ssl_ros.page.feed import Columns, Picture
from gar_ssl_ros.page.server import Server
from gar_ssl_ros.page.spectrum import VALUES
from gar_ssl_ros.page.web import application

playwright = pytest.importorskip("playwright.sync_api", reason="needs playwright, which is not installed")
BROWSER = next(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="needs chromium-headless-shell, which is not installed")
expect = playwright.expect
expect.set_options(timeout=15_000)

HOSTILE = "<img src=x onerror=window.hacked=1>"
MS = 10**6
DRAWN = """id => {
    const canvas = document.getElementById(id);
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    let count = 0;
    for (let at = 3; at < data.length; at += 4) count += data[at] > 0;
    return count;
}"""  # how many of a canvas's pixels are not empty
WEIGHT = 300_000  # bytes of a page at most, without its pictures and sound


@pytest.fixture(scope="module")
def behind() -> Behind:
    return Behind()


@pytest.fixture(scope="module")
def address(behind) -> Iterator[str]:
    with Server(application(behind, Access()), "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.port}/"


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as one:
        made = one.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def pages(browser) -> Iterator[Callable]:
    """A function that opens an address; no page may complain, of its security policy neither."""
    contexts, complaints = [], []

    def open_page(address: str, width: int = 1600, height: int = 1000, **more):
        contexts.append(browser.new_context(viewport={"width": width, "height": height}, **more))
        page = contexts[-1].new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address)
        return page

    open_page.complaints = complaints
    yield open_page
    for context in contexts:
        context.close()
    assert not complaints


@pytest.fixture
def opened(pages, address, behind) -> Callable:
    """A function that opens the page; what it takes goes to Behind.begin."""

    def open_page(*begin, **options):
        behind.begin(*begin, **{name: options.pop(name) for name in ("lanes", "play", "sense") if name in options})
        page = pages(address, **options)
        expect(page.locator("#state")).to_have_text("All is well")
        return page

    return open_page


@pytest.fixture(scope="module")
def heard(scene_of) -> Callable:
    """A function from a kind of scene to its window and what `signal` says of it."""
    known = {}

    def answer(kind: Kind):
        if kind not in known:
            _, window = scene_of(kind)
            known[kind] = (window, answered(window))
        return known[kind]

    return answer


def coloured(stamp: int, colour: tuple[int, int, int]) -> Picture:
    """A picture of 320x240, all of it of a colour, RGB."""
    image = np.full((240, 320, 3), colour[::-1], np.uint8)
    return Picture(stamp, 320, 240, cv2.imencode(".jpg", image)[1].tobytes())


def comes_true(page, told: str, argument: object = None) -> None:
    """Wait until what JavaScript tells is true; Playwright's own wait needs `eval`, which the page does not allow."""
    until = time.monotonic() + 10
    while not page.evaluate(told, argument):
        assert time.monotonic() < until, told
        page.wait_for_timeout(20)


def is_seen(page, colour: tuple[int, int, int]) -> None:
    """Wait until the picture shown is of that colour."""
    comes_true(
        page,
        """colour => {
            const canvas = document.getElementById('picture');
            const found = canvas.getContext('2d').getImageData(2, 2, 1, 1).data;
            return colour.every((level, index) => Math.abs(level - found[index]) < 12);
        }""",
        list(colour),
    )


def asked(behind: Behind, kind: type[Command]) -> Command:
    """The newest command of that kind, once it has come."""
    until = time.monotonic() + 10
    while time.monotonic() < until:
        found = [one for one in behind.asked if isinstance(one, kind)]
        if found:
            return found[-1]
        behind.came.wait(0.2)
        behind.came.clear()
    raise AssertionError(f"no {kind.__name__} has come")


def direction(azimuth: float, description: str, **more) -> SoundDirection:
    told = {"elevation": math.nan, "sd": math.radians(5), "front_back_known": True, **more}
    return SoundDirection(id=9, azimuth=math.radians(azimuth), description=description, **told)


# --- what it shows


def test_a_real_answer_is_told_with_its_box_its_reasons_and_its_sound(opened, behind, heard):
    window, found = heard(Kind.ONE)
    page = opened()
    now = just_now(window)
    behind.see(now)
    message = behind.answer(found, now)
    source = found.sources[0]
    what, how = page.locator(".outcome .what").first, page.locator(".outcome .how")
    place = page.evaluate(
        "sides => import('/static/words.js').then(words => words.place(sides, 320, 240))", list(source.box.sides)
    )
    expect(what).to_contain_text(f"{source.label.capitalize()}, {place}")
    expect(how).to_have_text(f"{source.av_consistency:.0%}".replace("%", " %"))
    expect(page.locator("#aloud")).to_have_text(f"{source.label}, {place}")
    box = page.locator(".overlay .lane0 rect").first
    assert [float(box.get_attribute(name)) for name in ("x", "y")] == pytest.approx(source.box.sides[:2], abs=0.01)
    why = page.locator("#why")
    expect(why).to_contain_text(source.description)
    expect(why).to_contain_text("5 trials keep the box")
    expect(why).to_contain_text("≥ 0.5")
    expect(why).to_contain_text("Answered bysignal")
    assert page.locator("#why .bar").count() >= 3
    page.locator("#raw summary").click()
    expect(page.locator("#raw-text")).to_contain_text('"outcome": "LOCALIZED"')
    assert message.sources[0].label == source.label
    comes_true(page, f"({DRAWN})('spectrogram') > 20000")


def test_pictures_are_shown_as_they_come_with_their_age_and_rate(opened, behind):
    page = opened()
    expect(page.locator("#picture-note")).to_have_text("No picture yet")
    for colour in ((200, 30, 30), (30, 200, 30)):
        behind.feed.see(coloured(time.time_ns(), colour))
        is_seen(page, colour)
    expect(page.locator("#picture-age")).to_contain_text("ms")
    expect(page.locator("#picture-rate")).to_contain_text("Hz of 15")
    expect(page.locator("#trip")).to_contain_text("ms")


def test_a_damaged_picture_is_left_out_and_the_next_one_is_shown(opened, behind):
    page = opened()
    behind.feed.see(Picture(time.time_ns(), 320, 240, b"\xff\xd8\xff no picture"))
    behind.feed.see(coloured(time.time_ns(), (20, 20, 220)))
    is_seen(page, (20, 20, 220))


OUTCOMES = [
    (Outcome.SILENT, {"detail": "all below -60 dBFS"}, "Silence", "Silence"),
    (Outcome.OFF_SCREEN, {}, "A sound from out of view", "A sound from out of view"),
    (
        Outcome.OFF_SCREEN,
        {"unmatched": [direction(170, "behind you")]},
        "A sound from out of view, behind you",
        "A sound from out of view, behind you",
    ),
    (
        Outcome.OFF_SCREEN,
        {"label": "dog", "audio_confidence": 0.9, "unmatched": [direction(60, "60 degrees left, out of view")]},
        "Dog, from out of view, 60 degrees left",
        "dog, from out of view, 60 degrees left",
    ),
    (Outcome.UNCERTAIN, {}, "A sound, no evidence of where", "A sound, no evidence of where"),
    (
        Outcome.UNPARSEABLE,
        {"detail": "no JSON in it"},
        "No answer: the reply could not be read",
        "No answer: the reply could not be read: no JSON in it",
    ),
    (
        Outcome.TIMEOUT,
        {"detail": "longer than 10 s"},
        "No answer: it took too long",
        "No answer: it took too long: longer than 10 s",
    ),
    (
        Outcome.BACKEND_ERROR,
        {"detail": "out of memory", "fallback": True},
        "No answer: the reasoner failed",
        "No answer: the reasoner failed: out of memory",
    ),
]


def test_every_outcome_in_words(opened, behind, heard):
    page, window = opened(), heard(Kind.ONE)[0]
    for outcome, fields, words, aloud in OUTCOMES:
        behind.outcome(outcome, just_now(window), **fields)
        expect(page.locator(".outcome .what")).to_have_text(words)
        expect(page.locator("#aloud")).to_have_text(aloud)
        details = [fields["detail"]] if "detail" in fields else []
        expect(page.locator(".outcome .detail")).to_have_text(details)
        expect(page.locator("#why .detail")).to_have_text(details)
        expect(page.locator("#why .warn")).to_have_text(["fallback"] if "fallback" in fields else [])


def test_an_initial_box_is_dashed_a_final_one_solid_and_both_grow_faint_and_go(opened, behind, heard):
    window, found = heard(Kind.ONE)
    page, now = opened(), just_now(heard(Kind.ONE)[0])
    behind.feed.see(coloured(now.end, (90, 90, 90)))
    behind.answer(replace(found, stage=Stage.INITIAL), now)
    box = page.locator(".lane0 g[data-source] > rect").nth(1)
    assert box.get_attribute("stroke-dasharray")
    expect(page.locator(".outcome .detail")).to_contain_text("Still being refined")
    behind.answer(found, now)
    expect(page.locator(".outcome .detail")).to_have_count(0)
    assert page.locator(".lane0 g[data-source] > rect").nth(1).get_attribute("stroke-dasharray") is None
    assert page.locator("#timeline").get_attribute("aria-valuemax") == "0"  # it took the other's place
    lane, length = page.locator(".overlay .lane0"), window.end - window.start
    expect(lane).to_have_css("opacity", "1")
    behind.feed.see(coloured(now.end + length, (91, 90, 90)))
    expect(lane).to_have_css("opacity", "0.5")
    behind.feed.see(coloured(now.end + 3 * length // 2, (92, 90, 90)))
    expect(lane).to_have_css("opacity", "0")


def test_directions_are_pointed_at_and_stand_on_a_compass(opened, behind, heard):
    page, window = opened(), just_now(heard(Kind.ONE)[0])
    told = [(100, "left", "100 degrees to the left"), (-80, "right", "over there"), (175, "bottom", "behind you")]
    behind.outcome(Outcome.OFF_SCREEN, window, unmatched=[direction(*one[::2]) for one in told])
    for _, side, words in told:
        expect(page.locator(f".arrow-{side} text")).to_have_text(words)
    expect(page.locator(".compass")).to_have_attribute(
        "aria-label", "Directions: " + "; ".join(f"a sound is heard {words}" for _, _, words in told)
    )
    behind.outcome(Outcome.SILENT, just_now(window))
    expect(page.locator(".compass")).to_have_count(0)


def test_a_direction_within_the_picture_is_a_ray(opened, behind, heard):
    page, window = opened(), just_now(heard(Kind.ONE)[0])
    told = {"id": 9, "source": None, "words": "there", "bearing": 0.1, "x": 100.0, "y": None, "spread": 12.0}
    inside = json.dumps({"directions": [told]})
    behind.outcome(Outcome.UNCERTAIN, window, unmatched=[direction(6, "in view")], reasoning=inside)
    assert page.locator(".ray line").first.get_attribute("x1") == "100"


def test_the_pixels_of_a_source_are_shown_where_it_has_some(opened, behind, heard):
    page, (window, found) = opened(), heard(Kind.ONE)
    told = masked(found, window.center.image, GrabCutSegmenter())
    mask = told.sources[0].mask
    assert mask is not None
    behind.answer(told, just_now(window))
    drawn = page.locator(".overlay path.mask")
    expect(drawn).to_have_count(1)
    rows, columns = mask.pixels.shape
    asked = [(x, y) for y in range(1, rows, 7) for x in range(1, columns, 7)]
    inside = drawn.evaluate(
        "(path, asked) => asked.map(([x, y]) => path.isPointInFill(new DOMPoint(x + 0.5, y + 0.5)))", asked
    )
    assert inside == [bool(mask.pixels[y, x]) for x, y in asked]
    foreign = json.dumps({"sources": [{"mask": {"size": [rows, columns], "counts": "no run lengths"}}]})
    behind.answer(found, just_now(window), reasoning=foreign)  # whoever sends on the graph may write what they like
    expect(page.locator(".overlay g[data-source]")).to_have_count(1)
    expect(drawn).to_have_count(0)


def test_anchors_are_shown_on_demand(opened, behind, heard):
    page, (window, found) = opened(), heard(Kind.ONE)
    behind.answer(found, just_now(window))
    expect(page.locator(".overlay .lane0")).to_have_count(1)
    assert page.locator(".overlay circle").count() == 0
    page.locator("#anchors").click()
    assert page.locator(".overlay circle").count() > 0
    page.keyboard.press("a")
    assert page.locator(".overlay circle").count() == 0


def test_clipping_and_the_level_are_seen(opened, behind):
    page = opened()
    loud = np.full((5, VALUES), 128, np.uint8)
    loud[:, 1] = 255
    meter = page.locator("#meter")
    until = time.monotonic() + 10
    while meter.get_attribute("aria-valuetext") != "-50 decibels of full scale, clipped":  # soon told as gone
        assert time.monotonic() < until
        behind.feed.hear(Columns(time.time_ns() - SECOND // 10, loud))
        page.wait_for_timeout(50)
    expect(meter).to_have_attribute("aria-valuetext", "no sound comes")


def test_two_reasoners_stand_beside_each_other(opened, behind, heard):
    page = opened(lanes=("signal", "senses"))
    window, found = heard(Kind.ONE)
    now = just_now(window)
    behind.answer(found, now)
    behind.outcome(Outcome.TIMEOUT, now, lane=1, reasoner="senses", detail="too slow")
    expect(page.locator(".outcome")).to_have_count(2)
    expect(page.locator(".lane-name")).to_have_text(["signal", "senses"])
    page.locator("#lanes button", has_text="senses").click()
    expect(page.locator("#why")).to_contain_text("No answer: it took too long")
    behind.answer(found, just_now(window), lane=1)
    expect(page.locator(".overlay .lane1 rect")).not_to_have_count(0)


def test_health_is_told_in_sentences(opened, behind):
    page = opened()
    status = {"name": "localizer: image", "level": 1, "message": "slow", "values": {"rate": "3 Hz"}}
    behind.feed.tell("health", statuses=[status], picture_rate=3.0, problems=["the camera is unplugged"])
    expect(page.locator("#state")).to_have_text("1 problem")
    expect(page.locator("#problems li")).to_have_text("the camera is unplugged")
    expect(page.locator("#statuses li")).to_contain_text("localizer: image slow")
    expect(page.locator("#clients")).to_contain_text("of 16")


# --- what strangers say


def test_what_models_and_strangers_say_is_text_and_nothing_else(opened, behind, heard, pages, tmp_path):
    page, (window, found) = opened(), heard(Kind.ONE)
    source = replace(found.sources[0], label=HOSTILE, description=HOSTILE)
    case = found.cases[0]
    agreed = case.consensus
    assert agreed is not None
    agreed = replace(
        agreed, role_tags=(HOSTILE,), anchor_votes=tuple(replace(vote, anchor=HOSTILE) for vote in agreed.anchor_votes)
    )
    cases = (replace(case, consensus=agreed), Case(case.location, failure=HOSTILE))
    now = just_now(window)
    behind.see(now)
    fields = {"label": HOSTILE, "detail": HOSTILE, "reasoner": HOSTILE, "model": HOSTILE}
    behind.answer(replace(found, sources=(source,), cases=cases), now, **fields)
    told = {"name": HOSTILE, "level": 2, "message": HOSTILE, "values": {HOSTILE: HOSTILE}}
    behind.feed.tell("health", statuses=[told], picture_rate=1.0, problems=[HOSTILE])
    behind.feed.tell("recording", on=True, path=HOSTILE, since=0.0, keep=None, bytes=0)
    one = {"value": HOSTILE, "default": "", "help": HOSTILE, "kind": "text", "fits": HOSTILE, "choices": []}
    behind.feed.tell("parameters", node="/n", parameters=[{"name": HOSTILE, "least": None, "most": None, **one}])
    behind.refusal = HOSTILE
    page.locator("#localize").click()
    expect(page.locator("#localize-told")).to_have_text(HOSTILE)
    for where in (".outcome .what", "#why", "#problems", "#record-facts", "#statuses", ".overlay"):
        expect(page.locator(where).first).to_contain_text("<img src=x")
    expect(page.locator("#parameters label")).to_have_text(HOSTILE)
    saved = pages(_saved(page, tmp_path, "#save").as_uri())
    expect(saved.locator("h1")).to_contain_text("<img src=x")
    for one in (page, saved):
        assert one.evaluate("[window.hacked, document.querySelectorAll('[onerror], img[src=x]').length]") == [None, 0]


def test_reasoning_of_another_program_and_an_answer_of_no_one_picture_break_nothing(opened, behind, heard):
    page, (window, found) = opened(), heard(Kind.ONE)
    odd = {"stages": [{"consensus": "x", "location": 5, "trials": 1}, 7, None], "directions": [None], "timing_s": "1"}
    now = just_now(window)
    unmatched = [direction(5, "ahead")]
    behind.answer(found, now, reasoning=json.dumps(odd), unmatched=unmatched, image_width=0, image_height=0)
    expect(page.locator(".outcome .what")).to_contain_text(found.sources[0].label.capitalize())
    expect(page.locator("#why")).to_contain_text("Candidate 1")
    expect(page.locator("#why")).to_contain_text("Answered by")
    behind.outcome(Outcome.SILENT, just_now(window))
    expect(page.locator(".outcome .what")).to_have_text("Silence")


# --- going back


def test_one_goes_back_to_an_answers_picture_and_sound_and_on_to_what_comes(opened, behind, heard):
    page, (window, found) = opened(), heard(Kind.ONE)
    colours = [(210, 40, 40), (40, 210, 40), (40, 40, 210)]
    for index, colour in enumerate(colours):
        now = just_now(window, 40.0 - 12 * index)
        behind.see(now)
        behind.feed.see(coloured(now.center.stamp, colour))
        behind.answer(found, now)
    behind.feed.see(coloured(time.time_ns(), (200, 200, 40)))
    is_seen(page, (200, 200, 40))
    timeline = page.locator("#timeline")
    expect(timeline).to_have_attribute("aria-valuemax", "2")
    page.keyboard.press("ArrowLeft")
    is_seen(page, colours[1])
    expect(page.locator("#past-words")).to_contain_text("Gone back to")
    expect(page.locator("#past-words")).not_to_contain_text("kept")
    comes_true(page, f"({DRAWN})('spectrogram') > 20000")
    behind.feed.see(coloured(time.time_ns(), (10, 10, 10)))  # what comes is not shown meanwhile
    timeline.focus()
    page.keyboard.press("Home")
    is_seen(page, colours[0])
    expect(timeline).to_have_attribute("aria-valuenow", "0")
    box = timeline.bounding_box()
    timeline.click(position={"x": box["width"] * (1 - 17.5 / 60), "y": 10})
    is_seen(page, colours[2])
    page.locator("#live").click()
    is_seen(page, (10, 10, 10))
    expect(page.locator("#past-sign")).to_be_hidden()
    page.locator("#previous").click()
    page.locator("#previous").click()
    is_seen(page, colours[0])
    page.locator("#next").click()
    is_seen(page, colours[1])
    page.keyboard.press("Escape")
    is_seen(page, (10, 10, 10))


def test_that_a_picture_or_sound_is_no_longer_kept_is_said(opened, behind, heard):
    page, (window, found) = opened(), heard(Kind.ONE)
    behind.answer(found, just_now(window, 5.0))
    expect(page.locator(".outcome .how")).to_have_count(1)
    behind.feed.see(coloured(time.time_ns(), (9, 9, 9)))
    is_seen(page, (9, 9, 9))
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#past-words")).to_contain_text("the nearest picture kept is")
    expect(page.locator("#past-words")).to_contain_text("its sound is no longer kept")


def test_a_session_is_played_sought_and_held(opened, behind, heard):
    page, window = opened("session", play=True), heard(Kind.ONE)[0]
    begin = 1_700_000_000 * SECOND
    for index, outcome in enumerate((Outcome.SILENT, Outcome.UNCERTAIN, Outcome.TIMEOUT)):
        behind.outcome(outcome, shifted(window, begin + 20 * index * SECOND))
    play = {"begin": begin / MS, "end": begin / MS + 60_000, "playing": True, "rate": 1.0}
    behind.feed.tell("playback", **play, position=begin / MS + 30_000)
    behind.feed.see(coloured(begin + 30 * SECOND, (70, 70, 70)))
    expect(page.locator(".outcome .what")).to_have_text("A sound, no evidence of where")  # of the time that is played
    page.locator("#play").click()
    assert asked(behind, Play).on is False
    expect(page.locator("#playback-told")).to_have_text("play is done")
    behind.feed.tell("playback", **{**play, "playing": False}, position=begin / MS + 30_000)
    expect(page.locator("#position")).to_contain_text("0:30 / 1:00")
    page.locator("#rate").select_option("2")
    assert asked(behind, Rate).rate == 2.0
    width = page.locator("#timeline").bounding_box()["width"]
    page.locator("#timeline").click(position={"x": width / 2 + 60, "y": 10})
    assert asked(behind, Seek).to == pytest.approx(begin / MS + 30_000 + 60_000 * 60 / (width - 6), abs=100)
    behind.feed.reset(answers=False)
    behind.feed.tell("playback", **{**play, "playing": False}, position=begin / MS + 5_000)
    behind.feed.see(coloured(begin + 5 * SECOND, (60, 70, 70)))
    expect(page.locator(".outcome .what")).to_have_text("Silence")
    page.locator("#seek").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert asked(behind, Seek).to < begin / MS + 10_000
    expect(page.locator("#picture-age")).not_to_contain_text("s")  # an age would mean nothing


# --- what it asks for


def test_every_control_asks_and_says_what_came_of_it(opened, behind):
    page = opened()
    page.locator("#localize").click()
    assert isinstance(asked(behind, Localize), Localize)
    expect(page.locator("#localize-told")).to_have_text("localize is done")
    page.locator("#enable").click()
    assert asked(behind, Enable).on is False
    expect(page.locator("#enable-told")).to_have_text("enable is done")
    page.locator("#record").click()
    assert asked(behind, Record).on is True
    since = time.time() * 1000 - 65_000
    behind.feed.tell("recording", on=True, path="/data/one", since=since, keep=600.0, bytes=12_300_000)
    expect(page.locator("#record-sign")).to_contain_text("REC 1:0")
    expect(page.locator("#record-facts")).to_contain_text("/data/one")
    expect(page.locator("#record-facts")).to_contain_text("12.3 MB. What is older than 10 min is deleted.")
    page.locator("#record").click()
    behind.feed.tell("recording", on=False, path="", since=0.0, keep=600.0, bytes=0, problem="the disk is full")
    expect(page.locator("#record-sign")).to_be_hidden()
    assert asked(behind, Record).on is False
    expect(page.locator("#record-facts")).to_contain_text("the disk is full")


def test_what_is_refused_is_said_and_the_control_goes_back(opened, behind):
    page = opened()
    behind.refusal = "the localizer is not active"
    page.locator("#enable").click()
    expect(page.locator("#enable-told")).to_have_text("the localizer is not active")
    expect(page.locator("#enable-told")).to_have_class("told bad")
    expect(page.locator("#enable")).to_be_checked()


def test_only_what_can_be_done_is_offered(opened):
    page = opened("session", play=True)
    expect(page.locator("#playback")).to_be_visible()
    page.close()
    page = opened("session")
    expect(page.locator("#controls")).to_be_visible()
    expect(page.locator("#playback")).to_be_hidden()
    expect(page.locator("#sense")).to_be_hidden()


def test_a_parameter_of_each_kind_is_set(opened, behind):
    page = opened()
    page.locator("#settings summary").click()
    values = {"tau_av": 0.65, "trials": 7, "analysis": False, "reliability": "reliable", "beam": "loudest"}
    for name, value in values.items():
        field = page.locator(f"#parameter-{name}")
        if isinstance(value, bool):
            field.click()
        elif name == "reliability":
            field.select_option(value)
        else:
            field.fill(str(value))
            field.press("Enter")
        expect(page.locator(".parameter", has=field).locator(".told")).to_have_text("set is done")
        found = asked(behind, SetParameter)
        assert (found.name, found.value, type(found.value)) == (name, value, type(value))


def test_a_value_that_is_none_or_refused_is_taken_back(opened, behind):
    page = opened()
    page.locator("#settings summary").click()
    field = page.locator("#parameter-trials")
    told = page.locator(".parameter", has=field).locator(".told")
    field.fill("")
    field.press("Enter")
    expect(told).to_have_text("give a number, 1 to 50")
    behind.refusal = "trials is 99: it must lie in 1..50"
    field.fill("99")
    field.press("Enter")
    expect(told).to_have_text(behind.refusal)
    expect(field).to_have_value("5")


def test_keys_do_what_the_help_says_but_not_while_one_types(opened, behind):
    page = opened()
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    expect(page.locator("#keys")).to_contain_text("listen now")
    page.locator("#help-close").click()
    page.locator("#settings summary").click()
    page.locator("#parameter-beam").focus()
    page.keyboard.press("l")
    page.locator("#localize").focus()
    page.keyboard.press("l")
    expect(page.locator("#localize-told")).to_have_text("localize is done")
    assert [type(one) for one in behind.asked].count(Localize) == 1
    page.keyboard.press("?")
    page.locator("#keys-on").click()
    page.locator("#help-close").click()
    page.keyboard.press("e")
    page.keyboard.press("r")
    page.locator("#record").click()
    asked(behind, Record)
    assert not [one for one in behind.asked if isinstance(one, Enable)]


def test_a_hidden_tab_asks_for_no_pictures(opened):
    page, sent = None, []
    page = opened()
    page.on("websocket", lambda socket: socket.on("framesent", lambda data: sent.append(json.loads(data))))
    page.reload()
    expect(page.locator("#state")).to_have_text("All is well")
    hide = "on => { Object.defineProperty(document, 'hidden', {value: on, configurable: true}); "
    for hidden in (True, False):
        page.evaluate(hide + "document.dispatchEvent(new Event('visibilitychange')); }", hidden)
    page.wait_for_timeout(50)  # so that what the browser tells of what was sent has come
    assert [one["on"] for one in sent if one["do"] == "look"] == [False, True]


def test_the_browsers_own_senses_are_loaded_where_they_are_wanted(opened, pages, address, behind, browser):
    stub = "const section = document.getElementById('sense'); section.hidden = false; section.textContent = 'sensing';"
    context = browser.new_context()
    context.route("**/sense.js", lambda route: route.fulfill(body=stub, content_type="text/javascript"))
    behind.begin("browser", sense=True)
    page = context.new_page()
    page.goto(address)
    expect(page.locator("#sense")).to_have_text("sensing")
    expect(page.locator("#sense")).to_be_visible()
    context.close()


# --- a moment to keep


def _saved(page, folder: Path, button: str) -> Path:
    with page.expect_download() as found:
        page.locator(button).click()
    path = folder / found.value.suggested_filename
    found.value.save_as(path)
    return path


def test_a_moment_opens_by_itself_and_shows_what_it_should(opened, pages, behind, heard, tmp_path):
    page, (window, found) = opened(), heard(Kind.ONE)
    now = just_now(window)
    behind.see(now)
    behind.answer(found, now)
    expect(page.locator(".outcome .how").first).to_be_visible()
    path = _saved(page, tmp_path, "#save")
    assert path.suffix == ".html"
    expect(page.locator("#save-told")).to_have_text(f"Saved as {path.name}")
    text = path.read_text()
    assert "default-src 'none'" in text
    assert "<script" not in text
    assert "http:" not in text.replace("http://www.w3.org", "")
    saved = pages(path.as_uri(), width=900)
    expect(saved.locator("h1")).to_contain_text(found.sources[0].label.capitalize())
    expect(saved.locator(".view svg g[data-source]")).to_have_count(len(found.sources))
    expect(saved.locator("article").first).to_contain_text(found.sources[0].description)
    assert saved.evaluate("[...document.images].map(one => one.naturalWidth > 0)") == [True, True]
    assert saved.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture = cv2.imread(str(_saved(page, tmp_path, "#save-picture")))
    assert picture.shape[1] == 960
    assert picture.shape[0] > 720


# --- connection, looks, weight


def test_a_connection_that_was_cut_comes_back_and_goes_on(pages, behind):
    behind.begin()
    with Server(application(behind, Access()), "127.0.0.1", 0) as server:
        page = pages(f"http://127.0.0.1:{server.port}/")
        expect(page.locator("#state")).to_have_text("All is well")
    expect(page.locator("#state")).to_have_text("Connection lost, trying again")
    page.locator("#localize").click()
    expect(page.locator("#localize-told")).to_have_text("not connected: nothing was done")
    with Server(application(behind, Access()), "127.0.0.1", server.port):
        expect(page.locator("#state")).to_have_text("All is well")
        behind.feed.see(coloured(time.time_ns(), (120, 60, 20)))
        is_seen(page, (120, 60, 20))
        page.close()
    assert all("WebSocket connection" in one for one in pages.complaints)
    pages.complaints.clear()


def test_everyone_can_use_it_on_every_screen(opened, behind, heard):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="needs axe-playwright-python").Axe()
    window, found = heard(Kind.ONE)
    page = opened(lanes=("signal", "senses"), play=True)
    aside = [direction(100, "to the left")]
    behind.outcome(Outcome.OFF_SCREEN, just_now(window), unmatched=aside)
    behind.outcome(Outcome.TIMEOUT, just_now(window), lane=1)
    now = just_now(window)
    behind.see(now)
    behind.answer(found, now, unmatched=aside)
    statuses = [{"name": "localizer", "level": level, "message": "so", "values": {}} for level in range(4)]
    behind.feed.tell("health", statuses=statuses, picture_rate=1.0, problems=["the camera is unplugged"])
    behind.feed.tell("recording", on=True, path="/data/" + 30 * "long", since=0.0, keep=60.0, bytes=1)
    expect(page.locator("#record-facts")).to_be_visible()
    page.locator("#settings summary").click()
    page.locator("#raw summary").click()
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#past-sign")).to_be_visible()

    def serious(context: str | None = None) -> list[tuple[str, str]]:
        told = axe.run(page, context=context).response["violations"]
        return [(one["id"], one["nodes"][0]["html"]) for one in told if one["impact"] in ("serious", "critical")]

    for scheme, width in itertools.product(("dark", "light"), (400, 1600)):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)
        expect(page.locator("html")).to_have_attribute("data-theme", scheme)
        assert not serious(), (scheme, width)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.keyboard.press("?")
    assert not serious("#help")


def test_dark_or_light_is_chosen_and_kept(opened, address):
    page = opened(color_scheme="dark")
    root = page.locator("html")
    expect(root).to_have_attribute("data-theme", "dark")
    page.locator("#theme").click()
    expect(root).to_have_attribute("data-theme", "light")
    page.reload()
    expect(root).to_have_attribute("data-theme", "light")
    page.keyboard.press("t")
    expect(root).to_have_attribute("data-theme", "dark")


def test_the_page_is_light(pages, address, behind):
    behind.begin()
    sizes = {}
    page = pages("about:blank")
    page.on("response", lambda reply: sizes.__setitem__(reply.url, len(reply.body())))
    page.goto(address)
    expect(page.locator("#state")).to_have_text("All is well")
    assert len(sizes) > 20
    assert sum(sizes.values()) <= WEIGHT
