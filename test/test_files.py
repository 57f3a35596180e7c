"""The user's files: read only where they are files, written whole or not at all, never one in another's place."""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path

import pytest

from gar_ssl_ros.files import OutputError, check_outputs, open_file, put, read_text, write_whole


def pipe(path: Path) -> None:
    os.mkfifo(path)


def loop(path: Path) -> None:
    path.symlink_to(path.name)


def bound(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as one:
        one.bind(str(path))


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (pipe, "it is a named pipe, not a file"),
        (bound, "it is a socket, not a file"),
        (Path.mkdir, "Is a directory"),
        (loop, "Too many levels of symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "it is a device, not a file"),
        (lambda path: path.symlink_to("gone"), "No such file or directory"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path, monkeypatch, make, why):
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    make(Path("odd"))
    with pytest.raises(OSError, match=why) as told:
        open_file(Path("odd"))
    assert told.value.filename == "odd"


def test_a_name_that_no_file_can_have_is_one_that_is_not_there():
    with pytest.raises(FileNotFoundError):
        open_file(Path("a\0b"))


def test_a_text_that_is_none_says_where(tmp_path):
    (tmp_path / "a").write_bytes(b"good\xff")
    with pytest.raises(OSError, match="byte 4 is not UTF-8"):
        read_text(tmp_path / "a")


@pytest.mark.parametrize("overwrite", [False, True])
@pytest.mark.parametrize("way", ["itself", "another spelling", "a link", "a hard link", "a link to it is read"])
def test_an_input_never_gives_way(tmp_path, way, overwrite):
    read, out = tmp_path / "clip.mp4", tmp_path / "clip.mp4"
    read.write_text("precious")
    if way == "another spelling":
        out = tmp_path / "." / "sub" / ".." / "clip.mp4"
        (tmp_path / "sub").mkdir()
    elif way != "itself":
        out = tmp_path / "out.mp4"
        out.hardlink_to(read) if way == "a hard link" else out.symlink_to(read)
        read, out = (out, read) if way == "a link to it is read" else (read, out)
    with pytest.raises(OutputError, match=r"would take the place of .*(clip|out)\.mp4, which is read"):
        check_outputs([tmp_path / "free", out], [read], overwrite)


def test_an_input_that_is_not_there_keeps_its_name(tmp_path):
    (tmp_path / "clip.mp4").symlink_to("gone")
    with pytest.raises(OutputError, match="which is read"):
        check_outputs([tmp_path / "clip.mp4"], [tmp_path / "clip.mp4"], overwrite=True)


def test_what_exists_gives_way_only_when_told_to_and_a_folder_never(tmp_path):
    (tmp_path / "a").write_text("precious")
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "folder").mkdir()
    check_outputs([tmp_path / "a", tmp_path / "link"], [], overwrite=True)
    for name in ("a", "link", "folder"):
        with pytest.raises(OutputError, match=f"{name} exists already: give another --out, or --overwrite"):
            check_outputs([tmp_path / "b", tmp_path / name], [], overwrite=False)
    with pytest.raises(OutputError, match="folder is a folder and stays"):
        check_outputs([tmp_path / "folder"], [], overwrite=True)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "link", "folder"}


def test_a_name_that_is_too_long_is_found_before_anything_is_made(tmp_path):
    with pytest.raises(OSError, match="File name too long"):
        check_outputs([tmp_path / f"{'a' * 300}.png"], [], overwrite=False)


def test_a_file_is_whole_or_not_there(tmp_path, monkeypatch):
    path = tmp_path / f"{'a' * 250}.txt"  # whatever it is called meanwhile must not be longer
    write_whole(path, "first")

    def full(_self: Path, _data: bytes) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space") as told:
        write_whole(path, "second")
    assert told.value.filename == str(path)
    assert path.read_text() == "first"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("links", [True, False])
def test_what_appears_meanwhile_is_not_replaced(tmp_path, monkeypatch, links):
    def link(_here: object, _there: object) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    if not links:
        monkeypatch.setattr(os, "link", link)
    for name in ("draft", "other"):
        (tmp_path / name).write_text(name)
    put(tmp_path / "draft", tmp_path / "new", replace=False)
    assert (tmp_path / "new").read_text() == "draft"
    with pytest.raises(FileExistsError):
        put(tmp_path / "other", tmp_path / "new", replace=False)
    assert (tmp_path / "new").read_text() == "draft"
    assert {path.name for path in tmp_path.iterdir()} == {"new", "other"}


def test_a_text_of_any_file_name_can_be_written(tmp_path):
    write_whole(tmp_path / "a", "caf\udce9")
    assert (tmp_path / "a").read_text(encoding="utf-8") == "caf\\udce9"
