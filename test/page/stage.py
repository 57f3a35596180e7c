"""What stands behind a page in tests: a feed that they fill with rendered scenes and real answers about them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from threading import Event
from typing import Any

import gar_ssl_ros.messages.ros  # noqa: F401  # before what makes messages
from gar_ssl_ros.errors import UserError
from gar_ssl_ros.gar.localization import Localization, Outcome, Stage
from gar_ssl_ros.gar.pipeline import localize
from gar_ssl_ros.media.pictures import jpeg
from gar_ssl_ros.media.window import SECOND, Audio, Window
from gar_ssl_ros.messages.answers import OUTCOMES
from gar_ssl_ros.page.answers import show_answer
from gar_ssl_ros.page.commands import Command
from gar_ssl_ros.page.feed import Columns, Feed, Picture
from gar_ssl_ros.page.spectrum import Spectrum
from gar_ssl_ros.reasoners import reasoner
from gar_ssl_ros.work.encoder import AnswerEncoder

CAN = {"localize": True, "enable": True, "record": True, "parameters": True, "play": False, "sense": False}
NUMBERS = {outcome: number for number, outcome in OUTCOMES.items()}
PARAMETERS = [
    {"name": "tau_av", "value": 0.5, "kind": "float", "least": 0.0, "most": 1.0},
    {"name": "trials", "value": 5, "kind": "int", "least": 1, "most": 50},
    {"name": "analysis", "value": True, "kind": "bool"},
    {"name": "reliability", "value": "auto", "kind": "choice", "choices": ["auto", "reliable"]},
    {"name": "beam", "value": "", "kind": "text", "fits": "`loudest`, or `source` and its id"},
]


class Behind:
    """A `Behind`. asked: the commands so far. refusal: what the next one is refused with, if anything."""

    def __init__(self) -> None:
        self.hello: dict[str, Any] = {}
        self.asked: list[Command] = []
        self.came = Event()
        self.refusal = ""
        self.encoders = [AnswerEncoder("/image"), AnswerEncoder("/image")]
        self.begin()

    def begin(self, mode: str = "live", lanes: Sequence[str] = ("",), **can: bool) -> None:
        """As if nothing had come yet."""
        self.feed = Feed()
        self.asked, self.refusal = [], ""
        self.hello = {
            "mode": mode,
            "title": "a robot's room",
            "version": "1.2.3",
            "can": {**CAN, **can},
            "lanes": [{"name": name} for name in lanes],
        }
        self.feed.tell("health", statuses=[], picture_rate=15.0, problems=[])
        self.feed.tell("enabled", on=True)
        self.feed.tell("recording", on=False, path="", since=0.0, keep=None, bytes=0)
        usual = {"least": None, "most": None, "choices": [], "fits": "", "help": "what it is"}
        told = [{**usual, "default": one["value"], **one} for one in PARAMETERS]
        self.feed.tell("parameters", node="/localizer", parameters=told)

    def picture(self, stamp: int) -> Picture | None:
        return self.feed.picture(stamp)

    def sound(self, begin: int, end: int) -> bytes:
        return self.feed.sound(begin, end)

    def do(self, command: Command) -> str:
        self.asked.append(command)
        self.came.set()
        if self.refusal:
            raise UserError(self.refusal)
        return f"{command.do} is done"

    def see(self, window: Window) -> None:
        """The pictures and the sound of a window, as if they had just come."""
        for frame in window.frames:
            self.feed.see(Picture(frame.stamp, frame.width, frame.height, jpeg(frame.image, 80)))
        assert window.audio is not None
        found = Spectrum().add(window.audio)
        assert found is not None
        self.feed.hear(Columns(*found))

    def answer(self, found: Localization, window: Window, lane: int = 0, **fields: Any) -> Any:
        """An answer about it, as a localizer sends it; fields: of the message, otherwise."""
        message = self.encoders[lane].encode(found, window, 0.31, 0).sources
        for name, value in fields.items():
            setattr(message, name, value)
        show_answer(self.feed, message, lane)
        return message

    def outcome(self, outcome: Outcome, window: Window, lane: int = 0, **fields: Any) -> Any:
        """An answer of that outcome and nothing else."""
        return self.answer(Localization(outcome, Stage.FINAL, "signal", None), window, lane, **fields)


def shifted(window: Window, begin: int) -> Window:
    """The same window at another time, ns."""
    by = begin - window.start
    audio = window.audio
    return replace(
        window,
        start=begin,
        end=window.end + by,
        frames=tuple(replace(frame, stamp=frame.stamp + by) for frame in window.frames),
        audio=None if audio is None else Audio(audio.stamp + by, audio.samples, audio.rate),
    )


def answered(window: Window) -> Localization:
    """What the reasoner `signal` says of it."""
    *_, found = localize(window, reasoner("signal"))
    return found


def just_now(window: Window, ago: float = 0.0) -> Window:
    """The same window, its end so many seconds ago."""
    return shifted(window, time.time_ns() - round(ago * SECOND) - (window.end - window.start))
