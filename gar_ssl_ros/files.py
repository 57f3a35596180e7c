"""The user's files: read only where they are files, written whole or not there, and never one in another's place.

Whatever reads a file that the user or a file of his names opens it here, so that a pipe or a device never holds it up;
whatever writes one asks here first whether its place is free.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote, urlsplit
from uuid import uuid4

from gar_ssl_ros.errors import UserError

KINDS: tuple[tuple[Callable[[int], bool], str], ...] = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a device"),
    (stat.S_ISBLK, "a device"),
)
WITHOUT_LINKS = (errno.EPERM, errno.ENOSYS, errno.EOPNOTSUPP, errno.EMLINK)  # of file systems that have no hard links


class OutputError(UserError):
    """What cannot be written: one sentence that names it and what to do."""


def path_of(name: str) -> Path:
    """Of a file that is named by its path, or by its file:// address."""
    return Path(unquote(urlsplit(name).path) if name.lower().startswith("file://") else name).expanduser()


def check_file(path: Path) -> None:
    """Raises IsADirectoryError where it is a folder, and OSError where it is not there or no file at all.

    It is not opened: a pipe would wait, and some devices are set going by it.
    """
    try:
        _check_kind(path, path.stat().st_mode)
    except ValueError:  # a NUL, which no system call takes and a truth file may hold
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), repr(str(path))) from None


def open_file(path: Path) -> BinaryIO:
    """A file, open for reading, at once. Raises OSError where it cannot be opened, and as `check_file` does."""
    check_file(path)
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # else a pipe put there just now would wait
    try:
        _check_kind(path, os.fstat(file).st_mode)
        return os.fdopen(file, "rb")
    except BaseException:
        os.close(file)
        raise


def read_file(path: Path) -> bytes:
    """A file's content. Raises OSError, see `open_file`."""
    with open_file(path) as file:
        return file.read()


def read_text(path: Path) -> str:
    """A text file's content, line ends as they are. Raises OSError, see `open_file`, and where it is not UTF-8."""
    content = read_file(path)
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as problem:
        raise OSError(errno.EILSEQ, f"it is no text: byte {problem.start} is not UTF-8", str(path)) from None


def shown(text: str) -> str:
    """`text` as UTF-8 can have it: what a file name holds beyond that as backslashes, as the terminal shows it."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def check_outputs(outputs: Sequence[Path], inputs: Sequence[Path], overwrite: bool, option: str = "--out") -> None:
    """Make sure that all of `outputs` may be written. Touches nothing.

    inputs: what is read. overwrite: True if what exists may be replaced; an input never may, by
    whatever name or link it is given. option: what says where the outputs go. Raises OutputError where one is taken,
    and OSError where one can never be, as of too long a name.
    """
    read: dict[object, Path] = {}
    for path in inputs:
        read |= {path.absolute(): path} | ({} if (identity := _identity(path)) is None else {identity: path})
    for path in outputs:
        try:
            kind = path.lstat().st_mode
        except FileNotFoundError:
            continue
        given = read.get(path.absolute()) or read.get(_identity(path))
        if given is not None:
            raise OutputError(f"{path} would take the place of {given}, which is read: give another {option}")
        if not overwrite:
            raise taken(path, option)
        if stat.S_ISDIR(kind):
            raise OutputError(f"{path} is a folder and stays: move it, or give another {option}")


def taken(path: Path, option: str = "--out") -> OutputError:
    """The error of a place that something has, which may be replaced if the user says so."""
    return OutputError(f"{path} exists already: give another {option}, or --overwrite to replace it")


@contextmanager
def draft_of(path: Path, replace: bool = True) -> Iterator[Path]:
    """A file to be written in the place of `path`, which it becomes at the end, or which is not touched.

    replace: True if what is there by then is replaced. Raises OSError, which names `path`, where it cannot be written;
    FileExistsError where it is there and may not be replaced.
    """
    draft = path.with_name(f".{uuid4().hex}.part")  # of a length that fits wherever the name itself does
    try:
        yield draft
        put(draft, path, replace)
    except OSError as problem:
        if problem.filename is None or str(problem.filename) == str(draft):
            problem.filename, problem.filename2 = str(path), None
        raise
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def put(draft: Path, path: Path, replace: bool = True) -> None:
    """Give a file of the same file system the name `path`. Raises OSError, see `draft_of`."""
    if replace:
        draft.replace(path)
        return
    try:
        os.link(draft, path)  # as one step, which no way of renaming is
    except OSError as problem:
        if problem.errno not in WITHOUT_LINKS:
            raise OSError(problem.errno, problem.strerror, str(path)) from None
        if os.path.lexists(path):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path)) from None
        draft.rename(path)
    else:
        draft.unlink()


def write_whole(path: Path, content: str | bytes, replace: bool = True) -> None:
    """A file that is whole or not there, whenever the process ends. Raises OSError, see `draft_of`."""
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    with draft_of(path, replace) as draft:
        draft.write_bytes(data)


def _check_kind(path: Path, mode: int) -> None:
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(mode):
        kind = next((name for is_one, name in KINDS if is_one(mode)), "something else")
        raise OSError(errno.EINVAL, f"it is {kind}, not a file", str(path))


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file it is, whatever its name: two paths of one file have the same. None where there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return None
    return found.st_dev, found.st_ino
