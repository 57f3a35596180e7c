"""Log messages: to stderr, and to /rosout for the nodes that want it."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from .impl.logging_severity import LoggingSeverity

if TYPE_CHECKING:
    from .impl.rcutils_logger import RcutilsLogger

_COLORS = {LoggingSeverity.DEBUG: 32, LoggingSeverity.WARN: 33, LoggingSeverity.ERROR: 31, LoggingSeverity.FATAL: 31}


class LogRecord(NamedTuple):
    """One log message. stamp: ns since 1970."""

    stamp: int
    severity: LoggingSeverity
    name: str
    message: str
    file: str
    function: str
    line: int


class _Settings:
    """Levels by logger, "" for all; and the nodes that take messages of a logger and its children further."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.levels: dict[str, LoggingSeverity] = {}
        self.outlets: dict[str, Callable[[LogRecord], None]] = {}
        self.stdout = True


_settings = _Settings()  # one a process, as in rcutils


def get_logger(name: str) -> RcutilsLogger:
    """A logger of that name."""
    from .impl.rcutils_logger import RcutilsLogger  # noqa: PLC0415 (which needs this module)

    if not name:
        raise ValueError("Logger name must not be empty.")
    return RcutilsLogger(name)


def set_logger_level(name: str, level: LoggingSeverity | int, detailed_error: bool = False) -> None:
    """Leave out what is less severe, in a logger and those below it."""
    del detailed_error
    with _settings.lock:
        _settings.levels[name] = LoggingSeverity(level)


def get_logger_level(name: str) -> LoggingSeverity:
    """The level set for exactly this logger."""
    return _settings.levels.get(name, LoggingSeverity.UNSET)


def get_logger_effective_level(name: str) -> LoggingSeverity:
    """The level set for this logger or the nearest above it."""
    for ancestor in _and_above(name):
        if level := _settings.levels.get(ancestor):
            return level
    return _settings.levels.get("", LoggingSeverity.INFO)


def get_logging_severity_from_string(log_severity: str) -> LoggingSeverity:
    """The severity of a name."""
    try:
        return LoggingSeverity[log_severity.upper()]
    except KeyError:
        raise RuntimeError(f"{log_severity!r} is no severity") from None


def initialize() -> None:
    """Nothing: logging is ready at once."""


def shutdown() -> None:
    """Forget all levels."""
    with _settings.lock:
        _settings.levels.clear()


clear_config = shutdown


def get_logging_directory() -> Path:
    """Where ROS 2 logs to files, by ROS_LOG_DIR and ROS_HOME; embedded_ros itself writes none there."""
    chosen = os.environ.get("ROS_LOG_DIR") or f"{os.environ.get('ROS_HOME') or '~/.ros'}/log"
    return Path(chosen).expanduser()


def configure(levels: dict[str, int], stdout: bool) -> None:
    """Set the levels that a command line asks for, and whether to write messages out."""
    for name, level in levels.items():
        set_logger_level(name, level)
    _settings.stdout = stdout


def add_outlet(name: str, outlet: Callable[[LogRecord], None]) -> None:
    """Hand what a logger and its children log to `outlet` too."""
    with _settings.lock:
        _settings.outlets[name] = outlet


def remove_outlet(name: str) -> None:
    """Stop handing on what a logger logs."""
    with _settings.lock:
        _settings.outlets.pop(name, None)


def emit(severity: LoggingSeverity, name: str, message: str, file: str, function: str, line: int) -> None:
    """Write a message out, and hand it to its node."""
    record = LogRecord(time.time_ns(), severity, name, message, file, function, line)
    if _settings.stdout:
        _write(record)
    for ancestor in _and_above(name):
        if outlet := _settings.outlets.get(ancestor):
            outlet(record)
            break


def _write(record: LogRecord) -> None:
    form = os.environ.get("RCUTILS_CONSOLE_OUTPUT_FORMAT", "[{severity}] [{time}] [{name}]: {message}")
    values = {
        "severity": record.severity.name,
        "name": record.name,
        "message": record.message,
        "time": f"{record.stamp // 10**9}.{record.stamp % 10**9:09d}",
        "time_as_nanoseconds": str(record.stamp),
        "file_name": record.file,
        "function_name": record.function,
        "line_number": str(record.line),
    }
    for key, value in values.items():
        form = form.replace(f"{{{key}}}", value)
    stream = sys.stdout if os.environ.get("RCUTILS_LOGGING_USE_STDOUT") == "1" else sys.stderr
    colorized = os.environ.get("RCUTILS_COLORIZED_OUTPUT")
    if (colorized == "1" or (colorized != "0" and stream.isatty())) and record.severity in _COLORS:
        form = f"\033[{_COLORS[record.severity]}m{form}\033[0m"
    try:
        stream.write(form + "\n")
        stream.flush()
    except (OSError, ValueError):  # nobody reads any more
        return


def _and_above(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(len(parts), 0, -1)]
