"""A small dataset with everything in it: real clips of every kind, many moments of each, one broken file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gar_ssl_ros.evaluation.scenes.files import read_truth, truth_of, write_scene
from gar_ssl_ros.evaluation.scenes.scene import Kind, Scene, SceneOptions

KINDS = (Kind.ONE, Kind.TWO, Kind.ONE, Kind.FACE, Kind.OFFSCREEN, Kind.SILENT)


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six clips and a file that is none, with a truth.json that names 50 moments of each clip."""
    root = tmp_path_factory.mktemp("recordings")
    samples = []
    for seed, kind in enumerate(KINDS):
        options = SceneOptions(kind=kind, seed=seed, width=64, height=64, fps=8, seconds=1.0)
        clip = write_scene(Scene(options), root, f"{kind.value}_{seed}")
        truth = read_truth(truth_of(clip))
        sources = [{"box": source.boxes[3].sides, "label": source.label} for source in truth.sources if source.boxes[3]]
        samples += [
            {"file": clip.name, "at": round(0.4 + 0.004 * moment, 3), "outcome": truth.outcome, "sources": sources}
            for moment in range(50)
        ]
    samples = [samples[i] for i in sorted(range(300), key=lambda i: (i % 50, i))]  # so that the first few hold all
    (root / "broken.mp4").write_text("no recording\n")
    samples[5] = {"file": "broken.mp4", "sources": [{"box": [1, 1, 9, 9], "label": "music"}]}
    (root / "truth.json").write_text(json.dumps({"samples": samples}))
    return root
