"""From one mode to another without a gap: what leads to pods, or what they need, stays until others have taken over.

Pods of the new mode may need an hour to start. Which pods there are is told by their ReplicaSets.
"""

from collections.abc import Iterator

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    HTTP_ROUTE,
    POLICY,
    section,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import Stored
from ansible_collections.vllm.semantic_router.plugins.module_utils.workload import CERTIFICATE, ENVOY


def kept_kinds(stored: Stored, *, standalone: bool) -> frozenset[str]:
    """Return the kinds of objects of the other mode that may not go yet.

    Clients come through the Gateway until every pod has an Envoy to take its place.
    """
    if standalone and not all(_has_envoy(template) for template in _running(stored)):
        return frozenset({HTTP_ROUTE.kind, POLICY.kind})
    return frozenset()


def all_pods_serve_tls(stored: Stored) -> bool:
    """Whether TLS can be led on to every pod; not so while there is none."""
    templates = list(_running(stored))
    return bool(templates) and all(_has_certificate(template) for template in templates)


def _running(stored: Stored) -> Iterator[Object]:
    return (one.template for one in stored.replica_sets if one.has_pods)


def _has_envoy(template: Object) -> bool:
    return any(one.get("name") == ENVOY for one in section(template, "spec").get("containers") or ())


def _has_certificate(template: Object) -> bool:
    return any(one.get("name") == CERTIFICATE for one in section(template, "spec").get("volumes") or ())
