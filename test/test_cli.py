"""`gar-ssl` as a person runs it, on real files; as a process where that is what matters."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from pathlib import Path

import pytest
from clips import still_clip, write_clip
from full_disk import full_disk

from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.clip import Clip
from gar_ssl_ros.output.record import read_records

COMMAND = [sys.executable, "-m", "gar_ssl_ros.cli"]
LOCALIZE = ("localize", "--reasoner", "signal")  # auto says on stderr which it is
QUICK = ("localize", "--reasoner", "misbehaving:Fixed")  # for a process, which would load librosa for signal
DEAF = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]  # how the background jobs of a script are born


def process(*arguments: object, **options: object) -> subprocess.CompletedProcess[str]:
    command = [*COMMAND, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False, **options)  # type: ignore[call-overload]


@pytest.fixture(scope="module")
def scene(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scene")
    done = process("scenes", "--out", folder, "--kind", "one", "--seed", 3)
    assert done.returncode == 0, done.stderr
    return Path(done.stdout.strip())


@pytest.fixture(scope="module")
def long_clip(tmp_path_factory) -> Path:
    """Pictures that take a while."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    return write_clip(path, size=(320, 240), codec="libx264", audio_codec="aac", seconds=40.0)


def test_localize_writes_records_video_and_sheet(scene, tmp_path):
    done = process(*LOCALIZE, scene, "--out", tmp_path / "out", "--masks", "grabcut", "--masks-track")
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 LOCALIZED" in done.stdout
    out = tmp_path / "out"
    assert sorted(path.name for path in out.iterdir()) == [
        f"{scene.stem}.jsonl",
        f"{scene.stem}_annotated.mp4",
        f"{scene.stem}_contact.png",
    ]
    (record,) = read_records(out / f"{scene.stem}.jsonl")
    truth = json.loads(scene.with_suffix(".truth.json").read_text())
    box = truth["sources"][0]["boxes"][22]
    found = record.sources[0].box
    assert found.x1 < (box[0] + box[2]) / 2 < found.x2
    assert record.sources[0].track == 1
    assert record.sources[0].mask.iou(Mask.from_rle(truth["sources"][0]["masks"][22])) > 0.8
    video = Clip(out / f"{scene.stem}_annotated.mp4")
    assert len(list(video.pictures())) == 45
    assert video.info.channels == 1


def test_without_models_signal_answers_by_default_and_stderr_says_why_and_what_brings_them(run, scene, tmp_path):
    done = run("localize", scene, "--out", tmp_path, "--no-video")
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith("gar-ssl: auto: signal answers: senses, ")
    assert "lacks the models yamnet, yunet, nanodet, yolox-nano: gar-ssl models get all" in line
    (record,) = read_records(tmp_path / f"{scene.stem}.jsonl")
    assert record.reasoner == "signal"


@pytest.mark.parametrize("asked", [[], ["--reasoner", "senses"], ["--reasoner", "omni", "--fallback", "auto"]])
def test_with_models_senses_answers_by_default_and_says_what_it_is(run, shared_models, shared_media, tmp_path, asked):
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    clip = still_clip(tmp_path / "dog.mkv", shared_media, "dog", "dog")
    done = run("localize", clip, "--out", tmp_path / "out", *asked)
    assert done.returncode == 0, done.stderr
    (record,) = read_records(tmp_path / "out" / "dog.jsonl")
    assert (record.reasoner, record.model[:33]) == ("senses", "yamnet, yunet, nanodet, light-asd")
    assert Box(*record.sources[0].box.sides).iou(Box(65, 134, 640, 838)) >= 0.5  # the dog, by eye
    assert "signal answers" not in done.stderr


def test_a_model_s_file_that_is_another_one_is_told_and_signal_answers(
    run, scene, shared_models, tmp_path, monkeypatch
):
    pytest.importorskip("ai_edge_litert", reason="needs LiteRT, which is not installed")
    for file in shared_models.iterdir():
        (tmp_path / file.name).write_bytes(b"mine" if file.suffix == ".tflite" else file.read_bytes())
    monkeypatch.setenv("GAR_SSL_MODELS", str(tmp_path))
    done = run("localize", scene, "--out", tmp_path / "out", "--no-video")
    assert done.returncode == 0
    assert "auto: signal answers: " in done.stderr
    assert "gar-ssl models get yamnet --overwrite" in done.stderr


@pytest.mark.parametrize("command", [["evaluate"], ["ablate", "trials"]])
def test_a_run_that_is_measured_says_what_ran(run, command, tmp_path):
    done = run(*command, "--dataset", "scenes", "--limit", 1, "--out", tmp_path / "out", "--reasoner", "auto")
    assert done.returncode == 2
    assert done.stderr == "gar-ssl: the reasoner is auto, and a run must say what ran: choose signal or senses\n"
    assert "auto" not in run(command[0], "--help").stdout.partition("--reasoner {")[2].partition("}")[0]
    assert not list(tmp_path.glob("out/*"))


def test_every_option_reaches_the_pipeline(run, scene, tmp_path):
    done = run(*LOCALIZE, scene, "--out", tmp_path, "--window", 2, "--hop", 1, "--trials", 2, "--sources", 2,
               "--tau-av", 1, "--tau-aud", 1, "--no-video")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert not list(tmp_path.glob("*.mp4"))
    records = list(read_records(tmp_path / f"{scene.stem}.jsonl"))
    assert [(record.start_s, record.end_s) for record in records] == [(0, 2), (1, 3)]
    cases = [case for record in records for case in record.stages]
    assert cases
    assert all(len(case.trials) == 2 and case.kept is False for case in cases)


def test_a_bad_file_is_one_sentence_and_takes_no_other_with_it(run, scene, tmp_path):
    text = tmp_path / "text.mp4"
    text.write_text("hello\n" * 20)
    sound = write_clip(tmp_path / "sound.wav", codec=None, audio_codec="pcm_s16le")
    silent = write_clip(tmp_path / "silent.mkv", with_audio=False)
    done = run(*LOCALIZE, tmp_path / "none.mp4", text, sound, scene, silent, "--out", tmp_path / "out", "--no-video")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        f"gar-ssl: {tmp_path / 'none.mp4'} does not exist: check the path",
        f"gar-ssl: {text} is not a recording that FFmpeg can read: give a whole video file",
        f"gar-ssl: {sound} has no picture, so nothing can be located in it: give a video with sound",
    ]
    assert "1 LOCALIZED" in done.stdout
    assert "1 SILENT" in done.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["--trials", "0"], ["--trials", "x"], ["--sources", "0"], ["--hop", "0"], ["--hop", "nan"], ["--window", "-1"],
        ["--tau-av", "2"], ["--tau-aud", "no"], ["--reasoner", "oracle"],
    ],
)  # fmt: skip
def test_wrong_usage_names_the_option_and_ends_with_2(run, scene, tmp_path, arguments):
    done = run(*LOCALIZE, scene, "--out", tmp_path / "out", *arguments)
    assert done.returncode == 2
    assert f"argument {arguments[0]}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_output_that_exists_is_kept_unless_told_otherwise(run, scene, tmp_path):
    records = tmp_path / f"{scene.stem}.jsonl"
    records.write_text("precious\n")
    done = run(*LOCALIZE, scene, "--out", tmp_path, "--no-video")
    assert done.returncode == 1
    assert done.stderr == f"gar-ssl: {records} exists already: give another --out, or --overwrite to replace it\n"
    assert records.read_text() == "precious\n"
    assert run(*LOCALIZE, scene, "--out", tmp_path, "--no-video", "--overwrite").returncode == 0
    assert len(list(read_records(records))) == 1


def test_recordings_of_one_name_get_results_of_their_own(run, scene, tmp_path):
    done = run(*LOCALIZE, scene, scene, "--out", tmp_path, "--no-video")
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.glob("*.jsonl")} == {f"{scene.stem}.jsonl", f"{scene.stem}_2.jsonl"}


@pytest.mark.parametrize("out", ["/proc/nowhere", "file/inside"])
def test_an_output_that_cannot_be_written_is_one_sentence(run, scene, tmp_path, out):
    (tmp_path / "file").write_text("")
    done = run(*LOCALIZE, scene, "--out", tmp_path / out if out.startswith("file") else out)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "--out" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_a_full_disk_leaves_what_was_computed(run, long_clip, tmp_path):
    """Files may grow to 20 kB: enough for some of the records, not for the video."""
    with full_disk(20_000):
        done = run(*LOCALIZE, long_clip, "--out", tmp_path, "--hop", 1)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written" in done.stderr
    records = list(read_records(tmp_path / "long.jsonl"))
    assert len(records) > 5
    assert [record.index for record in records] == list(range(len(records)))


INTERRUPTED = "gar-ssl: interrupted; what was computed so far is on disk\n"


def test_an_interrupt_leaves_whole_records_and_a_sheet(long_clip, tmp_path):
    command = [*DEAF, *COMMAND, *QUICK, str(long_clip), "--out", str(tmp_path), "--hop", "0.5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        records = tmp_path / "long.jsonl"
        deadline = time.monotonic() + 240
        while not records.exists() or records.stat().st_size < 3000:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=600)
    assert (process.returncode, errors) == (1, INTERRUPTED)
    assert list(read_records(records))
    assert (tmp_path / "long_contact.png").exists()


def test_a_person_at_a_terminal_sees_progress_and_remaining_time_until_it_is_interrupted(long_clip, tmp_path):
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
    command = [*COMMAND, *QUICK, str(long_clip), "--out", str(tmp_path), "--hop", "0.5"]
    with subprocess.Popen(command, stderr=slave, stdout=slave) as process:
        os.close(slave)
        shown = b""
        while not re.search(rb"long.mp4: localizing \|.*/40.0 s \[\d\d:\d\d<\d\d:\d\d", shown):
            shown += os.read(master, 4096)
        process.terminate()
        with suppress(OSError):  # the terminal is closed
            while True:
                shown += os.read(master, 4096)
        os.close(master)
    assert process.returncode == 1
    assert shown.decode().replace("\r\n", "\n").endswith(INTERRUPTED)
    assert list(read_records(tmp_path / "long.jsonl"))
    assert (tmp_path / "long_contact.png").exists()


def test_scenes_are_rendered_as_asked(run, tmp_path):
    done = run("scenes", "--out", tmp_path, "--kind", "all", "--difficulty", "hard", "--seed", 5, "--size", "160x120",
               "--fps", 10, "--seconds", 1, "--distractors", 1, "--noise", 0, "--shake", 0, "--wav")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 5
    info = Clip(tmp_path / "two_hard_0005.mp4").info
    assert (info.width, info.height, info.fps, info.channels) == (160, 120, 10, 0)
    truth = json.loads((tmp_path / "two_hard_0005.truth.json").read_text())
    assert truth["audio"] == "two_hard_0005.wav"
    assert truth["scene"]["distractors"] == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--size", "321x240"], 2), (["--size", "large"], 2), (["--size", "20x20"], 2), (["--noise", "-1"], 2)],
)
def test_scenes_that_cannot_be_are_refused(run, tmp_path, arguments, code):
    done = run("scenes", "--out", tmp_path, *arguments)
    assert done.returncode == code
    assert "Traceback" not in done.stderr


def test_help_is_quick_and_loads_nothing_heavy():
    heavy = "'cv2', 'av', 'numpy', 'torch', 'librosa', 'ai_edge_litert', 'onnx'"
    code = f"import sys; from gar_ssl_ros import cli; cli._parser(); print({{{heavy}}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
    helped = process("localize", "--help")
    assert helped.returncode == 0
    assert "--tau-av" in helped.stdout


@pytest.mark.parametrize(
    ("command", "shown"),
    [
        ("localize", ["length of a window, s (default: 3)", "--out DIR folder for the results --window"]),
        ("bag", ["folder of the new bag (default: IN_localized) --image", "(default: /localizer)"]),
        ("check", ["(default: sdpa)"]),
        ("evaluate", ["whose samples --root", "part I of N equal ones (default: 1/1)"]),
        ("ablate", ["(default: DIR/stages.sqlite) --resume"]),
        ("report", ["(default: all)"]),
        ("scenes", ["pixels, even (default: 320x240)", "of the first; the others follow (default: 0)"]),
        ("demo", ["folder for the results (default: demo)"]),
    ],
)
def test_help_shows_each_default_as_it_is_typed_and_none_where_there_is_none(run, command, shown):
    told = " ".join(run(command, "--help").stdout.split())
    assert all(part in told for part in shown)
    assert not re.search(r"default: (None|False|\(|\[)|\) \(default", told)


def test_a_real_film(run, shared_media, tmp_path):
    done = run("localize", shared_media / "bigbuckbunny.mp4", "--out", tmp_path, "--sources", 2)
    assert done.returncode == 0, done.stderr
    records = list(read_records(tmp_path / "bigbuckbunny.jsonl"))
    assert len(records) == 2
    for source in (source for record in records for source in record.sources):
        assert 0 <= source.box.x1 < source.box.x2 <= 1280
        assert 0 <= source.box.y1 < source.box.y2 <= 720


def test_what_was_told_to_stop_ends_by_its_own_status_wherever_it_was(tmp_path):
    """Also where a class was being made from text, after which CPython would end it by the signal."""
    program = tmp_path / "told.py"
    program.write_text(
        "import os, signal, sys\n"
        "from gar_ssl_ros.interrupts import listen\n"
        "listen()\n"
        "try:\n"
        "    exec('os.kill(os.getpid(), signal.SIGINT)\\nwhile True: pass')\n"
        "except KeyboardInterrupt:\n"
        "    sys.exit(0)\n"
    )
    assert subprocess.run([sys.executable, "-m", "told"], cwd=tmp_path, check=False, timeout=60).returncode == 0


def test_what_was_told_to_stop_stops_though_python_loses_that(tmp_path):
    """In a finalizer, say, of a progress bar. What it closes on its way out is closed in peace."""
    program = tmp_path / "deaf.py"
    program.write_text(
        "import os, signal, sys, time\n"
        "from gar_ssl_ros import interrupts\n"
        "interrupts.AGAIN_S = 0.05\n"
        "interrupts.listen()\n"
        "class Deaf:\n"
        "    def __del__(self):\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "        while True: pass\n"
        "try:\n"
        "    try:\n"
        "        Deaf()\n"
        "        while True: pass\n"
        "    finally:\n"
        "        end = time.monotonic() + 0.5\n"
        "        while time.monotonic() < end: pass\n"
        "        print('closed')\n"
        "except KeyboardInterrupt:\n"
        "    interrupts.heeded()\n"
        "    sys.exit(3)\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout) == (3, "closed\n")
