"""What an array hears, as datasets: scenes in rooms, and STARSS23's folders."""

from __future__ import annotations

import json
import math
import pickle
import re
import sys
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.cli import main
from gar_ssl_ros.errors import OptionError
from gar_ssl_ros.evaluation.datasets import dataset
from gar_ssl_ros.evaluation.datasets.rooms import SEPARATIONS_DEGREES, HeardRoom, separation_of
from gar_ssl_ros.evaluation.datasets.starss import read_events
from gar_ssl_ros.evaluation.record import evaluate
from gar_ssl_ros.evaluation.report.directions import directions
from gar_ssl_ros.evaluation.results import Configuration, Origin, Run
from gar_ssl_ros.evaluation.run import subject
from gar_ssl_ros.evaluation.samples import DatasetError, Sample
from gar_ssl_ros.evaluation.scenes.files import read_truth, write_scene, write_wav
from gar_ssl_ros.evaluation.scenes.heard import HeardScene, HearingPlace
from gar_ssl_ros.evaluation.scenes.scene import Kind, SceneOptions
from gar_ssl_ros.evaluation.settings import Settings
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.media.clip import SoundRecording
from gar_ssl_ros.reasoners.signal.reasoner import SignalReasoner
from gar_ssl_ros.spatial.hearing.catalog import arrays
from gar_ssl_ros.spatial.hearing.mounting import camera_in_array

RESPEAKER = arrays()["respeaker_usb_4"]
SHORT = SceneOptions(seed=3, distractors=0, seconds=1.0, fps=8, shake=0)


@pytest.fixture(scope="module")
def twins() -> HeardScene:
    pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")
    place = HearingPlace(RESPEAKER, rt60=0.2, mounting=math.radians(1), separation=math.radians(20))
    return HeardScene(SHORT, place)


def test_of_two_things_that_look_and_move_alike_one_sounds_from_where_it_is_seen(twins):
    (source,), truth = twins.truth().sources, twins.heard_truth()
    (silent,) = truth.silent
    moved = [(a.x1 - b.x1, a.y1 - b.y1) for a, b in zip(source.boxes, silent.boxes, strict=True)]
    assert np.ptp([x for x, _ in moved]) <= 2
    assert np.abs([y for _, y in moved]).max() <= 1
    (heard,) = truth.room.sources
    numbers = truth.array_to_camera.split()
    turned = " ".join([*numbers[:5], str(float(numbers[5]) + truth.mounting_error)])
    ray = camera_in_array(turned).inverse().apply(np.array([heard.path[0].vector]))[0]
    focal, center = truth.camera_info["k"][0], truth.camera_info["k"][2]
    assert abs(truth.mounting_error) == pytest.approx(math.radians(1), abs=1e-5)
    assert focal * ray[0] / ray[2] + center + 0.5 == pytest.approx(source.boxes[4].center[0], abs=0.1)


def test_a_scene_on_disk_keeps_every_channel_and_what_is_true_of_it(twins, tmp_path):
    video = write_scene(twins, tmp_path, "twins")
    read = np.concatenate([piece.samples for piece in SoundRecording(video).audio()], axis=1)
    assert read.shape[0] == 6
    assert np.abs(read[:, : twins.recorded.shape[1]] - twins.recorded).max() <= 2 / 32768
    assert read_truth(video.with_suffix(".truth.json")).heard == twins.heard_truth()


def test_what_is_out_of_view_is_heard_from_out_of_view():
    pytest.importorskip("pyroomacoustics", reason="needs the extra spatial-scenes")
    options = SceneOptions(kind=Kind.OFFSCREEN, seed=1, seconds=0.5, fps=4, distractors=0)
    (source,) = HeardScene(options, HearingPlace(RESPEAKER, rt60=0.0)).room.sources
    assert abs(source.path[0].azimuth) > math.radians(30)


def test_two_things_that_do_not_fit_into_view_are_refused():
    with pytest.raises(OptionError, match="do not fit"):
        HearingPlace(RESPEAKER, separation=math.radians(70))


def test_gar_ssl_scenes_needs_an_array_for_things_that_only_a_direction_tells_apart(capsys, tmp_path):
    assert main(["scenes", "--out", str(tmp_path), "--kind", "identical"]) == 2
    assert "give --array" in capsys.readouterr().err


@pytest.mark.parametrize("command", [["scenes", "--array", "uma8"], ["evaluate", "--dataset", "rooms"]])
def test_what_simulates_rooms_is_named_where_it_is_missing(command, capsys, monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "pyroomacoustics", None)
    assert main([*command, "--out", str(tmp_path / "out")]) == 1
    assert re.search(r"pyroomacoustics, which is not installed: .*spatial-scenes", capsys.readouterr().err)


def test_rooms_are_a_dataset_whose_directions_and_boxes_are_scored(twins):
    whole = dataset("rooms")
    groups = list(dict.fromkeys(sample.group for sample in whole.samples))
    assert [separation_of(group) for group in groups[: len(SEPARATIONS_DEGREES)]] == list(SEPARATIONS_DEGREES)
    assert separation_of("one") is None
    sample = Sample("one", HeardRoom(SHORT, twins.place), None, group=groups[3])
    record = evaluate(pickle.loads(pickle.dumps(sample)), SignalReasoner(), GarOptions())
    told = Configuration(dataset="rooms", samples=1, content="", settings=Settings())
    grid, seld, around, curve = directions(subject(Run(told, Origin(dataset="rooms"), (record,)), None, False))
    assert grid.rows[0][1] == "1"
    assert len(seld.rows) == 2
    assert around.uri.startswith("data:image/svg")
    assert "look and move alike" in curve.caption


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """3 s of a noise from the left in the first two of them, as first-order ambisonics."""
    random, root = np.random.default_rng(1), tmp_path / "starss"
    noise = random.normal(0, 0.1, 16_000 * 2)
    foa = np.stack([noise, noise, 0 * noise, 0 * noise])
    sound, table = (
        root / "foa_dev/dev-test-x/fold4_room1_mix001.wav",
        root / "metadata_dev/dev-test-x/fold4_room1_mix001.csv",
    )
    for path in (sound, table):
        path.parent.mkdir(parents=True)
    write_wav(sound, np.concatenate([foa, np.zeros((4, 16_000))], axis=1).astype(np.float32))
    table.write_text("".join(f"{frame},8,0,90,0,150\n" for frame in range(20)))
    return root


def test_starss23_is_read_second_by_second_and_its_directions_are_scored(folders):
    read = dataset("starss23", folders)
    assert read.name == "starss23-foa"
    assert [sample.outcome.value for sample in read.samples] == ["OFF_SCREEN", "OFF_SCREEN", "SILENT"]
    records = tuple(evaluate(sample, SignalReasoner(), GarOptions()) for sample in read.samples)
    event = records[0].heard[0]
    assert (event.label, event.azimuth, event.distance) == ("music", pytest.approx(math.pi / 2), 1.5)
    told = Configuration(dataset=read.name, samples=3, content="", settings=Settings())
    grid, *_ = directions(subject(Run(told, Origin(dataset=read.name), records), None, False))
    assert grid.rows[0][1:4] == ("2", "2", "100.0")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("1,2,3", "give frame"),
        ("1,2,0,a,0", "give frame"),
        ("-1,2,0,0,0", "frame from 0"),
        ("1,2,0,0,95", "degrees"),
        ("1,13,0,0,0", "0 to 12"),
    ],
)
def test_a_line_that_is_no_sound_event_is_told(tmp_path, line, said):
    table = tmp_path / "a.csv"
    table.write_text(f"0,1,0,0,0\n{line}\n")
    with pytest.raises(DatasetError, match=rf"a\.csv, line 2: .*{said}"):
        read_events(table)


def test_folders_that_lack_something_are_told(folders):
    with pytest.raises(DatasetError, match="mic_dev"):
        dataset("starss23-mic", folders)
    other = folders / "metadata_dev/dev-test-x/other.csv"
    other.write_text("")
    (note,) = dataset("starss23", folders).notes
    assert "1 of 2 recordings" in note
    for path in (folders / "metadata_dev").rglob("*.csv"):
        path.unlink()
    with pytest.raises(DatasetError, match="no CSV file"):
        dataset("starss23", folders)


def test_the_truth_of_a_scene_is_plain_json(twins, tmp_path):
    write_scene(twins, tmp_path, "twins")
    told = json.loads((tmp_path / "twins.truth.json").read_text())["heard"]
    assert set(told["room"]["sources"][0]["path"][0]) == {"azimuth", "elevation", "distance"}
    assert told["camera_info"]["width"] == 320
