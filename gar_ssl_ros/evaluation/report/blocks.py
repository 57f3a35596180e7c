"""What a report is made of, before it is a page or Markdown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeAlias

from gar_ssl_ros.evaluation.report.paper import NO_VALUE


@dataclass(frozen=True)
class Grid:
    """A table. words: how many of its first columns are text. groups: a header above the others, title and columns
    each. ours: the rows that stand out.
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1
    groups: tuple[tuple[str, int], ...] = ()
    ours: tuple[int, ...] = ()


@dataclass(frozen=True)
class Picture:
    """A drawn figure. uri: its data. alt: what it shows, in words."""

    caption: str
    uri: str
    alt: str


@dataclass(frozen=True)
class Tile:
    """A sample in a gallery; no uri where its media could not be read."""

    title: str
    lines: tuple[str, ...]
    uri: str | None


@dataclass(frozen=True)
class Gallery:
    """Samples side by side."""

    caption: str
    tiles: tuple[Tile, ...]


@dataclass(frozen=True)
class Text:
    """A paragraph."""

    text: str


@dataclass(frozen=True)
class Folded:
    """Tables that are there for whoever unfolds them."""

    title: str
    grids: tuple[Grid, ...]


Block: TypeAlias = "Grid | Picture | Gallery | Text | Folded"


@dataclass(frozen=True)
class Section:
    """id: of its place in the page. link: in the page's navigation; its title where None, and none where empty."""

    id: str
    title: str
    blocks: tuple[Block, ...]
    link: str | None = None


def percent(value: float | None) -> str:
    """A share, or a dash where there is none."""
    return NO_VALUE if value is None or math.isnan(value) else f"{100 * value:.1f}"


def overlap(value: float | None) -> str:
    """An IoU, of boxes or of masks: a fraction, never in %, so that it is not taken for a share of samples."""
    return number(value, 3)


def number(value: float | None, digits: int = 2) -> str:
    """A number, or a dash where there is none."""
    return NO_VALUE if value is None or math.isnan(value) else f"{value:.{digits}f}"


def markdown(title: str, sections: tuple[Section, ...]) -> str:
    """Text and tables; figures and galleries are on the page only."""
    lines = [f"# {title}"]
    for section in sections:
        blocks = [_told(block) for block in section.blocks if isinstance(block, (Grid, Text, Folded))]
        if blocks:
            lines += [f"## {section.title}", *blocks]
    return "\n\n".join(lines) + "\n"


def _told(block: Grid | Text | Folded) -> str:
    if isinstance(block, Text):
        return block.text
    if isinstance(block, Folded):
        return "\n\n".join([f"### {block.title}", *map(_told, block.grids)])
    above = [title for title, span in block.groups for _ in range(span)]
    columns = (
        [f"{group} {name}".strip() for group, name in zip(above, block.columns, strict=True)]
        if above
        else block.columns
    )
    rows = [columns, ["---" if i < block.words else "---:" for i in range(len(columns))]]
    rows += [[f"**{cell}**" if i in block.ours else cell for cell in row] for i, row in enumerate(block.rows)]
    table = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows)
    return f"{block.caption}\n\n{table}" if block.caption else table
