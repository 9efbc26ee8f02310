"""Ports whose numbers somebody else has changed, in Services and containers, which apply alone cannot set right.

Server-side apply knows a port by its number and protocol, so it adds ours beside the changed one: two of one name,
which the API server refuses, and with them the run.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.managed_fields import entries_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

type Ports = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _Place:
    """A list of ports of a live object: its JSON pointer, what is there, and what shall be."""

    path: str
    live: Ports
    wanted: Ports
    number: str
    """The field with the number."""

    needs_one: bool = False
    """Whether the API server refuses to have no port here."""

    def strays(self) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """Yield index and port, the last first, so that removing one moves no other."""
        ours = {port["name"]: self._key(port) for port in self.wanted}
        for index, port in reversed(list(enumerate(self.live))):
            if ours.get(port.get("name"), self._key(port)) != self._key(port):
                yield index, port

    def _key(self, port: Mapping[str, Any]) -> tuple[int, str]:
        return int(port[self.number]), str(port.get("protocol") or "TCP")


def taking_away(wanted: Object, live: Object, manager: str) -> list[dict[str, Any]]:
    """Return the JSON patch that takes such ports away from ``live``; ``wanted`` is applied right afterwards.

    Where no port would be left and one has to be, one gets its number by the patch. Where nobody but ``manager`` has
    written the specification of an object, another number is one that we have applied: apply changes that by itself,
    in one request. The patch is empty when there is nothing to take away.
    """
    if not _is_written_by_others(live, manager):
        return []
    return [one for place in _places(wanted, live) for one in _removing(place)]


def _removing(place: _Place) -> Iterator[dict[str, Any]]:
    strays = list(place.strays())
    keeps_one = place.needs_one and len(strays) == len(place.live)
    for index, port in strays:
        path = f"{place.path}/{index}"
        yield {"op": "test", "path": f"{path}/name", "value": port["name"]}
        yield {"op": "test", "path": f"{path}/{place.number}", "value": port[place.number]}
        if keeps_one and index == 0:
            ours = next(one for one in place.wanted if one["name"] == port["name"])
            yield {"op": "replace", "path": f"{path}/{place.number}", "value": ours[place.number]}
            yield {"op": "add", "path": f"{path}/protocol", "value": ours.get("protocol") or "TCP"}
        else:
            yield {"op": "remove", "path": path}


def _places(manifest: Object, live: Object) -> Iterator[_Place]:
    if manifest["kind"] == "Service":
        wanted, there = section(manifest, "spec").get("ports"), section(live, "spec").get("ports")
        yield _Place("/spec/ports", there or (), wanted or (), "port", needs_one=True)
    if manifest["kind"] == "Deployment":
        wanted = {one["name"]: one.get("ports") or () for one in _containers(manifest)}
        for index, one in enumerate(_containers(live)):
            path = f"/spec/template/spec/containers/{index}/ports"
            yield _Place(path, one.get("ports") or (), wanted.get(one["name"], ()), "containerPort")


def _containers(item: Object) -> list[Mapping[str, Any]]:
    return list(section(item, "spec", "template", "spec").get("containers") or ())


def _is_written_by_others(live: Object, manager: str) -> bool:
    return any(
        entry["manager"] != manager and "f:spec" in (entry.get("fieldsV1") or {})
        for entry in entries_of(live)
    )
