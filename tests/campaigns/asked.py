"""What the command line asks of the campaigns."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.campaigns.reports import Budget, Report, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Options of the campaigns; ``points`` are single ones to be tried, and nothing else."""

    long: bool
    seed: int
    points: tuple[str, ...]
    table: Table
    budget: Budget

    @classmethod
    def of(cls, config: pytest.Config) -> "Asked":
        """Read them; the budget begins now."""
        given, table = config.getoption("--campaign-point"), config.getoption("--campaign-table")
        return cls(
            long=config.getoption("--campaign") == "long",
            seed=int(config.getoption("--campaign-seed")),
            points=tuple(given.split(",")) if given else (),
            table=Table(Path(table) if table else None),
            budget=Budget.of_minutes(config.getoption("--campaign-minutes")),
        )

    def report(self, campaign: str) -> Report:
        """Begin a report."""
        return Report(campaign, self.table)
