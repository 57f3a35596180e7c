"""The logger that `get_logger` gives."""

from __future__ import annotations

import sys
import threading
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

from .. import logging
from ..clock import Clock
from .logging_severity import LoggingSeverity

_OPTIONS = ("throttle_duration_sec", "throttle_time_source_type", "skip_first", "once")


@dataclass
class _Line:
    """What is known of one line that logs: its options as first given, and what they have seen."""

    name: str
    severity: LoggingSeverity
    options: dict[str, Any]
    calls: int = 0
    shown: int = 0
    last: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def lets_through(self) -> bool:
        with self.lock:
            self.calls += 1
            seconds = self.options["throttle_duration_sec"]
            if seconds:
                now = self.options["throttle_time_source_type"].now().nanoseconds
                if now < self.last + seconds * 1e9:
                    return False
                self.last = now
            if (self.options["skip_first"] and self.calls == 1) or (self.options["once"] and self.shown):
                return False
            self.shown += 1
            return True


class RcutilsLogger:
    """Logs under a name, as a child of the loggers that its name starts with."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self._lines: dict[tuple[str, int, int], _Line] = {}

    def get_child(self, name: str) -> RcutilsLogger:
        """A logger of the name of this one, a dot, and `name`."""
        if not name:
            raise ValueError("Child logger name must not be empty.")
        return RcutilsLogger(f"{self.name}.{name}" if self.name else name)

    def set_level(self, level: LoggingSeverity | int) -> None:
        """Leave out what is less severe."""
        logging.set_logger_level(self.name, level)

    def get_effective_level(self) -> LoggingSeverity:
        """What is less severe is left out."""
        return logging.get_logger_effective_level(self.name)

    def is_enabled_for(self, severity: LoggingSeverity | int) -> bool:
        """True if messages of that severity are let out."""
        return LoggingSeverity(severity) >= self.get_effective_level()

    def log(self, message: str, severity: LoggingSeverity | int, **kwargs: Any) -> bool:
        """Log, unless an option holds it back. Return True if it was logged.

        throttle_duration_sec: at most once in that time (by throttle_time_source_type, a Clock). skip_first: not the
        first time. once: only once. An option counts by the line of the program, at which neither options nor name
        nor severity can change.
        """
        severity = LoggingSeverity(severity)
        if not self.is_enabled_for(severity):
            return False
        name = kwargs.pop("name", self.name)
        for option in kwargs:
            if option not in _OPTIONS:
                raise TypeError(f"parameter {option!r} is not one of the recognized logging options {_OPTIONS}")
        if kwargs.get("throttle_time_source_type") and "throttle_duration_sec" not in kwargs:
            raise TypeError('required parameter "throttle_duration_sec" not specified, by which the clock throttles')
        frame = _caller()
        where = (frame.f_code.co_filename, frame.f_lineno, frame.f_lasti)
        options = {option: kwargs.get(option) for option in _OPTIONS}
        if options["throttle_time_source_type"] is None:
            options["throttle_time_source_type"] = _STEADY_CLOCK
        elif not isinstance(options["throttle_time_source_type"], Clock):
            raise ValueError("throttle_time_source_type is not a clock")
        line = self._lines.setdefault(where, _Line(name, severity, options))
        if line.severity != severity:
            raise ValueError("Logger severity cannot be changed between calls.")
        if line.name != name:
            raise ValueError("Logger name cannot be changed between calls.")
        if line.options != options:
            raise ValueError("Logging filter parameters cannot be changed between calls.")
        if not line.lets_through():
            return False
        logging.emit(severity, name, str(message), where[0], frame.f_code.co_name, where[1])
        return True

    def debug(self, message: str, **kwargs: Any) -> bool:
        """Log for who looks for a fault."""
        return self.log(message, LoggingSeverity.DEBUG, **kwargs)

    def info(self, message: str, **kwargs: Any) -> bool:
        """Log what is good to know."""
        return self.log(message, LoggingSeverity.INFO, **kwargs)

    def warning(self, message: str, **kwargs: Any) -> bool:
        """Log what may need someone."""
        return self.log(message, LoggingSeverity.WARN, **kwargs)

    def error(self, message: str, **kwargs: Any) -> bool:
        """Log what failed."""
        return self.log(message, LoggingSeverity.ERROR, **kwargs)

    def fatal(self, message: str, **kwargs: Any) -> bool:
        """Log what ends it."""
        return self.log(message, LoggingSeverity.FATAL, **kwargs)

    warn = warning


_STEADY_CLOCK = Clock()


def _caller() -> FrameType:
    frame = sys._getframe(1)
    while frame.f_code.co_filename == __file__ and frame.f_back is not None:
        frame = frame.f_back
    return frame
