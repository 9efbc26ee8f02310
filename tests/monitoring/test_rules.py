"""Each alert of deploy/monitoring, played through by Prometheus' own tool: when it fires, and when it does not."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.prometheus import groups, program

pytestmark = pytest.mark.monitoring

KIND = 'kind="SemanticRouter"'
LEADER = {"playbook_engine_leader": "1x60"}
WELL = {
    **LEADER,
    "playbook_engine_warm_executor": "1x60",
    'playbook_engine_api_requests_total{method="GET", code="200"}': "0+60x60",
    'playbook_engine_api_requests_total{method="PATCH", code="409"}': "0+60x60",
    f"playbook_engine_kind_heard_timestamp_seconds{{{KIND}}}": "0+60x60",
    f'playbook_engine_runs_total{{{KIND}, operation="reconcile", status="successful", mode="warm"}}': "0+5x60",
    f'playbook_engine_runs_total{{{KIND}, operation="reconcile", status="failed", mode="warm"}}': "0x20 1x40",
    'playbook_engine_queue_wait_seconds_bucket{le="1"}': "0+10x60",
    'playbook_engine_queue_wait_seconds_bucket{le="60"}': "0+10x60",
    'playbook_engine_queue_wait_seconds_bucket{le="+Inf"}': "0+10x60",
    f'playbook_engine_resources_by_condition{{{KIND}, condition="Available", status="True"}}': "3x60",
    f'playbook_engine_resources_by_condition{{{KIND}, condition="Degraded", status="False"}}': "3x60",
}
"""An operator that works, with a sample a minute for an hour: writes collide, and one run has failed."""

TROUBLE: dict[str, dict[str, str]] = {
    "HasNoLeader": {"playbook_engine_leader": "0x60"},
    "RunsFail": {
        f'playbook_engine_runs_total{{{KIND}, operation="reconcile", status="failed", mode="warm"}}': "0+1x60"
    },
    "RunsAreCold": {"playbook_engine_warm_executor": "0x60"},
    "IsRefused": {'playbook_engine_api_requests_total{method="PATCH", code="503"}': "0+30x60"},
    "Waits": {'playbook_engine_queue_wait_seconds_bucket{le="1"}': "0x60"},
    "IsDeaf": {f"playbook_engine_kind_heard_timestamp_seconds{{{KIND}}}": "0x60"},
}
ROUTERS: dict[str, dict[str, str]] = {
    "Unavailable": {
        f'playbook_engine_resources_by_condition{{{KIND}, condition="Available", status="False"}}': "1x60"
    },
    "Degraded": {
        f'playbook_engine_resources_by_condition{{{KIND}, condition="Degraded", status="True"}}': "1x60"
    },
}
CASES = {
    **{f"SemanticRouterOperator{name}": change for name, change in TROUBLE.items()},
    **{f"SemanticRouter{name}": change for name, change in ROUTERS.items()},
}


def firing(directory: Path, series: dict[str, str], expected: list[str]) -> subprocess.CompletedProcess[str]:
    """Have promtool say whether exactly these alerts fire at the end of the hour."""
    (directory / "rules.yaml").write_text(yaml.safe_dump(groups()), encoding="utf-8")
    named: dict[str, Any] = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": "60m",
        "exp_samples": [{"labels": f'{{alertname="{name}"}}', "value": 1} for name in expected],
    }
    test = {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [named],
    }
    path = directory / "test.yaml"
    path.write_text(
        yaml.safe_dump({"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": [test]}),
        encoding="utf-8",
    )
    command = [str(program("promtool")), "test", "rules", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_rules_are_what_prometheus_understands(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(yaml.safe_dump(groups()), encoding="utf-8")
    done = subprocess.run(
        [program("promtool"), "check", "rules", path], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_is_played() -> None:
    assert {rule["alert"] for rule in groups()["groups"][0]["rules"]} == set(CASES)


def test_nothing_fires_while_all_is_well(tmp_path: Path) -> None:
    done = firing(tmp_path, WELL, [])
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("alert", CASES)
def test_an_alert_fires_in_its_trouble_and_no_other_does(tmp_path: Path, alert: str) -> None:
    done = firing(tmp_path, {**WELL, **CASES[alert]}, [alert])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_router_of_which_nobody_can_tell_whether_anything_is_wrong_is_told_too(tmp_path: Path) -> None:
    unknown = f'playbook_engine_resources_by_condition{{{KIND}, condition="Degraded", status="Unknown"}}'
    done = firing(tmp_path, {**WELL, unknown: "1x60"}, ["SemanticRouterDegraded"])
    assert done.returncode == 0, done.stdout + done.stderr
