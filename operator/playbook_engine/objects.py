"""Identity of Kubernetes objects, and small pure helpers over objects in their plain (JSON) form.

An object stays a plain mapping throughout the engine, exactly as the API server sent it: the engine is
generic, so there is no type for it to have. Only its *identity* is a record.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

PRIMARY_RESOURCE = "operator-sdk/primary-resource"
"""Annotation of an object that cannot have an owner reference: ``<namespace>/<name>`` of its owner."""

PRIMARY_TYPE = "operator-sdk/primary-resource-type"
"""The annotation beside it: ``<Kind>.<group>``."""

type Object = Mapping[str, object]
"""A Kubernetes object as decoded JSON; never changed in place."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class GroupVersionKind:
    """A kind of object; ``group`` is empty for the core group."""

    group: str
    version: str
    kind: str

    @property
    def api_version(self) -> str:
        """What stands in ``apiVersion``: ``apps/v1``, or ``v1`` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def __str__(self) -> str:
        """``<group>/<version>/<Kind>``, the key of ``observed.apis``."""
        return f"{self.api_version}/{self.kind}"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ObjectKey:
    """One object by name; ``namespace`` is empty for cluster-scoped objects."""

    gvk: GroupVersionKind
    namespace: str
    name: str

    def __str__(self) -> str:
        """``<apiVersion>/<Kind>/<namespace>/<name>``, the key of ``objects`` in run results."""
        return f"{self.gvk}/{self.namespace}/{self.name}"

    @classmethod
    def read(cls, text: str) -> "ObjectKey | None":
        """Read what ``str`` gives; None for anything else."""
        parts = text.rsplit("/", 3)
        if len(parts) != 4:  # noqa: PLR2004 - <apiVersion>/<Kind>/<namespace>/<name>
            return None
        api_version, kind, namespace, name = parts
        group, _, version = api_version.rpartition("/")
        gvk = GroupVersionKind(group=group, version=version, kind=kind)
        return cls(gvk=gvk, namespace=namespace, name=name)


def mapping(value: object) -> Mapping[str, object]:
    """Give ``value`` when it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def metadata_of(found: Object) -> Mapping[str, object]:
    """Give ``metadata``, empty when there is none."""
    return mapping(found.get("metadata"))


def gvk_of(found: Object) -> GroupVersionKind:
    """Read the kind of an object."""
    group, _, version = str(found.get("apiVersion") or "").rpartition("/")
    return GroupVersionKind(group=group, version=version, kind=str(found.get("kind") or ""))


def key_of(found: Object) -> ObjectKey:
    """Read the identity of an object."""
    metadata = metadata_of(found)
    namespace, name = str(metadata.get("namespace") or ""), str(metadata.get("name") or "")
    return ObjectKey(gvk=gvk_of(found), namespace=namespace, name=name)


def spoken(kind: str, namespace: str, name: str) -> str:
    """Name an object as people write it: ``<Kind> <namespace>/<name>``."""
    return f"{kind} {namespace}/{name}" if namespace else f"{kind} {name}"


def said(found: Object) -> str:
    """Name an object as ``spoken``."""
    key = key_of(found)
    return spoken(key.gvk.kind, key.namespace, key.name)


def generation_of(found: Object) -> object:
    """Read ``metadata.generation``; None when there is none."""
    return metadata_of(found).get("generation")


def uid_of(found: Object) -> str:
    """Read ``metadata.uid``."""
    return str(metadata_of(found).get("uid") or "")


def owner_uids(found: Object) -> frozenset[str]:
    """Give the uids of all owner references."""
    references = metadata_of(found).get("ownerReferences")
    found_uids = (
        (mapping(reference).get("uid") for reference in references) if isinstance(references, list) else ()
    )
    return frozenset(str(uid) for uid in found_uids if uid)


def primary_annotations(key: ObjectKey) -> dict[str, str]:
    """Give the annotations by which an object says that it belongs to another, where a reference cannot."""
    return {
        PRIMARY_RESOURCE: f"{key.namespace}/{key.name}",
        PRIMARY_TYPE: f"{key.gvk.kind}.{key.gvk.group}",
    }


def owner_mark(key: ObjectKey) -> str:
    """Give what ``owner_marks`` has of objects that belong to this one by annotations."""
    return _mark(primary_annotations(key))


def owner_marks(found: Object) -> frozenset[str]:
    """Give the uids of all owner references, and the mark of an owner by annotations."""
    mark = _mark(mapping(metadata_of(found).get("annotations")))
    return owner_uids(found) | {mark} if mark else owner_uids(found)


def _mark(annotations: Mapping[str, object]) -> str:
    name, kind = annotations.get(PRIMARY_RESOURCE), annotations.get(PRIMARY_TYPE)
    return f"{kind} {name}" if name and kind else ""


def is_newer(one: Object, other: Object) -> bool:
    """Whether ``one`` is a later state than ``other`` of the same name; equal states are not newer.

    Versions of resources that are numbers count up for one server; others say only whether they differ.
    """
    left, right = (str(metadata_of(item).get("resourceVersion") or "") for item in (one, other))
    return int(left) > int(right) if left.isdecimal() and right.isdecimal() else left != right


def digest(value: object) -> str:
    """Give the SHA-256 (hex) of ``value`` as canonical JSON: keys sorted, no white space."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def writers(found: Object) -> list[dict[str, object]]:
    """Give who has written an object: ``manager``, ``operation``, ``time`` and the top-level ``fields`` of each.

    Writers of subresources, such as a status, do not count.
    """
    entries = metadata_of(found).get("managedFields")
    return [
        {
            "manager": entry.get("manager"),
            "operation": entry.get("operation"),
            "time": entry.get("time"),
            "fields": sorted(name.removeprefix("f:") for name in mapping(entry.get("fieldsV1"))),
        }
        for entry in (entries if isinstance(entries, list) else ())
        if not entry.get("subresource")
    ]


def fingerprint(found: Object, field_manager: str) -> str:
    """Give the digest of the fields that ``field_manager`` has applied; empty when it applied none.

    The definition is in docs/architecture.md: runs hand back the same for the objects that they applied.
    """
    entries = metadata_of(found).get("managedFields")
    ours = [
        entry.get("fieldsV1", {})
        for entry in (entries if isinstance(entries, list) else ())
        if entry.get("manager") == field_manager
        and entry.get("operation") == "Apply"
        and not entry.get("subresource")
    ]
    return digest(ours) if ours else ""
