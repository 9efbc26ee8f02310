"""Draws the panels as Grafana would place them; the only user of matplotlib."""

import math
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import GridSpec
from matplotlib.ticker import MultipleLocator

from tools.dashboard.panels import Panel
from tools.dashboard.recording import Line, Recording

COLUMNS = 24
INCHES = (14.0, 0.36)
"""The width of the picture, and the height of a row of the grid."""

INK, PAPER, PALE = "#24292f", "#ffffff", "#d0d7de"
COLOURS = {"green": "#56a64b", "orange": "#ff9830", "red": "#e02f44", "": "#5794f2"}
MOST_NAMES = 8
"""Series that the legend of a panel names."""

LINES = (
    "#3274d9",
    "#e0752d",
    "#56a64b",
    "#a352cc",
    "#e02f44",
    "#8ab8ff",
    "#806eb7",
    "#37872d",
    "#ad0317",
    "#b877d9",
)
UNITS = {"ops": "/s", "reqps": "/s", "wps": "/s", "s": "s", "bytes": "MiB", "percentunit": "%"}
SCALES = {"bytes": 1 / 2**20, "percentunit": 100.0}


def draw(panels: list[Panel], recording: Recording, target: Path) -> None:
    """Write the picture as SVG; the same recording gives the same file."""
    mpl.rcParams.update(
        {"svg.fonttype": "none", "svg.hashsalt": "dashboard", "font.size": 8, "font.family": "sans-serif",
         "text.color": INK, "axes.edgecolor": PALE, "axes.labelcolor": INK, "xtick.color": INK, "ytick.color": INK}
    )  # fmt: skip
    rows = max(panel.place[1] + panel.place[3] for panel in panels)
    figure = Figure(figsize=(INCHES[0], INCHES[1] * rows), facecolor=PAPER)
    grid = GridSpec(
        rows * 4,
        COLUMNS * 4,
        figure=figure,
        left=0.035,
        right=0.995,
        top=0.985,
        bottom=0.025,
        wspace=0,
        hspace=0,
    )
    for panel in panels:
        x, y, width, height = (4 * one for one in panel.place)
        below = 1 if panel.kind == "stat" else 9
        axes = figure.add_subplot(
            grid[y + 3 : y + height - below, x + (1 if panel.kind == "stat" else 4) : x + width - 1]
        )
        axes.set_title(panel.title, loc="left", fontsize=9, fontweight="bold", pad=4)
        show = _stat if panel.kind == "stat" else _lines
        show(axes, panel, recording.lines[panel.title])
    figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    # matplotlib leaves blanks at the ends of lines, which no tool of a repository likes.
    lines = target.read_text(encoding="utf-8").splitlines()
    target.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")


def _stat(axes: Axes, panel: Panel, lines: Mapping[str, Line]) -> None:
    value = sum(line[-1][1] for line in lines.values())
    colour = ""
    for least, name in panel.colours:
        colour = name if value >= least else colour
    axes.set_facecolor(COLOURS[colour])
    axes.set_xticks([])
    axes.set_yticks([])
    axes.text(
        0.5, 0.5, f"{value:g}", transform=axes.transAxes, ha="center", va="center", fontsize=22, color=PAPER
    )


def _lines(axes: Axes, panel: Panel, lines: Mapping[str, Line]) -> None:
    scale = SCALES.get(panel.unit, 1.0)
    for colour, (name, line) in zip(LINES * 3, sorted(lines.items()), strict=False):
        shown = [(moment / 60, scale * value) for moment, value in line if not math.isnan(value)]
        axes.plot(*zip(*shown, strict=True) if shown else ((), ()), color=colour, linewidth=1.1, label=name)
    axes.grid(color=PALE, linewidth=0.4)
    axes.set_ylim(0, 1.05 * axes.get_ylim()[1])
    axes.set_ylabel(UNITS[panel.unit])
    axes.xaxis.set_major_locator(MultipleLocator(0.5))
    axes.xaxis.set_major_formatter(lambda minutes, _: f"{int(minutes)}:{60 * minutes % 60:02.0f}")
    handles, names = axes.get_legend_handles_labels()
    if len(names) > MOST_NAMES:
        handles, names = (
            handles[:MOST_NAMES],
            [*names[: MOST_NAMES - 1], f"{names[MOST_NAMES - 1]} and others"],
        )
    axes.legend(
        handles, names,
        loc="upper left", bbox_to_anchor=(-0.01, -0.13), ncols=4 if panel.place[2] > COLUMNS // 3 else 3,
        fontsize=7, frameon=False, borderaxespad=0, handlelength=1.2, columnspacing=1.0,
    )  # fmt: skip
