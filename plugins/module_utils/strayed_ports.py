"""Ports whose numbers somebody else has changed, in Services and containers, which apply alone cannot set right.

Server-side apply knows a port by its number and protocol, so it adds ours beside the changed one: two of one name,
which the API server refuses, and with them the run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import MANAGER, Identity
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.ownership import find
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import object_key

type Ports = Iterable[Mapping[str, Any]]


@dataclass(frozen=True)
class _Place:
    """A list of ports of a live object: its JSON pointer, what is there, and what shall be."""

    path: str
    live: Ports
    wanted: Ports
    number: str
    """The field with the number."""

    def strays(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and port, the last first, so that removing one moves no other."""
        ours = {port["name"]: self._key(port) for port in self.wanted}
        for index, port in reversed(list(enumerate(self.live))):
            if ours.get(port.get("name"), self._key(port)) != self._key(port):
                yield index, port

    def _key(self, port: Mapping[str, Any]) -> tuple[int, str]:
        return int(port[self.number]), str(port.get("protocol") or "TCP")


def ports_to_remove(
    manifests: Iterable[Object], observed: Mapping[str, Any], identity: Identity
) -> list[dict[str, Any]]:
    """Return JSON patches that take such ports away; ``manifests`` are applied right afterwards.

    Where nobody else has written the specification of an object, another number is one that we have applied: apply
    changes that by itself, in one request.
    """
    found = []
    for manifest in manifests:
        live = find(observed, manifest["kind"], identity, str(manifest["metadata"]["name"]))
        if live is not None and identity.owns(live) and _is_written_by_others(live, observed):
            operations = [one for place in _places(manifest, live) for one in _removing(place)]
            if operations:
                found.append(_patch(manifest, live, operations))
    return found


def _patch(manifest: Object, live: Object, operations: list[dict[str, Any]]) -> dict[str, Any]:
    metadata = live["metadata"]
    return {
        "api_version": manifest["apiVersion"],
        "kind": manifest["kind"],
        "name": metadata["name"],
        "namespace": metadata["namespace"],
        "patch": [{"op": "test", "path": "/metadata/uid", "value": metadata["uid"]}, *operations],
    }


def _removing(place: _Place) -> Iterator[dict[str, Any]]:
    for index, port in place.strays():
        path = f"{place.path}/{index}"
        yield {"op": "test", "path": f"{path}/name", "value": port["name"]}
        yield {"op": "test", "path": f"{path}/{place.number}", "value": port[place.number]}
        yield {"op": "remove", "path": path}


def _places(manifest: Object, live: Object) -> Iterator[_Place]:
    if manifest["kind"] == "Service":
        wanted, there = section(manifest, "spec").get("ports"), section(live, "spec").get("ports")
        yield _Place("/spec/ports", there or (), wanted or (), "port")
    if manifest["kind"] == "Deployment":
        wanted = {one["name"]: one.get("ports") or () for one in _containers(manifest)}
        for index, one in enumerate(_containers(live)):
            path = f"/spec/template/spec/containers/{index}/ports"
            yield _Place(path, one.get("ports") or (), wanted.get(one["name"], ()), "containerPort")


def _containers(item: Object) -> list[Mapping[str, Any]]:
    return list(section(item, "spec", "template", "spec").get("containers") or ())


def _is_written_by_others(live: Object, observed: Mapping[str, Any]) -> bool:
    writers = section(observed, "writers").get(object_key(live)) or ()
    return any(writer["manager"] != MANAGER and "spec" in writer["fields"] for writer in writers)
