"""Lives in which something goes wrong in some of the steps: how they are played, and what was seen."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, Self

from tests.campaigns.stage import LIFE, Stage, Step
from tests.support.faults.scripts import Script

MINUTE = 60.0


class InStep(Protocol):
    """What is tried in one step of a life; its text is what ``--campaign-point`` takes."""

    @property
    def step(self) -> str:
        """The name of the step."""
        ...

    def may_join(self, others: Sequence[Self]) -> bool:
        """Tell whether it can be tried together with others in the same step."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of a point: whether it was reached, at which calls, and what was wrong afterwards."""

    reached: bool
    call: str = ""
    said: Sequence[str] = ()

    @property
    def outcome(self) -> str:
        """One word."""
        if self.said:
            return "failed"
        return "passed" if self.reached else "missed"


class Campaign[T: InStep](Protocol):
    """What a campaign does in a step."""

    def script(self) -> Script:
        """Give what the proxy plays where nothing is to go wrong."""
        ...

    def attempt(self, step: Step, points: Sequence[T]) -> Sequence[Seen]:
        """Do the step, with the points in it; give what came of each."""
        ...


@dataclass(frozen=True, slots=True)
class Table:
    """A file with a row for each point that was tried, by any session; without a path it is empty and stays so."""

    path: Path | None = None

    def known(self, campaign: str) -> set[str]:
        """Return the points of a campaign that have a row."""
        if self.path is None or not self.path.exists():
            return set()
        rows = [line.split("\t") for line in self.path.read_text(encoding="utf-8").splitlines()]
        return {row[1] for row in rows if row[0] == campaign}

    def add(self, campaign: str, point: object, seen: Seen) -> None:
        """Append a row: campaign, point, outcome, call, what was wrong."""
        if self.path is not None:
            row = (campaign, str(point), seen.outcome, seen.call, "; ".join(seen.said))
            with self.path.open("a", encoding="utf-8") as file:
                file.write("\t".join(" ".join(cell.split()) for cell in row) + "\n")


@dataclass(frozen=True, slots=True)
class Budget:
    """The moment, by ``time.monotonic``, after which nothing new is begun; without one there is no end."""

    until: float | None = None

    @classmethod
    def of_minutes(cls, minutes: str | None) -> "Budget":
        """Begin now."""
        return cls(time.monotonic() + float(minutes) * MINUTE if minutes else None)

    @property
    def is_spent(self) -> bool:
        """Whether it is over."""
        return self.until is not None and time.monotonic() > self.until


@dataclass(slots=True)
class Report:
    """What a campaign has seen, point by point."""

    campaign: str
    table: Table = field(default_factory=Table)
    seen: dict[str, Seen] = field(default_factory=dict)
    left: int = 0
    """Points for which there was no time."""

    def add(self, point: object, seen: Seen) -> None:
        """Keep what came of a point."""
        self.seen[str(point)] = seen
        self.table.add(self.campaign, point, seen)

    @property
    def failed(self) -> dict[str, Seen]:
        """The points after which something was wrong."""
        return {point: seen for point, seen in self.seen.items() if seen.said}

    def __str__(self) -> str:
        tried = sum(seen.reached for seen in self.seen.values())
        missed = len(self.seen) - tried
        head = f"{self.campaign}: {tried} tried, {missed} not reached, {len(self.failed)} failed"
        rest = f", {self.left} left for want of time" if self.left else ""
        return "\n".join(
            [head + rest, *(f"  {point}: {'; '.join(s.said)}" for point, s in self.failed.items())]
        )

    def judge(self) -> None:
        """Print it; raises AssertionError with the command that repeats what failed."""
        print(f"\n{self}")  # noqa: T201 - how much was tried
        replay = f"replay with: make campaign POINT={','.join(self.failed)}"
        assert not self.failed, f"{self}\n{replay}"


def lives_of[T: InStep](points: Iterable[T]) -> list[dict[str, list[T]]]:
    """Put points into lives, so that each life tries several."""
    lives: list[dict[str, list[T]]] = []
    for point in points:
        free = next((life for life in lives if point.may_join(life.get(point.step, ()))), None)
        if free is None:
            lives.append({point.step: [point]})
        else:
            free.setdefault(point.step, []).append(point)
    return lives


def play[T: InStep](
    stage: Stage, campaign: Campaign[T], points: Iterable[T], report: Report, budget: Budget
) -> None:
    """Go through as many lives as the points need and the budget allows."""
    known = report.table.known(report.campaign)
    for life in lives_of(point for point in points if str(point) not in known):
        if budget.is_spent:
            report.left += sum(map(len, life.values()))
            continue
        for step in LIFE:
            _play_step(stage, campaign, step, life.get(step.name, ()), report)


def _play_step[T: InStep](
    stage: Stage, campaign: Campaign[T], step: Step, points: Sequence[T], report: Report
) -> None:
    if not points:
        stage.proxy.play(campaign.script())
        stage.perform(step)
        return
    for point, seen in zip(points, campaign.attempt(step, points), strict=True):
        report.add(point, seen)
    stage.proxy.play(campaign.script())
    stage.rest()
