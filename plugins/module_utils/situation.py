"""Everything that follows from a SemanticRouter and what was observed, worked out once for all roles.

Each role takes its part of it; so they agree without handing facts to each other, and each can be used alone.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Backends, resolve_backends
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import CachePlan, resolve_cache
from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import (
    certificate_problem,
    certificate_secret,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.config_rules import check_config
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import drain_path
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity, identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    ENTRIES,
    GATEWAY_INTEGRATION,
    gateway_mode,
    name_of,
    section,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.live_config import with_addresses_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, foreign
from ansible_collections.vllm.semantic_router.plugins.module_utils.persistence import (
    VolumePlan,
    resolve_volume,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Ports, ports_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, false, true
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import render_config
from ansible_collections.vllm.semantic_router.plugins.module_utils.stored import Stored
from ansible_collections.vllm.semantic_router.plugins.module_utils.take_over import rivalry

DEFAULT_CLUSTER_DOMAIN = "cluster.local"
OPENSHIFT_API = "security.openshift.io/v1/SecurityContextConstraints"
SLEEP_API = "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy"
"""Served since Kubernetes 1.30, which is the first whose pods may have hooks that sleep."""

CLAIM = "PersistentVolumeClaim"
MOST_PROBLEMS = 10


@dataclass(frozen=True)
class Situation:
    """A resource with what was observed for it; what follows is worked out when it is asked for."""

    resource: Object
    observed: Mapping[str, Any]
    cluster_domain: str = DEFAULT_CLUSTER_DOMAIN
    service_address: str = ""
    """Of any Service of the cluster: its family is the first of the cluster; empty when it is IPv4, or not known."""

    @cached_property
    def identity(self) -> Identity:
        """Who the resource is."""
        return identity_of(self.resource)

    @cached_property
    def ports(self) -> Ports:
        """Its ports."""
        return ports_of(self.resource, self.service_address)

    @cached_property
    def stored(self) -> Stored:
        """What is there of it and of its earlier revisions."""
        last_good = section(self.resource, "status", "lastGood").get("revision")
        return Stored(self.identity, self.observed, str(last_good or ""))

    @cached_property
    def drain_path(self) -> str:
        """How its pods are drained: as now, also when the operator takes over what a playbook has made."""
        return self.stored.drain_path or drain_path(self.identity)

    @cached_property
    def backends(self) -> Backends:
        """Its model servers; when none of them has an address, those that the pods use now."""
        found = resolve_backends(self.resource, self.observed, self.cluster_domain)
        lost = found.models and not any(model.endpoints for model in found.models)
        return with_addresses_of(found, self.stored.serving_models()) if lost else found

    @cached_property
    def cache(self) -> CachePlan:
        """Its cache."""
        return resolve_cache(self.resource, self.observed)

    @cached_property
    def volume(self) -> VolumePlan:
        """Its volume."""
        return resolve_volume(self.resource, self.observed)

    @cached_property
    def document(self) -> dict[str, Any]:
        """Its ``config.yaml``."""
        return render_config(self.resource, self.backends, self.cache, self.ports)

    @cached_property
    def problems(self) -> tuple[str, ...]:
        """Why the router would not start with its ``config.yaml``; empty when it would."""
        return tuple(check_config(self.document, self.resource))

    @property
    def is_standalone(self) -> bool:
        """Whether an Envoy runs beside the router."""
        return gateway_mode(self.resource) != GATEWAY_INTEGRATION

    @cached_property
    def certificate(self) -> str | None:
        """The Secret with the certificate that Envoy serves; None when it serves none."""
        return certificate_secret(self.resource, self.observed)

    @property
    def on_openshift(self) -> bool:
        """Whether the cluster gives each namespace user ids of its own."""
        return section(self.observed, "apis").get(OPENSHIFT_API) == "present"

    @property
    def may_sleep(self) -> bool:
        """Whether pods may have hooks that sleep; as it is now while that cannot be told."""
        presence = section(self.observed, "apis").get(SLEEP_API)
        return self.stored.sleeps if presence == "unknown" else presence == "present"

    @cached_property
    def config_condition(self) -> Condition:
        """Whether the configuration is one that the router starts with."""
        if not self.problems:
            return true("ConfigValid", "the router can start with this configuration")
        return false("ConfigInvalid", "; ".join(self.problems[:MOST_PROBLEMS]))

    @cached_property
    def obstacle(self) -> Condition | None:
        """Why nothing may be applied now; what is there stays as it is. None when nothing stands in the way."""
        if self.secret_obstacle or self.cache.moved:
            return self.secret_obstacle
        return false("SecretNotWritten", f"waiting for Secret {self.identity.namespace}/{self.cache.secret}")

    @cached_property
    def secret_obstacle(self) -> Condition | None:
        """Why not even our Secret may be applied, which everything else waits for."""
        if section(self.observed, "apis").get(OPENSHIFT_API) == "unknown":
            text = "whether this is OpenShift, and so who chooses the pods' user, cannot be told now"
            return Condition(status="Unknown", reason="OpenShiftUnknown", message=text)
        if self.problems:
            return false("ConfigInvalid", "the configuration is not valid; what is there goes on serving")
        if not self.cache.ready:
            return false(
                self.cache.condition.reason, f"waiting for the cache: {self.cache.condition.message}"
            )
        certificate = certificate_problem(self.resource, self.observed)
        if certificate:
            text = f"waiting for the certificate: {certificate.message}"
            return replace(certificate, message=text)
        conflicts = list(self._conflicts())
        if conflicts:
            return false("Conflict", "; ".join(conflicts[:MOST_PROBLEMS]))
        return rivalry(self.resource, self.observed, self.identity) or self._lost()

    def _lost(self) -> Condition | None:
        """A configuration without any backend never takes the place of one that has some."""
        if not self.backends.models or any(model.endpoints for model in self.backends.models):
            return None
        if not any(model.endpoints for model in self.stored.serving_models()):
            return None
        found = self.backends.condition
        return false(found.reason, f"waiting for a backend; what is there goes on serving: {found.message}")

    @cached_property
    def workload_obstacle(self) -> Condition | None:
        """Why no pod may be made or changed now."""
        if self.obstacle:
            return self.obstacle
        if not self.volume.ready:
            return false(
                self.volume.condition.reason, f"waiting for the volume: {self.volume.condition.message}"
            )
        return self._without_account()

    def _without_account(self) -> Condition | None:
        """An account that is only used must be there: no pod can be made without it."""
        given, owned = section(self.resource["spec"], "serviceAccount"), section(self.observed, "owned")
        name = str(given.get("name") or "")
        if given.get("create", True) or not name or "ServiceAccount" not in owned:
            return None
        if find(self.observed, "ServiceAccount", self.identity, name):
            return None
        text = (
            f"ServiceAccount {self.identity.namespace}/{name} does not exist: create it, or set"
            " spec.serviceAccount.create to true"
        )
        return false("ServiceAccountNotFound", text)

    def _conflicts(self) -> Iterator[str]:
        """Name the objects that have the name of one of ours and belong to somebody else."""
        wanted = [(one.kind, name_of(one, self.resource)) for one in ENTRIES if one.wanted(self.resource)]
        if self.volume.make:
            wanted.append((CLAIM, self.volume.own))
        for kind, name in wanted:
            live = find(self.observed, kind, self.identity, name)
            if live is not None and (text := foreign(live, self.identity)):
                yield text
