"""What the real Envoy Gateway says of the HTTPRoute, in each case in its own words, becomes ``GatewayReady``."""

import pytest

from tests.support.api import Space
from tests.support.gateways.installation import CONTROLLER
from tests.support.gateways.stage import SHARED, Stage, admitting
from tests.support.routers import Router, endpoint, service

pytestmark = [pytest.mark.usefixtures("operator"), pytest.mark.gateway]


def behind(space: Space, name: str = SHARED, **more: object) -> dict[str, object]:
    """Return a specification that names a Gateway of a namespace."""
    return {"gateway": {"existingRef": {"name": name, "namespace": space.name}, **more}}


def test_a_route_is_accepted(space: Space, owners: Space) -> None:
    router = Router.create(space, behind(owners))
    router.wait_condition("GatewayReady", "True", says="does not answer chat completions by itself")
    (parent,) = space.get("HTTPRoute", "router")["status"]["parents"]
    assert parent["controllerName"] == CONTROLLER
    said = {one["type"]: one["status"] for one in parent["conditions"]}
    assert (said["Accepted"], said["ResolvedRefs"]) == ("True", "True")
    assert router.wait_available()["status"]["gatewayMode"] == "gateway-integration"


def test_a_gateway_that_comes_later_takes_the_route(space: Space, stage: Stage) -> None:
    router = Router.create(space, behind(space, "later"))
    router.wait_condition("GatewayReady", "False", reason="GatewayNotFound")
    stage.make_gateway(space, "later")
    router.wait_condition("GatewayReady", "True")


def test_a_listener_that_does_not_admit_the_namespace_is_told_and_heard_when_it_does(
    space: Space, owners: Space, stage: Stage
) -> None:
    stage.make_gateway(owners, "closed", allowedRoutes=admitting("Same"))
    router = Router.create(space, behind(owners, "closed"))
    told = router.wait_condition("GatewayReady", "False", reason="NotAllowedByListeners")
    assert f"admit namespace {space.name}" in told["message"]
    stage.make_gateway(owners, "closed")
    router.wait_condition("GatewayReady", "True")


def test_a_host_that_fits_no_listener_has_the_gateway_s_own_reason(space: Space, stage: Stage) -> None:
    stage.make_gateway(space, "strict", hostname="*.example.com")
    router = Router.create(space, behind(space, "strict", hostnames=["router.example.org"]))
    router.wait_condition("GatewayReady", "False", reason="NoMatchingListenerHostname")
    router.wait_condition("Degraded", "True", reason="NoMatchingListenerHostname")
    router.edit({"gateway": {"hostnames": ["router.example.com"]}})
    router.wait_condition("GatewayReady", "True")


def test_the_name_of_a_listener_may_be_changed_to_a_wrong_one_and_to_a_right_one(
    space: Space, stage: Stage
) -> None:
    """What the gateway said about the former name stays in the status of the HTTPRoute."""
    stage.make_gateway(space, "strict")
    router = Router.create(space, behind(space, "strict"))
    router.wait_condition("GatewayReady", "True")
    router.edit({"gateway": {"existingRef": {"sectionName": "absent"}}})
    router.wait_condition("GatewayReady", "False", reason="NoMatchingParent")
    router.edit({"gateway": {"existingRef": {"sectionName": "web"}}})
    router.wait_condition("GatewayReady", "True")


def test_a_model_that_no_pod_serves_is_told_until_one_does(space: Space, owners: Space) -> None:
    """The gateway takes the route, and says beside that what it cannot reach."""
    space.create(service())
    spec = {**behind(owners, extProc={"enabled": True}), "vllmEndpoints": [endpoint()]}
    router = Router.create(space, spec)
    told = router.wait_condition("GatewayReady", "False", reason="EndpointsNotFound")
    assert "spec.vllmEndpoints" in told["message"]
    ready = {"addresses": ["10.1.2.3"], "conditions": {"ready": True}}
    space.create(
        {
            "kind": "EndpointSlice",
            "metadata": {"name": "model", "labels": {"kubernetes.io/service-name": "model"}},
            "addressType": "IPv4",
            "endpoints": [ready],
            "ports": [{"name": "", "port": 8000, "protocol": "TCP"}],
        }
    )
    router.wait_condition("GatewayReady", "True")
