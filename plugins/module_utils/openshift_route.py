"""The Route of OpenShift: what it says, and what can be told of it before the router of OpenShift has seen it."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import (
    ROUTE_API,
    termination,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import ROUTE, section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, is_ours
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation
from ansible_collections.vllm.semantic_router.plugins.module_utils.transitions import all_pods_serve_tls


def wants_route(situation: Situation) -> bool:
    """Whether a Route can and shall be there now."""
    return _is_wanted(situation) and _presence(situation) == "present" and not _authority_problem(situation)


def route_condition(situation: Situation) -> Condition:
    """Say whether there is a Route when one is wanted. What is not known changes nothing."""
    if not _is_wanted(situation):
        return true("NotWanted", "no Route is asked for")
    if _presence(situation) == "absent":
        text = (
            "the cluster does not serve route.openshift.io/v1, so it is no OpenShift: set"
            " spec.openshift.routes.enabled to false and use spec.ingress or spec.gateway"
        )
        return false("RouteAPIAbsent", text)
    if _presence(situation) != "present":
        text = "whether the cluster serves route.openshift.io/v1 cannot be told now; it is looked at again"
        return Condition(status="Unknown", reason="RouteAPIUnknown", message=text)
    if _kept_tls(situation) is not None:
        text = "the Route stays as it is until every pod serves TLS; then it leads TLS on to them"
        return Condition(status="Unknown", reason="AwaitingPods", message=text)
    return _authority_problem(situation) or true("RouteApplied", "the Route is applied")


def route_tls(situation: Situation) -> dict[str, Any]:
    """Return the encryption of the Route.

    TLS is led on to Envoy when every pod serves it, and not before: until then the Route stays as it is.
    """
    kept = _kept_tls(situation)
    if kept is not None:
        return kept
    given = section(spec_of(situation.resource), "openshift", "routes", "tls")
    policy = str(given.get("insecureEdgeTerminationPolicy") or "Redirect")
    authority = _authority(situation)
    return {
        "termination": termination(situation.resource),
        "insecureEdgeTerminationPolicy": policy,
        **({"destinationCACertificate": authority} if authority else {}),
    }


def _kept_tls(situation: Situation) -> dict[str, Any] | None:
    """Return the encryption of a Route that waits for pods, None when there is nothing to wait for."""
    live = find(situation.observed, ROUTE.kind, situation.identity, situation.identity.name)
    if termination(situation.resource) == "edge" or live is None or not is_ours(live, situation.identity):
        return None
    found: dict[str, Any] = plain(section(live, "spec").get("tls") or {})
    leads_on = found.get("termination") in ("passthrough", "reencrypt")
    return None if leads_on or all_pods_serve_tls(situation.stored) else found


def refusal(error: str, host: object, reason: str) -> Condition:
    """Say what to do when the Route cannot be applied; ``error`` is the answer of the API server.

    It names the field: who may make Routes may not for that choose their host.
    """
    if not host or "spec.host" not in error:
        return false(reason, f"the Route is not applied: {error}")
    text = (
        f"the API server does not let the operator choose the host {host} of the Route: grant its ServiceAccount"
        " `create` and `update` on routes/custom-host of route.openshift.io, or remove"
        " spec.openshift.routes.hostname, so that OpenShift makes one"
    )
    return false("HostRefused", text)


def _is_wanted(situation: Situation) -> bool:
    return bool(section(spec_of(situation.resource), "openshift", "routes").get("enabled"))


def _presence(situation: Situation) -> object:
    return section(situation.observed, "apis").get(ROUTE_API)


def _authority(situation: Situation) -> str | None:
    """Return the certificate in PEM form; None when none is named, or it cannot be had."""
    wanted = _wanted_authority(situation)
    for found in section(situation.observed, "references").get("authorities") or ():
        if wanted and found["metadata"]["name"] == wanted["name"]:
            text = (found.get("data") or {}).get(_key(wanted))
            return str(text) if text else None
    return None


def _authority_problem(situation: Situation) -> Condition | None:
    wanted = _wanted_authority(situation)
    if not wanted or _authority(situation):
        return None
    place = f"ConfigMap {situation.identity.namespace}/{wanted['name']}"
    text = (
        f"{place} of spec.openshift.routes.tls.destinationCACertificate is not there or has no {_key(wanted)}:"
        " put the authority's certificate there, or correct the reference"
    )
    return false("AuthorityNotFound", text)


def _wanted_authority(situation: Situation) -> Mapping[str, Any]:
    if termination(situation.resource) != "reencrypt":
        return {}
    return section(spec_of(situation.resource), "openshift", "routes", "tls", "destinationCACertificate")


def _key(wanted: Mapping[str, Any]) -> str:
    return str(wanted.get("key") or "ca.crt")
