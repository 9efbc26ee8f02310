"""Measurements as tables for people and JSON for programs, with the facts of the machine."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

PACKAGES = ("ansible-core", "ansible-runner", "kubernetes", "kopf")


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured thing: ``values`` in ``unit``; fewer is better unless ``more`` is."""

    case: str
    subject: str
    what: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The median."""
        return statistics.median(self.values)

    @property
    def high(self) -> float:
        """The 95th percentile; of few values the greatest."""
        return sorted(self.values)[min(len(self.values) - 1, int(0.95 * len(self.values)))]


@dataclass(slots=True)
class Results:
    """Everything that was measured."""

    figures: list[Figure] = field(default_factory=list)

    def add(self, case: str, subject: str, what: str, unit: str, *values: float) -> None:
        """Keep values, together with those that were kept of the same before."""
        known = self.find(case, subject, what)
        if known:
            self.figures.remove(known)
            values = (*known.values, *values)
        self.figures.append(Figure(case=case, subject=subject, what=what, unit=unit, values=values))

    def find(self, case: str, subject: str, what: str) -> Figure | None:
        """Return a figure."""
        wanted = (case, subject, what)
        return next((one for one in self.figures if (one.case, one.subject, one.what) == wanted), None)

    def ratio(self, case: str, what: str, slow: str, fast: str) -> float | None:
        """Return how many times the median of one subject is that of another, measured in turns with it."""
        one, other = self.find(case, slow, what), self.find(case, fast, what)
        return one.median / other.median if one and other and other.median else None

    def show(self, console: Console, pairs: Sequence[tuple[str, str]]) -> None:
        """Print the figures, then the ratios of paired subjects."""
        table = Table("case", "subject", "what", "unit", title="Measured")
        for name in ("n", "min", "median", "p95"):
            table.add_column(name, justify="right")
        for one in self.figures:
            numbers = (min(one.values), one.median, one.high)
            shown = [f"{number:.3g}" if number < 1000 else f"{number:.0f}" for number in numbers]  # noqa: PLR2004
            table.add_row(one.case, one.subject, one.what, one.unit, str(len(one.values)), *shown)
        console.print(table)
        ratios = Table("case", "what", "pair", "times", title="Ratios of medians, measured in turns")
        for case, what in dict.fromkeys((one.case, one.what) for one in self.figures):
            for slow, fast in pairs:
                ratio = self.ratio(case, what, slow, fast)
                if ratio is not None:
                    ratios.add_row(case, what, f"{slow} / {fast}", f"{ratio:.1f}")
        console.print(ratios)

    def write(self, path: Path) -> None:
        """Write everything as JSON."""
        figures = [
            {
                "case": one.case,
                "subject": one.subject,
                "what": one.what,
                "unit": one.unit,
                "values": one.values,
            }
            for one in self.figures
        ]
        path.write_text(
            json.dumps({"machine": machine(), "figures": figures}, indent=2) + "\n", encoding="utf-8"
        )


def machine() -> dict[str, object]:
    """Return what numbers depend on: processor, memory, load, versions."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return {
        "processor": models[0] if models else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "load": os.getloadavg(),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "packages": {name: version(name) for name in PACKAGES},
    }
