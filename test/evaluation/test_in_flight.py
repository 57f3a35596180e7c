"""`gar-ssl evaluate --in-flight`: many samples asked about at once, of a reasoner whose work is elsewhere."""

from __future__ import annotations

import signal
import threading

import pytest

pytest.importorskip("httpx2", reason="needs the extra served")

from serving import serving
from test_evaluate import evaluate, process

from gar_ssl_ros.evaluation import engines
from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.engines import at_once, locally
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.evaluation.settings import settings_from_values
from gar_ssl_ros.gar.deadline import Cancelled
from gar_ssl_ros.output.record import read_lines

ASKED = ("--reasoner", "served", "--coordinates", "pixels", "--trials", 2, "--limit", 6)


def timeless(records, samples):
    """In the order of the samples, without the seconds that they took."""
    places = {sample.id: place for place, sample in enumerate(samples)}
    told = [record.model_dump() | {"open_s": 0} for record in sorted(records, key=lambda one: places[one.sample])]
    return [one | {"found": one["found"] and one["found"] | {"timing_s": None}} for one in told]


@pytest.fixture(scope="module")
def server():
    with serving("--dialect", "vllm") as one:
        yield one


def test_the_same_seeds_give_the_same_records(recordings, server):
    server.fault()
    told = {"reasoner": "served", "coordinates": "pixels", "server": server.url, "trials": 2}
    samples = dataset("folder", recordings).samples[:6]
    alone = list(locally(samples, settings_from_values(told)))
    many = list(locally(samples, settings_from_values(told), in_flight=4))
    assert timeless(many, samples) == timeless(alone, samples)
    assert sum(record.failure is None for record in many) == 5  # one file cannot be read, and is no less a record


def test_an_interrupt_gives_up_what_is_in_flight_and_resume_asks_it_again(recordings, server, tmp_path):
    told = (*ASKED, "--server", server.url, "--in-flight", 4)
    server.fault("hang")
    asked = len(server.log)
    stopped = process(recordings, tmp_path / "out", *told)
    server.until(lambda log: len(log) >= asked + 4)  # each sample asks once, and waits
    stopped.send_signal(signal.SIGINT)
    _, said = stopped.communicate(timeout=60)
    assert said.splitlines()[-1] == "gar-ssl: interrupted; what was computed so far is on disk"
    server.until(lambda log: all("until" in entry for entry in log))
    server.fault()
    done = evaluate(recordings, tmp_path / "out", *told, "--resume")
    assert done.code == 0, done.err
    assert len(list(read_lines(tmp_path / "out" / "results.jsonl", SampleRecord))) == 6


@pytest.mark.parametrize("in_flight", [1, 4])
def test_a_server_that_is_not_there_ends_it_and_leaves_no_misses(recordings, server, tmp_path, in_flight):
    told = (*ASKED, "--server", server.url, "--in-flight", in_flight)
    server.fault("error500")
    done = evaluate(recordings, tmp_path / "out", *told)
    assert done.code == 1
    assert "look into its log" in done.last
    assert done.last.endswith("then go on with --resume: what was computed so far is on disk")
    records = list(read_lines(tmp_path / "out" / "results.jsonl", SampleRecord))
    assert all(record.outcome in ("UNREADABLE", "SILENT") for record in records)


def test_a_server_that_comes_back_costs_no_sample(recordings, server, monkeypatch):
    monkeypatch.setattr(engines, "PAUSES_S", (0.05, 0.05))
    server.fault()
    told = settings_from_values({"reasoner": "served", "coordinates": "pixels", "server": server.url, "trials": 1})
    records = locally(dataset("folder", recordings).samples[:3], told)
    assert next(records).failure is None
    server.fault("error500#3")  # as often as one request is tried
    assert [record.failure for record in records] == [None, None]


def test_what_goes_wrong_with_one_is_raised_and_ends_the_others():
    started = threading.Barrier(3)
    ended = []

    def work(sample, deadline):
        started.wait(60)
        if sample == 1:
            raise OSError("no space")
        try:
            while True:
                deadline.check()
        except Cancelled:
            ended.append(sample)
            raise

    with pytest.raises(OSError, match="no space"):
        list(at_once(work, [0, 1, 2], 3))
    assert sorted(ended) == [0, 2]


def test_no_more_are_taken_up_than_are_asked_for():
    taken = []

    def work(sample, _):
        taken.append(sample)
        return sample

    records = at_once(work, range(100), 4)
    assert next(records) in range(4)
    records.close()
    assert len(taken) <= 8


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (("--in-flight", 8), "the reasoner signal works in this process, one window after the"),
        (("--in-flight", 8, "--engine", "ray"), "a Ray cluster has workers of its own"),
        (("--in-flight", 0), "is not a whole number from 1 to 256"),
    ],
)
def test_where_it_would_be_of_no_use_it_is_wrong_usage(recordings, tmp_path, more, sentence):
    done = evaluate(recordings, tmp_path / "out", *more)
    assert done.code == 2
    assert sentence in done.last
    assert not (tmp_path / "out").exists()
