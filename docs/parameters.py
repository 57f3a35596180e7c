"""Writes config/localize.yaml, and the tables in docs/ros.md and docs/models.md: `make schema` runs it."""

import re
from pathlib import Path

from gar_ssl_ros.nodes.parameters import LOCALIZER, NODES, table, yaml
from gar_ssl_ros.perception import catalog

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write all."""
    (ROOT / "config" / "localize.yaml").write_text(yaml(LOCALIZER))
    for name, declared in NODES.items():
        fill("ros.md", f"parameters of {name}", table(declared))
    fill("models.md", "small models", catalog.table())


def fill(page: str, name: str, rows: str) -> None:
    """Put a table in its place on a page: between a comment with its name and the next that says end."""
    path = ROOT / "docs" / page
    between = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
    path.write_text(between.sub(lambda found: found[1] + rows + found[2], path.read_text()))


if __name__ == "__main__":
    main()
