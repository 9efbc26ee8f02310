"""What is there of earlier revisions: ReplicaSets with their pods, and the configuration objects that those mount."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import belongs_to, section
from ansible_collections.vllm.semantic_router.plugins.module_utils.live_config import models_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, is_ours
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, from_yaml

REVISION_ANNOTATION = "vllm.ai/revision"
"""Of a pod template: the revision that it is of. A label of the same name is on the configuration objects."""

CONFIG, ENVOY_CONFIG = "config", "envoy-config"
"""The parts of the configuration; each revision has an object for either."""

CONFIG_FILE, ENVOY_FILE = "config.yaml", "envoy.yaml"
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an object raises that somebody has changed by hand."""


def config_name(identity: Identity, part: str, revision: str) -> str:
    """Return the name of a configuration object: ``part`` is ``CONFIG`` or ``ENVOY_CONFIG``."""
    return identity.name_of(f"{part}-{revision}")


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """A ReplicaSet of the router's Deployment; ``number`` counts up with each change of the template."""

    number: int
    has_pods: bool
    template: Object

    @property
    def revision(self) -> str:
        """The revision of its pods, empty when another operator made them."""
        annotations = section(self.template, "metadata").get("annotations") or {}
        return str(annotations.get(REVISION_ANNOTATION) or "")

    @property
    def maps(self) -> set[str]:
        """Names of the ConfigMaps that its pods mount."""
        return _maps_of(self.template)


@dataclass(frozen=True, slots=True)
class Stored:
    """The live objects of a resource, as far as they belong to it."""

    identity: Identity
    observed: Mapping[str, Any]

    @property
    def deployment(self) -> Object | None:
        """The Deployment, None when there is none of ours."""
        found = find(self.observed, "Deployment", self.identity, self.identity.name)
        return found if found is not None and is_ours(found, self.identity) else None

    @property
    def replica_sets(self) -> list[ReplicaSet]:
        """All ReplicaSets of the Deployment, the newest first."""
        deployment = self.deployment
        if deployment is None:
            return []
        uid = deployment["metadata"]["uid"]
        found = section(self.observed, "references").get("replica_sets") or ()
        ours = (
            ReplicaSet(int(one.get("number") or 0), bool(one.get("has_pods")), one["template"])
            for one in found
            if one["deployment"] == uid
        )
        return sorted(ours, key=lambda one: one.number, reverse=True)

    @property
    def last_good(self) -> str:
        """The revision that last was available with all of its pods, empty for none."""
        told = section(self.observed, "references").get("last_good") or ()
        return str(next(iter(told), None) or "")

    @property
    def maps(self) -> dict[str, Object]:
        """The ConfigMaps of the resource by name."""
        found = section(self.observed, "owned").get("ConfigMap") or ()
        return {
            str(one["metadata"]["name"]): one
            for one in found
            if belongs_to(one, self.identity.uid) and not one["metadata"].get("deletionTimestamp")
        }

    def in_use(self) -> set[str]:
        """Names of the ConfigMaps that pods mount, or mounted when all was well."""
        good = self.last_good
        used = [one for one in self.replica_sets if one.has_pods or (good and one.revision == good)]
        return {name for one in used for name in one.maps}

    def serving_models(self) -> tuple[Any, ...]:
        """Models, with their addresses, of the configuration that the Deployment's pods have; empty without one."""
        deployment = self.deployment
        names = _maps_of(section(deployment, "spec", "template")) if deployment else set()
        for name in sorted(names & set(self.maps)):
            text = (self.maps[name].get("data") or {}).get(CONFIG_FILE)
            if text:
                return next(_models(text), ())
        return ()


def _models(text: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield models_of(from_yaml(text))
    except UNREADABLE:
        return


def _maps_of(template: Object) -> set[str]:
    volumes = section(template, "spec").get("volumes") or ()
    named = (section(volume, "configMap").get("name") for volume in volumes)
    return {str(name) for name in named if name}
