"""The Foxglove layout: every panel is placed, and shows a topic of a localizer that is started without arguments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LAYOUT = json.loads((ROOT / "foxglove" / "localize.json").read_text())


def placed(part: Any) -> Iterator[str]:
    if isinstance(part, str):
        yield part
    else:
        assert part["direction"] in ("row", "column")
        yield from placed(part["first"])
        yield from placed(part["second"])


def texts(part: Any) -> Iterator[str]:
    """All texts, those that name settings too."""
    if isinstance(part, str):
        yield part
    elif isinstance(part, dict):
        yield from (text for pair in part.items() for one in pair for text in texts(one))
    elif isinstance(part, list):
        yield from (text for one in part for text in texts(one))


def test_every_panel_is_placed_once():
    assert sorted(placed(LAYOUT["layout"])) == sorted(LAYOUT["configById"])


def test_what_is_shown_are_topics_and_fields_that_the_docs_and_messages_have():
    table = (ROOT / "docs" / "ros.md").read_text()
    documented = {name.replace("~", "/localizer") for name in re.findall(r"`(~?/[\w/]+)`", table)} | {"/image"}
    shown = {text for text in texts(LAYOUT["configById"]) if text.startswith("/")}
    assert {text.split(".")[0] for text in shown} <= documented
    fields = {
        name: (ROOT / "msg" / f"{name}.msg").read_text() for name in ("SoundLevel", "SoundSourceArray", "SoundSource")
    }
    for text in shown:
        topic, _, path = text.partition(".")
        kind = {"/localizer/level": "SoundLevel", "/localizer/sources": "SoundSourceArray"}.get(topic, "")
        for field in filter(None, path.split(".")):
            assert re.search(rf"^\S+ +{field.removesuffix('[0]')}\b", fields[kind], re.MULTILINE), text
            kind = "SoundSource"


def test_it_shows_overlay_annotations_places_health_sources_and_level():
    assert {text.split(".")[0] for text in texts(LAYOUT["configById"]) if text.startswith("/")} == {
        "/image", "/localizer/annotations", "/localizer/image_annotated/compressed", "/localizer/markers",
        "/diagnostics", "/localizer/sources", "/localizer/level",
    }  # fmt: skip
