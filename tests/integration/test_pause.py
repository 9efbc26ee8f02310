"""A router that is left alone while somebody works on it, and one that is looked at when somebody says so."""

import pytest

from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.operators import USER, OperatorUnderTest, conditions
from tests.support.routers import Router
from tests.support.waiting import stays, wait_for


def annotate(router: Router, name: str, value: str | None) -> None:
    router.space.patch(
        "SemanticRouter", router.name, {"metadata": {"annotations": {f"vllm.ai/{name}": value}}}
    )


@pytest.fixture
def paused(space: Space, operator: OperatorUnderTest) -> Router:
    """A router that is available and paused."""
    del operator
    router = Router.create(space, {"persistence": {"enabled": False}})
    router.wait_available()
    annotate(router, "paused", "true")
    router.wait_condition("Paused", "True", says="vllm.ai/paused")
    return router


def test_a_paused_router_is_left_alone_and_its_status_follows(
    paused: Router, operator: OperatorUnderTest, audit: AuditLog
) -> None:
    space, mark = paused.space, audit.now()
    runs = operator.metric("playbook_engine_runs_total")
    generation = paused.read()["status"]["observedGeneration"]
    paused.edit({"replicas": 2})
    space.delete("Service", "router")
    space.patch("Deployment", "router", {"spec": {"replicas": 3}})

    def follows() -> bool:
        assert paused.read()["status"]["readyReplicas"] == 3
        return True

    wait_for(follows, timeout=60, what="the status follows the Deployment")

    def untouched() -> None:
        assert space.get("Service", "router") is None
        assert paused.deployment()["spec"]["replicas"] == 3
        assert operator.metric("playbook_engine_runs_total") == runs
        written = {write.resource for write in audit.writes(USER, mark) if write.namespace == space.name}
        assert written <= {"semanticrouters/status", "events"}

    stays(untouched, seconds=2)
    assert paused.read()["status"]["observedGeneration"] == generation
    annotate(paused, "paused", None)
    resource = paused.wait_available()
    wait_for(lambda: space.get("Service", "router"), timeout=60, what="the Service is back")
    assert paused.wait_rolled()["spec"]["replicas"] == 2
    assert "Paused" not in conditions(resource)


def test_a_paused_router_can_be_deleted(paused: Router) -> None:
    paused.delete()
    wait_for(
        lambda: paused.space.get("SemanticRouter", "router") is None, timeout=60, what="the resource goes"
    )
    wait_for(lambda: paused.space.get("Deployment", "router") is None, timeout=60, what="the Deployment goes")


def test_an_annotation_asks_for_a_look_and_the_status_says_when_it_was(
    space: Space, operator: OperatorUnderTest
) -> None:
    router = Router.create(space, {"persistence": {"enabled": False}})
    router.wait_available()
    runs = operator.metric("playbook_engine_runs_total")
    annotate(router, "reconcile-at", "2026-01-01")

    def told() -> bool:
        assert router.read()["status"].get("reconcileAt") == "2026-01-01"
        return True

    wait_for(told, timeout=60, what="the status tells the request")
    assert operator.metric("playbook_engine_runs_total") > runs
