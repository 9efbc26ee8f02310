"""Which objects a SemanticRouter has: one table, asked by the roles that make them and by the one that prunes.

``watches.yaml`` names the same objects in its own language; a test compares the two.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.cache_fields import plaintext
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

STANDALONE = "standalone"
GATEWAY_INTEGRATION = "gateway-integration"

DEFAULT_FEWEST = 1
"""Pods that an autoscaler keeps at least."""

type Spec = Mapping[str, Any]


def spec_of(resource: Object) -> Spec:
    """Return ``spec``, empty when there is none."""
    spec: Spec = resource.get("spec") or {}
    return spec


def section(spec: Spec, *names: str) -> Mapping[str, Any]:
    """Return a block of ``spec``, empty when it, or a block around it, is not given."""
    found: Mapping[str, Any] = spec
    for name in names:
        found = found.get(name) or {}
    return found


def gateway_mode(resource: Object) -> str:
    """Return ``standalone``, or ``gateway-integration`` when the resource names a Gateway that exists."""
    return GATEWAY_INTEGRATION if section(spec_of(resource), "gateway", "existingRef") else STANDALONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One object: its kind, its name after the resource's own, and whether a specification asks for it."""

    api_version: str
    kind: str
    suffix: str = ""
    wanted: Callable[[Object], bool] = lambda _resource: True


def _makes_account(resource: Object) -> bool:
    return bool(section(spec_of(resource), "serviceAccount").get("create", True))


def _is_integrated(resource: Object) -> bool:
    return gateway_mode(resource) == GATEWAY_INTEGRATION


def asks_router(resource: Object) -> bool:
    """Whether the Gateway asks the router as ExtProc."""
    return _is_integrated(resource) and bool(section(spec_of(resource), "gateway", "extProc").get("enabled"))


def _has_route(resource: Object) -> bool:
    return bool(section(spec_of(resource), "openshift", "routes").get("enabled"))


def is_autoscaled(resource: Object) -> bool:
    """Whether a HorizontalPodAutoscaler sets the number of pods."""
    return bool(section(spec_of(resource), "autoscaling").get("enabled"))


def fewest_pods(resource: Object) -> int:
    """Return how many pods there are at least, when all is well."""
    spec = spec_of(resource)
    if is_autoscaled(resource):
        return int(section(spec, "autoscaling").get("minReplicas") or DEFAULT_FEWEST)
    return int(1 if spec.get("replicas") is None else spec["replicas"])


def _has_several_pods(resource: Object) -> bool:
    return fewest_pods(resource) > 1


def _has_ingress(resource: Object) -> bool:
    return bool(section(spec_of(resource), "ingress").get("enabled"))


def _has_plaintext(resource: Object) -> bool:
    return bool(plaintext(section(spec_of(resource), "config")))


ACCOUNT = Entry(api_version="v1", kind="ServiceAccount", wanted=_makes_account)
CREDENTIALS = Entry(api_version="v1", kind="Secret", suffix="credentials", wanted=_has_plaintext)
DEPLOYMENT = Entry(api_version="apps/v1", kind="Deployment")
SERVICE = Entry(api_version="v1", kind="Service")
HEADLESS_SERVICE = Entry(api_version="v1", kind="Service", suffix="headless")
HTTP_ROUTE = Entry(api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", wanted=_is_integrated)
MODELS_ROUTE = Entry(
    api_version="gateway.networking.k8s.io/v1", kind="HTTPRoute", suffix="models", wanted=asks_router
)
POLICY = Entry(api_version="gateway.envoyproxy.io/v1alpha1", kind="EnvoyExtensionPolicy", wanted=asks_router)
ROUTE = Entry(api_version="route.openshift.io/v1", kind="Route", wanted=_has_route)
AUTOSCALER = Entry(api_version="autoscaling/v2", kind="HorizontalPodAutoscaler", wanted=is_autoscaled)
INGRESS = Entry(api_version="networking.k8s.io/v1", kind="Ingress", wanted=_has_ingress)
BUDGET = Entry(api_version="policy/v1", kind="PodDisruptionBudget", wanted=_has_several_pods)

ENTRIES = (
    ACCOUNT, CREDENTIALS, DEPLOYMENT, SERVICE, HEADLESS_SERVICE, HTTP_ROUTE, MODELS_ROUTE, POLICY, ROUTE,
    AUTOSCALER, INGRESS, BUDGET,
)  # fmt: skip
"""All but claims, which hold data and are never deleted by an edit, and ConfigMaps, whose names follow from their
content (``revisions``).
"""


def name_of(entry: Entry, resource: Object) -> str:
    """Return the name of an object of the resource."""
    if entry is ACCOUNT:
        return account_name(resource)
    identity = identity_of(resource)
    return identity.name_of(entry.suffix) if entry.suffix else identity.name


def account_name(resource: Object) -> str:
    """Return the ServiceAccount of the pods, whether it is made or used."""
    account = section(spec_of(resource), "serviceAccount")
    made = identity_of(resource).name if account.get("create", True) else "default"
    return str(account.get("name") or made)


def leftovers(
    resource: Object,
    observed: Mapping[str, Any],
    needed: Collection[tuple[str, str]],
    *,
    kept_kinds: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield objects that belong to the resource and that it does not want any more, as ``absent`` definitions.

    ``needed`` are kind and name of what must stay besides, ``kept_kinds`` are left alone for now. Each definition
    carries the uid that was seen, so that nothing else of that name is deleted. Only kinds of the table, and
    ConfigMaps, are looked at, and none of which it is not known whether it is served.
    """
    identity = identity_of(resource)
    wanted = {(entry.kind, name_of(entry, resource)) for entry in ENTRIES if entry.wanted(resource)}
    wanted |= set(needed)
    versions = {"ConfigMap": "v1", **{entry.kind: entry.api_version for entry in ENTRIES}}
    for kind, api_version in versions.items():
        unknown = section(observed, "apis").get(f"{api_version}/{kind}") == "unknown"
        if unknown or kind in kept_kinds:
            continue
        for live in section(observed, "owned").get(kind) or ():
            metadata = live["metadata"]
            kept = (kind, metadata["name"]) in wanted or metadata.get("deletionTimestamp")
            if not kept and identity.owns(live):
                yield {
                    "apiVersion": api_version,
                    "kind": kind,
                    "metadata": {key: metadata[key] for key in ("name", "namespace", "uid")},
                }
