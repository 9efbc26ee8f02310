"""A real Prometheus reads the operator, answers the dashboard, and an alert fires and clears."""

import json
from collections.abc import Iterator

import pytest

from tests.support import prometheus
from tests.support.api import Space
from tests.support.cluster import CHECKOUT
from tests.support.operators import OperatorUnderTest
from tests.support.prometheus import Prometheus, groups
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import wait_for

pytestmark = [pytest.mark.cluster, pytest.mark.monitoring]

BOARD = CHECKOUT / "deploy" / "monitoring" / "dashboard.json"
VARIABLES = {"$kind": "SemanticRouter", "$job": "operator", "$__rate_interval": "1m"}


@pytest.fixture(scope="module")
def scraper(operator: OperatorUnderTest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    target = operator.running.probes.removeprefix("http://")
    with prometheus.running(tmp_path_factory.mktemp("prometheus"), [target], groups(at_once=True)) as running:
        yield running


def test_an_alert_fires_when_a_backend_is_missing_and_clears_when_it_comes(
    space: Space, scraper: Prometheus
) -> None:
    router = Router.create(space, {"vllmEndpoints": [endpoint()], "persistence": {"enabled": False}})
    router.wait_condition("Degraded", "True")

    def fires() -> bool:
        assert "SemanticRouterDegraded" in scraper.firing()
        return True

    def clears() -> bool:
        assert "SemanticRouterDegraded" not in scraper.firing()
        return True

    wait_for(fires, timeout=30, what="the alert fires")
    space.create(service())
    router.wait_condition("Degraded", "False")
    wait_for(clears, timeout=30, what="the alert clears")


def test_every_panel_of_the_dashboard_shows_something(space: Space, scraper: Prometheus) -> None:
    Router.create(space, {"persistence": {"enabled": False}}).wait_available()
    panels = json.loads(BOARD.read_text("utf-8"))["panels"]

    def all_show() -> bool:
        for panel in panels:
            for target in panel["targets"]:
                expression = target["expr"]
                for name, value in VARIABLES.items():
                    expression = expression.replace(name, value)
                assert scraper.query(expression), (panel["title"], expression)
        return True

    wait_for(all_show, timeout=60, what="every panel has data")


def test_what_is_exposed_follows_the_conventions_of_prometheus(operator: OperatorUnderTest) -> None:
    assert prometheus.lint(operator.exposition()) == ""
