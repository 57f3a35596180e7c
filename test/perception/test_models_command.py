"""`gar-ssl models` as a person runs it: real processes, and a network that ends on loopback."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.util import find_spec

import pytest

from gar_ssl_ros.perception.catalog import MODELS, Model

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli", "models"]
# The same, with a publisher on loopback in place of a catalogue's: its address, the models' hash and size as arguments.
LOOPBACK = """
import sys
from dataclasses import replace
from gar_ssl_ros.cli import main
from gar_ssl_ros.perception import catalog
url, sha256, size, *arguments = sys.argv[1:]
for name in ("yunet", "nanodet"):
    catalog.MODELS[name] = replace(catalog.MODELS[name], url=url, sha256=(sha256,), size=int(size))
sys.exit(main(["models", *arguments]))
"""


def run(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *map(str, arguments)], capture_output=True, text=True, timeout=300, check=False, **options
    )  # type: ignore[call-overload]


def installed(model: Model) -> bool:
    """True if the tests' own environment has it as a package."""
    return bool(model.installed) and find_spec(model.installed.partition("/")[0]) is not None


def loopback(publisher, *arguments: str) -> list[str]:
    model = publisher.model()
    return [sys.executable, "-c", LOOPBACK, model.url, model.sha256[0], str(model.size), *arguments]


@pytest.fixture
def closed(publisher, models, monkeypatch):
    """A network whose proxy lets nothing through."""
    monkeypatch.setenv("https_proxy", publisher.address)
    return publisher


def test_models_are_listed_whole(models):
    for listing in (run(), run("list")):
        assert (listing.returncode, listing.stderr) == (0, "")
        assert listing.stdout.startswith(f"in {models}:\n")
        for model in MODELS.values():
            where = "here, installed by pip in /" if installed(model) else "not here: "
            assert f"\n{model.name} ({where}" in listing.stdout
            assert f": {model.what}\n" in listing.stdout
            assert f"MB, {model.licence}, {model.publisher}: {model.url}\n" in listing.stdout
    assert not models.exists()


def test_the_listing_tells_what_is_here_and_what_is_another_file(publisher, models):
    assert subprocess.run(loopback(publisher, "get", "yunet"), check=True, capture_output=True).stderr == b""
    (models / MODELS["nanodet"].file).write_text("mine")
    (models / MODELS["yamnet"].file).mkdir()
    listing = subprocess.run(loopback(publisher), check=True, capture_output=True, text=True).stdout
    assert "\nyunet (here): faces" in listing
    assert f"\nnanodet ({models / MODELS['nanodet'].file} is not the model nanodet (its SHA-256 is" in listing
    assert f"\nyamnet ({models / MODELS['yamnet'].file}: Is a directory" in listing


def test_several_are_fetched_and_told_by_their_place(publisher, models):
    done = subprocess.run(
        loopback(publisher, "get", "yunet", "nanodet", "yunet"), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [str(models / MODELS[name].file) for name in ("yunet", "nanodet")]
    assert len(publisher.asked) == 2


def test_one_that_cannot_be_had_takes_no_other_with_it(closed, models):
    done = run("get", "all")
    missing = [model for model in MODELS.values() if not installed(model)]
    assert (done.returncode, len(done.stdout.splitlines())) == (1, len(MODELS) - len(missing))
    for model, line in zip(missing, done.stderr.splitlines(), strict=True):
        assert line.startswith(
            f"gar-ssl: {model.url} cannot be had (Tunnel connection failed: 403"
            if model.fetched
            else f"gar-ssl: note: {model.name} is not fetched: download {model.url}, then gar-ssl models add"
        )
    assert len(closed.asked) == sum(model.fetched for model in missing)


def test_what_is_not_fetched_fails_where_it_is_asked_for_by_name(closed):
    done = run("get", "yolox-nano")
    assert done.returncode == 1
    assert done.stderr.startswith("gar-ssl: yolox-nano is published without a hash")
    assert not closed.asked


@pytest.mark.parametrize("arguments", [("get", "nobody"), ("get",), ("add", "all", "FILE"), ("add", "yunet"), ("fly",)])
def test_what_means_nothing_is_wrong_usage(closed, arguments):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert not closed.asked


def test_a_file_is_added(publisher, models, tmp_path):
    (tmp_path / "download").write_bytes(publisher.content)
    done = subprocess.run(
        loopback(publisher, "add", "yunet", str(tmp_path / "download")), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{models / MODELS['yunet'].file}\n"
    assert not publisher.asked


def test_a_file_that_is_not_the_model_is_a_sentence(models, tmp_path):
    (tmp_path / "download").write_text("hello")
    done = run("add", "yunet", tmp_path / "download")
    assert done.returncode == 1
    assert done.stderr.startswith(f"gar-ssl: {tmp_path / 'download'} is not yunet: it has 5 bytes")
    done = run("add", "yunet", tmp_path / "none")
    assert done.returncode == 1
    assert done.stderr == f"gar-ssl: {tmp_path / 'none'}: No such file or directory: check the path\n"


def test_an_interrupted_run_is_gone_on_with(publisher, models):
    publisher.holds_after = 200_000
    command = loopback(publisher, "get", "yunet")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert publisher.holds.wait(120)
        while not any(path.stat().st_size for path in models.glob(".*.part")):
            assert process.poll() is None
            time.sleep(0.01)
        os.kill(process.pid, signal.SIGINT)
        assert process.wait(120) == 1
        assert process.stderr.read() == "gar-ssl: interrupted; what was computed so far is on disk\n"
    (part,) = models.iterdir()
    size = part.stat().st_size
    publisher.holds_after = None
    subprocess.run(command, check=True, capture_output=True)
    assert publisher.asked[1:] == [("/model.onnx", f"bytes={size}-")]
    assert [path.name for path in models.iterdir()] == [MODELS["yunet"].file]
