"""The panels of the dashboard, as Grafana reads them. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BOARD = Path(__file__).parents[2] / "deploy" / "monitoring" / "dashboard.json"
VARIABLES = {"$kind": "SemanticRouter", "$job": "operator", "$__rate_interval": "20s"}
"""What the dashboard's variables are here; Grafana takes them from its data source and from the scrape interval."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What a panel asks Prometheus for; ``legend`` names a series, with ``{{label}}`` for the value of a label."""

    expression: str
    legend: str

    def name(self, labels: Mapping[str, str]) -> str:
        """Return the name of a series with these labels."""
        name = self.legend
        for label, value in labels.items():
            name = name.replace(f"{{{{{label}}}}}", value)
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A panel: its place in a grid of 24 columns, and colours from a value on, as ``(value, colour)``."""

    title: str
    kind: str
    unit: str
    place: tuple[int, int, int, int]
    queries: tuple[Query, ...]
    colours: tuple[tuple[float, str], ...]


def panels() -> list[Panel]:
    """Read the dashboard."""
    return [_panel(one) for one in json.loads(BOARD.read_text(encoding="utf-8"))["panels"]]


def _panel(read: Mapping[str, Any]) -> Panel:
    defaults = read["fieldConfig"]["defaults"]
    steps = defaults.get("thresholds", {}).get("steps", [])
    return Panel(
        title=read["title"],
        kind=read["type"],
        unit=defaults["unit"],
        place=tuple(read["gridPos"][name] for name in ("x", "y", "w", "h")),
        queries=tuple(
            Query(expression=_filled(target["expr"]), legend=target.get("legendFormat", ""))
            for target in read["targets"]
        ),
        colours=tuple((float(step["value"] or 0), step["color"]) for step in steps),
    )


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression
