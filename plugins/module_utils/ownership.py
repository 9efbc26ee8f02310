"""Objects are only touched when they are absent, or belong to the very SemanticRouter that asks for them.

Server-side apply would take over any object of the same name. So what was observed decides: an absent object
is created, our own is applied together with the uid that was seen (the API server then refuses an object that
took its place meanwhile), and a foreign one is a conflict that a person must resolve.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import Identity, identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import belongs_to, section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, without_nulls

OWNER_ANNOTATION = "vllm.ai/owner-uid"
"""Stands in for the owner reference on objects that must outlive their SemanticRouter."""


def claimed(
    manifests: Sequence[Object], resource: Object, observed: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Complete manifests with namespace, labels, owner, and the uid of the object that is there; without nulls.

    A manifest that carries ``OWNER_ANNOTATION`` gets no owner reference: deletion leaves it alone.
    """
    identity = identity_of(resource)
    return [_completed(manifest, identity, _live(manifest, identity, observed)) for manifest in manifests]


def foreign(live: Object, identity: Identity) -> str:
    """Say to whom an object belongs that has a name of ours, and what to do; empty when it is ours."""
    if is_ours(live, identity):
        return ""
    place = f"{live['kind']} {identity.namespace}/{live['metadata']['name']}"
    return (
        f"{place} is there already and {_owner(live)}: delete it, or give this {identity.kind} another name"
    )


def is_ours(live: Object, identity: Identity) -> bool:
    """Whether a live object belongs to the SemanticRouter, by reference or by annotation."""
    annotations = live["metadata"].get("annotations") or {}
    return belongs_to(live, identity.uid) or annotations.get(OWNER_ANNOTATION) == identity.uid


def find(observed: Mapping[str, Any], kind: str, identity: Identity, name: str) -> Object | None:
    """Return the observed object of this kind and name in the resource's namespace, whoever owns it."""
    for live in section(observed, "owned").get(kind) or ():
        metadata = live["metadata"]
        if metadata["name"] == name and metadata.get("namespace") == identity.namespace:
            found: Object = live
            return found
    return None


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
            "ownerReferences": [identity.owner_reference],
        }
        others = [one for one in owned.get(kind, ()) if one["metadata"]["name"] != name]
        owned[kind] = [*others, {"apiVersion": api_version, "kind": kind, "metadata": metadata}]
    return {**observed, "owned": owned}


def _live(manifest: Object, identity: Identity, observed: Mapping[str, Any]) -> Object | None:
    return find(observed, manifest["kind"], identity, manifest["metadata"]["name"])


def _completed(manifest: Object, identity: Identity, live: Object | None) -> dict[str, Any]:
    metadata = dict(manifest["metadata"])
    annotations = metadata.get("annotations") or {}
    completed = {
        **metadata,
        "namespace": identity.namespace,
        "labels": {**(metadata.get("labels") or {}), **identity.labels},
        "annotations": annotations or None,
        "ownerReferences": None if OWNER_ANNOTATION in annotations else [identity.owner_reference],
        "uid": live["metadata"]["uid"] if live else None,
    }
    whole: dict[str, Any] = without_nulls({**manifest, "metadata": completed})
    return whole


def _owner(live: Object) -> str:
    for reference in live["metadata"].get("ownerReferences") or ():
        if reference.get("controller"):
            return f"belongs to {reference['kind']} {reference['name']}"
    return "was not made by this operator"
