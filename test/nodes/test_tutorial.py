"""docs/tutorial.md, typed as it stands, shows what it says."""

from __future__ import annotations

import json
import math
import os
import re
import shlex
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from domains import own_domain

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text()


def command(begins: str) -> list[str]:
    """The page's line that begins so, run by this Python."""
    line = next(line for line in PAGE.splitlines() if line.startswith(begins))
    _, *arguments = shlex.split(line.partition("  #")[0])
    return [sys.executable, "-m", "gar_ssl_ros.cli", *arguments]


def test_a_scene_is_heard_and_its_bearing_is_that_of_the_thing_that_sounds(tmp_path):
    (tmp_path / "config").symlink_to(ROOT / "config")
    (program,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    environment = os.environ | {"ROS_DOMAIN_ID": str(own_domain("nodes")), "PYTHONUNBUFFERED": "1"}
    subprocess.run(command("gar-ssl scenes"), cwd=tmp_path, env=environment, check=True)
    with ExitStack() as running:

        def start(arguments: list[str], **streams: int) -> subprocess.Popen[str]:
            begun = subprocess.Popen(arguments, cwd=tmp_path, env=environment, text=True, **streams)
            running.enter_context(begun)
            running.callback(begun.kill)
            return begun

        start(command("gar-ssl run player"))
        start(command("gar-ssl run localizer"))
        where = start([sys.executable, "-c", program], stdout=subprocess.PIPE)
        told = [where.stdout.readline() for _ in range(3)]
    (truth,) = json.loads((tmp_path / "scenes" / "one_medium_0000.truth.json").read_text())["sources"]
    middles = [(x1 + x2) / 2 for x1, _, x2, _ in truth["boxes"]]
    expected = math.degrees(math.atan2(320 - sum(middles) / len(middles), 554))
    for line in told:
        degrees = re.search(r"(-?\d+) degrees to the left", line)
        assert degrees is not None, line
        assert float(degrees[1]) == pytest.approx(expected, abs=3)
