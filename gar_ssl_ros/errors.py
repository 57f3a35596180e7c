"""What went wrong as one sentence for a person, and the exit status that it means: decided here, for all commands.

    UserError           something that the user can mend; exit status 1
    ├── UsageError      options or settings that mean nothing together; exit status 2
    └── OptionError     a value that an option, parameter or setting cannot have; exit status 2

Every room's own error (ClipError, BagError, ReasonerError, ...) is a UserError: its message is the sentence.
"""

from __future__ import annotations

import errno
import os
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic import ValidationError

DEBUG = "GAR_SSL_TRACEBACK"  # environment variable: show where an error comes from
DONE, FAILED, USAGE = 0, 1, 2  # exit statuses
REMEDIES = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EFBIG: "free some space",
    errno.ENOENT: "check the path",
    errno.EACCES: "check its permissions",
    errno.EPERM: "check its permissions",
    errno.EROFS: "choose a place that can be written",
    errno.ENOTDIR: "one of its folders is a file: check the path",
    errno.EISDIR: "it is a folder: name a file",
    errno.EEXIST: "choose another place",
    errno.ELOOP: "its links lead in a circle: mend them",
    errno.ENAMETOOLONG: "give it a shorter name",
    errno.EMFILE: "let this process open more files (ulimit -n)",
}


class UserError(Exception):
    """Something that the user can mend: one sentence that names the input, what is wrong and what to do."""

    status = FAILED


class UsageError(UserError):
    """Options or settings that mean nothing together: one sentence."""

    status = USAGE


class OptionError(UserError, ValueError):
    """A value that an option, parameter or setting cannot have: one sentence."""

    status = USAGE


def sentence(problem: BaseException) -> str:
    """What went wrong, in one line."""
    if isinstance(problem, UserError):
        return str(problem)
    if isinstance(problem, OSError) and problem.strerror:
        name = next((str(one) for one in (problem.filename2, problem.filename) if one is not None), "")
        remedy = REMEDIES.get(problem.errno or 0, "")
        return ": ".join(part for part in (name, problem.strerror, remedy) if part)
    if isinstance(problem, MemoryError):
        return "there is not enough memory for it: close other programs, or give it less at once"
    said, kind = " ".join(str(problem).split()), type(problem).__name__
    if said and isinstance(problem, (ImportError, RuntimeError, ValueError)):
        return said
    return f"{kind}: {said}" if said else kind  # a KeyError, say, tells no more than the key


def misfit(problem: ValidationError, whole: str = "it") -> str:
    """Where something first does not fit its model, and why. whole: what all of it is called."""
    first = problem.errors()[0]
    return f"{'.'.join(map(str, first['loc'])) or whole}: {first['msg'].removeprefix('Value error, ')}"


def shortened(text: str, longest: int = 60) -> str:
    """In one line of printable characters, the end left out where it is longer."""
    cut = text[: longest - 1] + "…" if len(text) > longest else text
    return cut if cut.isprintable() else "".join(one if one.isprintable() else "?" for one in cut)


def pip_install(extra: str) -> str:
    """The command that brings an extra of this package to the Python that runs: the end of a sentence."""
    clone = Path(__file__).parents[1]
    editable = (clone / "pyproject.toml").is_file()
    wanted = f"-e '{clone}[{extra}]'" if editable else f"'.[{extra}]' in a clone of gar_ssl_ros"
    return f"{sys.executable} -m pip install {wanted}"


def told(problem: BaseException, doing: str = "") -> str:
    """What the program says of it: a sentence, and where it comes from, if it is no fault of the user's.

    doing: what it was that failed, if there is more to say than the problem does.
    """
    trace = "".join(traceback.format_exception(problem)) if os.environ.get(DEBUG) else ""
    foreseen = isinstance(problem, (UserError, OSError, MemoryError))
    remedy = "" if foreseen else f" ({place(problem)}: a defect of gar-ssl; report it with what {DEBUG}=1 shows)"
    return f"{trace}gar-ssl: {doing}{': ' if doing else ''}{sentence(problem)}{remedy}"


def place(problem: BaseException) -> str:
    """Where it was raised: file and line."""
    frames = traceback.extract_tb(problem.__traceback__)
    return f"{frames[-1].filename}:{frames[-1].lineno}" if frames else ""


def status(problem: BaseException) -> int:
    """The exit status that it means."""
    return problem.status if isinstance(problem, UserError) else FAILED


def discard_stdout() -> None:
    """Let the interpreter's own last flush find a place that takes all, once the output itself takes nothing more."""
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123  # a descriptor, not a file
        os.dup2(nowhere.fileno(), 1)
