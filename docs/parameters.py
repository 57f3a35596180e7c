"""Writes config/localize.yaml, and the tables of parameters in docs/ros.md: `make schema` runs it."""

import re
from pathlib import Path

from gar_ssl_ros.nodes.parameters import LOCALIZER, NODES, table, yaml

ROOT = Path(__file__).parents[1]


def main() -> None:
    """Write both."""
    (ROOT / "config" / "localize.yaml").write_text(yaml(LOCALIZER))
    page = ROOT / "docs" / "ros.md"
    text = page.read_text()
    for name, declared in NODES.items():
        between = re.compile(f"(<!-- parameters of {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        rows = table(declared)
        text = between.sub(lambda found, rows=rows: found[1] + rows + found[2], text)
    page.write_text(text)


if __name__ == "__main__":
    main()
