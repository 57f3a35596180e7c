"""A model's file from its publisher into the folder of models. Only `gar-ssl models get` does that.

What came is kept beside the file's place until its hash is right, so that a try that ended early is gone on with.
Proxies are those of the environment (https_proxy, no_proxy), certificates those of Python's ssl.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO
from urllib.error import HTTPError
from urllib.request import Request, build_opener

from tqdm import tqdm

from gar_ssl_ros import __version__
from gar_ssl_ros.files import check_file, put
from gar_ssl_ros.perception.catalog import Model, obtaining
from gar_ssl_ros.perception.store import ModelFileError, folder, held_already, sha256

TIMEOUT_S = 30.0  # s without a byte
BLOCK_BYTES = 1 << 16  # bytes
PARTIAL, OUT_OF_RANGE = 206, 416  # HTTP statuses


def fetch(model: Model, overwrite: bool = False) -> Path:
    """A model's file, fetched where it is not there yet.

    overwrite: True if another file in its place may be replaced. Raises ModelFileError where it cannot be had or its
    place is taken, and OSError where it cannot be written.
    """
    if here := held_already(model, overwrite):
        return here
    place = folder() / model.file
    if not model.fetched:
        raise ModelFileError(f"{model.name} is published without a hash, so it is not fetched: {obtaining(model)}")
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(f".{model.file}.{model.sha256[0][:8]}.part")
    with _part(part) as file:
        if (begun := file.tell()) < model.size:
            _download(model, begun, file)
        if (found := sha256(part)) != model.sha256[0]:
            part.unlink()
            raise ModelFileError(
                f"what {model.url} gave has SHA-256 {found}, not {model.sha256[0]}, and was removed: run it again, or "
                f"{_by_hand(model)}"
            )
        put(part, place, overwrite)
    return place


@contextmanager
def _part(path: Path) -> Iterator[BinaryIO]:
    """The file of what came so far, at its end, for this process alone. OSErrors of writing it name it."""
    if os.path.lexists(path):
        check_file(path)  # a pipe would wait
    try:
        with path.open("ab") as file:
            if not _locked(file, path):
                raise ModelFileError(f"{path} is being written by another gar-ssl: let it end first")
            try:
                yield file
            finally:
                if not os.fstat(file.fileno()).st_size:
                    path.unlink()
    except OSError as problem:
        if problem.filename is None:
            problem.filename = str(path)
        raise


def _locked(file: BinaryIO, path: Path) -> bool:
    """True if no other process writes the file, and it still has that name, which a process that is done takes away."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # of a file system without locks
        pass
    return path.exists() and os.path.samestat(path.stat(), os.fstat(file.fileno()))


def _download(model: Model, begun: int, file: BinaryIO) -> None:
    """Append to `file`, which holds `begun` bytes, the others; or write all, where the server gives only all."""
    with (
        _ask(model, begun) as reply,
        tqdm(total=model.size, desc=model.name, unit="B", unit_scale=True, disable=None, leave=False) as bar,
    ):
        done = begun if reply.status == PARTIAL else 0
        file.truncate(done)
        bar.update(done)
        while done < model.size:
            with _network(model):
                block = reply.read1(min(BLOCK_BYTES, model.size - done))
            if not block:
                raise ModelFileError(f"{model.url} ended after {done:,} of {model.size:,} bytes: {_again(model)}")
            file.write(block)
            done += len(block)
            bar.update(len(block))
        file.flush()


def _ask(model: Model, begun: int) -> HTTPResponse:
    """What is read from byte `begun` on where its status is PARTIAL, else from the beginning."""
    headers = {"User-Agent": f"gar-ssl/{__version__}"} | ({"Range": f"bytes={begun}-"} if begun else {})
    with _network(model):
        try:
            # An opener of its own: the proxies are those of the environment as it is now.
            reply: HTTPResponse = build_opener().open(Request(model.url, headers=headers), timeout=TIMEOUT_S)
        except HTTPError as problem:
            if not begun or problem.code != OUT_OF_RANGE:
                raise
            problem.close()
            return _ask(model, 0)
    if begun and reply.status == PARTIAL:
        if reply.headers["Content-Range"] == f"bytes {begun}-{model.size - 1}/{model.size}":
            return reply
        reply.close()
        return _ask(model, 0)
    if (length := reply.headers["Content-Length"]) not in {None, str(model.size)}:
        reply.close()
        raise ModelFileError(
            f"{model.url} gives {length} bytes, and {model.name} has {model.size}: a proxy or a login page may answer "
            f"in its place; get past it and run it again, or {_by_hand(model)}"
        )
    return reply


@contextmanager
def _network(model: Model) -> Iterator[None]:
    """What the network or the server does wrong, as a sentence."""
    try:
        yield
    except HTTPError as problem:
        problem.close()
        raise ModelFileError(
            f"{model.url} is refused (HTTP {problem.code} {problem.reason}): {_again(model)}"
        ) from None
    except (OSError, HTTPException, ValueError) as problem:  # ValueError: of a proxy that is no address
        reason = getattr(problem, "reason", problem)
        why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
        raise ModelFileError(f"{model.url} cannot be had ({why}): {_again(model)}") from None


def _again(model: Model) -> str:
    return f"check the network and https_proxy and run it again, which goes on where it stopped, or {_by_hand(model)}"


def _by_hand(model: Model) -> str:
    return f"download it elsewhere and give it to: gar-ssl models add {model.name} FILE"
