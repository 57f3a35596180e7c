"""A report on disk: `report.html`, one page with all that it needs inside, and its tables as `report.md`."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from gar_ssl_ros.evaluation.report.blocks import Section, Text, markdown
from gar_ssl_ros.evaluation.report.sections import sections
from gar_ssl_ros.evaluation.report.subject import Subject
from gar_ssl_ros.files import write_whole


def write_report(
    out: Path,
    title: str,
    subjects: Sequence[Subject],
    published: bool,
    about: str = "",
    tables: Collection[str] = (),
    times: bool = True,
) -> None:
    """Into the folder `out`, in place of an earlier one. Raises OSError where it cannot be written.

    published: True if failures leave the denominators. about: a paragraph to begin with. tables: the paper's to show,
    by id; all that fit where none is named. times: True if they are the variants' own, and are told.
    """
    told = sections(subjects, published, tables, times)
    if about:
        told = (Section("about", "About", (Text(about),)), *told)
    write_page(out, title, told)


def write_page(out: Path, title: str, told: Sequence[Section], name: str = "report") -> None:
    """The same of any sections. name: of the two files. Raises OSError."""
    out.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    page = environment.get_template("page.html.j2")
    html = page.render(title=title, sections=told, kind_of=lambda block: type(block).__name__)
    write_whole(out / f"{name}.html", html + "\n")
    write_whole(out / f"{name}.md", markdown(title, tuple(told)))
