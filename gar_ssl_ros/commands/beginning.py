"""A training's folder: what it was begun with, so that nothing else goes on in it."""

from __future__ import annotations

from pathlib import Path

from gar_ssl_ros.errors import UserError
from gar_ssl_ros.files import read_text, write_whole

DONE_FILE = "config.json"  # written last
STARTED = "training.json"  # what a training was begun with


def begin(out: Path, resume: bool, told: str, what: str) -> None:
    """Begin in the folder, or go on in it. told: all that the training hangs on. what: comes out of it.

    Raises UserError where `out` holds something else, or the same and `resume` is not given, and OSError.
    """
    if (out / DONE_FILE).exists():
        raise UserError(f"{out} holds a {what} already: give another --out")
    if out.is_dir() and any(out.iterdir()):
        if not resume:
            raise UserError(f"{out} is not empty: go on with --resume, or give another --out")
        if not (out / STARTED).is_file() or read_text(out / STARTED) != told:
            raise UserError(f"{out} holds the beginning of another training: give its options, or another --out")
    out.mkdir(parents=True, exist_ok=True)
    write_whole(out / STARTED, told)
