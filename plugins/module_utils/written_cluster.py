"""A cluster that is described by a file: what a playbook needs to know of it when it runs without one.

The file has the objects as ``kubectl get -o yaml`` gives them, one document each or in a ``List``, and one document
without ``kind`` whose ``apis`` names further kinds: ``{apis: {"route.openshift.io/v1/Route": absent}}``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.observing import Kind, UnreadableError
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

BUILT_IN = (
    "v1", "apps/v1", "autoscaling/v2", "batch/v1", "networking.k8s.io/v1", "policy/v1", "rbac.authorization.k8s.io/v1",
    "storage.k8s.io/v1",
)  # fmt: skip
"""Groups that every supported version of Kubernetes serves."""

PRESENCES = ("present", "absent")


class WrittenClusterError(ValueError):
    """A file that describes no cluster."""


@dataclass(frozen=True, slots=True)
class WrittenCluster:
    """The objects and the served kinds of the file; a kind of which nothing is said is unknown."""

    objects: tuple[Object, ...]
    apis: Mapping[str, str]

    def presence(self, kind: Kind) -> str:
        """Say what the file says; a kind of which it has an object is served."""
        if kind.api_version in BUILT_IN or any(_is_of(one, kind) for one in self.objects):
            return "present"
        return self.apis.get(str(kind), "unknown")

    def read(self, kind: Kind, namespace: str, name: str) -> Object | None:
        """Return the object, None when it is not in the file."""
        for one in self.all(kind):
            if one["metadata"]["name"] == name and one["metadata"].get("namespace", namespace) == namespace:
                return one
        return None

    def all(self, kind: Kind, namespace: str = "") -> list[Object]:
        """Return all objects, sorted by namespace and name."""
        presence = self.presence(kind)
        if presence != "present":
            raise UnreadableError("Absent" if presence == "absent" else "Unavailable")
        found = [one for one in self.objects if _is_of(one, kind)]
        within = [one for one in found if namespace in ("", one["metadata"].get("namespace", namespace))]
        return sorted(within, key=_place)


def read_cluster(documents: Iterable[object], namespace: str) -> WrittenCluster:
    """Read the documents of a file; objects without a namespace are in ``namespace``. Raises WrittenClusterError."""
    objects: list[Object] = []
    apis: dict[str, str] = {}
    for document in filter(None, documents):
        if not isinstance(document, Mapping):
            raise WrittenClusterError(f"{document!r} is neither an object nor a mapping with apis")
        if "kind" in document:
            objects += [_placed(one, namespace) for one in _flat(document)]
        else:
            apis |= _apis(document)
    return WrittenCluster(tuple(objects), apis)


def _flat(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    if str(document["kind"]).endswith("List") and isinstance(document.get("items"), list):
        yield from document["items"]
    else:
        yield document


def _placed(one: Mapping[str, Any], namespace: str) -> Object:
    metadata = one.get("metadata")
    if not isinstance(metadata, Mapping) or not metadata.get("name") or not one.get("apiVersion"):
        raise WrittenClusterError(f"a {one.get('kind')} has no apiVersion or no metadata.name: {one!r}"[:300])
    if one["apiVersion"] == "storage.k8s.io/v1":
        return one
    return {**one, "metadata": {"namespace": namespace, "uid": "", **metadata}}


def _apis(document: Mapping[str, Any]) -> dict[str, str]:
    given = document.get("apis")
    if not isinstance(given, Mapping) or set(document) != {"apis"}:
        raise WrittenClusterError(
            f"a document without kind has other keys than apis: {', '.join(map(str, document))}"
        )
    wrong = {kind: value for kind, value in given.items() if value not in PRESENCES}
    if wrong:
        raise WrittenClusterError(f"apis: {wrong!r} is neither {' nor '.join(PRESENCES)}")
    return {str(kind): str(value) for kind, value in given.items()}


def _is_of(one: Object, kind: Kind) -> bool:
    return (one["apiVersion"], one["kind"]) == (kind.api_version, kind.name)


def _place(one: Object) -> tuple[str, str]:
    return str(one["metadata"].get("namespace") or ""), str(one["metadata"]["name"])
