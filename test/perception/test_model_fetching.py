"""Models from their publisher: whole or not there, whatever the network does. The publisher is on loopback."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from full_disk import full_disk
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gar_ssl_ros.perception.fetching import fetch
from gar_ssl_ros.perception.store import ModelFileError, held

HALF = 150_000


def part_of(model, models):
    return models / f".{model.file}.{model.sha256[0][:8]}.part"


def stop_after(publisher, model, bytes_):
    """A try that the server ends early."""
    publisher.ends_after = bytes_
    with pytest.raises(ModelFileError, match=f"ended after {bytes_:,} of 300,000 bytes: .*run it again, which goes on"):
        fetch(model)
    publisher.ends_after = None


def test_a_model_is_fetched_whole(publisher, models):
    model = publisher.model()
    assert fetch(model) == models / "model.onnx" == held(model)
    assert [path.name for path in models.iterdir()] == ["model.onnx"]
    assert publisher.asked == [("/model.onnx", None)]


def test_what_is_there_already_is_not_asked_for(publisher, models):
    model = publisher.model()
    fetch(model)
    assert fetch(model) == models / "model.onnx"
    assert len(publisher.asked) == 1


def test_a_truncated_reply_is_kept_and_gone_on_with(publisher, models):
    model = publisher.model()
    stop_after(publisher, model, HALF)
    assert part_of(model, models).stat().st_size == HALF
    assert not (models / "model.onnx").exists()
    fetch(model)
    assert held(model)
    assert publisher.asked[1:] == [("/model.onnx", f"bytes={HALF}-")]


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stops=st.lists(st.integers(1, 100_000), max_size=3))
def test_a_model_comes_whole_however_often_it_is_cut(publisher, models, stops):
    model = publisher.model()
    (models / "model.onnx").unlink(missing_ok=True)
    for stop in stops:
        publisher.ends_after = stop
        with pytest.raises(ModelFileError, match="ended after"):
            fetch(model)
    publisher.ends_after = None
    assert fetch(model).read_bytes() == publisher.content


def test_a_server_without_ranges_gives_all_again(publisher, models):
    model = publisher.model()
    stop_after(publisher, model, HALF)
    publisher.ranges = False
    fetch(model)
    assert held(model)


def test_a_server_that_gives_another_range_is_asked_for_all(publisher, models):
    model = publisher.model()
    stop_after(publisher, model, HALF)
    publisher.shift = 1
    publisher.asked.clear()
    with pytest.raises(ModelFileError):  # all of it is shifted, too
        fetch(model)
    assert [wanted for _, wanted in publisher.asked] == [f"bytes={HALF}-", None]


def test_a_server_that_does_not_say_how_much_comes(publisher, models):
    publisher.length = False
    model = publisher.model()
    stop_after(publisher, model, HALF)
    fetch(model)
    assert held(model)


def test_a_connection_cut_midway_is_a_sentence_and_loses_nothing(publisher, models):
    publisher.ends_after, publisher.breaks = HALF, True
    model = publisher.model()
    with pytest.raises(
        ModelFileError, match=r"model.onnx cannot be had \(Connection reset by peer\): check the network"
    ):
        fetch(model)
    part = part_of(model, models)
    size = part.stat().st_size if part.exists() else 0  # a reset may overtake what was sent before
    publisher.ends_after, publisher.breaks = None, False
    fetch(model)
    assert publisher.asked[1:] == [("/model.onnx", f"bytes={size}-" if size else None)]
    assert held(model)


def test_a_server_that_falls_silent_is_a_sentence(publisher, models, monkeypatch):
    monkeypatch.setattr("gar_ssl_ros.perception.fetching.TIMEOUT_S", 0.2)
    publisher.holds_after = HALF
    with pytest.raises(
        ModelFileError, match=r"model.onnx cannot be had \(timed out\): check the network and https_proxy"
    ):
        fetch(publisher.model())


def test_what_has_another_hash_is_removed(publisher, models):
    publisher.content = b"!" + publisher.content[1:]
    model = publisher.model()
    with pytest.raises(ModelFileError, match=f"has SHA-256 .*, not {model.sha256[0]}, and was removed: run it again"):
        fetch(model)
    assert not list(models.iterdir())


def test_a_rest_that_does_not_fit_is_removed_and_the_next_try_is_whole(publisher, models):
    model = publisher.model()
    models.mkdir(parents=True)
    part_of(model, models).write_bytes(b"!" * HALF)
    with pytest.raises(ModelFileError, match="was removed: run it again"):
        fetch(model)
    fetch(model)
    assert held(model)


def test_a_login_page_does_not_take_the_place_of_what_came(publisher, models):
    model = publisher.model()
    stop_after(publisher, model, HALF)
    whole, publisher.content, publisher.ranges = publisher.content, b"<html>log in</html>", False
    with pytest.raises(ModelFileError, match="gives 19 bytes, and yunet has 300000: a proxy or a login page"):
        fetch(model)
    publisher.content = whole
    assert part_of(model, models).read_bytes() == whole[:HALF]


def test_a_publisher_whose_file_is_shorter_now(publisher, models):
    model = publisher.model()
    stop_after(publisher, model, HALF)
    publisher.content = publisher.content[:1000]
    with pytest.raises(ModelFileError, match="gives 1000 bytes, and yunet has 300000"):  # after its 416
        fetch(model)


@pytest.mark.parametrize("status", [403, 404, 500])
def test_what_the_server_refuses_is_a_sentence(publisher, models, status):
    publisher.status = status
    with pytest.raises(
        ModelFileError, match=rf"^{publisher.address}/model.onnx is refused \(HTTP {status} .*models add"
    ):
        fetch(publisher.model())
    assert not list(models.iterdir())


def test_nobody_there_is_a_sentence(publisher, models):
    model = publisher.model(url="http://127.0.0.1:1/model.onnx")
    with pytest.raises(
        ModelFileError, match=r"cannot be had \(Connection refused\): check the network and https_proxy"
    ):
        fetch(model)
    assert not list(models.iterdir())


def test_the_proxy_of_the_environment_is_asked(publisher, models, monkeypatch):
    monkeypatch.setenv("http_proxy", publisher.address)
    model = publisher.model(url="http://models.invalid/model.onnx")
    fetch(model)
    assert held(model)
    assert publisher.asked == [("http://models.invalid/model.onnx", None)]


def test_no_proxy_is_respected(publisher, models, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    fetch(publisher.model())
    assert publisher.asked == [("/model.onnx", None)]


def test_a_proxy_that_refuses_is_a_sentence(publisher, models, monkeypatch):
    monkeypatch.setenv("https_proxy", publisher.address)
    with pytest.raises(ModelFileError, match=r"cannot be had \(Tunnel connection failed: 403"):
        fetch(publisher.model(url="https://models.invalid/model.onnx"))
    assert publisher.asked == [("models.invalid:443", None)]


@pytest.mark.parametrize(
    "proxy", ["http://", "http://[", "http://127.0.0.1:port", "gopher://127.0.0.1:1", "http:/127.0.0.1"]
)
def test_a_proxy_that_is_no_address_is_a_sentence(publisher, models, monkeypatch, proxy):
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(ModelFileError, match="cannot be had"):
        fetch(publisher.model(url="http://models.invalid/model.onnx"))


def test_what_the_publisher_gives_no_hash_of_is_not_fetched(publisher, models):
    with pytest.raises(
        ModelFileError, match=r"so it is not fetched: download http.*, then gar-ssl models add yunet FILE$"
    ):
        fetch(publisher.model(fetched=False))
    assert not publisher.asked


def test_a_file_in_its_place_is_replaced_only_where_the_user_says_so(publisher, models):
    models.mkdir(parents=True)
    (models / "model.onnx").write_text("mine")
    model = publisher.model()
    with pytest.raises(ModelFileError, match=r"is not the model yunet .*--overwrite"):
        fetch(model)
    assert not publisher.asked
    fetch(model, overwrite=True)
    assert held(model)


@pytest.mark.parametrize("name", ["model.onnx", "part"])
def test_a_folder_in_its_place_stays(publisher, models, name):
    model = publisher.model()
    taken = part_of(model, models) if name == "part" else models / name
    taken.mkdir(parents=True)
    with pytest.raises(IsADirectoryError) as problem:
        fetch(model, overwrite=True)
    assert problem.value.filename == str(taken)
    assert taken.is_dir()


def test_a_pipe_in_the_place_of_the_part_holds_nothing_up(publisher, models):
    model = publisher.model()
    models.mkdir(parents=True)
    os.mkfifo(part_of(model, models))
    with pytest.raises(OSError, match="it is a named pipe, not a file"):
        fetch(model)


def test_a_folder_that_cannot_be_made_is_named(publisher, models):
    models.parent.write_text("a file")
    with pytest.raises(NotADirectoryError) as problem:
        fetch(publisher.model())
    assert str(models.parent) in str(problem.value.filename)


def test_a_folder_that_may_not_be_written_is_named(publisher, models):
    models.mkdir(parents=True)
    models.chmod(0o555)
    with nobody(models), pytest.raises(PermissionError) as problem:
        fetch(publisher.model())
    assert problem.value.filename == str(part_of(publisher.model(), models))


def test_a_full_disk_is_a_sentence_and_loses_nothing(publisher, models):
    model = publisher.model()
    with full_disk(HALF), pytest.raises(OSError, match="File too large") as problem:
        fetch(model)
    assert problem.value.filename == str(part_of(model, models))
    assert part_of(model, models).stat().st_size == HALF
    fetch(model)
    assert held(model)


def test_two_do_not_write_the_same_file(publisher, models):
    model = publisher.model()
    models.mkdir(parents=True)
    with part_of(model, models).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(ModelFileError, match="is being written by another gar-ssl: let it end first"):
            fetch(model)


def test_the_other_exports_are_not_what_the_publisher_gives(publisher, models):
    model = publisher.model()
    with pytest.raises(ModelFileError, match="and was removed"):
        fetch(replace(model, sha256=("0" * 64, *model.sha256)))


@contextmanager
def nobody(folder) -> Iterator[None]:
    """As a user to whom permissions apply, who may enter `folder`."""
    if os.geteuid():
        yield
        return
    kept = {path: path.stat().st_mode for path in folder.parents if path.stat().st_mode & 0o011 != 0o011}
    for path, mode in kept.items():
        path.chmod(mode | 0o011)
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)
        for path, mode in kept.items():
            path.chmod(mode)
