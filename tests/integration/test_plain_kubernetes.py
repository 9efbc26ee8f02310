"""On a Kubernetes without Routes and Gateways what is asked of them is a clear condition, until they come."""

from collections.abc import Iterator

import pytest

from tests.conftest import prepare
from tests.support.api import Api, Space
from tests.support.cluster import DevCluster, running
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router
from tests.support.waiting import stays, wait_for

QUIET_SECONDS = 12.0
"""Longer than it takes until an API that is absent is looked for again."""

EDGE = {"openshift": {"routes": {"enabled": True}}}
PASSTHROUGH = {
    "openshift": {
        "routes": {"enabled": True, "tls": {"termination": "passthrough", "servingCertificate": True}}
    }
}
ROUTES = "routes.route.openshift.io"


@pytest.fixture(scope="module")
def control_plane() -> Iterator[DevCluster]:
    """A control plane that serves no foreign kinds."""
    with running(crds=()) as cluster:
        prepare(cluster)
        yield cluster


@pytest.fixture(scope="module")
def api(control_plane: DevCluster) -> Api:
    """Its API server."""
    return Api.connect(control_plane.kubeconfig)


def test_what_the_cluster_does_not_serve_is_told_once_and_the_router_serves(
    space: Space, operator: OperatorUnderTest
) -> None:
    gateway = {"gateway": {"existingRef": {"name": "shared", "namespace": space.name}}}
    routers = {
        "RouteAPIAbsent": Router.create(space, EDGE, name="edge"),
        "GatewayAPIAbsent": Router.create(space, gateway, name="behind"),
    }
    sealed = Router.create(space, PASSTHROUGH, name="sealed")
    for reason, router in routers.items():
        router.wait_condition(
            reason.partition("API")[0] + "Ready", "False", reason=reason, says="does not serve"
        )
        router.wait_condition("Available", "True")
    sealed.wait_condition("RouteReady", "False", reason="RouteAPIAbsent")
    sealed.wait_condition("Available", "True")
    names = [one["name"] for one in sealed.deployment()["spec"]["template"]["spec"]["volumes"]]
    assert "envoy-certificate" not in names, "nobody would make the certificate"

    def runs() -> float:
        return operator.metric("playbook_engine_runs_total")

    before = wait_for(lambda: quiet(operator), timeout=60, what="the operator rests")
    assert stays(runs, seconds=QUIET_SECONDS) == before, "what is absent is no error that is tried again"


def quiet(operator: OperatorUnderTest) -> float:
    """Return how many runs there were when none is under way for a second, else 0."""
    before = operator.metric("playbook_engine_runs_total")
    stays(lambda: operator.metric("playbook_engine_runs_in_progress"), seconds=1)
    rests = operator.metric("playbook_engine_runs_in_progress") == 0
    return before if rests and operator.metric("playbook_engine_runs_total") == before else 0.0
