"""JSON patches that set and remove a finalizer without touching another one, or another object. Pure.

An apply could create the object again when it has just been deleted; a patch with a test of the uid cannot.
"""

from playbook_engine.objects import Object, metadata_of, uid_of

type Patch = list[dict[str, object]]


def finalizers_of(resource: Object) -> list[str]:
    """Read ``metadata.finalizers``."""
    found = metadata_of(resource).get("finalizers")
    return [str(name) for name in found] if isinstance(found, list) else []


def is_deleted(resource: Object) -> bool:
    """Whether the deletion of the resource has begun."""
    return bool(metadata_of(resource).get("deletionTimestamp"))


def adding(resource: Object, finalizer: str) -> Patch:
    """Give the patch that adds the finalizer."""
    if finalizers_of(resource):
        added: dict[str, object] = {"op": "add", "path": "/metadata/finalizers/-", "value": finalizer}
        return [_same_uid(resource), added]
    added = {"op": "add", "path": "/metadata/finalizers", "value": [finalizer]}
    version = str(metadata_of(resource).get("resourceVersion") or "")
    # Adding a list replaces one that came meanwhile, so nothing may have changed.
    return [_same_uid(resource), {"op": "test", "path": "/metadata/resourceVersion", "value": version}, added]


def removing(resource: Object, finalizer: str) -> Patch:
    """Give the patch that removes the finalizer; raises ValueError when it is not there."""
    path = f"/metadata/finalizers/{finalizers_of(resource).index(finalizer)}"
    return [
        _same_uid(resource),
        {"op": "test", "path": path, "value": finalizer},
        {"op": "remove", "path": path},
    ]


def _same_uid(resource: Object) -> dict[str, object]:
    return {"op": "test", "path": "/metadata/uid", "value": uid_of(resource)}
