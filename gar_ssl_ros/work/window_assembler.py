"""Messages of a camera and a microphone to windows, by their own time: no rclpy, no clock."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gar_ssl_ros.media.buffer import MAX_AUDIO_BYTES, Counts, WindowBuffer
from gar_ssl_ros.media.options import WindowOptions
from gar_ssl_ros.media.window import SECOND, Audio, Detections, Frame, Window
from gar_ssl_ros.messages.audio.codec import AudioError, UndescribedError
from gar_ssl_ros.messages.audio.reader import AudioReader
from gar_ssl_ros.messages.images import ImageError, frame_from_message
from gar_ssl_ros.messages.stamps import StampError, stamp_of
from gar_ssl_ros.work.schedule import MAX_LAG_NS, Due, Schedule, up_to_now
from gar_ssl_ros.work.stream_monitor import StreamMonitor, StreamStatistics

MAX_AGO_S = 2.0  # s before now at which a window may end: what it needs is held then, unless one stream is late by 1 s
INFO_WAIT_NS = 6 * SECOND  # ros-drivers' audio_capture describes its sound every 5 s
MAX_UNDESCRIBED_BYTES = 2**23  # of sound that is not described yet
MIN_BYTES_PER_MESSAGE = 2**11  # that each of its messages counts for at least


@dataclass(frozen=True)
class Cut:
    """A window, and why it need not be asked what sounds in it; empty where it is to be."""

    window: Window
    refusal: str


class WindowAssembler:
    """Takes messages in, whatever they are, and gives windows as they are due. For one thread at a time, but `newest`,
    `coming`, `left`, `audio` and `renewed`.

    `now`, ns, is when a message has come; it counts where the message has no stamp.
    """

    def __init__(
        self,
        windows: WindowOptions,
        complain: Callable[[str], None],
        heard: Callable[[Audio, str], None] = lambda _, __: None,
        seen: Callable[[Frame], None] = lambda _: None,
    ) -> None:
        """complain: given a sentence of what is wrong with the messages, each once in a while. heard: given all sound
        that is stored, and its message's frame_id, empty where it has none. seen: given each image that can be used.
        """
        self._heard, self._seen = heard, seen
        self.images, self.sound = StreamMonitor("image", complain), StreamMonitor("audio", complain)
        self._reader = AudioReader()
        self._frame: Frame | None = None
        self._undescribed: deque[tuple[Any, int, int]] = deque()  # messages, when they came, what they count for
        self._undescribed_bytes = 0
        self._waits = ""  # why those wait
        self.begin(windows)

    def begin(self, windows: WindowOptions) -> None:
        """Forget what came, and cut other windows from here on."""
        self.windows = windows
        self._span = windows.length_ns + MAX_LAG_NS + SECOND
        self._buffer = WindowBuffer(self._span)
        self._schedule = Schedule(windows.length_ns, windows.hop_ns)

    def take_image(self, message: Any, now: int) -> Cut | None:
        """An Image or CompressedImage has come; the window that is due with it."""
        self.images.receive(_stamp(message.header))
        try:
            frame = frame_from_message(message, now)
        except ImageError as problem:
            self.images.refuse(str(problem))
            return None
        self.images.use()
        if self._frame is not None and self._frame.image.shape != frame.image.shape:
            self.images.warn(f"its size is {frame.width}x{frame.height} now; windows begin anew")
            self._buffer.clear()
        self._frame = frame
        self._buffer.add_frame(frame)
        self._seen(frame)
        return self._due()

    def take_audio(self, message: Any, now: int) -> Cut | None:
        """Any audio message has come; the window that is due with it."""
        self.sound.receive(_stamp(message.header) if hasattr(message, "header") else now)
        return self._due() if self._hear(message, now) else None

    def _hear(self, message: Any, now: int) -> bool:
        """True if sound of it was stored."""
        try:
            audio = self._reader.read(message, now)
            self._check(audio)
        except UndescribedError as problem:
            self._keep(message, now, problem)
            return False
        except AudioError as problem:
            self.sound.refuse(str(problem))
            return False
        if audio is None:
            return False
        self.sound.use(audio.samples.shape[1])
        self._buffer.add_audio(audio)
        self._heard(audio, _frame_id(message))
        return True

    def _keep(self, message: Any, now: int, problem: UndescribedError) -> None:
        """Have a message wait for what describes it; what has waited for too long, or is too much, is refused."""
        size = max(problem.size + 4 * len(_frame_id(message)), MIN_BYTES_PER_MESSAGE)
        self._undescribed.append((message, now, size))
        self._undescribed_bytes += size
        self._waits = str(problem)
        while self._undescribed and (
            not 0 <= now - self._undescribed[0][1] <= INFO_WAIT_NS or self._undescribed_bytes > MAX_UNDESCRIBED_BYTES
        ):
            self._undescribed_bytes -= self._undescribed.popleft()[2]
            self.sound.refuse(self._waits)

    def take_detections(self, detections: Detections) -> None:
        """One of the robot's own detectors has seen something, or nothing."""
        self._buffer.add_detections(detections)

    def refuse_image(self, problem: str) -> None:
        """A message of images has come that cannot be read, for that reason, a sentence."""
        self.images.receive(None)
        self.images.refuse(problem)

    def refuse_audio(self, problem: str) -> None:
        """The same of sound, or of what describes it."""
        self.sound.receive(None)
        self.sound.refuse(problem)

    def take_info(self, message: Any) -> None:
        """An AudioInfo has come: hear what has waited for it, too."""
        self._reader.take_info(message)
        waited, self._undescribed, self._undescribed_bytes, self._waits = self._undescribed, deque(), 0, ""
        for held, came, _ in waited:
            self._hear(held, came)

    @property
    def described(self) -> str:
        """What AudioInfo says of the sound, in words; empty where none has come."""
        return self._reader.described

    def newest(self, ago: int = 0, since: int | None = None) -> Cut | None:
        """The window up to now, due or not, or up to `ago` ns before; None where there is no image. From any thread.

        since: it does not begin before, ns, and is shorter where it would.
        """
        newest = self._newest()
        if newest is None:
            return None
        end = newest[0] - ago
        start = end - self.windows.length_ns
        due = Due(start if since is None else max(start, since), end, newest[1])
        return self._cut(due) if due.start < due.end else None

    @property
    def end(self) -> int | None:
        """Where a window up to now ends, ns; None where there is no image. From any thread."""
        newest = self._newest()
        return None if newest is None else newest[0]

    def _newest(self) -> tuple[int, bool] | None:
        frame = self._buffer.newest_frame
        if frame is None:
            return None
        last, heard = up_to_now(frame, self._buffer.newest_audio)
        return last + 1, heard  # the newest image included

    def coming(self) -> Window | None:
        """What has come of the window that will be due next; None where no image has. From any thread."""
        interval = self._schedule.coming()
        return None if interval is None else self._buffer.cut(*interval)

    @property
    def left(self) -> tuple[int, int] | None:
        """When the next window will be due, and how much is left until then, ns of the slower stream.

        None before any image. From any thread.
        """
        interval, now = self._schedule.coming(), self._newest()
        return None if interval is None or now is None else (interval[1], interval[1] - now[0])

    def renewed(self, cut: Cut) -> Cut:
        """The window up to now, where there is a whole one later than the given one; else that. From any thread."""
        due = self._schedule.newest(self._buffer.newest_frame, self._buffer.newest_audio)
        return (None if due is None or due.end <= cut.window.end else self._cut(due)) or cut

    def audio(self, start: int, end: int) -> Audio | None:
        """As of WindowBuffer. From any thread."""
        return self._buffer.audio(start, end)

    @property
    def counts(self) -> Counts:
        """What the buffer has met since `begin`."""
        return self._buffer.counts

    @property
    def frame(self) -> Frame | None:
        """The newest image."""
        return self._frame

    @property
    def left_out(self) -> int:
        """Messages that came and are in no window: refused, or left out to stay within memory."""
        counts = self._buffer.counts
        return self.images.statistics.refused + self.sound.statistics.refused + counts.thinned + counts.crowded

    def _check(self, audio: Audio | None) -> None:
        """Raises AudioError where a window of such sound would not fit into memory."""
        if audio is not None and 4 * len(audio.samples) * audio.rate * self._span > MAX_AUDIO_BYTES * SECOND:
            told = f"{len(audio.samples)} channels of {audio.rate} Hz"
            raise AudioError(f"{told} are too much for windows of {self.windows.window:g} s: send fewer, or mono")

    def _due(self) -> Cut | None:
        due = self._schedule.due(self._buffer.newest_frame, self._buffer.newest_audio)
        if due is None:
            return None
        cut = self._cut(due)
        self._buffer.release(due.start - round(MAX_AGO_S * SECOND))  # no later window begins earlier
        return cut

    def _cut(self, due: Due) -> Cut | None:
        window = self._buffer.cut(due.start, due.end)
        if window is None:
            return None
        return Cut(window, "" if due.heard and window.audio is not None else self._unheard(due, self.sound.statistics))

    def _unheard(self, due: Due, sound: StreamStatistics) -> str:
        """Why there is no sound whose time it is, which is not the same as silence."""
        if due.heard:
            return "all of its sound is missing: what has come is later"
        frame, audio = self._buffer.newest_frame, self._buffer.newest_audio
        if not sound.received:
            return "no sound has come: start the microphone, or remap `audio` to its topic"
        if audio is None or frame is None:
            why = sound.problem or self._waits or "the newest is of another time"
            return f"no sound has come that can be used: {why}"
        away, side = abs(audio - frame) / SECOND, "behind" if audio < frame else "ahead of"
        why = "the microphone has stopped, or its clock is another than the camera's"
        return f"the newest sound is {away:.1f} s {side} the newest image: {why}"


def _frame_id(message: Any) -> str:
    """Which may be as long as a message."""
    return str(message.header.frame_id) if hasattr(message, "header") else ""


def _stamp(header: Any) -> int | None:
    try:
        return stamp_of(header)
    except StampError:
        return None
