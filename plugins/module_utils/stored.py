"""What is there of earlier revisions: ReplicaSets with their pods, and the configuration objects that those mount."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.live_config import models_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find, foreign
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, from_yaml

REVISION_ANNOTATION = "vllm.ai/revision"
"""Of a pod template: the revision that it is of. A label of the same name is on the configuration objects."""

_DRAIN = re.compile(r"/drain/[0-9a-f]{32}")

CONFIG, ENVOY_CONFIG = "config", "envoy-config"
"""The parts of the configuration; each revision has an object for either."""

CONFIG_FILE, ENVOY_FILE = "config.yaml", "envoy.yaml"
UNREADABLE = (KeyError, TypeError, ValueError, AttributeError)
"""What reading an object raises that somebody has changed by hand."""


def config_name(identity: Identity, part: str, revision: str) -> str:
    """Return the name of a configuration object: ``part`` is ``CONFIG`` or ``ENVOY_CONFIG``."""
    return identity.name_of(f"{part}-{revision}")


def revision_in(template: Object) -> str:
    """Return the revision of the pods of a template, empty when another operator made it."""
    annotations = section(template, "metadata", "annotations")
    return str(annotations.get(REVISION_ANNOTATION) or "")


@dataclass(frozen=True, slots=True)
class ReplicaSet:
    """A ReplicaSet of the router's Deployment; ``number`` counts up with each change of the template."""

    number: int
    has_pods: bool
    template: Object


@dataclass(frozen=True, slots=True)
class Stored:
    """The live objects of a resource, as far as they belong to it."""

    identity: Identity
    observed: Mapping[str, Any]
    last_good: str = ""
    """The revision of which all pods were ready together for the last time, empty for none."""

    @property
    def deployment(self) -> Object | None:
        """The Deployment, None when there is none that is ours or that we may take over."""
        found = find(self.observed, "Deployment", self.identity, self.identity.name)
        return found if found is not None and not foreign(found, self.identity) else None

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
    def maps(self) -> dict[str, Object]:
        """The ConfigMaps of the resource by name."""
        found = section(self.observed, "owned").get("ConfigMap") or ()
        return {
            str(one["metadata"]["name"]): one
            for one in found
            if self.identity.owns(one) and not one["metadata"].get("deletionTimestamp")
        }

    @property
    def drain_path(self) -> str:
        """The path by which its pods are drained, empty when it has none; a change of it would be a new revision."""
        paths = [str(section(hook, "httpGet").get("path") or "") for hook in self._stop_hooks()]
        return next((path for path in paths if _DRAIN.fullmatch(path)), "")

    @property
    def sleeps(self) -> bool:
        """Whether its containers sleep before they end."""
        return any(hook.get("sleep") for hook in self._stop_hooks())

    def _stop_hooks(self) -> list[Mapping[str, Any]]:
        containers = section(self.deployment or {}, "spec", "template", "spec").get("containers") or ()
        return [section(one, "lifecycle", "preStop") for one in containers]

    def in_use(self) -> set[tuple[str, str]]:
        """Kind and name of what pods need, or needed when all was well: a container may start again at any time.

        The template of the Deployment counts too: new pods may be made of it just now.
        """
        good = self.last_good
        templates = [
            section(self.deployment or {}, "spec", "template"),
            *(
                one.template
                for one in self.replica_sets
                if one.has_pods or (good and revision_in(one.template) == good)
            ),
        ]
        return {needed for template in templates for needed in _needed(section(template, "spec"))}

    def serving_models(self) -> tuple[Any, ...]:
        """Models, with their addresses, of the configuration that the Deployment's pods have; empty without one."""
        deployment = self.deployment
        pod = section(deployment or {}, "spec", "template", "spec")
        for name in sorted({name for kind, name in _needed(pod) if kind == "ConfigMap"} & set(self.maps)):
            text = (self.maps[name].get("data") or {}).get(CONFIG_FILE)
            if text:
                return next(_models(text), ())
        return ()


def _models(text: str) -> Iterator[tuple[Any, ...]]:
    try:
        yield models_of(from_yaml(text))
    except UNREADABLE:
        return


def _needed(pod: Object) -> Iterator[tuple[str, str]]:
    """Yield what the pod cannot start without."""
    if pod.get("serviceAccountName"):
        yield "ServiceAccount", str(pod["serviceAccountName"])
    for volume in pod.get("volumes") or ():
        if volume.get("configMap"):
            yield "ConfigMap", str(volume["configMap"].get("name"))
        if volume.get("secret"):
            yield "Secret", str(volume["secret"].get("secretName"))
    for container in pod.get("containers") or ():
        for entry in container.get("env") or ():
            reference = section(entry, "valueFrom", "secretKeyRef")
            if reference:
                yield "Secret", str(reference.get("name"))
