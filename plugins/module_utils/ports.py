"""The ports of a SemanticRouter: those of its Service, those of its containers, and those inside the pod.

In standalone mode Envoy listens on the API port and the router's own API moves to the pod's loopback address;
behind a Gateway that exists, the router's API listens on the API port itself.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, count
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

DEFAULTS = {"api": 8080, "grpc": 50051, "metrics": 9190}
"""What the router listens on by itself."""

ROUTER_API = 8081
ENVOY_ADMIN = 9901

EVERYWHERE = "0.0.0.0"  # noqa: S104 - the pod's ports are what the Service leads to
EVERYWHERE_BOTH = "::"
"""All addresses of both families."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Port:
    """One port: ``port`` at the Service, ``target`` in the container."""

    name: str
    port: int
    target: int
    protocol: str = "TCP"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ports:
    """All ports; ``router_api`` and ``envoy_admin`` are open on the pod's loopback address only.

    ``everywhere`` is the address of the others: what the Service and the kubelet reach.
    """

    api: Port
    grpc: Port
    metrics: Port
    metrics_enabled: bool
    router_api: int
    envoy_admin: int
    everywhere: str = EVERYWHERE

    @property
    def by_name(self) -> dict[str, int]:
        """Ports of the containers by name."""
        return {port.name: port.target for port in (self.api, self.grpc, self.metrics)}

    @property
    def of_service(self) -> tuple[Port, ...]:
        """Ports that the Service has."""
        return (self.api, self.grpc, self.metrics) if self.metrics_enabled else (self.api, self.grpc)


def everywhere_of(service_address: str) -> str:
    """Return where to listen in a cluster with Services at such addresses: where IPv6 is its first family, on both.

    Not everywhere, since a node whose kernel has no IPv6 refuses to listen on it at all.
    """
    return EVERYWHERE_BOTH if ":" in service_address else EVERYWHERE


def ports_of(resource: Object, service_address: str = "") -> Ports:
    """Read ``spec.service``, with defaults for what is not given."""
    service = (resource.get("spec") or {}).get("service") or {}
    api, grpc, metrics = (_port(name, service.get(name) or {}) for name in DEFAULTS)
    taken = {api.target, grpc.target, metrics.target}
    router_api = _free(ROUTER_API, taken)
    return Ports(
        api=api,
        grpc=grpc,
        metrics=metrics,
        metrics_enabled=bool((service.get("metrics") or {}).get("enabled", True)),
        router_api=router_api,
        envoy_admin=_free(ENVOY_ADMIN, taken | {router_api}),
        everywhere=everywhere_of(service_address),
    )


def _port(name: str, given: Any) -> Port:  # noqa: ANN401 - a part of the resource
    default = DEFAULTS[name]
    return Port(
        name=name,
        port=int(given.get("port") or default),
        target=int(given.get("targetPort") or default),
        protocol=str(given.get("protocol") or "TCP"),
    )


def _free(first: int, taken: set[int]) -> int:
    return next(port for port in count(first) if port not in taken)


def port_problems(ports: Ports) -> Iterator[str]:
    """Yield why these ports cannot all be opened; nothing when they can."""
    for one, other in combinations((ports.api, ports.grpc, ports.metrics), 2):
        if one.target == other.target:
            yield (
                f"spec.service.{one.name}.targetPort and spec.service.{other.name}.targetPort are both"
                f" {one.target}: give each a port of its own"
            )
    for one, other in combinations(ports.of_service, 2):
        if (one.port, one.protocol) == (other.port, other.protocol):
            yield (
                f"spec.service.{one.name}.port and spec.service.{other.name}.port are both {one.port}:"
                " give each a port of its own"
            )
