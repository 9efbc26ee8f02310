"""Identity of Kubernetes objects, and small pure helpers over objects in their plain (JSON) form.

An object stays a plain mapping throughout the engine, exactly as the API server sent it: the engine is
generic, so there is no type for it to have. Only its *identity* is a record.
"""

from collections.abc import Mapping
from dataclasses import dataclass

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
