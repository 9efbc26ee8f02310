"""Resources and observations for the tests of the roles' decisions."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import ENTRIES
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import OPENSHIFT_API, Situation

API_VERSIONS = {"ConfigMap": "v1", "PersistentVolumeClaim": "v1"} | {
    entry.kind: entry.api_version for entry in ENTRIES
}
STANDARD = {"name": "standard", "isDefault": "true", "allowVolumeExpansion": True, "created": "2026-01-01"}


def resource(**spec: Any) -> dict[str, Any]:  # noqa: ANN401 - as kubectl would have it
    """Return a SemanticRouter."""
    metadata = {"namespace": "ml", "name": "r", "uid": "u1", "generation": 1}
    return {"apiVersion": "vllm.ai/v1alpha1", "kind": "SemanticRouter", "metadata": metadata, "spec": spec}


def observed(
    *owned: dict[str, Any], openshift: bool = False, apis: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return an observation with the default StorageClass and objects that are there."""
    by_kind: dict[str, list[dict[str, Any]]] = {}
    for item in owned:
        by_kind.setdefault(item["kind"], []).append(item)
    served = {OPENSHIFT_API: "present" if openshift else "absent", **(apis or {})}
    return {"references": {"storage_classes": [STANDARD]}, "owned": by_kind, "apis": served}


def situation(seen: dict[str, Any] | None = None, **spec: Any) -> Situation:  # noqa: ANN401 - as kubectl would
    """Return what follows from a specification."""
    return Situation(resource(**spec), observed() if seen is None else seen)


def live(kind: str, name: str = "r", *, owner: str = "u1", **metadata: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return an object that is there."""
    owners = [{"uid": owner, "kind": "Thing", "name": "t", "controller": True}] if owner else []
    return {
        "apiVersion": API_VERSIONS[kind],
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "ml",
            "uid": f"{kind}-1",
            "ownerReferences": owners,
            **metadata,
        },
    }
