"""A cluster in memory: what the engine asks of the API server, with its rules for versions, uids and patches.

The contract tests run the same facts on it and on a real API server.
"""

import copy
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from playbook_engine.cluster.discovery import Presence
from playbook_engine.cluster.errors import (
    ClusterError,
    ConflictError,
    ForbiddenError,
    InvalidError,
    NotFoundError,
)
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, key_of, mapping, metadata_of, uid_of


@dataclass(frozen=True, slots=True)
class Write:
    """One request that changed something: ``what`` is ``patch``, ``status``, ``event``, ``create`` or ``replace``."""

    what: str
    key: ObjectKey
    body: Any


@dataclass(slots=True)
class FakeCluster:
    """A ``Cluster`` by script; tests put objects into it and read what was written."""

    writes: list[Write] = field(default_factory=list)
    events: list[Object] = field(default_factory=list)
    reads: list[ObjectKey] = field(default_factory=list)
    absent: set[GroupVersionKind] = field(default_factory=set)
    unknown: set[GroupVersionKind] = field(default_factory=set)
    """Kinds of which the API server does not say whether it serves them."""

    closed: set[str] = field(default_factory=set)
    """Namespaces in which nothing may be listed."""

    hidden: set[GroupVersionKind] = field(default_factory=set)
    dropped_status_fields: set[str] = field(default_factory=set)
    """Fields of a status that the definition does not know, so that the server drops them."""

    _objects: dict[ObjectKey, dict[str, Any]] = field(default_factory=dict)
    _errors: defaultdict[str, deque[ClusterError]] = field(default_factory=lambda: defaultdict(deque))
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def put(self, found: Object) -> Object:
        """Make or replace an object as another client would; give it as the server has it."""
        stored: dict[str, Any] = copy.deepcopy(dict(found))
        old = self._objects.get(key_of(stored))
        metadata = stored.setdefault("metadata", {})
        metadata.setdefault("uid", uid_of(old) if old else f"uid-{next(self._numbers)}")
        if "spec" in stored:  # the API server counts no generations of a ConfigMap or a Secret
            spec_changed = not old or old.get("spec") != stored.get("spec")
            generation = metadata_of(old).get("generation") if old else 0
            metadata["generation"] = (generation if isinstance(generation, int) else 0) + int(spec_changed)
        return self._store(stored)

    def delete(self, key: ObjectKey) -> None:
        """Delete an object; while it has finalizers, it only gets the time of its deletion."""
        stored = self._objects[key]
        if stored["metadata"].get("finalizers"):
            marked = {**stored["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z"}
            self._store({**stored, "metadata": marked})
        else:
            del self._objects[key]

    def look(self, key: ObjectKey) -> Object | None:
        """Give an object, None when there is none."""
        return copy.deepcopy(self._objects.get(key))

    def fail(self, method: str, *errors: ClusterError) -> None:
        """Let the next calls of a method raise these errors, in order."""
        self._errors[method].extend(errors)

    async def connect(self) -> None:
        """Nothing has to be looked for."""

    async def presence(self, gvk: GroupVersionKind, *, fresh: bool = False) -> Presence:
        """Every kind is served but those in ``absent`` and ``unknown``."""
        del fresh
        if gvk in self.unknown:
            return Presence.UNKNOWN
        return Presence.ABSENT if gvk in self.absent else Presence.PRESENT

    async def is_namespaced(self, gvk: GroupVersionKind) -> bool:
        """Objects of every kind are in namespaces, as long as none of it has none."""
        found = [key for key in self._objects if key.gvk == gvk]
        return not found or any(key.namespace for key in found)

    async def may_list(self, gvk: GroupVersionKind) -> bool:
        """Every kind may be read but those in ``hidden``."""
        return gvk not in self.hidden

    async def get(self, key: ObjectKey) -> Object:
        """Read one object."""
        self._check("get")
        self.reads.append(key)
        return copy.deepcopy(self._known(key))

    async def get_metadata(self, key: ObjectKey) -> Object:
        """Read the metadata of one object."""
        found = await self.get(key)
        return {name: found[name] for name in ("apiVersion", "kind", "metadata")}

    async def list(
        self, gvk: GroupVersionKind, namespace: str = "", *, labels: Mapping[str, str] | None = None
    ) -> Sequence[Object]:
        """Read all objects of a kind, or those with all of these labels."""
        self._check("list")
        if gvk in self.absent:
            raise NotFoundError(f"{gvk} is not served")
        if namespace in self.closed:
            raise ForbiddenError(f"{gvk} is forbidden in {namespace}")
        wanted = (labels or {}).items()
        found = [
            item
            for key, item in sorted(self._objects.items())
            if key.gvk == gvk and wanted <= mapping(metadata_of(item).get("labels")).items()
        ]
        return [copy.deepcopy(item) for item in found if namespace in ("", item["metadata"].get("namespace"))]

    async def patch(
        self, key: ObjectKey, operations: Sequence[Mapping[str, object]], *, subresource: str = ""
    ) -> Object:
        """Apply a JSON patch of add, replace, remove and test."""
        self._check("patch")
        changed = copy.deepcopy(self._known(key))
        for operation in operations:
            _operate(changed, operation)
        self.writes.append(Write(subresource or "patch", key, list(operations)))
        if metadata_of(changed).get("deletionTimestamp") and not metadata_of(changed).get("finalizers"):
            del self._objects[key]
            return changed
        return self._store(changed)

    async def apply_status(self, key: ObjectKey, document: Object, *, field_manager: str) -> Object:
        """Put the status in place of the old one; one manager owns all of it."""
        del field_manager
        self._check("apply_status")
        stored = self._known(key)
        uid = metadata_of(document).get("uid")
        if uid and uid != uid_of(stored):
            raise ConflictError(f"{key}: uid is {uid_of(stored)}, not {uid}")
        given = mapping(document.get("status"))
        status = {name: value for name, value in given.items() if name not in self.dropped_status_fields}
        self.writes.append(Write("status", key, copy.deepcopy(dict(given))))
        return self._store({**stored, "status": copy.deepcopy(status)})

    async def create(self, body: Object) -> Object:
        """Create an object; its name must be new."""
        self._check("create")
        if key_of(body) in self._objects:
            raise ConflictError(f"{key_of(body)} already exists")
        self.writes.append(Write("create", key_of(body), copy.deepcopy(dict(body))))
        return self.put(body)

    async def replace(self, body: Object) -> Object:
        """Replace the object of that version."""
        self._check("replace")
        stored = self._known(key_of(body))
        if metadata_of(body).get("resourceVersion") != metadata_of(stored).get("resourceVersion"):
            raise ConflictError(f"{key_of(body)} has been modified")
        self.writes.append(Write("replace", key_of(body), copy.deepcopy(dict(body))))
        return self.put(body)

    async def create_event(self, event: Object) -> None:
        """Keep an Event; its name must be new."""
        self._check("create_event")
        if any(metadata_of(one) == metadata_of(event) for one in self.events):
            raise ConflictError(f"event {metadata_of(event)} is there already")
        self.events.append(copy.deepcopy(event))
        self.writes.append(Write("event", key_of(event), event))

    async def update_event(self, namespace: str, name: str, change: Object) -> None:
        """Record that an Event was counted up."""
        self._check("update_event")
        key = ObjectKey(
            gvk=GroupVersionKind(group="", version="v1", kind="Event"), namespace=namespace, name=name
        )
        self.writes.append(Write("event", key, change))

    async def close(self) -> None:
        """Nothing is held."""

    def _check(self, method: str) -> None:
        if self._errors[method]:
            raise self._errors[method].popleft()

    def _known(self, key: ObjectKey) -> dict[str, Any]:
        if key not in self._objects:
            raise NotFoundError(f"{key} not found")
        return self._objects[key]

    def _store(self, stored: dict[str, Any]) -> Object:
        old = self._objects.get(key_of(stored))
        if old is None or {**old, "metadata": _without_version(old)} != {
            **stored,
            "metadata": _without_version(stored),
        }:
            stored["metadata"]["resourceVersion"] = str(next(self._numbers))
        else:
            stored["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
        self._objects[key_of(stored)] = stored
        return copy.deepcopy(stored)


def _without_version(found: Object) -> dict[str, object]:
    return {name: value for name, value in metadata_of(found).items() if name != "resourceVersion"}


def _operate(target: Any, operation: Mapping[str, object]) -> None:  # noqa: ANN401 - as deep as an object
    *way, last = [
        part.replace("~1", "/").replace("~0", "~") for part in str(operation["path"]).split("/")[1:]
    ]
    for part in way:
        target = target[int(part)] if isinstance(target, list) else target.get(part, {})
    index: Any = int(last) if isinstance(target, list) and last != "-" else last
    here = (
        (target[index] if index != "-" and index < len(target) else None)
        if isinstance(target, list)
        else target.get(index)
    )
    match operation["op"]:
        case "test":
            if here != operation["value"]:
                raise InvalidError(
                    f"test of {operation['path']} failed: {here!r} is not {operation['value']!r}"
                )
        case "add" if last == "-":
            target.append(operation["value"])
        case "add" | "replace":
            target[index] = operation["value"]
        case "remove":
            del target[index]
        case _:
            raise InvalidError(f"no operation {operation['op']!r}")
