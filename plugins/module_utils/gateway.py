"""Behind a Gateway that exists: its HTTPRoute, and what can be told of it before the gateway has seen it.

Whether the gateway takes the route it says on the route itself; ``watches.yaml`` makes the condition of that.
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import INTERNAL_HEADERS
from ansible_collections.vllm.semantic_router.plugins.module_utils.gateway_extproc import (
    extproc_condition,
    extproc_obstacle,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    asks_router,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import (
    Condition,
    false,
    true,
    warning,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

CHAT = "chatSeconds"
RULES = (
    ("/v1/chat/completions", CHAT, 60),
    ("/api/v1/classify", "classifySeconds", 30),
    ("/health", "healthSeconds", 5),
    ("/v1/models", "modelsSeconds", 5),
)
"""Paths that a Gateway sends to the router, the setting of how long an answer may take, and its default."""

HTTP_ROUTE_API = "gateway.networking.k8s.io/v1/HTTPRoute"
_API = "gateway.networking.k8s.io"


def http_route_rules(situation: Situation) -> list[dict[str, Any]]:
    """Return the rules of the HTTPRoute: each leads to the Service's API port. 0 seconds are no limit.

    Chat goes to the models themselves where the gateway asks the router (``gateway_extproc``).
    """
    backend = {"name": situation.identity.name, "port": situation.ports.api.port}
    strip = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(INTERNAL_HEADERS)}}
    limits = section(spec_of(situation.resource), "gateway", "timeouts")
    return [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": path}}],
            "filters": [strip],
            "backendRefs": [backend],
            "timeouts": {"request": f"{default if limits.get(name) is None else int(limits[name])}s"},
        }
        for path, name, default in RULES
        if name != CHAT or not asks_router(situation.resource)
    ]


def http_route_parents(situation: Situation) -> list[dict[str, Any]]:
    """Return the Gateway that the HTTPRoute asks to be attached to."""
    wanted = _wanted(situation)
    parent = {key: wanted[key] for key in ("name", "namespace", "sectionName") if wanted.get(key)}
    return [{"group": _API, "kind": "Gateway", **parent}]


def hostnames(situation: Situation) -> list[str] | None:
    """Return the hosts that the HTTPRoute answers to; None for those of the listener."""
    found: list[str] | None = plain(section(spec_of(situation.resource), "gateway").get("hostnames"))
    return found


def gateway_condition(situation: Situation) -> Condition:
    """Say whether requests can be brought to the router, as far as it can be told before anything is applied."""
    if situation.is_standalone:
        return true("EnvoyConfigured", "an Envoy beside the router takes requests")
    wanted = _wanted(situation)
    place = f"Gateway {wanted['namespace']}/{wanted['name']}"
    obstacle = _api_problem(situation) or _gateway_problem(situation, place)
    if obstacle:
        return obstacle
    if asks_router(situation.resource):
        return extproc_condition(situation, place)
    return warning(
        "RouteApplied",
        f"the HTTPRoute brings requests of {place} to the router's own API: it classifies and lists models, but"
        " does not answer chat completions by itself. For those set spec.gateway.extProc.enabled, so that"
        " the gateway asks the router, or remove spec.gateway.existingRef, so that an Envoy beside the router does",
    )


def wanted(situation: Situation) -> list[str]:
    """Return the names of the manifests that can and shall be applied."""
    if situation.is_standalone:
        return ["ConfigMap"]
    if _api_problem(situation):
        return []
    asked = asks_router(situation.resource) and not extproc_obstacle(situation)
    return ["HTTPRoute", *(["ModelsRoute", "EnvoyExtensionPolicy"] if asked else [])]


def _api_problem(situation: Situation) -> Condition | None:
    presence = section(situation.observed, "apis").get(HTTP_ROUTE_API)
    if presence == "present":
        return None
    if presence == "unknown":
        text = f"whether the cluster serves {HTTP_ROUTE_API} cannot be told now; it is looked at again"
        return Condition(status="Unknown", reason="GatewayAPIUnknown", message=text)
    text = f"the cluster does not serve {HTTP_ROUTE_API}: install the Gateway API, or remove spec.gateway"
    return false("GatewayAPIAbsent", text)


def _gateway_problem(situation: Situation, place: str) -> Condition | None:
    for error in section(situation.observed, "errors").get("gateways") or ():
        text = f"{place} cannot be read: {_UNREADABLE.get(error['reason'], error['reason'])}"
        return false(f"Gateway{error['reason']}", text)
    if section(situation.observed, "references").get("gateways"):
        return None
    return false("GatewayNotFound", f"{place} does not exist: create it, or correct spec.gateway.existingRef")


_UNREADABLE = {
    "Forbidden": "the operator may not; grant it get, list and watch of gateways",
    "Unavailable": "the API server does not answer; it is tried again",
    "Absent": "the cluster does not serve Gateways; install the Gateway API",
}


def _wanted(situation: Situation) -> Mapping[str, Any]:
    return section(spec_of(situation.resource), "gateway", "existingRef")
