"""What each role needs, worked out from the resource and from what was observed; one filter per role.

The decisions are in ``module_utils``; here they are put under the names that the roles' manifests use.
"""

import base64
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import (
    gateway,
    gateway_extproc,
    openshift_route,
    persistence,
    revisions,
    router_objects,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_credentials import refusal
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import plaintext
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_config import FORMAT
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    gateway_mode,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import OWNER_ANNOTATION
from ansible_collections.vllm.semantic_router.plugins.module_utils.persistence import RETAIN
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import false
from ansible_collections.vllm.semantic_router.plugins.module_utils.rollback import course_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import (
    DEFAULT_CLUSTER_DOMAIN,
    Situation,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import ENVOY_CONFIG

type Plan = dict[str, Any]


def backends_plan(
    resource: Object, observed: Mapping[str, Any], cluster_domain: str = DEFAULT_CLUSTER_DOMAIN
) -> Plan:
    """Return the condition of the backends."""
    situation = Situation(resource, observed, cluster_domain)
    return {"conditions": {"BackendsReady": situation.backends.condition.as_dict()}}


def cache_plan(resource: Object, observed: Mapping[str, Any]) -> Plan:
    """Return the Secret to apply, if one is, and the condition of the cache; never what is in the Secret."""
    situation = Situation(resource, observed)
    cache = situation.cache
    makes = cache.secret and situation.secret_obstacle is None
    return {
        "wanted": ["Secret"] if makes else [],
        "name": cache.secret,
        "conditions": {"CacheReady": cache.condition.as_dict()},
    }


def cache_secret_data(resource: Object) -> dict[str, str]:
    """Return the ``data`` of our Secret: the credential that stands in the resource. For tasks with ``no_log``."""
    found = plaintext(section(spec_of(resource), "config"))
    return {name: base64.b64encode(value.encode()).decode() for name, value in found.items()}


def cache_refusal(applied: Mapping[str, Any], plan: Mapping[str, Any]) -> str:
    """Say why our Secret could not be applied, from the result of that."""
    return refusal(applied, str(plan["name"]))


def cache_conditions(refused: str) -> Plan:
    """Return the condition of a cache whose Secret could not be written."""
    return {"CacheReady": false("SecretNotWritten", refused).as_dict()}


def persistence_plan(resource: Object, observed: Mapping[str, Any]) -> Plan:
    """Return the claim to apply, if one is, and the condition of the volume."""
    situation = Situation(resource, observed)
    volume, given = situation.volume, section(spec_of(resource), "persistence")
    uid = situation.identity.uid
    retained = {OWNER_ANNOTATION: uid} if uid and given.get("retentionPolicy") == RETAIN else {}
    # What the claim outlives must not wait for anything else to be put right.
    makes = volume.make and (volume.kept or situation.obstacle is None)
    return {
        "wanted": ["PersistentVolumeClaim"] if makes else [],
        "name": volume.own,
        "annotations": {**plain(given.get("annotations") or {}), **retained},
        "access_modes": list(volume.access_modes),
        "size": volume.size,
        "storage_class": volume.storage_class,
        "conditions": {"PersistenceReady": volume.condition.as_dict()},
    }


def claims_to_release(resource: Object, observed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the claims that must lose their owner reference, each with the JSON patch that does it."""
    return persistence.claims_to_release(resource, observed)


def gateway_plan(
    resource: Object,
    observed: Mapping[str, Any],
    cluster_domain: str = DEFAULT_CLUSTER_DOMAIN,
    service_address: str = "",
) -> Plan:
    """Return Envoy's files or the HTTPRoute, and the condition of the way to the router."""
    situation = Situation(resource, observed, cluster_domain, service_address)
    condition = situation.obstacle or gateway.gateway_condition(situation)
    revision = revisions.revision_of(situation)
    stays = situation.is_standalone and course_of(situation, revision).template is not None
    plan: Plan = {
        "wanted": [] if stays or situation.obstacle else gateway.wanted(situation),
        "revision": revision,
        "earlier": revisions.earlier_configs(situation, revision, ENVOY_CONFIG),
        "conditions": {"GatewayReady": condition.as_dict()},
        "mode": gateway_mode(resource),
    }
    if situation.is_standalone:
        return {**plan, "files": revisions.envoy_files(situation), "format": FORMAT}
    return {
        **plan,
        "hostnames": gateway.hostnames(situation),
        "parents": gateway.http_route_parents(situation),
        "rules": gateway.http_route_rules(situation),
        "models_rules": gateway_extproc.models_rules(situation),
        "policy": gateway_extproc.policy(situation),
    }


def router_plan(
    resource: Object,
    observed: Mapping[str, Any],
    cluster_domain: str = DEFAULT_CLUSTER_DOMAIN,
    service_address: str = "",
) -> Plan:
    """Return what the router's objects are made of, which are wanted, and what stands in the way."""
    return router_objects.plan_of(Situation(resource, observed, cluster_domain, service_address))


def openshift_plan(resource: Object, observed: Mapping[str, Any]) -> Plan:
    """Return the Route, if one is wanted and can be, and its condition."""
    situation = Situation(resource, observed)
    routes = section(spec_of(resource), "openshift", "routes")
    makes = openshift_route.wants_route(situation) and situation.obstacle is None
    return {
        "wanted": ["Route"] if makes else [],
        "name": situation.identity.name,
        "host": routes.get("hostname") or None,
        "tls": openshift_route.route_tls(situation),
        "conditions": {"RouteReady": openshift_route.route_condition(situation).as_dict()},
    }


def route_refusal(error: str, resource: Object, reason: str = "RouteRefused") -> Plan:
    """Return the condition of a Route that could not be applied."""
    host = section(spec_of(resource), "openshift", "routes").get("hostname")
    return {"RouteReady": openshift_route.refusal(str(error), host, str(reason)).as_dict()}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "backends_plan": backends_plan,
            "cache_conditions": cache_conditions,
            "cache_plan": cache_plan,
            "cache_refusal": cache_refusal,
            "cache_secret_data": cache_secret_data,
            "claims_to_release": claims_to_release,
            "gateway_plan": gateway_plan,
            "openshift_plan": openshift_plan,
            "persistence_plan": persistence_plan,
            "route_refusal": route_refusal,
            "router_plan": router_plan,
        }
