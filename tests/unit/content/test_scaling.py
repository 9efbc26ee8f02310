"""How many pods there are, who sets the number, and what an autoscaler needs."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils import scaling
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

from tests.unit.content.routers import live, observed, resource, situation

ON = {"enabled": True, "minReplicas": 2, "maxReplicas": 5}
REQUESTS = {"requests": {"cpu": "1", "memory": "4Gi"}}


def running(pods: int, **spec: Any) -> Situation:  # noqa: ANN401 - as kubectl would have it
    deployment = {**live("Deployment"), "spec": {"replicas": pods}}
    return Situation(resource(**spec), observed(deployment))


def test_without_an_autoscaler_the_number_is_that_of_the_specification() -> None:
    assert scaling.replicas(situation()) == 1
    assert scaling.replicas(situation(replicas=0)) == 0
    assert scaling.replicas(running(12, replicas=3)) == 3


def test_with_an_autoscaler_the_number_is_not_ours() -> None:
    assert scaling.replicas(running(4, replicas=3, autoscaling=ON)) is None


@pytest.mark.parametrize(("given", "first"), [(0, 2), (1, 2), (4, 4), (9, 5)])
def test_a_new_deployment_starts_within_the_bounds_of_the_autoscaler(given: int, first: int) -> None:
    assert scaling.replicas(situation(replicas=given, autoscaling=ON)) == first


def test_a_deployment_without_pods_gets_some_since_no_autoscaler_would_touch_it() -> None:
    assert scaling.replicas(running(0, autoscaling=ON)) == 2


def test_bounds_and_targets_have_defaults() -> None:
    bare = situation(autoscaling={"enabled": True})
    assert scaling.limits(bare) == {"minReplicas": 1, "maxReplicas": 10}
    (metric,) = scaling.metrics(bare)
    assert metric["resource"] == {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}


def test_targets_are_those_that_are_given() -> None:
    def names(**targets: int) -> list[str]:
        found = scaling.metrics(situation(autoscaling={"enabled": True, **targets}))
        return [metric["resource"]["name"] for metric in found]

    assert names(targetMemoryUtilizationPercentage=70) == ["memory"]
    both = {"targetMemoryUtilizationPercentage": 70, "targetCPUUtilizationPercentage": 60}
    assert names(**both) == ["cpu", "memory"]


def test_a_missing_request_is_named_with_its_field() -> None:
    told = scaling.condition(situation(autoscaling=ON))
    assert (told.reason, told.warning) == ("RequestMissing", True)
    assert "spec.resources.requests.cpu" in told.message
    assert "envoy" not in told.message, "the sidecar has a default"
    memory = {**ON, "targetMemoryUtilizationPercentage": 70}
    told = scaling.condition(
        situation(autoscaling=memory, resources=REQUESTS, envoy={"resources": {"requests": {"cpu": "1"}}})
    )
    assert "spec.envoy.resources.requests.memory" in told.message
    assert "spec.resources" not in told.message


def test_a_limit_counts_as_the_request_that_it_becomes() -> None:
    told = scaling.condition(situation(autoscaling=ON, resources={"limits": {"cpu": "2"}}))
    assert (told.status, told.reason, told.warning) == ("True", "Autoscaled", False)


def test_an_autoscaler_is_removed_before_the_number_is_ours_again() -> None:
    scaler = live("HorizontalPodAutoscaler")
    plan = plans.router_plan(resource(replicas=3), observed(scaler, live("Ingress")))
    assert [one["kind"] for one in plan["retired"]] == ["HorizontalPodAutoscaler"]
    assert [one["kind"] for one in plan["unwanted"]] == ["Ingress"]
    assert plan["replicas"] == 3
    kept = plans.router_plan(resource(autoscaling=ON), observed(scaler))
    assert (kept["retired"], "HorizontalPodAutoscaler" in kept["wanted"]) == ([], True)


@pytest.mark.parametrize(
    ("spec", "has_budget"),
    [
        ({}, False),
        ({"replicas": 1}, False),
        ({"replicas": 2}, True),
        ({"replicas": 3, "autoscaling": {"enabled": True}}, False),
        ({"replicas": 1, "autoscaling": ON}, True),
        ({"replicas": 2, "autoscaling": {**ON, "enabled": False}}, True),
    ],
)
def test_more_than_one_pod_has_a_disruption_budget(spec: dict[str, Any], *, has_budget: bool) -> None:
    assert ("PodDisruptionBudget" in plans.router_plan(resource(**spec), observed())["wanted"]) is has_budget
