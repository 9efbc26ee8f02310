"""What deploy/monitoring asks Prometheus for is what the engine exposes, and each alert has its page."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from playbook_engine.observability.metrics import Metrics, State

CHECKOUT = Path(__file__).parents[3]
MONITORING = CHECKOUT / "deploy" / "monitoring"
PAGE = CHECKOUT / "docs" / "operations" / "alerts.md"
NAMES = re.compile(r"\b(?:playbook_engine|process)_[a-z_]+")
EXPOSED = re.compile(r"^([a-z_]+)(?:\{| )", re.MULTILINE)


def alerts() -> list[dict[str, Any]]:
    rule = yaml.safe_load((MONITORING / "prometheus_rule.yaml").read_text("utf-8"))
    return [alert for group in rule["spec"]["groups"] for alert in group["rules"]]


def queries() -> list[str]:
    """Return every query of the dashboard, of its variables too."""
    board = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel["targets"]]
    return asked + [one["query"] for one in board["templating"]["list"] if one["type"] == "query"]


def exposed() -> set[str]:
    """Return the names of all samples that an engine has once everything has happened."""
    metrics = Metrics()
    metrics.run_ended("Pot", "reconcile", status="failed", mode="cold", seconds=1.0, processor_seconds=1.0)
    metrics.pass_ended("Pot", "run")
    metrics.status_written("Pot")
    metrics.answered("GET", 200)
    metrics.heard_of("Pot")
    metrics.show_states(lambda: [State("Pot", "Available", "True")])
    with metrics.phase("Pot", "gather"):
        pass
    return set(EXPOSED.findall(metrics.exposition().decode()))


@pytest.mark.parametrize("expression", [*(alert["expr"] for alert in alerts()), *queries()])
def test_every_metric_that_is_asked_for_is_exposed(expression: str) -> None:
    asked = set(NAMES.findall(expression))
    assert asked
    assert asked <= exposed()


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert["alert"])
def test_every_alert_says_what_to_do(alert: dict[str, Any]) -> None:
    page, _, anchor = alert["annotations"]["runbook"].partition("#")
    assert CHECKOUT / page == PAGE
    assert anchor == alert["alert"].lower()
    assert f"\n## {alert['alert']}\n" in PAGE.read_text("utf-8")
    assert alert["labels"]["severity"] in {"critical", "warning"}
    assert {"summary", "description"} <= set(alert["annotations"])


def test_the_reference_has_every_metric_and_no_other() -> None:
    page = (CHECKOUT / "docs" / "reference" / "metrics.md").read_text("utf-8")
    told = set(re.findall(r"^\| `(playbook_engine_[a-z_]+)`", page, re.MULTILINE))
    samples = {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed()}
    assert told == {
        name for name in samples if name.startswith("playbook_engine_") and not name.endswith("_created")
    }


def test_panels_have_titles_descriptions_and_places_of_their_own() -> None:
    panels = json.loads((MONITORING / "dashboard.json").read_text("utf-8"))["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["title"]
        assert panel["description"].endswith(".")
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
