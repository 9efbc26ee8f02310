"""What the controller of a Gateway writes into the status of HTTPRoutes, where none runs."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from tests.support.api import ApiError, Space
from tests.support.waiting import meanwhile, wait_for

LOOK_SECONDS = 0.2


def gateway_says(space: Space, status: str, reason: str, *routes: str) -> None:
    """Write what Gateway ``shared`` says of HTTPRoutes, as soon as they are there."""
    for name in routes or ("router",):
        route = wait_for(lambda n=name: space.get("HTTPRoute", n), timeout=60, what=f"HTTPRoute {name}")  # type: ignore[misc]
        _say(space, route, status, reason)


@contextmanager
def accepting(space: Space) -> Iterator[None]:
    """Accept each generation of each HTTPRoute in a namespace, for the length of a block."""

    def accept() -> None:
        for route in space.list("HTTPRoute"):
            if _heard(route) != route["metadata"]["generation"]:
                with suppress(ApiError):  # it has just gone
                    _say(space, route, "True", "Accepted")

    with meanwhile(accept, each=LOOK_SECONDS):
        yield


def _heard(route: Mapping[str, Any]) -> int | None:
    """Return the generation that the Gateway has spoken of last."""
    said = [one for parent in route.get("status", {}).get("parents", ()) for one in parent["conditions"]]
    return said[0]["observedGeneration"] if said else None


def _say(space: Space, route: Mapping[str, Any], status: str, reason: str) -> None:
    name, generation = route["metadata"]["name"], route["metadata"]["generation"]
    said = {
        "controllerName": "example.com/gateway",
        "parentRef": {"name": "shared", "namespace": space.name},
        "conditions": [
            _condition("Accepted", status, reason, generation),
            _condition("ResolvedRefs", "True", "ResolvedRefs", generation),
        ],
    }
    space.patch("HTTPRoute", name, {"status": {"parents": [said]}}, subresource="status")


def _condition(kind: str, status: str, reason: str, generation: int) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": f"the gateway's own words: {reason}",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
        "observedGeneration": generation,
    }
