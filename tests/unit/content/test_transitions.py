"""Switches between modes: what goes at once, and what waits for the pods that take over."""

from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils import workload
from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import ROUTE_API

from tests.unit.content.routers import live, observed, resource, situation

GATEWAY: dict[str, Any] = {"gateway": {"existingRef": {"name": "shared", "namespace": "gateways"}}}
REENCRYPT: dict[str, Any] = {"openshift": {"routes": {"enabled": True, "tls": {"termination": "reencrypt"}}}}
SERVED = {"gateway.networking.k8s.io/v1/HTTPRoute": "present", ROUTE_API: "present"}


def pods_of(number: int, *, has_pods: bool = True, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would
    """Return a ReplicaSet with pods for this specification."""
    made = workload.template(situation(observed(apis=SERVED), **spec), "rev")
    return {
        "deployment": "Deployment-1",
        "number": str(number),
        "has_pods": has_pods,
        "template": made,
    }


def seen(
    *replica_sets: dict[str, Any], owned: tuple[dict[str, Any], ...] = (), **apis: str
) -> dict[str, Any]:
    found = observed(live("Deployment"), *owned, apis={**SERVED, **apis})
    found["owned"]["Deployment"][0]["spec"] = {"template": {"spec": {}}}
    found["references"]["replica_sets"] = list(replica_sets)
    return found


def removed(spec: dict[str, Any], found: dict[str, Any]) -> list[str]:
    return [item["kind"] for item in plans.router_plan(resource(**spec), found)["unwanted"]]


def test_the_gateways_route_stays_until_every_pod_has_an_envoy() -> None:
    left = (live("HTTPRoute"),)
    assert removed({}, seen(pods_of(1, **GATEWAY), owned=left)) == []
    assert removed({}, seen(pods_of(1, **GATEWAY), pods_of(2), owned=left)) == []
    assert removed({}, seen(pods_of(1, has_pods=False, **GATEWAY), pods_of(2), owned=left)) == ["HTTPRoute"]
    assert removed({}, seen(owned=left)) == ["HTTPRoute"], "without pods nobody waits"


def test_a_route_that_is_not_wanted_goes_at_once_and_one_of_a_kind_that_is_not_known_stays() -> None:
    left = (live("Route"),)
    assert removed({}, seen(pods_of(1), owned=left)) == ["Route"]
    found = seen(pods_of(1), owned=left)
    found["apis"][ROUTE_API] = "unknown"
    assert removed({}, found) == []


def plain_route() -> dict[str, Any]:
    tls = {"termination": "edge", "insecureEdgeTerminationPolicy": "Redirect"}
    return {**live("Route"), "spec": {"tls": tls}}


@pytest.mark.parametrize(
    ("replica_sets", "termination", "reason"),
    [
        ([pods_of(1)], "edge", "AwaitingPods"),
        ([pods_of(1), pods_of(2, **REENCRYPT)], "edge", "AwaitingPods"),
        ([pods_of(1, has_pods=False), pods_of(2, **REENCRYPT)], "reencrypt", "RouteApplied"),
    ],
)
def test_a_route_leads_tls_on_when_every_pod_serves_it(
    replica_sets: list[dict[str, Any]], termination: str, reason: str
) -> None:
    plan = plans.openshift_plan(resource(**REENCRYPT), seen(*replica_sets, owned=(plain_route(),)))
    assert plan["wanted"] == ["Route"]
    assert (plan["tls"]["termination"], plan["conditions"]["RouteReady"]["reason"]) == (termination, reason)


def test_a_route_without_predecessor_waits_for_nobody() -> None:
    plan = plans.openshift_plan(resource(**REENCRYPT), seen())
    assert plan["tls"]["termination"] == "reencrypt"


def test_back_to_edge_goes_at_once_since_plain_http_is_always_served() -> None:
    edge = {"openshift": {"routes": {"enabled": True}}}
    found = seen(pods_of(1, **REENCRYPT), owned=({**live("Route"), "spec": {"tls": {"termination": "x"}}},))
    assert plans.openshift_plan(resource(**edge), found)["tls"]["termination"] == "edge"


def test_the_authority_of_the_certificate_is_read_from_a_config_map() -> None:
    tls = {"termination": "reencrypt", "destinationCACertificate": {"name": "ca"}}
    router = resource(openshift={"routes": {"enabled": True, "tls": tls}})
    missing = plans.openshift_plan(router, seen())
    assert (missing["wanted"], missing["conditions"]["RouteReady"]["reason"]) == ([], "AuthorityNotFound")
    found = seen()
    found["references"]["authorities"] = [{"metadata": {"name": "ca"}, "data": {"ca.crt": "PEM"}}]
    assert plans.openshift_plan(router, found)["tls"]["destinationCACertificate"] == "PEM"
