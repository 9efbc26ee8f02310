"""Standalone, behind a Gateway, with a Route: every switch leaves nothing of the other mode, and never a gap."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.support.api import ApiError, Space
from tests.support.cluster import DevCluster
from tests.support.gateways.answers import gateway_says
from tests.support.gateways.policy import envoy_gateway
from tests.support.operators import OperatorUnderTest
from tests.support.routers import Router, endpoint, service
from tests.support.waiting import stays, wait_for

pytestmark = pytest.mark.usefixtures("operator")

SELECTOR = "app.kubernetes.io/instance=router"
LEAST_SECONDS = 0.1


def gateway(space: Space) -> dict[str, Any]:
    """Make a Gateway and return the part of a specification that names it."""
    listener = {"name": "web", "port": 80, "protocol": "HTTP"}
    space.create(
        {
            "kind": "Gateway",
            "metadata": {"name": "shared"},
            "spec": {"gatewayClassName": "any", "listeners": [listener]},
        }
    )
    return {"gateway": {"existingRef": {"name": "shared", "namespace": space.name}}}


def router_says(space: Space, status: str, reason: str = "") -> None:
    """Write the status of the Route, as the router of OpenShift does."""
    wait_for(lambda: space.get("Route", "router"), timeout=60, what="there is a Route")
    condition = {
        "type": "Admitted",
        "status": status,
        "reason": reason,
        "message": f"its own words: {reason}",
    }
    ingress = {"host": "router-made.example", "routerName": "default", "conditions": [condition]}
    space.patch("Route", "router", {"status": {"ingress": [ingress]}}, subresource="status")


@contextmanager
def no_gap(space: Space) -> Iterator[None]:
    """Look again and again while something is switched: the Service is the same and has a pod that is ready."""
    uid, gaps, ended = space.get("Service", "router")["metadata"]["uid"], [], threading.Event()

    def look() -> None:
        while not ended.wait(LEAST_SECONDS):
            service = space.get("Service", "router")
            same = service is not None and service["metadata"]["uid"] == uid
            if not same or 8080 not in [port["port"] for port in service["spec"]["ports"]]:
                gaps.append(f"the Service is {service}")
            if not any(is_ready(pod) for pod in space.list("Pod", SELECTOR)):
                gaps.append("no pod is ready")

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert not gaps


def is_ready(pod: dict[str, Any]) -> bool:
    conditions = pod.get("status", {}).get("conditions", [])
    ready = any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)
    return ready and "deletionTimestamp" not in pod["metadata"]


def has(router: Router) -> set[str]:
    """Return what there is of what belongs to one mode only."""
    found = {kind for kind, _ in router.children("HTTPRoute", "EnvoyExtensionPolicy", "Route")}
    maps = [name for _, name in router.children("ConfigMap") if "envoy-config" in name]
    return found | ({"Envoy"} if maps else set())


def containers(router: Router) -> set[str]:
    return {one["name"] for one in router.deployment()["spec"]["template"]["spec"]["containers"]}


def ports(space: Space) -> set[str]:
    return {port["name"] for port in space.get("Service", "router")["spec"]["ports"]}


def test_from_standalone_behind_a_gateway_and_back(space: Space, operator: OperatorUnderTest) -> None:
    router = Router.create(space)
    router.wait_available()
    assert (has(router), containers(router)) == ({"Envoy"}, {"semantic-router", "envoy"})
    spec = gateway(space)

    with no_gap(space):
        router.edit(spec)
        router.wait_condition("GatewayReady", "Unknown", reason="AwaitingGateway")
        router.wait_rolled()
        wait_for(lambda: has(router) == {"HTTPRoute"}, timeout=60, what="nothing of Envoy is left")
        resource = router.wait_available()
    assert containers(router) == {"semantic-router"}
    assert ports(space) == {"api", "metrics"}, "nobody speaks to the router's ExtProc"
    assert resource["status"]["gatewayMode"] == "gateway-integration"

    runs = runs_at_rest(operator)
    gateway_says(space, "False", "NotAllowedByListeners")
    refused = router.wait_condition("GatewayReady", "False", reason="NotAllowedByListeners")
    assert "the gateway's own words" in refused["message"]
    assert f"admit namespace {space.name}" in refused["message"]
    router.wait_condition("Degraded", "True", reason="NotAllowedByListeners")
    wait_for(
        lambda: [one for one in router.events() if one["reason"] == "NotAllowedByListeners"],
        timeout=30, what="an event tells it",
    )  # fmt: skip
    gateway_says(space, "True", "Accepted")
    router.wait_condition("GatewayReady", "True", says="does not answer chat completions by itself")
    router.wait_condition("Degraded", "False")
    assert operator.metric("playbook_engine_runs_total") == runs, "what others say costs no run"

    with no_gap(space):
        router.edit({"gateway": None})
        router.wait_condition("GatewayReady", "True", reason="EnvoyConfigured")
        router.wait_rolled()
        wait_for(lambda: has(router) == {"Envoy"}, timeout=60, what="nothing of the gateway is left")
        resource = router.wait_available()
    assert containers(router) == {"semantic-router", "envoy"}
    assert "grpc" in ports(space)
    assert resource["status"]["gatewayMode"] == "standalone"


def test_a_route_comes_follows_its_router_leads_tls_on_and_goes(
    space: Space, operator: OperatorUnderTest
) -> None:
    router = Router.create(space, {"openshift": {"routes": {"enabled": True}}})
    router.wait_condition("RouteReady", "Unknown", reason="AwaitingRouter")
    assert space.get("Route", "router")["spec"]["tls"]["termination"] == "edge"
    router.wait_available()
    runs = runs_at_rest(operator)
    router_says(space, "False", "HostAlreadyClaimed")
    router.wait_condition("RouteReady", "False", reason="HostAlreadyClaimed", says="its own words")
    router_says(space, "True")
    router.wait_condition("RouteReady", "True", reason="Admitted", says="router-made.example")
    features = {"routesEnabled": True, "routeHostname": "router-made.example"}
    assert router.read()["status"]["openshiftFeatures"] == features
    assert operator.metric("playbook_engine_runs_total") == runs, "what others say costs no run"

    with no_gap(space):
        router.edit({"openshift": {"routes": {"tls": {"termination": "reencrypt"}}}})
        wait_for(
            lambda: leads(space) == ("reencrypt", ["envoy-certificate"]), timeout=60, what="TLS is led on"
        )
        router.wait_available()
    annotations = space.get("Service", "router")["metadata"]["annotations"]
    asked = annotations["service.beta.openshift.io/serving-cert-secret-name"]
    assert asked == "router-serving-certificate"

    with no_gap(space):
        router.edit({"openshift": {"routes": {"enabled": False}}})
        router.wait_condition("RouteReady", "True", reason="NotWanted")
        router.wait_available()
        wait_for(lambda: has(router) == {"Envoy"}, timeout=60, what="nothing of the Route is left")
    assert router.read()["status"]["openshiftFeatures"] == {"routesEnabled": False}


def runs_at_rest(operator: OperatorUnderTest) -> float:
    """Wait until no run is under way or follows; return how many there were."""

    def rests() -> float:
        def counts() -> tuple[float, float]:
            return operator.metric("playbook_engine_runs_total"), operator.metric(
                "playbook_engine_runs_in_progress"
            )

        before = counts()
        assert stays(counts, seconds=2) == before
        assert before[1] == 0
        return before[0]

    return wait_for(rests, timeout=60, what="the operator rests")


def leads(space: Space) -> tuple[str, list[str]]:
    """Return where TLS of the Route ends, and the certificates of the pods; the first never runs ahead."""
    termination = space.get("Route", "router")["spec"]["tls"]["termination"]
    mounted = [
        [one["name"] for one in pod["spec"]["volumes"] if one["name"] == "envoy-certificate"]
        for pod in space.list("Pod", SELECTOR)
        if "deletionTimestamp" not in pod["metadata"]
    ]
    assert termination == "edge" or all(mounted), "TLS is led to a pod that does not serve it"
    return termination, mounted[0] if mounted else []


def test_a_host_that_the_operator_may_not_choose_is_told_and_taken_as_soon_as_it_may(
    space: Space, control_plane: DevCluster
) -> None:
    with no_custom_hosts(space, control_plane):
        router = Router.create(
            space, {"openshift": {"routes": {"enabled": True, "hostname": "mine.example"}}}
        )
        router.wait_condition("RouteReady", "False", reason="HostRefused", says="routes/custom-host")
        assert space.get("Route", "router") is None
        router.wait_condition("Available", "True")
    router.wait_condition("RouteReady", "Unknown", reason="AwaitingRouter")
    assert space.get("Route", "router")["spec"]["host"] == "mine.example"
    router.wait_available()


@contextmanager
def no_custom_hosts(space: Space, control_plane: DevCluster) -> Iterator[None]:
    """Refuse Routes with a host, in the words of OpenShift to those without the right on routes/custom-host."""
    group, name = "admissionregistration.k8s.io/v1", f"no-custom-hosts-{space.name}"
    routes = {
        "apiGroups": ["route.openshift.io"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "UPDATE"],
        "resources": ["routes"],
    }
    words = "spec.host: Forbidden: you do not have permission to set the host field of the route"
    here = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name}}}
    policy = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": name},
        "spec": {
            "matchConstraints": {"resourceRules": [routes]},
            "validations": [{"expression": "!has(object.spec.host)", "message": words}],
        },
    }
    binding = {
        "apiVersion": group,
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"], "matchResources": here},
    }
    control_plane.apply(policy, binding)
    route = {"kind": "Route", "metadata": {"name": "trial"}, "spec": {"host": "a", "to": {"name": "a"}}}

    def refuses() -> bool:
        try:
            space.create(route)
        except ApiError as error:
            return words in error.message
        space.delete("Route", "trial")
        return False

    wait_for(refuses, timeout=60, what="Routes with a host are refused")
    try:
        yield
    finally:
        control_plane.kubectl("delete", "validatingadmissionpolicybinding,validatingadmissionpolicy", name)


def test_a_gateway_and_a_route_change_places(space: Space) -> None:
    router = Router.create(space, gateway(space))
    router.wait_condition("GatewayReady", "Unknown", reason="AwaitingGateway")
    router.wait_available()
    assert has(router) == {"HTTPRoute"}
    with no_gap(space):
        router.edit({"gateway": None, "openshift": {"routes": {"enabled": True}}})
        wait_for(lambda: has(router) == {"Envoy", "Route"}, timeout=60, what="the Route takes over")
        router.wait_available()
    with no_gap(space):
        reference = {"existingRef": {"name": "shared", "namespace": space.name}}
        router.edit({"gateway": reference, "openshift": None})
        wait_for(lambda: has(router) == {"HTTPRoute"}, timeout=60, what="the Gateway takes over")
        router.wait_available()


def test_a_gateway_that_is_missing_is_told_and_used_when_it_comes(space: Space) -> None:
    reference = {"existingRef": {"name": "shared", "namespace": space.name}}
    router = Router.create(space, {"gateway": reference})
    router.wait_condition("GatewayReady", "False", reason="GatewayNotFound", says="create it, or correct")
    gateway(space)
    router.wait_condition("GatewayReady", "Unknown", reason="AwaitingGateway")
    space.delete("Gateway", "shared")
    router.wait_condition("GatewayReady", "False", reason="GatewayNotFound")
    stays(router.deployment, seconds=1)


def test_a_gateway_that_asks_the_router_when_envoy_gateway_comes(
    space: Space, control_plane: DevCluster
) -> None:
    """The definition of the policy is Envoy Gateway's own, so what is applied is what it takes."""
    for name in ("llama", "other"):
        space.create(service(name))
    endpoints = [endpoint("llama", "llama", loras=[{"name": "sql"}]), endpoint("other", "other")]
    spec = gateway(space)
    spec["gateway"]["extProc"] = {"enabled": True}
    router = Router.create(space, {"vllmEndpoints": endpoints, **spec})
    router.wait_condition("GatewayReady", "False", reason="ExtProcAPIAbsent", says="install Envoy Gateway")
    with envoy_gateway(control_plane):
        router.wait_condition("GatewayReady", "Unknown", reason="AwaitingGateway")
        policy = wait_for(lambda: space.get("EnvoyExtensionPolicy", "router"), timeout=60, what="a policy")
        assert policy["spec"]["targetRefs"][0]["name"] == "router-models"
        rules = space.get("HTTPRoute", "router-models")["spec"]["rules"]
        assert [rule["backendRefs"][0]["name"] for rule in rules] == ["llama", "other", "llama"]
        assert "grpc" in ports(space)
        gateway_says(space, "True", "Accepted", "router", "router-models")
        router.wait_condition("GatewayReady", "True", reason="Accepted", says="is told to ask the router")
        router.edit({"gateway": {"extProc": None}})
        wait_for(lambda: has(router) == {"HTTPRoute"}, timeout=60, what="nothing of it is left")
        wait_for(lambda: space.get("HTTPRoute", "router-models") is None, timeout=60, what="its route goes")
        router.delete()
        wait_for(lambda: space.get("SemanticRouter", "router") is None, timeout=60, what="the resource goes")
