"""That real models, tiny ones, decode each set of prompts in its order, and that the studies of prompts run on them."""

from __future__ import annotations

import json
from collections.abc import Sequence

import numpy as np
import pytest
from clips import write_clip

torch = pytest.importorskip("torch", reason="needs torch, which is not installed")

from gar_ssl_ros.cli import main  # noqa: E402
from gar_ssl_ros.gar.boxes import Box  # noqa: E402
from gar_ssl_ros.gar.consensus import consensus  # noqa: E402
from gar_ssl_ros.gar.deadline import Deadline  # noqa: E402
from gar_ssl_ros.gar.stages import AudioLabel, Hypothesis, Location, Refinement, Trial  # noqa: E402
from gar_ssl_ros.media.window import SECOND, Audio, Frame, Window  # noqa: E402
from gar_ssl_ros.reasoners.omni.runtime import OmniWindow  # noqa: E402
from gar_ssl_ros.reasoners.options import PromptOptions  # noqa: E402
from gar_ssl_ros.reasoners.prompted.reasoner import PromptedReasoner  # noqa: E402
from gar_ssl_ros.reasoners.prompted.runtime import Question, Reply  # noqa: E402

WINDOW = Window(
    0,
    SECOND // 2,
    (Frame(0, np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8)),),
    Audio(0, np.random.default_rng(1).normal(0, 0.1, (1, 8000)).astype(np.float32), 16_000),
)
HYPOTHESIS = Hypothesis(Box(10, 10, 50, 50), "a dog", AudioLabel("dog barking", 0.9))
ORDERS = {  # of the stages that a set of prompts asks in another way than the paper
    "evidence_first": {
        "locate": "description bbox_2d",
        "analyze": "anchor_votes role_tags av_consistency keep",
        "refine": "refined_description bbox_2d changed ops",
    },
    "candidates": {"locate": "candidates bbox_2d description"},
    "anchors": {"refine": "anchors bbox_2d changed ops refined_description"},
}


@pytest.mark.parametrize("omni_folder", ["qwen25"], indirect=True)
@pytest.mark.parametrize("prompts", ORDERS)
def test_a_model_decodes_a_set_of_prompts_in_its_order(omni, monkeypatch, prompts):
    said: list[str] = []
    ask = OmniWindow.ask

    def kept(self: OmniWindow, questions: Sequence[Question], seen: bool) -> Sequence[Sequence[Reply]]:
        replies = ask(self, questions, seen)
        said.append(" ".join(np.ravel(json.loads(str(replies[0][0])))[0]))
        return replies

    monkeypatch.setattr(OmniWindow, "ask", kept)
    reasoner = PromptedReasoner(omni, "pixels", PromptOptions(prompts=prompts, persona=True))
    with reasoner.read(WINDOW, Deadline()) as reading:
        ask_for = {
            "locate": lambda: reading.locate(1)[0],
            "analyze": lambda: reading.analyze([HYPOTHESIS], 1)[0][0],
            "refine": lambda: reading.refine([(HYPOTHESIS, consensus(()))])[0],
        }
        for stage, order in ORDERS[prompts].items():
            assert isinstance(ask_for[stage](), (Location, Trial, Refinement))
            assert said[-1] == order


def test_the_paper_s_methods_run_on_a_model_and_stand_beside_the_paper(tiny_omni, tmp_path, capsys):
    name = "aaaaaaaaaaa_000030"
    (tmp_path / "media").mkdir()
    write_clip(tmp_path / "media" / f"{name}.mkv", size=(96, 64), seconds=3.0)
    annotations = tmp_path / "vggss.json"
    annotations.write_text(json.dumps([{"file": name, "class": "dog barking", "bbox": [[0.1, 0.1, 0.5, 0.5]]}]))
    asked = ("--dataset", "vggss", "--root", tmp_path / "media", "--annotations", annotations, "--out", tmp_path / "o")
    model = ("--reasoner", "omni", "--model", tiny_omni, "--coordinates", "pixels", "--least-pixels", 3136)
    assert main([str(argument) for argument in ("ablate", "prompts", *asked, *model)]) == 0, capsys.readouterr().err
    table = (tmp_path / "o" / "report.md").read_text().split("Table S.8")[1].split("\n#")[0]
    ours = [line.split("|")[1].strip(" *") for line in table.splitlines() if "this run" in line]
    assert ours == ["Method 1", "Method 2", "Method 3", "GAR, N = 1", "GAR, N = 3", "GAR, N = 5"]
