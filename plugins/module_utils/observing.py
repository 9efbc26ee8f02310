"""Looks around a resource for a playbook that runs without the operator; gives what the operator would hand it.

What is looked at is said by ``watches.yaml`` alone: the same entry, read by other means. ``Sight`` is either a cluster
or a file that describes one.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

_NOTED = "kubectl.kubernetes.io/last-applied-configuration"

type Search = Callable[[str, object], Any]
"""Evaluates a JMESPath expression over a document."""

type Entry = Mapping[str, Any]
"""An entry of ``watches.yaml``, or one of its ``owns``, ``references`` and ``apis``."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of objects, such as ``apps/v1`` and ``Deployment``."""

    api_version: str
    name: str

    def __str__(self) -> str:
        """``<apiVersion>/<Kind>``, as in ``observed.apis``."""
        return f"{self.api_version}/{self.name}"


class UnreadableError(Exception):
    """Objects that cannot be read; the text is the reason in one word: ``Forbidden``, ``Absent``, ``Unavailable``."""


class Sight(Protocol):
    """What can be seen; ``read`` and ``all`` raise UnreadableError."""

    def presence(self, kind: Kind) -> str:
        """Say whether a kind is served: ``present``, ``absent`` or ``unknown``."""

    def read(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return an object; None when it does not exist. Kinds without namespaces take any."""

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Return all objects, of one namespace or of all, sorted."""


def observe(entry: Entry, resource: Object, sight: Sight, search: Search) -> dict[str, Any]:
    """Return the variable ``observed`` (docs/architecture.md) for a resource of the kind of ``entry``."""
    return _Observer(entry, resource, sight, search).observed()


@dataclass(frozen=True, slots=True)
class _Observer:
    entry: Entry
    resource: Object
    sight: Sight
    search: Search
    errors: dict[str, list[dict[str, str]]] = field(default_factory=dict)

    @property
    def namespace(self) -> str:
        return str(self.resource["metadata"]["namespace"])

    def observed(self) -> dict[str, Any]:
        references = self.entry.get("references") or {}
        kinds = [*self.entry.get("owns", ()), *references.values(), *self.entry.get("apis", ())]
        return {
            "references": {name: self._found(name, one) for name, one in references.items()},
            "owned": self._owned(),
            "apis": {str(kind): self.sight.presence(kind) for kind in map(kind_of, kinds)},
            "errors": self.errors,
        }

    def _found(self, name: str, reference: Entry) -> list[Any]:
        found = list(self._unprojected(name, reference))
        projection = reference.get("projection")
        return [self.search(projection, one) for one in found] if projection else found

    def _unprojected(self, name: str, reference: Entry) -> Iterator[Object]:
        kind = kind_of(reference)
        if reference.get("every"):
            yield from self._all(name, kind, "")
        elif reference.get("labels"):
            wanted = [labels for labels in self._given(reference["labels"]) if labels]
            listed = self._all(name, kind, self.namespace) if wanted else []
            yield from (one for one in listed if any(_has(one, labels) for labels in wanted))
        else:
            for place in dict.fromkeys(self._places(reference["names"])):
                one = self._read(name, kind, *place)
                if one is not None:
                    yield one

    def _places(self, expression: str) -> Iterator[tuple[str, str]]:
        for value in self._given(expression):
            given = value if isinstance(value, Mapping) else {"name": value}
            if given.get("name"):
                yield str(given.get("namespace") or self.namespace), str(given["name"])

    def _given(self, expression: str) -> list[Any]:
        value = self.search(expression, {"resource": self.resource})
        return value if isinstance(value, list) else []

    def _owned(self) -> dict[str, list[Object]]:
        return {str(one["kind"]): self._owned_of(one) for one in self.entry.get("owns") or ()}

    def _owned_of(self, owned: Entry) -> list[Object]:
        """What belongs to the resource or has a declared name.

        Kinds that must not be listed are read by name, and of their content nothing is handed on: it may be secret.
        """
        kind, at = kind_of(owned), f"owns.{owned['kind']}"
        names = {str(name) for name in self._given(owned["names"]) if name} if owned.get("names") else set()
        if owned.get("watch", True):
            listed = self._all(at, kind, self.namespace)
        else:
            found = [self._read(at, kind, self.namespace, name) for name in sorted(names)]
            listed = [_without_content(one) for one in found if one]
        identity = identity_of(self.resource)
        return [one for one in listed if one["metadata"]["name"] in names or identity.owns(one)]

    def _all(self, at: str, kind: Kind, namespace: str) -> list[Object]:
        try:
            return self.sight.all(kind, namespace)
        except UnreadableError as error:
            self._note(at, "", "", error)
            return []

    def _read(self, at: str, kind: Kind, namespace: str, name: str) -> Object | None:
        try:
            return self.sight.read(kind, namespace, name)
        except UnreadableError as error:
            self._note(at, namespace, name, error)
            return None

    def _note(self, at: str, namespace: str, name: str, error: UnreadableError) -> None:
        if not at.startswith("owns."):
            told = {"namespace": namespace, "name": name, "reason": str(error)}
            self.errors.setdefault(at, []).append(told)


def _without_content(found: Object) -> Object:
    """Return an object as it is named, without what ``kubectl apply`` has noted of its content."""
    metadata = {key: value for key, value in found["metadata"].items() if key != "managedFields"}
    annotations = {key: value for key, value in (metadata.get("annotations") or {}).items() if key != _NOTED}
    return {
        **{key: found[key] for key in ("apiVersion", "kind")},
        "metadata": {**metadata, "annotations": annotations},
    }


def kind_of(entry: Entry) -> Kind:
    """Return the kind that an entry is about."""
    group = entry.get("group")
    return Kind(f"{group}/{entry['version']}" if group else str(entry["version"]), str(entry["kind"]))


def _has(found: Object, labels: Mapping[str, str]) -> bool:
    return labels.items() <= (found["metadata"].get("labels") or {}).items()
