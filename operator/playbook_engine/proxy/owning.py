"""Whose an object is, and how it is said so: by an owner reference, or where none can be, by annotations. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from playbook_engine.objects import (
    Object,
    ObjectKey,
    key_of,
    mapping,
    metadata_of,
    owner_mark,
    owner_marks,
    primary_annotations,
    uid_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The resource that a run is for."""

    key: ObjectKey
    uid: str

    @classmethod
    def of(cls, resource: Object) -> "Owner":
        """Read it from the resource."""
        return cls(key=key_of(resource), uid=uid_of(resource))

    @property
    def reference(self) -> Mapping[str, str]:
        """Give the owner reference; it says nothing about a controller, of which an object may have one only."""
        return {
            "apiVersion": self.key.gvk.api_version,
            "kind": self.key.gvk.kind,
            "name": self.key.name,
            "uid": self.uid,
        }

    def owns(self, found: Object) -> bool:
        """Whether an object says that it belongs to the resource."""
        return not owner_marks(found).isdisjoint({self.uid, owner_mark(self.key)})

    def reaches(self, namespace: str) -> bool:
        """Whether an object of that namespace (empty: of the cluster) can have an owner reference to the resource."""
        return not self.key.namespace or namespace == self.key.namespace

    def adopt(self, body: Object, namespace: str) -> Object:
        """Give an object of that namespace made one that belongs to the resource."""
        metadata = dict(metadata_of(body))
        if self.reaches(namespace):
            metadata["ownerReferences"] = [*references(metadata), self.reference]
        else:
            metadata["annotations"] = {
                **mapping(metadata.get("annotations")),
                **primary_annotations(self.key),
            }
        return {**body, "metadata": metadata}


def references(metadata: Mapping[str, object]) -> list[object]:
    """Give the owner references in a metadata, none when there are none."""
    found = metadata.get("ownerReferences")
    return list(found) if isinstance(found, list) else []
