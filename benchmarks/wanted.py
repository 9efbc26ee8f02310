"""What is asked of the operator, beside what was measured: one row for each number that decides."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table

from benchmarks.results import Results

type Measure = Callable[[Results], float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """One number: how it is found, and what it must and should be; ``more`` is better, or less."""

    what: str
    unit: str
    must: float
    aim: float
    measure: Measure
    more: bool = False

    def is_met(self, value: float, limit: float) -> bool:
        """Whether a value is as good as that."""
        return value >= limit if self.more else value <= limit


def _median(case: str, what: str, subject: str = "warm") -> Measure:
    def measure(results: Results) -> float | None:
        found = results.find(case, subject, what)
        return found.median if found else None

    return measure


def _ratio(case: str, what: str, slow: str, fast: str) -> Measure:
    return lambda results: results.ratio(case, what, slow, fast)


def _among(one: Measure, other: Measure) -> Measure:
    def measure(results: Results) -> float | None:
        found, base = one(results), other(results)
        return found / base if found is not None and base else None

    return measure


def wanted(*, burst: int, many: int, crowd: int, runs: int) -> Sequence[Wanted]:
    """Give all, for cases of these sizes."""
    pairs, greatest, crowded = f"burst of {burst}", "burst of 200", f"restart with {crowd}"
    among = _median(f"edit among {many}", "latency", "crowded")
    few = _median(f"edit among 5, not {many}", "latency")
    new = _ratio("new", "latency", "busy, new", "warm, new")
    roles, twin = ("cold", "warm"), ("cold twin", "warm twin")
    idle, grown = _median(f"idle with {many}", "processor of 100", "crowded"), f"after {runs} runs"

    def row(  # noqa: PLR0913 - a row of a table
        what: str, unit: str, must: float, aim: float, measure: Measure, *, more: bool = False
    ) -> Wanted:
        return Wanted(what=what, unit=unit, must=must, aim=aim, measure=measure, more=more)

    return (
        row("processor per update, cold / warm", "times", 8, 15, _ratio("update", "processor", *roles), more=True),
        row("the same, conventional twin", "times", 16, 30, _ratio("update", "processor", *twin), more=True),
        row("update, from the edit to the status", "s", 0.5, 0.25, _median("update", "latency")),
        row(f"{pairs}, cold / warm", "times", 8, 15, _ratio(pairs, "time each", *roles), more=True),
        row("the same, conventional twin", "times", 15, 30, _ratio(pairs, "time each", *twin), more=True),
        row(greatest, "1/s", 4, 8, _median(greatest, "rate"), more=True),
        row(f"one edit among {many} / among 5", "times", 1.5, 1.1, _among(among, few)),
        row(f"new among {crowd} resyncs / quiet", "times", 2, 1.2, new),
        row(f"runs in resyncs of {crowd}", "", 0, 0, _median(f"resync of {crowd}", "runs", "busy")),
        row(f"writes in resyncs of {crowd}", "", 0, 0, _median(f"resync of {crowd}", "writes", "busy")),
        row(f"runs after a restart with {crowd}", "", 0, 0, _median(crowded, "runs", "busy")),
        row(f"writes after a restart with {crowd}", "", 0, 0, _median(crowded, "writes", "busy")),
        row("processor of 100 at rest", "% of a core", 1, 0.2, idle),
        row("memory with 50 at rest", "MiB", 200, 140, _median("idle with 50", "memory", "crowded")),
        row(f"growth of memory {grown}", "%", 5, 0, _median(grown, "memory grown")),
        row("disk for runs", "MiB", 64, 0, _median(greatest, "disk at most")),
        row("start to ready", "s", 5, 2, _median("start", "ready")),
    )  # fmt: skip


def show(console: Console, rows: Sequence[Wanted], results: Results) -> None:
    """Print what was asked for beside what was measured; rows that were not measured are left out."""
    table = Table("what", "unit", title="Against what was asked for")
    for name in ("must", "aim", "measured"):
        table.add_column(name, justify="right")
    table.add_column("")
    for row in rows:
        value = row.measure(results)
        if value is None:
            continue
        said = "aim" if row.is_met(value, row.aim) else "must" if row.is_met(value, row.must) else "short"
        table.add_row(row.what, row.unit, f"{row.must:g}", f"{row.aim:g}", f"{value:.3g}", said)
    console.print(table)
