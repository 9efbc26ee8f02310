"""Filters for the playbooks that work without the operator."""

from collections.abc import Callable, Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.vllm.semantic_router.plugins.filter.plans import (
    backends_plan,
    cache_plan,
    gateway_plan,
    openshift_plan,
    persistence_plan,
    router_plan,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils import cache_fields
from ansible_collections.vllm.semantic_router.plugins.module_utils import definition as definitions
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    DEPLOYMENT,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import with_applied
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import unstored

DECISIVE = ("RouterReady", "GatewayReady", "ConfigValid")
"""Without these nothing serves; what else is false is a loss that the router lives with."""

NEUTRAL = ("IgnoredFields",)
"""These say neither that all is well nor that something is wrong (``neutral`` in ``watches.yaml``)."""


def completed(resource: Object, definition: Object, namespace: str = "default") -> dict[str, Any]:
    """Return the resource with the defaults of its CustomResourceDefinition; fails with all that is wrong in it."""
    try:
        return definitions.completed(resource, plain(definition), namespace)
    except definitions.DefinitionError as error:
        raise AnsibleFilterError(str(error)) from error


def problems(
    resource: Object, observed: Mapping[str, Any], cluster_domain: str, *, every: bool = False
) -> list[str]:
    """Return what keeps the router from serving, or with ``every`` all that is not as it should be, as sentences.

    With ``every`` the cluster is a description, and what that says nothing about is named too.
    """
    cache = cache_plan(resource, observed)
    since = _with_secret(resource, observed, cache)
    plans = [
        cache,
        *(plan(resource, since, cluster_domain) for plan in (backends_plan, gateway_plan, router_plan)),
        *(plan(resource, since) for plan in (persistence_plan, openshift_plan)),
    ]
    conditions = {kind: one for plan in plans for kind, one in plan["conditions"].items()}
    found = [
        f"{kind}: {one['message']}"
        for kind, one in sorted(conditions.items())
        if (every and kind not in NEUTRAL and one["status"] != "True")
        or (kind in DECISIVE and one["status"] == "False")
    ]
    return [*found, *_untold(observed)] if every and found else found


def _with_secret(
    resource: Object, observed: Mapping[str, Any], cache: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What will be seen once the role ``cache`` has made its Secret, which other roles wait for."""
    identity = identity_of(resource)
    named = {"namespace": identity.namespace, "name": cache["name"]}
    made = [{"apiVersion": "v1", "kind": kind, "metadata": named} for kind in cache["wanted"]]
    return with_applied(observed, unstored(made), identity)


def _untold(observed: Mapping[str, Any]) -> list[str]:
    kinds = sorted(kind for kind, presence in section(observed, "apis").items() if presence == "unknown")
    if not kinds:
        return []
    said = f"the description of the cluster (observed_file) says nothing about {', '.join(kinds)}"
    return [f"{said}: add objects of these kinds, or say under apis whether they are present or absent"]


def made_for(observed: Mapping[str, Any], resource: Object) -> list[Object]:
    """Return the objects that belong to the resource and go with it; a claim that shall be kept is not among them.

    The Deployment is the first: Kubernetes holds a claim for as long as a pod uses it.
    """
    identity = identity_of(resource)
    keeps = section(spec_of(resource), "persistence").get("retentionPolicy") == "Retain"
    found = [
        one
        for kind, objects in section(observed, "owned").items()
        for one in plain(objects)
        if identity.owns(one) and not (keeps and kind == "PersistentVolumeClaim")
    ]
    return sorted(found, key=lambda one: str(one["kind"]) != DEPLOYMENT.kind)


def without_credentials(resource: Object) -> dict[str, Any]:
    """Return the resource without the credentials that stand in it, for where arguments are shown."""
    whole: dict[str, Any] = plain(resource)
    spec = spec_of(whole)
    if not spec.get("config"):
        return whole
    return {**whole, "spec": {**spec, "config": cache_fields.without_credentials(spec["config"])}}


class FilterModule:
    """What Ansible looks for."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Return the filters by name."""
        return {
            "completed": completed,
            "made_for": made_for,
            "problems": problems,
            "without_credentials": without_credentials,
        }
