"""The report: its figures, the paper's beside them, and the page as a browser sees it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from base64 import b64decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gar_ssl_ros.commands.evaluate import summary
from gar_ssl_ros.evaluation.figures import calibration, figures
from gar_ssl_ros.evaluation.record import evaluated, unreadable
from gar_ssl_ros.evaluation.report.paper import read_papers
from gar_ssl_ros.evaluation.report.plots import success
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.evaluation.report.write import write_report
from gar_ssl_ros.evaluation.results import Origin, Run, configuration
from gar_ssl_ros.evaluation.run import subject
from gar_ssl_ros.evaluation.samples import Dataset, Opened, Sample, Truth
from gar_ssl_ros.evaluation.scenes.scene import Kind
from gar_ssl_ros.evaluation.scenes.score import MIN_FOUND_IOU, matched
from gar_ssl_ros.evaluation.settings import Settings
from gar_ssl_ros.gar.boxes import Box
from gar_ssl_ros.gar.deadline import Deadline
from gar_ssl_ros.gar.localization import Outcome
from gar_ssl_ros.gar.options import GarOptions
from gar_ssl_ros.gar.reasoner import Unparseable
from gar_ssl_ros.gar.stages import AudioLabel, Location, Refinement, Trial, Unseen
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window
from gar_ssl_ros.reasoners.signal import SignalReasoner

SHARED = Path(__file__).parents[3] / "shared"
CLASSES = [f"{who} {what}" for who in ("dog", "cat", "violin", "drum", "train", "door", "child", "bird", "saw")
           for what in ("one", "two", "three", "four", "five")]  # fmt: skip
BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


class Square:
    """A picture with a red square on a ground, and a sound."""

    def __init__(self, seed: int, label: str) -> None:
        self.seed, self.label = seed, label

    def open(self, truths: tuple[Truth, ...] | None) -> Opened:
        random = np.random.default_rng(self.seed)
        image = np.full((120, 160, 3), random.integers(40, 200, 3), np.uint8)
        image += random.integers(0, 30, image.shape, np.uint8)
        x, y, side = (int(n) for n in random.integers((5, 5, 30), (80, 60, 55)))
        image[y : y + side, x : x + side] = (220, 30, 40)
        audio = Audio(0, random.normal(0, 0.1, (1, 8000)).astype(np.float32), 16_000)
        frame = Frame(0, image)
        return Opened(Window(0, SECOND // 2, (frame,), audio), (Truth((x, y, x + side, y + side), self.label),))


class Finder:
    """Finds the square more or less, hears a class more or less, and fails now and then."""

    name = "signal"
    model: str | None = None

    def read(self, window: Window, deadline: Deadline) -> Finder:
        self._image = window.center.image
        self._random = np.random.default_rng(int(self._image[:8].sum()))
        return self

    def __enter__(self) -> Finder:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def classify(self) -> AudioLabel:
        self._sure = float(self._random.uniform(0.3, 1.0))
        if self._sure < 0.33:
            raise Unparseable("the reply to classify is no JSON: 'violin, I th'")
        return AudioLabel(str(self._random.choice([label.split()[0] for label in CLASSES[::5]])), self._sure)

    def locate(self, max_sources: int) -> list[Location]:
        rows, columns = np.nonzero(self._image[..., 0].astype(int) - self._image[..., 1] > 150)
        sides = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], float)
        return [Location(tuple(sides + self._random.normal(0, 14 * (1.1 - self._sure), 4)), "a square")]

    def analyze(self, hypotheses: object, trials: int) -> list[list[Trial]]:
        return [[Trial(float(self._random.uniform(0.5, 1) * self._sure), (), (), bool(i % 4)) for i in range(trials)]]

    def refine(self, cases: object) -> list[Refinement]:
        return [Refinement(None, False, None, "It stays.")]


@pytest.fixture(scope="module")
def dataset() -> Dataset:
    return Dataset(
        "vggss",
        tuple(
            Sample(
                f"clip_{seed:03d}", Square(seed, CLASSES[seed % len(CLASSES)]), None, group=CLASSES[seed % len(CLASSES)]
            )
            for seed in range(180)
        ),
        tuple(sorted(CLASSES)),
        notes=("vggss.json: 12 clips hold a coordinate of -2.88e16, read as 0",),
    )


def told(dataset: Dataset, settings: Settings, name: str = "", published: bool = False) -> Subject:
    """The dataset evaluated by Finder, four of its media unreadable."""
    gar = settings.gar
    records = [
        unreadable(sample, f"{sample.id}.mp4 is no recording", 0.1, gar)
        if place % 50 == 3
        else evaluated(sample, sample.open(), 0.1, Finder(), gar)
        for place, sample in enumerate(dataset.samples)
    ]
    run = Run(configuration(dataset, settings), Origin(dataset=dataset.name), tuple(records))
    return subject(run, dataset, published, name)


@pytest.fixture(scope="module")
def report(dataset, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_report(folder, "vggss: signal, N = 5", [told(dataset, Settings())], published=False)
    return folder


def test_the_paper_s_figures_are_the_paper_s():
    text = SHARED / "papers" / "gar-ssl.txt"
    if not text.is_file():
        pytest.skip("needs ../shared/papers, which is not here")
    printed = text.read_text().replace("\\cellcolorgray!10", " ")  # "gray!1043.5" is 43.5 on gray
    numbers = " ".join(re.findall(r"(?<![\w.])\d+\.\d(?![\d.])", printed))
    rows = [(table.id, row) for table in read_papers()[0].tables for row in table.rows]
    assert len(rows) == 14 + 16 + 3 + 3 + 2 + 2 + 4 + 6 + 6
    for place, row in rows:
        assert " ".join(f"{value:.1f}" for value in row.figures if value is not None) in numbers, (place, row)


def test_our_figures_stand_in_the_row_and_column_they_belong_to(report):
    lines = (report / "report.md").read_text().splitlines()
    scores = next(line for line in lines if line.startswith("| signal, N = 5 | 180 | 10 |")).split(" | ")
    ap, _, half, auc = scores[3:7]
    assert (
        f"| **gar-ssl signal, N = 5** | **this run** | **{ap}** | **{half}** | **{auc}** | **—** | **—** | **—** |"
        in lines
    )
    assert f"| **0.75** | **0.5** | **this run** | **{ap}** | **{half}** | **{auc}** |" in lines
    told = [line[:10] for line in lines if line.startswith("Table ")]
    assert told[:4] == ["Table 2. O", "Table 3. A", "Table S.7.", "Table S.8."]  # those about one source on VGG-SS
    assert told[4:] == ["Table 1. S", "Table 4. A", "Table 5. S", "Table 6. T", "Table S.9."]
    assert lines.index("### Tables 1, 4, 5, 6, S.9") > lines.index("## Failures")  # what is not ours comes last
    assert "| OA-SSL | Um et al., CVPR 2025 | 51.7 | 47.3 | 44.9 | 79.8 | 71.1 | 60.9 |" in lines


def test_runs_on_both_datasets_of_a_table_share_its_row(dataset, tmp_path):
    few = replace(dataset, samples=dataset.samples[:10])
    settings = Settings(gar=GarOptions(trials=3))
    both = [told(few, settings), told(replace(few, name="music-solo"), settings)]
    write_report(tmp_path, "two", both, published=False)
    rows = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("| **3** |")]
    assert len(rows) == 1
    assert "—" not in rows[0]


def test_kinds_of_scenes_are_told_as_the_clip_benchmark_tells_them(scene_of):
    records, overlaps = [], []
    for kind in (Kind.ONE, Kind.TWO, Kind.SILENT, Kind.OFFSCREEN):
        scene, window = scene_of(kind)
        middle = window.frames.index(window.center)
        truths = tuple(Truth(source.boxes[middle].sides, source.label) for source in scene.truth().sources)
        sample = Sample(
            kind.value, Square(0, ""), None, Outcome(scene.truth().outcome), max(1, len(truths)), kind.value
        )
        record = evaluated(sample, Opened(window, truths), 0, SignalReasoner(), GarOptions(sources=sample.sources))
        records.append(record)
        found = [source.box for source in record.found.sources]
        overlaps.append(matched(found, [Box(*truth.sides) for truth in truths]))
    groups = figures(records, GarOptions(), published=False).groups
    assert [group.name for group in groups] == ["one", "two", "silent", "offscreen"]
    for group, record, each in zip(groups, records, overlaps, strict=True):
        assert group.right == float(record.found.outcome is record.expected)
        assert group.overlap == (pytest.approx(np.mean(each)) if each else None)
        assert group.found == (float(all(iou >= MIN_FOUND_IOU for iou in each)) if each else None)


def test_ours_comes_before_all_that_is_the_papers(dataset, tmp_path):
    scenes = replace(dataset, name="scenes-medium", samples=dataset.samples[:20])
    write_report(tmp_path, "scenes", [told(scenes, Settings())], published=False)
    sections = [line for line in (tmp_path / "report.md").read_text().splitlines() if line.startswith("## ")]
    assert sections[-1] == "## The paper's tables"
    assert sections[:4] == ["## What was evaluated", "## Scores", "## Outcomes", "## The gate"]


def test_samples_with_nothing_to_locate_are_not_scored_and_that_is_said(tmp_path):
    samples = [Sample(f"clip_{seed}", Square(seed, CLASSES[0]), None) for seed in range(2)]
    record, other = (evaluated(sample, sample.open(), 0.1, Finder(), GarOptions()) for sample in samples)
    silent = other.model_copy(update={"sample": "quiet", "truths": (), "score": None, "iou": None})
    few = Dataset("folder", tuple(samples), ())
    run = Run(configuration(few, Settings()), Origin(dataset="folder"), (record, silent))
    write_report(tmp_path, "few", [subject(run, None, False)], published=False)
    text = (tmp_path / "report.md").read_text()
    assert "| Run | Scored | Failed |" in text
    assert "| signal, N = 5 | 1 | 0 |" in text
    assert "Scored are the samples with a source in view" in text


class Blind(Finder):
    """Finds nothing, and says of it what it was made with."""

    def __init__(self, unseen: Unseen) -> None:
        self._unseen = unseen

    def classify(self) -> AudioLabel:
        return AudioLabel("dog", 0.9)

    def locate(self, max_sources: int) -> Unseen:
        return self._unseen


def test_to_claim_nothing_is_counted_apart_and_is_neither_failure_nor_right(tmp_path):
    """Of a square in view and of a sound off screen: a box, the claim, and no claim."""
    who = [Finder(), Blind(Unseen(True, "no square is red")), Blind(Unseen(False, "it is dark"))]
    samples, records = [], []
    for expected in (Outcome.LOCALIZED, Outcome.OFF_SCREEN):
        for place, reasoner in enumerate(who):
            in_view = expected is Outcome.LOCALIZED
            sample = Sample(
                f"{expected.value}_{place}",
                Square(place, "dog"),
                None if in_view else (),
                expected,
                group=expected.value,
            )
            opened = sample.open() if in_view else replace(sample.open(), truths=())
            samples.append(sample)
            records.append(evaluated(sample, opened, 0.1, reasoner, GarOptions()))
    outcomes = ["LOCALIZED", "OFF_SCREEN", "UNCERTAIN"]
    assert [record.outcome for record in records] == outcomes * 2
    for published in (False, True):
        seen = figures(records, GarOptions(), published)
        assert (seen.answered, seen.failures) == (6, ())
        assert [(said.expected, said.samples, dict(said.outcomes)) for said in seen.said] == [
            (expected, 3, dict.fromkeys(outcomes, 1)) for expected in (Outcome.LOCALIZED, Outcome.OFF_SCREEN)
        ]
        assert [group.right for group in seen.groups] == [pytest.approx(1 / 3)] * 2
        assert (seen.whole.samples, seen.whole.failed) == (3, 0)
        assert [record.iou for record in records[1:3]] == [0.0, 0.0]  # nothing found of what is there
        assert [record.iou for record in records[3:]] == [None] * 3  # nothing was to be found
        assert (seen.single.samples, seen.single.failed, seen.single.true) == (3, 0, 3)
    few = Dataset("folder", tuple(samples), ())
    run = Run(configuration(few, Settings()), Origin(dataset="folder"), tuple(records))
    told_of = subject(run, None, False)
    write_report(tmp_path, "few", [told_of], published=False)
    text = (tmp_path / "report.md").read_text()
    assert "| Run | Expected | Samples | LOCALIZED | SILENT | OFF_SCREEN | UNCERTAIN | Failed |" in text
    for expected in ("LOCALIZED", "OFF_SCREEN"):
        assert f"| signal, N = 5 | {expected} | 3 | 1 | 0 | 1 | 1 | 0 |" in text
    assert "6 of 6 samples, 0 failed, 2 uncertain" in summary(told_of)


def test_an_overlap_is_written_one_way(report):
    page, tables = (report / "report.html").read_text(), (report / "report.md").read_text()
    tiles = re.findall(r"cIoU ([\d.]+)<br>", page)
    assert tiles
    rows = [
        line
        for line in tables.splitlines()
        if line.startswith(("| kept as first", "| sent to", "| signal, N = 5 | 180"))
    ]
    cells = [cell.strip() for row in rows for cell in row.split("|")]
    assert all(re.fullmatch(r"[01]\.\d{3}", iou) for iou in (*tiles, cells[-2]))
    assert not [cell for cell in cells if re.fullmatch(r"[01]\.\d{2}|[01]\.\d{4,}", cell)]


def test_no_sample_without_overlap_is_among_the_best(dataset, tmp_path):
    few = replace(dataset, samples=dataset.samples[:8])
    told_of = told(few, Settings())
    missed = [r.model_copy(update={"iou": 0.0, "failure": None}) for r in told_of.run.records]
    run = replace(told_of.run, records=(*missed[:7], told_of.run.records[7]))
    write_report(tmp_path, "one is met", [subject(run, few, False)], published=False)
    best, *others = re.findall(
        r"<figcaption>(\w+) samples by cIoU.</figcaption>(.*?)</figure>", page_of(tmp_path), re.DOTALL
    )
    assert best[0] == "Best"
    assert best[1].count('class="tile"') == 1
    assert [title for title, _ in others] == ["Median", "Worst"]
    write_report(tmp_path, "none is met", [subject(replace(run, records=tuple(missed)), few, False)], published=False)
    assert "Best samples" not in page_of(tmp_path)
    assert "Worst samples" in page_of(tmp_path)


def page_of(folder: Path) -> str:
    return (folder / "report.html").read_text()


def test_variants_are_in_the_navigation_and_those_of_one_curve_share_a_line(dataset, tmp_path):
    few = replace(dataset, samples=dataset.samples[:10])
    runs = [told(few, Settings(), name) for name in ("as usual", "the same again")]
    write_report(tmp_path, "study", runs, published=False)
    (links,) = re.findall(r"<nav>(.*?)</nav>", page_of(tmp_path), re.DOTALL)
    names = re.findall(r'href="#([\w-]+)">(.*?)</a>', links)
    assert ("groups-1", "as usual") in names
    assert ("groups-2", "the same again") in names
    targets = set(re.findall(r'<section id="([\w-]+)">', page_of(tmp_path)))
    assert {target for target, _ in names} <= targets
    curves = [(run.name, run.figures.whole.auc, run.figures.curve) for run in runs]
    drawn = b64decode(success(curves).partition(",")[2]).decode()
    assert [drawn.count(text) for text in ("as usual", "the same again (one curve, AUC")] == [1, 1]
    other = ("another", 0.5, np.linspace(1, 0, 21))
    drawn = b64decode(success([*curves, other]).partition(",")[2]).decode()
    assert "stroke-dasharray" in drawn


def test_calibration_is_the_mean_distance_of_confidence_and_share():
    told = calibration(
        [(0.95, True), (0.91, False), (0.2, False), (0.25, True), (0.21, False), (0.22, False), (None, True)]
    )
    assert told is not None
    assert [(b.count, round(b.confidence, 2), b.right) for b in told.bins] == [(4, 0.22, 0.25), (2, 0.93, 0.5)]
    assert told.error == pytest.approx((4 * 0.03 + 2 * 0.43) / 6)
    assert calibration([(None, True)]) is None
    assert calibration([(1.0, True), (float("nan"), True), (-3.0, True)]) is not None


def test_gate_and_failures_count_what_happened(dataset):
    subject = told(dataset, Settings())
    gate, failed = subject.figures.gate, {each.outcome: each.count for each in subject.figures.failures}
    cases = [case for record in subject.run.records if record.found for case in record.found.stages]
    assert (gate.kept, gate.refined) == (sum(case.kept for case in cases), sum(not case.kept for case in cases))
    assert gate.audio == sum(case.hypothesis.sound.confidence < 0.75 for case in cases)
    assert failed == {"UNREADABLE": 4, "UNPARSEABLE": sum("no JSON" in (r.failure or "") for r in subject.run.records)}
    assert subject.figures.answered == 180 - sum(failed.values())
    left_out = told(dataset, Settings(), published=True).figures.whole
    assert left_out.samples == subject.figures.answered
    assert left_out.ap > subject.figures.whole.ap


class Breaking(Finder):
    """Locates, and breaks before there is a source."""

    def analyze(self, hypotheses: object, trials: int) -> list[list[Trial]]:
        raise RuntimeError("out of memory, as it were")


def test_a_window_that_broke_after_something_was_located_is_a_failure_and_no_source(dataset):
    sample = dataset.samples[0]
    record = evaluated(sample, sample.open(), 0.1, Breaking(), GarOptions())
    assert record.found.stages[0].hypothesis is not None
    seen = figures([record], GarOptions(), published=False)
    assert (seen.answered, seen.gate) == (0, None)
    assert [each.outcome for each in seen.failures] == ["BACKEND_ERROR"]


def test_a_report_is_the_same_bytes_each_time(dataset, report, tmp_path):
    subject = told(dataset, Settings())
    write_report(tmp_path, "vggss: signal, N = 5", [subject], published=False)
    cut = '<section id="times">'
    again, before = ((folder / "report.html").read_text().partition(cut)[0] for folder in (tmp_path, report))
    assert again == before


def test_a_report_without_media_or_answers_is_still_a_report(dataset, tmp_path):
    gar = GarOptions()
    gone = [unreadable(sample, "gone", 0.0, gar) for sample in dataset.samples[:3]]
    few = replace(dataset, samples=dataset.samples[:3])
    run = Run(configuration(few, Settings()), Origin(dataset="vggss"), tuple(gone))
    write_report(tmp_path, "nothing", [subject(run, None, True)], published=True)
    assert "| UNREADABLE | 3 |" in (tmp_path / "report.md").read_text()


@pytest.fixture(scope="session")
def browser() -> str:
    """A headless browser; `make test` installs one where it can. Tests are skipped, by name, where there is none."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"needs a browser ({' or '.join(BROWSERS)}), and none is installed")
    return found


def opened(browser: str, page: Path, width: int, folder: Path) -> tuple[dict, str]:
    """What a script at the end of the page sees in a window of that width, and what the browser logged."""
    measure = folder / f"measured_{width}.html"
    script = """<script>addEventListener("load", () => { document.title = JSON.stringify({
      wide: document.documentElement.scrollWidth, window: innerWidth,
      broken: [...document.images].filter(image => !image.complete || !image.naturalWidth).length,
      images: document.images.length, fetched: performance.getEntriesByType("resource")
        .map(entry => entry.name).filter(name => !name.startsWith("data:")),
      sections: [...document.querySelectorAll("h2")].map(title => title.textContent)}) })</script>"""
    measure.write_text(page.read_text() + script)
    done = subprocess.run(
        [browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", f"--user-data-dir={folder}",
         f"--window-size={width},900", "--virtual-time-budget=10000", "--dump-dom", measure.as_uri()],
        capture_output=True, text=True, timeout=600, check=True,
    )  # fmt: skip
    title = re.search(r"<title>(.*?)</title>", done.stdout)
    assert title is not None
    return json.loads(html.unescape(title[1])), done.stderr


@pytest.mark.parametrize("width", [1200, 500])
def test_a_browser_shows_the_page_whole_at_any_width_and_complains_of_nothing(report, browser, tmp_path, width):
    seen, logged = opened(browser, report / "report.html", width, tmp_path)
    assert "CONSOLE" not in logged
    assert (seen["broken"], seen["fetched"]) == (0, [])
    assert seen["images"] == 1 + 1 + 1 + 12 + 1  # curve, classes, calibration, gallery, times
    assert seen["wide"] <= seen["window"] == width
    assert seen["sections"] == [
        "What was evaluated", "Scores", "Outcomes", "Beside the paper", "By class or kind", "The gate", "Calibration",
        "Failures", "Samples", "How to read this", "Times", "The paper's other tables",
    ]  # fmt: skip


def test_the_page_needs_nothing_but_itself(report):
    page = (report / "report.html").read_text()
    links = re.findall(r'(?:src|href)="([^"]{0,40})', page)
    assert links
    assert all(link.startswith(("data:", "#")) for link in links)
    assert "<script" not in page
    assert len(page) < 2_000_000
