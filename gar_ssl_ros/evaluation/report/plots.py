"""The figures of a report, drawn by matplotlib and told as data URIs. The same numbers give the same bytes."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from io import BytesIO
from textwrap import fill
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from gar_ssl_ros.evaluation.figures import Calibration, Group, Latency
from gar_ssl_ros.evaluation.metrics.boxes import IOU_THRESHOLDS
from gar_ssl_ros.evaluation.record import SampleRecord
from gar_ssl_ros.gar.mask import Mask
from gar_ssl_ros.media.window import Frame

INK, GREY, RULE = "#1c1c1c", "#6f6f6f", "#d9d9d9"
DASHES: tuple[Any, ...] = ("solid", (0, (6, 2.5)), (0, (1.5, 1.5)), (0, (8, 2.5, 1.5, 2.5)), (0, (3, 5)))
PALETTE = ("#1f5a99", "#c8501e", "#3c8a4e", "#7a4fa3", "#a08214", "#2f8f8f", "#b03a66", "#555555")
TRUE_COLOUR, FOUND_COLOUR, INITIAL_COLOUR = "#ffffff", "#ff7f2a", "#ffd34d"
MAX_BARS = 60
RIM_DEGREES = 30  # of the error by azimuth: what is missed by more lies on it
STYLE: Any = {  # Any: its type differs between versions of matplotlib
    "font.family": "serif",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": GREY,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 9,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "legend.frameon": False,
    "svg.hashsalt": "gar-ssl",
}


def success(curves: Sequence[tuple[str, float, NDArray[Any]]]) -> str:
    """name, AUC and success curve of each run. Runs with the same curve are one line, which the legend says."""
    alike: dict[bytes, list[tuple[str, float, NDArray[Any]]]] = {}
    for one in curves:
        alike.setdefault(one[2].tobytes(), []).append(one)

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for place, same in enumerate(alike.values()):
            _, area, curve = same[0]
            told = f"AUC {100 * area:.1f}" if len(same) == 1 else f"one curve, AUC {100 * area:.1f}"
            label = "\n".join(fill(name, 48) for name, _, _ in same) + f" ({told})"
            colour = PALETTE[place % len(PALETTE)]
            dashes = DASHES[place % len(DASHES)]  # who lies below shows between them
            axes.plot(IOU_THRESHOLDS, 100 * curve, color=colour, linewidth=1.6, linestyle=dashes, label=label)
        axes.set(xlabel="cIoU threshold", ylabel="samples at or above it, %", xlim=(0, 1), ylim=(0, 101))
        axes.grid(visible=True)
        axes.legend(loc="lower left" if len(alike) < 6 else "best", fontsize=8, handlelength=3)

    return _svg(6.2, 3.3, draw)


def classes(groups: Sequence[Group]) -> tuple[str, str]:
    """A bar for each class, the best first, and a note where there are too many: then the ends are shown."""
    scored = [(group, group.scores) for group in groups if group.scores is not None]
    ranked = sorted(scored, key=lambda one: (-one[1].iou_05, -one[1].iou, one[0].name))
    note = ""
    if len(ranked) > MAX_BARS:
        half = MAX_BARS // 2
        note = f"The {half} best and the {half} worst of {len(ranked)} classes."
        ranked = ranked[:half] + ranked[-half:]

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        places = range(len(ranked))
        axes.barh(places, [100 * scores.iou_05 for _, scores in ranked], height=0.62, color=PALETTE[0])
        axes.plot([100 * scores.iou for _, scores in ranked], places, "o", color=PALETTE[1], markersize=3.5)
        axes.set_yticks(
            places, [f"{group.name}  ({scores.samples})" for group, scores in ranked], color=INK, fontsize=8
        )
        axes.set(xlim=(0, 100), ylim=(len(ranked) - 0.4, -0.6), xlabel="bar: IoU@0.5, %")
        above = axes.secondary_xaxis("top", functions=(lambda share: share / 100, lambda iou: 100 * iou))
        above.set_xlabel("dot: mean cIoU")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)

    return _svg(6.2, 0.85 + 0.19 * len(ranked), draw), note


def reliability(kinds: Sequence[tuple[str, str, Calibration]]) -> str:
    """title, what counts as right, and calibration of each confidence, side by side."""

    def draw(figure: Any) -> None:
        for place, (title, right, told) in enumerate(kinds, start=1):
            axes = figure.add_subplot(1, len(kinds), place)
            axes.plot([0, 1], [0, 1], color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
            most = max(b.count for b in told.bins)
            sizes = [12 + 90 * b.count / most for b in told.bins]
            axes.plot([b.confidence for b in told.bins], [b.right for b in told.bins], color=PALETTE[0], linewidth=1)
            axes.scatter([b.confidence for b in told.bins], [b.right for b in told.bins], s=sizes, color=PALETTE[0])
            axes.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03), xlabel=title, ylabel=right, aspect="equal")
            axes.set_title(f"n = {told.count}, mean error {told.error:.2f}", color=GREY)
            axes.grid(visible=True)
            axes.set_axisbelow(True)

    return _svg(3.1 * len(kinds), 3.1, draw)


def latency(stages: Sequence[Latency]) -> str:
    """Median and 90th percentile of each stage."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        places = range(len(stages))
        median = [1000 * stage.median for stage in stages]
        above = [1000 * (stage.p90 - stage.median) for stage in stages]
        whiskers = ([0] * len(stages), above)
        axes.barh(places, median, xerr=whiskers, height=0.6, color=PALETTE[0], ecolor=INK, error_kw={"linewidth": 0.8})
        axes.set_yticks(places, [stage.stage for stage in stages], color=INK)
        axes.set(ylim=(len(stages) - 0.4, -0.6), xlabel="ms: median, whisker to the 90th percentile")
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=True, axis="x")
        axes.set_axisbelow(True)

    return _svg(6.2, 0.6 + 0.24 * len(stages), draw)


def by_azimuth(kinds: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> str:
    """title, and azimuth and error of each true direction, degrees: each kind from above, ahead at the top."""

    def draw(figure: Any) -> None:
        for place, (title, errors) in enumerate(kinds, start=1):
            axes = figure.add_subplot(1, len(kinds), place, projection="polar")
            azimuth, error = np.array(errors).T
            out = np.sqrt(np.minimum(error, RIM_DEGREES))  # so that small errors are not all in the middle
            axes.scatter(np.radians(azimuth), out, s=5, color=PALETTE[0], alpha=0.35, linewidth=0)
            sector = np.round(azimuth / 30) % 12
            medians = [np.median(error[sector == at]) if (sector == at).any() else np.nan for at in range(12)]
            around = np.radians(np.arange(13) * 30.0)
            middle = np.sqrt(np.minimum([*medians, medians[0]], RIM_DEGREES))
            axes.plot(around, middle, color=PALETTE[1], linewidth=1.6)
            axes.set_theta_zero_location("N")  # azimuth is positive to the left: counter-clockwise as seen from above
            axes.set_thetagrids(range(0, 360, 45), ["0°", "45°", "90°", "135°", "180°", "-135°", "-90°", "-45°"])
            rings = (1, 5, 10, 20)
            axes.set(ylim=(0, np.sqrt(RIM_DEGREES)))
            axes.set_yticks(np.sqrt(rings), [f"{ring}°" for ring in rings], fontsize=7)
            axes.set_rlabel_position(22.5)
            axes.grid(visible=True)
            axes.set_title(title, color=GREY)

    return _svg(3.3 * len(kinds), 3.4, draw)


def by_separation(curve: Sequence[tuple[float, float, int]]) -> str:
    """degrees, share and count: with the standard error of each share."""

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        degrees, share, count = np.array(curve).T
        spread = np.sqrt(share * (1 - share) / count)
        axes.errorbar(degrees, 100 * share, yerr=100 * spread, color=PALETTE[0], marker="o", markersize=4, capsize=2)
        axes.axhline(50, color=GREY, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate("by chance", (degrees.max(), 50), ha="right", va="bottom", color=GREY, fontsize=8)
        axes.set(xlabel="between the two, degrees", ylabel="the right one, %", ylim=(0, 102), xlim=(0, None))
        axes.grid(visible=True)

    return _svg(4.6, 3.0, draw)


def losses(stages: Sequence[tuple[str, Sequence[tuple[int, float]]]]) -> str:
    """name, and step and loss of each stage, side by side: their losses are not of one kind."""
    across = min(3, len(stages))
    down = -(-len(stages) // across)

    def draw(figure: Any) -> None:
        for place, (name, curve) in enumerate(stages, start=1):
            axes = figure.add_subplot(down, across, place)
            steps, loss = zip(*curve, strict=True)
            axes.plot(steps, loss, color=PALETTE[0], linewidth=1.4, marker="o", markersize=2)
            axes.set(ylim=(0, 1.06 * max(loss)), xlim=(0, 1.03 * max(steps)))
            axes.set_title(name, color=GREY)
            axes.grid(visible=True)

    return _svg(2.3 * across, 1.9 * down, draw)


def picture(frame: Frame, record: SampleRecord) -> str:
    """The picture with true boxes (dashed white), found ones (orange) and those before refinement (dotted), and the
    outlines of their masks.
    """
    width = 3.2
    figure: Any = Figure(figsize=(width, width * frame.height / frame.width), dpi=120)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(frame.image, extent=(0, frame.width, frame.height, 0))
    for truth in record.truths:
        _box(axes, truth.sides, "black", 2.6, "solid")
        _box(axes, truth.sides, TRUE_COLOUR, 1.6, (0, (4, 2.5)))
        _outline(axes, truth.mask, TRUE_COLOUR)
    for source in () if record.found is None else record.found.sources:
        if source.refined:
            _box(axes, source.initial_box.sides, INITIAL_COLOUR, 1.2, (0, (1, 1.5)))
        _box(axes, source.box.sides, FOUND_COLOUR, 2.0, "solid")
        _outline(axes, source.mask, FOUND_COLOUR)
    axes.set_axis_off()
    axes.set(xlim=(0, frame.width), ylim=(frame.height, 0))
    buffer = BytesIO()
    figure.savefig(buffer, format="jpg", pil_kwargs={"quality": 82})
    return _uri("image/jpeg", buffer)


def _box(axes: Any, sides: Sequence[float], colour: str, line: float, style: Any) -> None:
    x1, y1, x2, y2 = sides
    shape = Rectangle((x1, y1), x2 - x1, y2 - y1, fill=False, edgecolor=colour, linewidth=line, linestyle=style)
    axes.add_patch(shape)


def _outline(axes: Any, mask: Mask | None, colour: str) -> None:
    if mask is not None and mask.width > 1 < mask.height:
        axes.contour(mask.pixels, levels=[0.5], colors=[colour], linewidths=1, extent=(0, mask.width, 0, mask.height))


def _svg(width: float, height: float, draw: Callable[[Any], None]) -> str:
    """What `draw` draws on a figure of that many inches, as a data URI."""
    buffer = BytesIO()
    with mpl.rc_context(STYLE):
        figure: Any = Figure(figsize=(width, height), layout="constrained")
        draw(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return _uri("image/svg+xml", buffer)


def _uri(kind: str, buffer: BytesIO) -> str:
    return f"data:{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
