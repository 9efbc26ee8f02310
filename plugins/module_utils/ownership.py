"""Objects are only touched when they are absent, or belong to the very SemanticRouter that asks for them.

A foreign object of the same name is a conflict that a person resolves: by removing it, by another name, or by
giving it away with an annotation on the object itself, where nothing but a person puts it. How the rule holds
when objects come and go meanwhile: ``applying``.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import (
    ADOPTION_ANNOTATION,
    Identity,
    identity_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, without_nulls
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import object_key

OWNER_ANNOTATION = "vllm.ai/owner-uid"
"""Stands in for the owner reference on objects that must outlive their SemanticRouter."""


def claimed(manifests: Sequence[Object], resource: Object) -> list[dict[str, Any]]:
    """Complete manifests with namespace, labels and owner, and leave out what is null.

    A manifest that carries ``OWNER_ANNOTATION`` gets no owner reference: deletion leaves it alone.
    """
    identity = identity_of(resource)
    return [_completed(manifest, identity) for manifest in manifests]


def foreign(live: Object, identity: Identity) -> str:
    """Say to whom an object belongs that has a name of ours, and what to do; empty when it is ours or given away."""
    if is_ours(live, identity):
        return ""
    kind, name = live["kind"], live["metadata"]["name"]
    place, own = f"{kind} {identity.namespace}/{name}", f"or give this {identity.kind} another name"
    controller = _controller(live)
    if controller:
        return f"{place} is there already and belongs to {controller}: delete that, {own}"
    if _annotations(live).get(ADOPTION_ANNOTATION) == identity.name:
        return ""
    give = f"kubectl annotate -n {identity.namespace} {kind.lower()} {name} {ADOPTION_ANNOTATION}={identity.name}"
    return f"{place} is there already and was not made by this operator: delete it, give it away by `{give}`, {own}"


def is_ours(live: Object, identity: Identity) -> bool:
    """Whether a live object belongs to the SemanticRouter, by reference or by annotation.

    What an earlier one of the same name has left behind belongs to it, too: that one is gone, or this could not be.
    """
    owner, owned = _annotations(live).get(OWNER_ANNOTATION), bool(live["metadata"].get("ownerReferences"))
    labels = live["metadata"].get("labels") or {}
    same_name = all(labels.get(name) == value for name, value in identity.selector.items())
    left_behind = bool(owner) and not owned and same_name
    return identity.owns(live) or (bool(owner) and owner == identity.uid) or left_behind


def find(observed: Mapping[str, Any], kind: str, identity: Identity, name: str) -> Object | None:
    """Return the observed object of this kind and name in the resource's namespace, whoever owns it."""
    for live in section(observed, "owned").get(kind) or ():
        metadata = live["metadata"]
        if metadata["name"] == name and metadata.get("namespace") == identity.namespace:
            found: Object = live
            return found
    return None


def present(observed: Mapping[str, Any]) -> list[str] | None:
    """Return the keys of the observed objects that have names of ours, whoever owns them; None without ``owned``."""
    owned = observed.get("owned")
    return None if owned is None else [object_key(live) for found in owned.values() for live in found]


def with_applied(
    observed: Mapping[str, Any], applied: Mapping[str, Mapping[str, str]], identity: Identity
) -> dict[str, Any]:
    """Return ``observed`` with objects that were applied since, in place of what was seen of them before.

    ``applied`` is what ``results.fingerprints`` gives; of the objects is known who they are, and that they are ours.
    """
    owned = {kind: list(objects) for kind, objects in section(observed, "owned").items()}
    for key, found in applied.items():
        api_version, kind, namespace, name = key.rsplit("/", 3)
        metadata = {
            "name": name,
            "namespace": namespace,
            "uid": found["uid"],
            "resourceVersion": found["version"],
            "ownerReferences": identity.owner_references,
            "annotations": {ADOPTION_ANNOTATION: identity.name},
        }
        others = [one for one in owned.get(kind, ()) if one["metadata"]["name"] != name]
        owned[kind] = [*others, {"apiVersion": api_version, "kind": kind, "metadata": metadata}]
    return {**observed, "owned": owned}


def _completed(manifest: Object, identity: Identity) -> dict[str, Any]:
    metadata = dict(manifest["metadata"])
    marks = {} if identity.uid else {ADOPTION_ANNOTATION: identity.name}
    annotations = {**(metadata.get("annotations") or {}), **marks}
    completed = {
        **metadata,
        "namespace": identity.namespace,
        "labels": {**(metadata.get("labels") or {}), **identity.labels},
        "annotations": annotations or None,
        "ownerReferences": None if OWNER_ANNOTATION in annotations else identity.owner_references or None,
    }
    whole: dict[str, Any] = without_nulls({**manifest, "metadata": completed})
    return whole


def _annotations(live: Object) -> Mapping[str, str]:
    found: Mapping[str, str] = live["metadata"].get("annotations") or {}
    return found


def _controller(live: Object) -> str:
    for reference in live["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return f"{reference['kind']} {reference['name']}"
    return ""
