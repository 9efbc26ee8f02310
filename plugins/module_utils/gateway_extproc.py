"""The routing decision inside a shared gateway: Envoy Gateway asks the router as ExtProc, and routes by its answer.

The router names its choice in ``x-selected-model``. One HTTPRoute, ``<name>-models``, has a rule for each model, and a
policy of Envoy Gateway makes the gateway ask the router for whatever goes there. Model servers are reached as Services:
one in another namespace needs a ReferenceGrant there, which only the owner of that namespace can give.
"""

from collections.abc import Iterator
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Endpoint, Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import INTERNAL_HEADERS
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_routes import (
    ROUTER_SECONDS,
    SELECTED,
    models_by_name,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

POLICY_API = "gateway.envoyproxy.io/v1alpha1/EnvoyExtensionPolicy"
MOST_MODELS = 15
"""An HTTPRoute has 16 rules at most; one is for requests for which the router chose nothing."""

MOST_NAMES = 64
"""Matches of one rule: a model and its adapters."""

_PREFIX = {"type": "PathPrefix", "value": "/v1"}


def models_rules(situation: Situation) -> list[dict[str, Any]]:
    """Return the rules of the HTTPRoute of the models; the last is for requests without a choice."""
    models = situation.backends.models
    names: dict[str, list[str]] = {model.name: [] for model in models}
    for name, model in models_by_name(models).items():
        names[model.name].append(name)
    rules = [_rule(model, [_match(name) for name in names[model.name]], situation) for model in models]
    return [*rules, *(_rule(model, [{"path": _PREFIX}], situation) for model in models[:1])]


def policy(situation: Situation) -> dict[str, Any]:
    """Return how the gateway asks the router."""
    identity = situation.identity
    router = {"group": "", "kind": "Service", "name": identity.name, "port": situation.ports.grpc.port}
    target = {
        "group": "gateway.networking.k8s.io",
        "kind": "HTTPRoute",
        "name": identity.name_of("models"),
    }
    return {
        "targetRefs": [target],
        "extProc": [
            {
                "backendRefs": [router],
                "messageTimeout": ROUTER_SECONDS,
                "failOpen": False,
                "processingMode": {
                    "allowModeOverride": True,
                    "request": {"body": "Buffered"},
                    "response": {"body": "Streamed"},  # buffered, a stream of events would be held back
                },
            }
        ],
    }


def extproc_condition(situation: Situation, place: str) -> Condition:
    """Say whether the gateway can be made to ask the router; ``place`` names it."""
    obstacle = extproc_obstacle(situation)
    if obstacle:
        return obstacle
    unreached = list(_unreached(situation))
    if unreached:
        return false("BackendNotSupported", "; ".join(unreached))
    return true("RouteApplied", f"{place} is told to ask the router, and has a rule for each model")


def extproc_obstacle(situation: Situation) -> Condition | None:
    """Say why there can be no rules for the models; None when there can."""
    presence = section(situation.observed, "apis").get(POLICY_API)
    if presence == "unknown":
        text = f"whether the cluster serves {POLICY_API} cannot be told now; it is looked at again"
        return Condition(status="Unknown", reason="ExtProcAPIUnknown", message=text)
    if presence != "present":
        text = (
            f"the cluster does not serve {POLICY_API}, so no gateway here can be told to ask the router: install"
            " Envoy Gateway, or set spec.gateway.extProc.enabled to false"
        )
        return false("ExtProcAPIAbsent", text)
    return _too_many(situation)


def _too_many(situation: Situation) -> Condition | None:
    models = situation.backends.models
    if len(models) > MOST_MODELS:
        text = (
            f"spec.vllmEndpoints has {len(models)} models, but an HTTPRoute has rules for {MOST_MODELS} only"
        )
    elif any(len(model.loras) >= MOST_NAMES for model in models):
        text = (
            f"a model of spec.vllmEndpoints has more adapters than the {MOST_NAMES - 1} that a rule can name"
        )
    else:
        return None
    remedy = "use fewer, or remove spec.gateway.existingRef: an Envoy beside the router knows no such limit"
    return false("TooManyModels", f"{text}; {remedy}")


def _match(name: str) -> dict[str, Any]:
    return {"path": _PREFIX, "headers": [{"type": "Exact", "name": SELECTED, "value": name}]}


def _rule(model: Model, matches: list[dict[str, Any]], situation: Situation) -> dict[str, Any]:
    """Return a rule; one without a backend answers 500, which is better than another model's answer."""
    seconds = section(spec_of(situation.resource), "gateway", "timeouts").get("chatSeconds")
    strip = {"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": list(INTERNAL_HEADERS)}}
    return {
        "matches": matches,
        "filters": [strip],
        "backendRefs": [
            ref for endpoint in model.endpoints if (ref := _backend_ref(endpoint, situation)) is not None
        ],
        "timeouts": {"request": f"{int(seconds or 0)}s"},  # a generation may be long
    }


def _backend_ref(endpoint: Endpoint, situation: Situation) -> dict[str, Any] | None:
    """Return the Service of an endpoint; None for what is none, or speaks https."""
    labels, _, domain = endpoint.address.host.partition(".svc.")
    name, _, namespace = labels.partition(".")
    if domain != situation.cluster_domain or not namespace or endpoint.address.tls:
        return None
    return {
        "group": "",
        "kind": "Service",
        "name": name,
        "namespace": namespace,
        "port": _service_port(situation, namespace, name, endpoint.address.port),
        "weight": endpoint.weight,
    }


def _service_port(situation: Situation, namespace: str, name: str, port: int) -> int:
    """Return the Service's own port: Envoy reaches the pods of a headless Service at another."""
    references = section(situation.observed, "references")
    for reference in ("services", "labelled_services", "predictor_services"):
        for found in references.get(reference) or ():
            metadata = found["metadata"]
            if (metadata["namespace"], metadata["name"]) == (namespace, name):
                ports = section(found, "spec").get("ports") or ()
                targets = {one.get("targetPort"): int(one["port"]) for one in ports}
                return port if port in targets.values() else targets.get(port, port)
    return port


def _unreached(situation: Situation) -> Iterator[str]:
    for model in situation.backends.models:
        for endpoint in model.endpoints:
            if _backend_ref(endpoint, situation) is None:
                address = endpoint.address
                what = "speaks https" if address.tls else "is no Service of this cluster"
                yield (
                    f"endpoint {endpoint.name} at {address.host}:{address.port} {what}, which the rules of an HTTPRoute"
                    " cannot say: use a Service with plain http, or remove spec.gateway.existingRef"
                )
