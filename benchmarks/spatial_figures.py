"""What benchmarks/spatial.py measured, drawn: error by azimuth, and by RT60 and SNR, as SVG files."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure

from gar_ssl_ros.evaluation.report.plots import DASHES, GREY, INK, PALETTE, STYLE, by_azimuth, mpl

if TYPE_CHECKING:
    from spatial import Row


def draw_figures(rows: Sequence[Row], folder: Path) -> list[Path]:
    """Of what was heard of one source. Returns the files."""
    folder.mkdir(parents=True, exist_ok=True)
    single = [row for row in rows if row.cell == "one"]
    names = list(dict.fromkeys(row.array for row in single))
    ours = [
        (name, [(row.azimuth, row.error) for row in single if (row.array, row.method) == (name, "ours")])
        for name in names
    ]
    around = folder / "error_by_azimuth.svg"
    around.write_bytes(base64.b64decode(by_azimuth(ours).partition(",")[2]))
    conditions = folder / "error_by_room.svg"
    with mpl.rc_context(STYLE):
        figure: Any = Figure(figsize=(2.1 * len(names) + 0.6, 2.9), layout="constrained")
        by_room(figure, single, names)
        figure.savefig(conditions, metadata={"Date": None})
    return [around, conditions]


def by_room(figure: Any, rows: Sequence[Row], names: Sequence[str]) -> None:
    """Median error over SNR: a colour for each method, a dash for each RT60."""
    rt60s = sorted({row.rt60 for row in rows})
    methods = list(dict.fromkeys(row.method for row in rows))
    first = None
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(1, len(names), place, sharey=first)
        first = first or axes
        for colour, method in zip(PALETTE, methods, strict=False):
            for dashes, rt60 in zip(DASHES, rt60s, strict=False):
                some = [row for row in rows if (row.array, row.method, row.rt60) == (name, method, rt60)]
                snrs = sorted({row.snr for row in some})
                medians = [np.median([row.error for row in some if row.snr == snr]) for snr in snrs]
                axes.plot(snrs, medians, color=colour, linestyle=dashes, linewidth=1.8 if method == "ours" else 1.0)
        axes.set_yscale("log")
        axes.set_yticks([0.5, 1, 2, 5, 10, 20, 50, 100], ["0.5°", "1°", "2°", "5°", "10°", "20°", "50°", "100°"])
        axes.minorticks_off()
        axes.set(xlabel="SNR, dB", ylim=(0.3, 180), xticks=sorted({row.snr for row in rows}))
        axes.set_title(name, color=GREY)
        axes.grid(visible=True)
        axes.label_outer()
    figure.axes[0].set_ylabel("median error")
    lines = [figure.axes[0].plot([], [], color=c, label=m)[0] for c, m in zip(PALETTE, methods, strict=False)]
    lines += [
        figure.axes[0].plot([], [], color=INK, linestyle=d, label=f"RT60 {r:g} s")[0]
        for d, r in zip(DASHES, rt60s, strict=False)
    ]
    figure.legend(
        handles=lines, loc="outside lower center", ncols=min(len(lines), 2 + len(names)), fontsize=8, handlelength=3
    )
