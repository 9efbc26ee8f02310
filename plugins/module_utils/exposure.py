"""How the router is reached: the Service, an Ingress, the HTTPRoute of a Gateway, an OpenShift Route."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import (
    ROUTE_API,
    SERVING_CERTIFICATE,
    serving_secret,
    uses_serving_certificate,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import INTERNAL_HEADERS
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import (
    READY_PORT_NAME,
    ready_port,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Port
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    Condition,
    false,
    true,
    warning,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

ROUTE_RULES = (
    ("/v1/chat/completions", "60s"),
    ("/api/v1/classify", "30s"),
    ("/health", "5s"),
    ("/v1/models", "5s"),
)
"""Paths that a Gateway sends to the router, and how long an answer may take."""

HTTP_ROUTE_API = "gateway.networking.k8s.io/v1/HTTPRoute"
ENVOY_METRICS = "envoy-metrics"
GATEWAY_API = "gateway.networking.k8s.io/v1/Gateway"


def service_ports(situation: Situation) -> list[dict[str, Any]]:
    """Return the ports of the Service; they lead to names, since pods of two revisions may listen on other numbers.

    Behind a Gateway nobody speaks to the router's ExtProc, and there is no Envoy with statistics.
    """
    ports, alone = situation.ports, situation.is_standalone
    found = [port for port in ports.of_service if alone or port is not ports.grpc]
    if alone and ports.metrics_enabled:
        taken = {port.port for port in found}
        free = next(number for number in count(ready_port(ports)) if number not in taken)
        found.append(Port(name=ENVOY_METRICS, port=free, target=ready_port(ports)))
    containers = {ENVOY_METRICS: READY_PORT_NAME}
    return [
        {
            "name": port.name,
            "port": port.port,
            "targetPort": containers.get(port.name, port.name),
            "protocol": port.protocol,
        }
        for port in found
    ]


def service_annotations(situation: Situation) -> dict[str, str] | None:
    """Return the annotation for which OpenShift makes the certificate that Envoy serves."""
    served = situation.certificate and uses_serving_certificate(situation.resource)
    return {SERVING_CERTIFICATE: serving_secret(situation.resource)} if served else None


def headless_ports(situation: Situation) -> list[dict[str, Any]]:
    """Return the port of the headless Service: clients reach the pods themselves, so it is that of the container."""
    port = situation.ports.grpc
    return [{"name": port.name, "port": port.target, "targetPort": port.target, "protocol": port.protocol}]


def ingress_rules(situation: Situation) -> list[dict[str, Any]]:
    """Return the rules of the Ingress."""
    hosts = section(spec_of(situation.resource), "ingress").get("hosts") or ()
    return [_ingress_rule(host, situation) for host in hosts]


def ingress_condition(situation: Situation) -> Condition:
    """Say whether there is an Ingress, and which of its paths lead to no port of the Service."""
    if not section(spec_of(situation.resource), "ingress").get("enabled"):
        return true("NotWanted", "no Ingress is asked for")
    served = {port.port: port.name for port in situation.ports.of_service}
    lost = [
        f"spec.ingress.hosts[{index}].paths[{number}].servicePort {path['servicePort']}"
        for index, host in enumerate(section(spec_of(situation.resource), "ingress").get("hosts") or ())
        for number, path in enumerate(host.get("paths") or ())
        if path.get("servicePort") and path["servicePort"] not in served
    ]
    if not lost:
        return true(
            "IngressApplied", "the Ingress is there; whether a controller serves it, its own status says"
        )
    known = ", ".join(f"{port} ({name})" for port, name in served.items())
    return warning(
        "PortNotServed", f"the Service has no {' and no '.join(lost)}: use one of {known}, or leave it out"
    )


def ingress_tls(situation: Situation) -> list[dict[str, Any]] | None:
    """Return the certificates of the Ingress."""
    found: list[dict[str, Any]] | None = plain(section(spec_of(situation.resource), "ingress").get("tls"))
    return found


def http_route_rules(situation: Situation) -> list[dict[str, Any]]:
    """Return the rules of the HTTPRoute: each leads to the Service's API port."""
    backend = {"name": situation.identity.name, "port": situation.ports.api.port}
    strip = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(INTERNAL_HEADERS)}}
    return [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "filters": [strip],
            "backendRefs": [backend],
            "timeouts": {"request": seconds},
        }
        for path, seconds in ROUTE_RULES
    ]


def http_route_parents(situation: Situation) -> list[dict[str, Any]]:
    """Return the Gateway that the HTTPRoute asks to be attached to."""
    wanted = section(spec_of(situation.resource), "gateway", "existingRef")
    parent = {key: wanted[key] for key in ("name", "namespace", "sectionName") if wanted.get(key)}
    return [{"group": "gateway.networking.k8s.io", "kind": "Gateway", **parent}]


def gateway_condition(situation: Situation) -> Condition:
    """Say whether requests can be brought to the router, as far as it can be told before anything is applied."""
    if situation.is_standalone:
        return true("EnvoyConfigured", "an Envoy beside the router takes requests")
    wanted = section(spec_of(situation.resource), "gateway", "existingRef")
    place = f"Gateway {wanted['namespace']}/{wanted['name']}"
    presence = section(situation.observed, "apis").get(HTTP_ROUTE_API)
    if presence != "present":
        text = f"the cluster does not serve HTTPRoute ({presence}): install the Gateway API, or remove spec.gateway"
        return false("GatewayAPIAbsent", text)
    for error in section(situation.observed, "errors").get("gateways") or ():
        return false(f"Gateway{error['reason']}", f"{place} cannot be read: {error['reason']}")
    if not section(situation.observed, "references").get("gateways"):
        text = f"{place} does not exist: create it, or correct spec.gateway.existingRef"
        return false("GatewayNotFound", text)
    return true("RouteApplied", f"an HTTPRoute asks {place} for attachment")


def wants_http_route(situation: Situation) -> bool:
    """Whether an HTTPRoute can and shall be there."""
    served = section(situation.observed, "apis").get(HTTP_ROUTE_API) == "present"
    return served and not situation.is_standalone


def wants_route(situation: Situation) -> bool:
    """Whether a Route can and shall be there."""
    wanted = section(spec_of(situation.resource), "openshift", "routes").get("enabled")
    return bool(wanted) and section(situation.observed, "apis").get(ROUTE_API) == "present"


def route_condition(situation: Situation) -> Condition:
    """Say whether there is a Route when one is wanted. What is not known changes nothing."""
    if not section(spec_of(situation.resource), "openshift", "routes").get("enabled"):
        return true("NotWanted", "no Route is asked for")
    presence = section(situation.observed, "apis").get(ROUTE_API)
    if presence == "present":
        return true(
            "RouteApplied",
            "the Route is there; whether a router of OpenShift has admitted it, it says itself",
        )
    if presence == "absent":
        text = (
            "the cluster does not serve route.openshift.io/v1, so it is no OpenShift: set"
            " spec.openshift.routes.enabled to false and use spec.ingress or spec.gateway"
        )
        return false("RouteAPIAbsent", text)
    text = "whether the cluster serves route.openshift.io/v1 cannot be told now; it is looked at again"
    return Condition(status="Unknown", reason="RouteAPIUnknown", message=text)


def route_tls(situation: Situation) -> dict[str, Any]:
    """Return the encryption of the Route."""
    given = section(spec_of(situation.resource), "openshift", "routes", "tls")
    termination = str(given.get("termination") or "edge")
    policy = str(given.get("insecureEdgeTerminationPolicy") or "Redirect")
    return {"termination": termination, "insecureEdgeTerminationPolicy": policy}


def _ingress_rule(host: Mapping[str, Any], situation: Situation) -> dict[str, Any]:
    return {
        "host": host.get("host") or None,
        "http": {"paths": [_ingress_path(path, situation) for path in host.get("paths") or ()]},
    }


def _ingress_path(path: Mapping[str, Any], situation: Situation) -> dict[str, Any]:
    port = int(path.get("servicePort") or situation.ports.api.port)
    return {
        "path": str(path.get("path") or "/"),
        "pathType": str(path.get("pathType") or "Prefix"),
        "backend": {"service": {"name": situation.identity.name, "port": {"number": port}}},
    }
