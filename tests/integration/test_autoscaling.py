"""An autoscaler takes the number of pods over and gives it back, and no pod is started or ended for that alone."""

import itertools
from typing import Any

import pytest

from tests.support.api import Space
from tests.support.audit import AuditLog
from tests.support.operators import USER
from tests.support.routers import Router
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")

ON = {"enabled": True, "minReplicas": 2, "maxReplicas": 20, "targetCPUUtilizationPercentage": 70}
RESOURCES = {"requests": {"cpu": "1", "memory": "4Gi"}}


def scale(router: Router, replicas: int) -> None:
    """Do what the autoscaler of Kubernetes does; without a metrics API it does nothing here by itself."""
    body = {"spec": {"replicas": replicas}}
    router.space.patch(
        "Deployment", router.name, body, manager="kube-controller-manager", subresource="scale"
    )


def replicas(router: Router) -> int:
    return int(router.deployment()["spec"]["replicas"])


def steps(values: list[int]) -> list[int]:
    return [value for value, _ in itertools.groupby(values)]


def test_the_number_of_pods_goes_from_three_to_twelve_and_back_and_nowhere_else(
    space: Space, audit: AuditLog
) -> None:
    since, mark = space.version("Deployment"), audit.now()
    router = Router.create(space, {"replicas": 3, "resources": RESOURCES})
    router.wait_available()
    router.edit({"autoscaling": ON})
    router.wait_condition("AutoscalingReady", "True", reason="Autoscaled", says="70 % of the requested cpu")
    router.wait_available()
    assert replicas(router) == 3, "turning it on changes nothing"
    scale(router, 12)
    router.wait_available()
    router.edit({"podAnnotations": {"example.com/colour": "blue"}, "replicas": 4})
    router.wait_available()
    stays(lambda: _has(router, 12), seconds=2)
    router.edit({"autoscaling": {"enabled": False}, "replicas": 3})
    wait_for(lambda: replicas(router) == 3, timeout=60, what="the number of the specification")
    router.wait_available()
    assert space.get("HorizontalPodAutoscaler", "router") is None

    stored = [found["spec"]["replicas"] for found in space.history("Deployment", since)]
    assert steps(stored) == [3, 12, 3]
    asked = [
        body["spec"]["replicas"]
        for body in audit.bodies("deployments", space.name, mark)
        if "replicas" in body.get("spec", {})
    ]
    assert steps(asked) == [3, 12, 3]
    writes = [(one.verb, one.resource) for one in audit.writes(USER, mark) if one.namespace == space.name]
    last_step = len(writes) - 1 - writes[::-1].index(("patch", "deployments"))
    assert writes.index(("delete", "horizontalpodautoscalers")) < last_step


def _has(router: Router, wanted: int) -> None:
    assert replicas(router) == wanted


def test_a_router_that_is_autoscaled_from_the_start_starts_with_the_fewest_pods(space: Space) -> None:
    since = space.version("Deployment")
    router = Router.create(space, {"autoscaling": ON, "resources": RESOURCES})
    router.wait_available()
    assert {found["spec"]["replicas"] for found in space.history("Deployment", since)} == {2}
    children = router.children()
    assert ("PodDisruptionBudget", "router") in children
    scaler = children["HorizontalPodAutoscaler", "router"]["spec"]
    assert scaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "router"}
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 20)


def test_a_request_that_is_missing_is_told_and_the_router_serves(space: Space) -> None:
    router = Router.create(space, {"autoscaling": ON})
    router.wait_available()
    told = router.wait_condition("AutoscalingReady", "True", reason="RequestMissing")
    assert "spec.resources.requests.cpu" in told["message"]
    router.edit({"resources": RESOURCES})
    router.wait_condition("AutoscalingReady", "True", reason="Autoscaled")


def test_switched_off_it_leaves_nothing_of_itself(space: Space) -> None:
    router = Router.create(space, {"replicas": 2, "resources": RESOURCES})
    router.wait_available()
    before = _owned(router)
    router.edit({"autoscaling": ON})
    router.wait_condition("AutoscalingReady", "True", reason="Autoscaled")
    router.wait_available()
    router.edit({"autoscaling": {"enabled": False}})
    router.wait_condition("AutoscalingReady", "True", reason="NotWanted")
    router.wait_available()
    assert _owned(router) == before
    assert replicas(router) == 2


def _owned(router: Router) -> dict[tuple[str, str], Any]:
    return {key: found["metadata"]["uid"] for key, found in router.children().items()}
