"""What is told of an HTTPRoute and of a Route, by the role and then by who takes them, through ``watches.yaml``."""

from collections.abc import Mapping
from typing import Any

import pytest
from ansible_collections.vllm.semantic_router.plugins.filter import plans
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import INTERNAL_HEADERS

from playbook_engine.status.compose import News, compose
from playbook_engine.status.conditions import read_conditions, read_told
from playbook_engine.watches.reading import read_watches
from tests.support.cluster import CHECKOUT
from tests.support.gateways.guide import guide_policy
from tests.unit.content.routers import live, observed, resource

GATEWAY = {"gateway": {"existingRef": {"name": "shared", "namespace": "gateways"}}}
ROUTES = {"openshift": {"routes": {"enabled": True, "hostname": "a.example"}}}
SERVED = {
    "gateway.networking.k8s.io/v1/HTTPRoute": "present",
    "route.openshift.io/v1/Route": "present",
}
(WATCH,) = read_watches(CHECKOUT / "watches.yaml", {})


def told(plan: dict[str, Any]) -> News:
    return News(told=read_told(plan))


def status_of(router: dict[str, Any], news: News, **owned: list[Mapping[str, Any]]) -> dict[str, Any]:
    composed = compose(WATCH, router, owned, news, "now")
    assert not composed.problems
    return dict(composed.status)


def http_route(*parents: dict[str, Any], generation: int = 1, owner: str = "u1") -> dict[str, Any]:
    found = live("HTTPRoute", owner=owner, generation=generation)
    return {**found, "status": {"parents": list(parents)}}


def parent(
    accepted: str, reason: str = "R", *, resolved: str = "True", name: str = "shared", generation: int = 1
) -> dict[str, Any]:
    def condition(kind: str, status: str) -> dict[str, Any]:
        return {
            "type": kind,
            "status": status,
            "reason": reason,
            "message": f"{kind} as the gateway says",
            "observedGeneration": generation,
        }

    conditions = [condition("Accepted", accepted), condition("ResolvedRefs", resolved)]
    return {"parentRef": {"name": name, "namespace": "gateways"}, "conditions": conditions}


def gateway_ready(*routes: dict[str, Any], pods: int = 1, **spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    seen = observed(apis=SERVED)
    seen["references"]["gateways"] = [{"metadata": {}}]
    router = resource(**(spec or GATEWAY))
    plan = plans.gateway_plan(router, seen)
    first = status_of(router, told(plan))
    deployment = {
        **live("Deployment", owner="u1"),
        "spec": {"replicas": 1},
        "status": {"availableReplicas": pods},
    }
    owned: dict[str, list[Mapping[str, Any]]] = {"HTTPRoute": [*routes], "Deployment": [deployment]}
    after = status_of({**router, "status": first}, News(current=True), **owned)
    return dict(read_conditions({"status": after})["GatewayReady"])


@pytest.mark.parametrize(
    ("route", "status", "reason", "says"),
    [
        (http_route(), "Unknown", "AwaitingGateway", "has not said yet"),
        (http_route(parent("True", generation=1), generation=2), "Unknown", "AwaitingGateway", ""),
        (http_route(parent("True", name="another")), "Unknown", "AwaitingGateway", ""),
        (http_route(parent("True")), "True", "Accepted", "does not answer chat completions by itself"),
        (
            http_route(parent("False", "NotAllowedByListeners")),
            "False",
            "NotAllowedByListeners",
            "let allowedRoutes of one of its listeners admit namespace ml",
        ),
        (
            http_route(parent("False", "NoMatchingListenerHostname")),
            "False",
            "NoMatchingListenerHostname",
            "spec.gateway.hostnames",
        ),
        (http_route(parent("False", "NoMatchingParent")), "False", "NoMatchingParent", "sectionName"),
        (http_route(parent("False", "Odd")), "False", "Odd", "Accepted as the gateway says"),
        (http_route(parent("False", "two words")), "False", "NotAccepted", "Accepted as the gateway says"),
        (http_route(parent("True", "BackendNotFound", resolved="False")), "False", "BackendNotFound", "says"),
        (
            http_route(parent("False", "Old", name="former"), parent("True")),
            "True",
            "Accepted",
            "Gateway gateways/shared takes",
        ),
    ],
)
def test_what_the_gateway_says_of_the_route_becomes_the_condition(
    route: dict[str, Any], status: str, reason: str, says: str
) -> None:
    condition = gateway_ready(route)
    assert (condition["status"], condition["reason"]) == (status, reason)
    assert says in condition["message"]


def also(kind: str, status: str, reason: str) -> dict[str, Any]:
    """Return what a gateway says that takes the route, with a condition more."""
    said = parent("True")
    condition = {"type": kind, "status": status, "reason": reason, "message": f"{kind} as the gateway says"}
    return {**said, "conditions": [*said["conditions"], condition]}


@pytest.mark.parametrize(
    ("kind", "status", "reason", "told"),
    [
        ("PartiallyInvalid", "True", "UnsupportedValue", "PartiallyInvalid"),
        ("PartiallyInvalid", "False", "UnsupportedValue", "Accepted"),
        ("BackendsAvailable", "False", "EndpointsNotFound", "EndpointsNotFound"),
        ("BackendsAvailable", "False", "two words", "BackendsUnavailable"),
        ("BackendsAvailable", "True", "Available", "Accepted"),
        ("SomethingElse", "False", "Odd", "Accepted"),
    ],
)
def test_what_else_the_gateway_says_is_told(kind: str, status: str, reason: str, told: str) -> None:
    condition = gateway_ready(http_route(also(kind, status, reason)))
    assert condition["reason"] == told
    assert told == "Accepted" or f"{kind} as the gateway says" in condition["message"]


def test_while_no_pod_of_the_router_serves_missing_endpoints_are_no_news() -> None:
    said = also("BackendsAvailable", "False", "EndpointsNotFound")
    assert gateway_ready(http_route(said), pods=0)["reason"] == "Accepted"


def section(name: str, accepted: str, generation: int) -> dict[str, Any]:
    """Return what a gateway says about a route that names one of its listeners."""
    said = parent(accepted, "NoMatchingParent", generation=generation)
    return {**said, "parentRef": {**said["parentRef"], "sectionName": name}}


@pytest.mark.parametrize(
    ("wanted", "reason"),
    [("web", "Accepted"), ("absent", "NoMatchingParent"), ("unheard", "AwaitingGateway")],
)
def test_what_the_gateway_said_about_a_former_listener_is_not_about_this_one(
    wanted: str, reason: str
) -> None:
    """Envoy Gateway leaves what it said about a sectionName when the route names another."""
    told = [parent("True", generation=1), section("absent", "False", 3), section("web", "True", 3)]
    reference = {"existingRef": {**GATEWAY["gateway"]["existingRef"], "sectionName": wanted}}
    assert gateway_ready(http_route(*told, generation=3), gateway=reference)["reason"] == reason


def test_what_the_gateway_said_about_one_listener_is_not_about_all_of_them() -> None:
    told = [section("web", "False", 1), parent("True", generation=2)]
    assert gateway_ready(http_route(*told, generation=2))["reason"] == "Accepted"


def test_the_guide_takes_every_internal_header_away() -> None:
    removed = guide_policy()["spec"]["headers"]["earlyRequestHeaders"]["remove"]
    assert removed == list(INTERNAL_HEADERS)


def test_a_route_of_somebody_else_says_nothing_about_ours() -> None:
    assert gateway_ready(http_route(parent("True"), owner="other"))["reason"] == "RouteApplied"


def test_a_route_that_is_left_over_says_nothing_in_standalone_mode() -> None:
    assert gateway_ready(http_route(parent("False")), replicas=1)["reason"] == "EnvoyConfigured"


def test_what_the_role_finds_wrong_goes_before_what_the_gateway_said_once() -> None:
    router = resource(**GATEWAY)
    plan = plans.gateway_plan(router, observed(apis=SERVED))
    found = status_of(router, told(plan), HTTPRoute=[http_route(parent("True"))])
    assert read_conditions({"status": found})["GatewayReady"]["reason"] == "GatewayNotFound"


def test_plain_mode_says_what_it_does_not_answer_and_warns() -> None:
    seen = observed(apis=SERVED)
    seen["references"]["gateways"] = [{"metadata": {}}]
    condition = plans.gateway_plan(resource(**GATEWAY), seen)["conditions"]["GatewayReady"]
    assert (condition["status"], condition["warning"]) == ("True", True)
    assert "chat completions" in condition["message"]


@pytest.mark.parametrize(("presence", "status"), [("absent", "False"), ("unknown", "Unknown")])
def test_a_gateway_api_that_is_not_there_is_not_one_that_is_not_known(presence: str, status: str) -> None:
    seen = observed(apis={"gateway.networking.k8s.io/v1/HTTPRoute": presence})
    plan = plans.gateway_plan(resource(**GATEWAY), seen)
    assert (plan["wanted"], plan["conditions"]["GatewayReady"]["status"]) == ([], status)


def route(*ingress: dict[str, Any], owner: str = "u1") -> dict[str, Any]:
    return {**live("Route", owner=owner), "status": {"ingress": list(ingress)}}


def admission(status: str, reason: str = "", host: str = "a.example") -> dict[str, Any]:
    condition = {"type": "Admitted", "status": status, "reason": reason, "message": "as the router says"}
    return {"host": host, "routerName": "default", "conditions": [condition]}


def after_admission(*routes: dict[str, Any]) -> dict[str, Any]:
    router = resource(**ROUTES)
    first = status_of(router, told(plans.openshift_plan(router, observed(apis=SERVED))))
    return status_of({**router, "status": first}, News(current=True), Route=list(routes))


@pytest.mark.parametrize(
    ("found", "status", "reason", "says"),
    [
        (route(), "Unknown", "AwaitingRouter", "no router of OpenShift has taken the Route yet"),
        (route(admission("True")), "True", "Admitted", "the Route answers at a.example"),
        (
            route(admission("False", "HostAlreadyClaimed")),
            "False",
            "HostAlreadyClaimed",
            "choose another spec.openshift.routes.hostname",
        ),
        (
            route(admission("False", "ExtendedValidationFailed")),
            "False",
            "ExtendedValidationFailed",
            "as the router says",
        ),
        (
            route(admission("False", "RouteNotAdmitted"), admission("True", host="b")),
            "True",
            "Admitted",
            "at b",
        ),
    ],
)
def test_what_the_router_of_openshift_says_becomes_the_condition(
    found: dict[str, Any], status: str, reason: str, says: str
) -> None:
    condition = dict[str, Any](read_conditions({"status": after_admission(found)})["RouteReady"])
    assert (condition["status"], condition["reason"]) == (status, reason)
    assert says in condition["message"]


def test_the_host_is_the_one_at_which_the_route_answers() -> None:
    two = route(admission("False", host="a"), admission("True", host="b"))
    assert after_admission(two)["openshiftFeatures"] == {"routesEnabled": True, "routeHostname": "b"}
    assert after_admission()["openshiftFeatures"] == {"routesEnabled": False}
    foreign = route(admission("True"), owner="other")
    assert after_admission(foreign)["openshiftFeatures"] == {"routesEnabled": False}


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("Route is invalid: spec.host: Forbidden: you do not have permission to set", "HostRefused"),
        ("admission webhook says no", "RouteRefused"),
    ],
)
def test_a_route_that_is_refused_is_told_with_what_to_grant(error: str, reason: str) -> None:
    condition = plans.route_refusal(error, resource(**ROUTES))["RouteReady"]
    assert (condition["status"], condition["reason"]) == ("False", reason)
    assert ("routes/custom-host" in condition["message"]) == (reason == "HostRefused")


def test_a_refused_gateway_degrades_the_resource() -> None:
    seen = observed(apis=SERVED)
    seen["references"]["gateways"] = [{"metadata": {}}]
    router = resource(**GATEWAY)
    found = status_of(
        router,
        told(plans.gateway_plan(router, seen)),
        HTTPRoute=[http_route(parent("False", "NotAllowedByListeners"))],
    )
    assert read_conditions({"status": found})["Degraded"]["reason"] == "NotAllowedByListeners"
