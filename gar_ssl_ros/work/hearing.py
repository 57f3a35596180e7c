"""From where sound comes, as it comes: what a microphone array hears, or what a device tells by itself.

No rclpy, no clock.
"""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from threading import Condition, Lock, Thread

from gar_ssl_ros.errors import sentence
from gar_ssl_ros.media.window import SECOND, Audio, Window
from gar_ssl_ros.spatial.hearing.array import ArrayError, MicrophoneArray
from gar_ssl_ros.spatial.hearing.channels import channel_problem
from gar_ssl_ros.spatial.hearing.listener import Listener
from gar_ssl_ros.spatial.hearing.options import HearingOptions
from gar_ssl_ros.spatial.hearing.sound_direction import SoundDirection
from gar_ssl_ros.spatial.hearing.tracks import DirectionTracker

HOP_NS = SECOND // 2  # from one time that directions are told to the next
LISTENED_NS = SECOND  # that is listened to each time
MAX_LATE_NS = SECOND // 2  # sound that ends earlier than this before the newest is of a time that jumped back
KEPT_NS = 30 * SECOND  # of what a device has told
MAX_KEPT = 3000  # times that it has, at 100 a second


@dataclass(frozen=True)
class Heard:
    """What is heard at a time.

    stamp: ns, the end of what was listened to. duration: of that, ns. frame_id: of its messages; empty where they have
    none. directions: followed from one time to the next, the loudest first. problem: what is wrong with the sound, one
    sentence. audio: what was listened to, all channels; None where a device tells directions by itself.
    """

    stamp: int
    duration: int
    frame_id: str
    directions: tuple[SoundDirection, ...]
    problem: str = ""
    audio: Audio | None = None


class ArrayHearing:
    """Listens with an array on a thread of its own; each hop is told from there. `close` it in the end."""

    def __init__(
        self,
        array: MicrophoneArray,
        options: HearingOptions,
        sound: Callable[[int, int], Audio | None],
        tell: Callable[[Heard], None],
        complain: Callable[[str], None],
    ) -> None:
        """sound: of an interval, as of WindowBuffer, which bounds how much there is. complain: given a sentence."""
        self.array = array
        self.frame_id = ""  # of the sound's messages
        self.problem = ""  # what is wrong with the newest hop, a sentence
        self.hops = self.skipped = 0  # told, and left out because the machine was too slow
        self._options, self._sound, self._tell, self._complain = options, sound, tell, complain
        self._guard = Lock()  # of the listener and the tracker
        self._listener: Listener | None = None
        self._rate = 0
        self._tracker = DirectionTracker()
        self._condition = Condition()
        self._newest = self._done = 0  # ns: the end of the newest sound, and of the last hop
        self._closing = False
        self._thread = Thread(target=self._run, name="hearing", daemon=True)
        self._thread.start()

    def take(self, audio: Audio, frame_id: str) -> None:
        """Sound has come, and `sound` has it."""
        with self._condition:
            late = self._newest - audio.end
            self._newest = self._newest if 0 < late <= MAX_LATE_NS else audio.end
            self.frame_id = frame_id
            if self._due:
                self._condition.notify()

    def of_window(self, window: Window) -> tuple[SoundDirection, ...] | None:
        """The directions of a whole window, with the identities of the hops; None where it has no sound.

        From any thread. Raises ArrayError where they cannot be told.
        """
        if window.audio is None:
            return None
        with self._guard:
            found = self._listener_of(window.audio.rate).directions(window.audio.samples)
            return self._tracker.identified(found, window.end)

    def close(self) -> None:
        """Listen no more; nothing is told after that."""
        with self._condition:
            self._closing = True
            self._condition.notify()
        self._thread.join()

    @property
    def _due(self) -> bool:
        """True if a hop is; also where time has jumped back."""
        return not -MAX_LATE_NS <= self._newest - self._done < HOP_NS

    def _run(self) -> None:
        while True:
            with self._condition:
                self._condition.wait_for(lambda: self._closing or self._due)
                if self._closing:
                    return
                end, before, frame_id = self._newest, self._done, self.frame_id
                self._done = end
            if before and HOP_NS <= end - before < KEPT_NS:
                self.skipped += (end - before) // HOP_NS - 1
            try:
                self._hear(end, frame_id)
            except Exception as problem:  # whatever comes, the next hop is heard
                self.problem = f"a hop could not be told: {sentence(problem)}"
                self._complain(self.problem)

    def _hear(self, end: int, frame_id: str) -> None:
        audio = self._sound(end - LISTENED_NS, end)
        if audio is None or 2 * audio.missing > audio.samples.shape[1]:
            return
        problem = channel_problem(audio.samples, self.array)
        directions: tuple[SoundDirection, ...] = ()
        try:
            with self._guard:
                found = self._listener_of(audio.rate).directions(audio.samples)
                directions = self._tracker.follow(found, end)
        except ArrayError as refusal:
            problem = problem or str(refusal)
        self.problem = problem
        self.hops += 1
        self._tell(Heard(end, LISTENED_NS, frame_id, directions, problem, audio))

    def _listener_of(self, rate: int) -> Listener:
        if self._listener is None or rate != self._rate:
            if self._rate and rate != self._rate:
                self._complain(f"the sound's rate is {rate} Hz now, not {self._rate}: what is heard begins anew")
            self._listener, self._rate = None, rate
            self._listener = Listener(self.array, rate, self._options)
        return self._listener


class DeviceHearing:
    """Keeps and follows the directions that a device tells. Thread-safe."""

    def __init__(self, most: int, tell: Callable[[Heard], None]) -> None:
        """most: directions at a time."""
        self.frame_id = ""
        self.problem = ""
        self.hops = 0
        self._most, self._tell = most, tell
        self._guard = Lock()
        self._tracker = DirectionTracker()
        self._told: deque[Heard] = deque(maxlen=MAX_KEPT)

    def take(self, directions: Sequence[SoundDirection], stamp: int, frame_id: str) -> None:
        """It has told these, the surest first, at a time, ns; be it none."""
        with self._guard:
            self.frame_id = frame_id
            if self._told and not 0 <= stamp - self._told[0].stamp <= KEPT_NS:
                self._told = deque([one for one in self._told if 0 <= stamp - one.stamp <= KEPT_NS], MAX_KEPT)
            heard = Heard(stamp, 0, frame_id, self._tracker.follow(directions[: self._most], stamp))
            self._told.append(heard)
            self.hops += 1
        self._tell(heard)

    def of_window(self, window: Window) -> tuple[SoundDirection, ...] | None:
        """What it told in a window, that most often first; None where it told nothing, not even that there is none.

        Of each the last is told, and how often it was there stands for its power.
        """
        with self._guard:
            within = [one for one in self._told if window.start <= one.stamp < window.end]
        if not within:
            return None
        last = {one.identity: one for heard in within for one in heard.directions}
        often = Counter(one.identity for heard in within for one in heard.directions)
        return tuple(
            replace(last[identity], power=10 * math.log10(count / len(within)))
            for identity, count in often.most_common(self._most)
        )

    def close(self) -> None:
        """Nothing goes on by itself."""


Hearing = ArrayHearing | DeviceHearing
