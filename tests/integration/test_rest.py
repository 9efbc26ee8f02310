"""At rest nothing is written, and what happens to the operator itself loses nothing."""

from pathlib import Path

import pytest

from tests.conftest import Starter
from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.operators import USER, OperatorUnderTest, derived_watches
from tests.support.routers import CHILD_KINDS, Router, endpoint, redis_cache, service
from tests.support.waiting import stays, wait_for

PERIOD_SECONDS = 2.0


@pytest.fixture(scope="module")
def quick(start_operator: Starter, tmp_path_factory: pytest.TempPathFactory) -> OperatorUnderTest:
    """An operator that looks at every resource again each two seconds."""
    watches = derived_watches(tmp_path_factory.mktemp("quick"), reconcilePeriod="2s")
    return start_operator(watches=watches)


def passes(operator: OperatorUnderTest) -> float:
    return operator.metric("playbook_engine_reconciles_total")


def runs(operator: OperatorUnderTest) -> float:
    return operator.metric("playbook_engine_runs_total")


def settled(space: Space, operator: OperatorUnderTest) -> Router:
    """A router with a Secret, a backend and a volume that has come to rest."""
    space.create({"kind": "Secret", "metadata": {"name": "redis"}, "stringData": {"password": "top-secret"}})
    space.create(service())
    reference = {"name": "redis", "key": "password"}
    cache = redis_cache(host="redis", password_secret_ref=reference)
    router = Router.create(space, {"config": cache, "vllmEndpoints": [endpoint()]})
    router.wait_available()
    at_rest(operator)
    return router


def at_rest(operator: OperatorUnderTest) -> None:
    """Wait until passes go on and no run is among them."""
    seen: list[tuple[float, float]] = []

    def quiet() -> bool:
        seen.append((passes(operator), runs(operator)))
        older = [one for one in seen if one[0] <= seen[-1][0] - 3]
        assert older, "three passes have to go by"
        assert older[-1][1] == seen[-1][1], "runs go on"
        return True

    wait_for(quiet, timeout=60, what="the operator comes to rest")


def test_nothing_is_written_over_three_resync_periods(
    quick: OperatorUnderTest, space: Space, audit: AuditLog
) -> None:
    settled(space, quick)
    mark, before = audit.now(), passes(quick)

    def silent() -> None:
        assert audit.writes(USER, mark) == []

    stays(silent, seconds=3 * PERIOD_SECONDS + 1)
    assert passes(quick) >= before + 3, "it has looked"


def test_an_edit_writes_only_the_objects_that_it_changes(
    quick: OperatorUnderTest, space: Space, audit: AuditLog
) -> None:
    router = settled(space, quick)
    router.edit({"replicas": 2})
    router.wait_condition("Reconciled", "True")
    at_rest(quick)
    mark = audit.now()
    router.edit({"replicas": 3})
    router.wait_condition("Reconciled", "True")
    at_rest(quick)
    objects = [write.resource for write in audit.writes(USER, mark)]
    assert {one for one in objects if "events" not in one} == {"deployments", "semanticrouters/status"}
    assert objects.count("deployments") == 1
    assert router.deployment()["spec"]["replicas"] == 3


def test_a_restart_at_rest_runs_and_writes_nothing(
    quick: OperatorUnderTest, space: Space, audit: AuditLog
) -> None:
    settled(space, quick)
    quick.stop()
    mark = audit.now()
    quick.start()
    wait_for(lambda: passes(quick) >= 2, timeout=30, what="passes after the restart")
    stays(lambda: _silent(quick, audit, mark), seconds=2)


def _silent(operator: OperatorUnderTest, audit: AuditLog, mark: int) -> None:
    assert runs(operator) == 0
    assert audit.writes(USER, mark) == []


def test_an_operator_that_is_killed_in_the_middle_of_a_run_finishes_after_its_restart(
    quick: OperatorUnderTest, space: Space
) -> None:
    router = Router.create(space)
    wait_for(
        lambda: space.get("PersistentVolumeClaim", "router-models"), timeout=30, what="the run has begun"
    )
    quick.kill()
    assert space.get("Deployment", router.name) is None, "it was killed too late to show anything"
    quick.start()
    router.wait_available()
    assert {kind for kind, _ in router.children(*CHILD_KINDS)} == set(CHILD_KINDS)


def test_what_is_deleted_while_no_operator_runs_is_back_after_its_start(
    quick: OperatorUnderTest, space: Space
) -> None:
    router = settled(space, quick)
    quick.stop()
    space.delete("Service", router.name)
    quick.start()
    wait_for(lambda: space.get("Service", router.name), timeout=30, what="the Service is back")


def test_a_resource_that_is_deleted_while_no_operator_runs_goes_after_its_start(
    quick: OperatorUnderTest, space: Space
) -> None:
    router = settled(space, quick)
    quick.stop()
    router.delete()
    quick.start()
    wait_for(lambda: space.get("SemanticRouter", router.name) is None, timeout=30, what="the resource goes")


def test_a_rotated_secret_makes_new_pods(quick: OperatorUnderTest, space: Space) -> None:
    router = settled(space, quick)
    before = router.deployment()["spec"]["template"]
    space.patch("Secret", "redis", {"stringData": {"password": "another-secret"}})
    wait_for(
        lambda: router.deployment()["spec"]["template"] != before, timeout=60, what="the template changes"
    )
    router.wait_available()


def test_the_log_has_no_traceback_and_no_secret(quick: OperatorUnderTest, tmp_path: Path) -> None:
    del tmp_path
    assert "Traceback" not in quick.log
    assert "top-secret" not in quick.log
