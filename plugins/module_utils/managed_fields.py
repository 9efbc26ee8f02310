"""Who set which field of an object, as the API server keeps account in ``metadata.managedFields``. Pure.

Server-side apply removes what its manager has applied and applies no more. So what we have *created*, and what an
earlier operator has written, is put on our account first: only then can it go. That is what client-go's
``csaupgrade`` does for objects that were written without server-side apply.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

APPLY, UPDATE = "Apply", "Update"
SUPERSEDED = ("manager",)
"""Field managers of the operator in Go, which takes the name of its program."""

NOBODY = "before-first-apply"
"""The API server's name for who has all of an object that is applied without accounts: somebody has cleared them."""

type Entries = Sequence[Mapping[str, Any]]


def entries_of(live: Object) -> Entries:
    """Return ``metadata.managedFields``."""
    return live["metadata"].get("managedFields") or ()


def folding(entries: Entries, manager: str, superseded: Collection[str] = ()) -> list[dict[str, Any]]:
    """Put on the account of ``manager`` what it created, and what ``superseded`` managers have written.

    Returns a JSON patch that fails when one of these accounts has changed; none when nothing has to be done.
    Accounts of subresources and of others are left alone, so it does not matter when those change.
    """
    mine = [(index, entry) for index, entry in enumerate(entries) if _folds(entry, manager, superseded)]
    if all(entry["operation"] == APPLY for _, entry in mine):
        return []
    fields: dict[str, Any] = {}
    operations: list[dict[str, Any]] = []
    for index, entry in reversed(mine):
        path = f"/metadata/managedFields/{index}"
        operations += [{"op": "test", "path": path, "value": entry}, {"op": "remove", "path": path}]
        fields = _union(fields, entry.get("fieldsV1") or {})
    whole = {**mine[-1][1], "manager": manager, "operation": APPLY, "fieldsV1": fields}
    return [*operations, {"op": "add", "path": "/metadata/managedFields/-", "value": whole}]


def disowning(entries: Entries, manager: str) -> list[dict[str, Any]]:
    """Take from the account of nobody what ``manager`` has applied, so that it goes when it is applied no more.

    Returns a JSON patch of this one account; none when nothing has to be done. The rest of it stays there: whose it
    was is not known any more, and it may be what others have added.
    """
    applied = [one for one in entries if one["manager"] == manager and one["operation"] == APPLY]
    ours: dict[str, Any] = {}
    for entry in applied:
        ours = _union(ours, entry.get("fieldsV1") or {})
    operations = []
    for index, entry in enumerate(entries):
        fields = entry.get("fieldsV1") or {}
        if entry["manager"] == NOBODY and (left := _minus(fields, ours)) != fields:
            path = f"/metadata/managedFields/{index}"
            operations += [
                {"op": "test", "path": path, "value": entry},
                {"op": "replace", "path": f"{path}/fieldsV1", "value": left},
            ]
    return operations


def people(entries: Entries) -> set[str]:
    """Return who has written an object without server-side apply, but for Kubernetes' own controllers."""
    return {entry["manager"] for entry in entries if not entry["manager"].startswith("kube-")}


def is_applied_by(entries: Entries, manager: str, path: Sequence[str]) -> bool:
    """Whether ``manager`` has applied the field at ``path``, such as ``("spec", "replicas")``."""
    for entry in entries:
        if entry["manager"] == manager and entry["operation"] == APPLY and not entry.get("subresource"):
            fields: Mapping[str, Any] | None = entry.get("fieldsV1") or {}
            for name in path:
                fields = (fields or {}).get(f"f:{name}")
            if fields is not None:
                return True
    return False


def rival(writers: Entries, manager: str) -> Mapping[str, Any] | None:
    """Return the entry of an earlier operator that has written an object after we took it over; None for none.

    ``writers`` are ``metadata.managedFields``, or ``observed.writers`` of an object. A take-over leaves no entry of
    the earlier operator, so one that is there is newer: no times are compared. Nothing but metadata is no rivalry.
    """
    if not any(writer["manager"] == manager and writer["operation"] == APPLY for writer in writers):
        return None
    for writer in writers:
        theirs = _is_superseded(writer, SUPERSEDED) and not writer.get("subresource")
        if theirs and _top_fields(writer) - {"metadata"}:
            return writer
    return None


def _folds(entry: Mapping[str, Any], manager: str, superseded: Collection[str]) -> bool:
    mine = entry["manager"] == manager or _is_superseded(entry, superseded)
    return mine and not entry.get("subresource")


def _top_fields(writer: Mapping[str, Any]) -> set[str]:
    if "fields" in writer:
        return set(writer["fields"])
    return {name.removeprefix("f:") for name in writer.get("fieldsV1") or {}}


def _is_superseded(entry: Mapping[str, Any], superseded: Collection[str]) -> bool:
    return entry["manager"] in superseded and entry["operation"] == UPDATE


def _union(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Unite two trees of field names."""
    both = {**one, **other}
    return {name: _union(one.get(name) or {}, other.get(name) or {}) for name in both}


def _minus(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Take from one tree of field names the leaves that another has, and what has no leaves then."""
    left: dict[str, Any] = {}
    for name, below in one.items():
        rest = _minus(below, other[name]) if name in other else below
        if rest or name not in other:
            left[name] = rest
    return left
