"""What lies around the router's pods: Services with model servers behind them, names, clients.

The API server gives each Service its cluster address. In the network of a pod that address is the pod's own, so
the model server listens on it there; the name server answers with it. What Envoy is told needs no change at all.
"""

import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from tests.support.api import Space
from tests.support.podrun import READY_SECONDS, RunningPod, run_pod
from tests.support.pods import names
from tests.support.pods.networks import Network
from tests.support.pods.objects import Object
from tests.support.pods.sockets import PodSockets
from tests.support.pods.specs import Bind
from tests.support.traffic.clients import Client, Opener
from tests.support.traffic.models import ModelServer

AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
API_PORT, GRPC_PORT, METRICS_PORT, READY_PORT = 8080, 50051, 9190, 19001
ROUTER_API_PORT, ADMIN_PORT = 8081, 9901
"""Ports of the pod; the two of the second line are open inside of it only."""


class Server(Protocol):
    """What answers behind a Service."""

    def serve(self, listener: socket.socket) -> AbstractContextManager[None]:
        """Answer what comes to the listening socket, for the length of a block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """A server behind a Service."""

    service: str
    server: Server
    address: str
    port: int
    listening: ExitStack = field(default_factory=ExitStack)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A running pod, and how it is reached."""

    pod: RunningPod
    sockets: PodSockets

    def opener(self, port: int = API_PORT) -> Opener:
        """Return what connects to a port of the pod."""
        return lambda: self.sockets.connect(port)

    def client(self, port: int = API_PORT) -> Client:
        """Return a client that asks this pod."""
        return Client(self.opener(port))

    @property
    def admin(self) -> Client:
        """Envoy's administration, as only a process inside the pod reaches it."""
        return Client(lambda: self.sockets.connect(ADMIN_PORT, "127.0.0.1"))

    def log(self, container: str) -> str:
        """Return what a container has printed so far."""
        return self.pod.container(container).output


@dataclass(slots=True)
class Site:
    """A namespace with model servers, in which the pods of a router can be run.

    ``additions`` are files that the images have besides what stands for them here.
    """

    space: Space
    additions: list[Bind] = field(default_factory=list)
    backends: list[Backend] = field(default_factory=list)
    networks: list[tuple[PodSockets, ExitStack]] = field(default_factory=list)

    def serve(
        self,
        name: str,
        *,
        labels: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> ModelServer:
        """Make a Service and a model server behind it, for the pods that run and those to come."""
        server = ModelServer(name, tls=tls)
        self.expose(name, server, port=8000, port_name="https" if tls else "http", labels=labels or {})
        return server

    def expose(
        self,
        name: str,
        server: Server,
        *,
        port: int,
        port_name: str = "",
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Make a Service that leads to a server."""
        metadata = {"name": name, "labels": dict(labels or {})}
        spec = {"ports": [{"port": port, "name": port_name}]}
        made = self.space.create({"kind": "Service", "metadata": metadata, "spec": spec})
        self.reach(server, address=made["spec"]["clusterIP"], port=port, service=name)

    def reach(self, server: Server, *, address: str, port: int, service: str = "") -> None:
        """Let a server be at an address, for the pods that run and those to come."""
        self.take(Backend(service=service, server=server, address=address, port=port))

    def take(self, backend: Backend) -> None:
        """Let a server of another site be here too."""
        self.backends.append(backend)
        for sockets, stack in self.networks:
            _listen(backend, sockets, stack)

    def withdraw(self, name: str) -> None:
        """Delete a Service; new connections to it are refused, those that are open are served to their end."""
        (backend,) = [one for one in self.backends if one.service == name]
        self.space.delete("Service", name)
        self.backends.remove(backend)
        backend.listening.close()

    def trust(self, authority: Path) -> None:
        """Let the images have this authority among those that they trust."""
        self.additions.append(Bind(source=str(authority), target=AUTHORITIES))

    @contextmanager
    def run(self, pod: Object, timeout: float = READY_SECONDS) -> Iterator[Place]:
        """Run a pod, or the template of a Deployment, with everything around it; it is ready in the block."""
        with ExitStack() as stack:
            opened: list[PodSockets] = []

            def surround(network: Network) -> None:
                opened.append(self._surround(network, stack))

            started = run_pod(pod, self.space.get, prepare=surround, additions=tuple(self.additions))
            running = stack.enter_context(started)
            running.wait_ready(timeout)
            yield Place(pod=running, sockets=opened[0])

    def _surround(self, network: Network, stack: ExitStack) -> PodSockets:
        sockets = network.sockets()
        stack.callback(sockets.close)
        asked = stack.enter_context(sockets.datagrams(names.SERVER_PORT, names.SERVER_ADDRESS))
        thread = threading.Thread(target=names.serve, args=(asked, self.addresses))
        thread.start()
        stack.callback(thread.join)
        stack.callback(names.stop, asked)
        for backend in self.backends:
            _listen(backend, sockets, stack)
        self.networks.append((sockets, stack))
        stack.callback(self.networks.remove, (sockets, stack))
        return sockets

    def addresses(self, name: str) -> list[str] | None:
        """Return the cluster address of the Service with that DNS name."""
        service, _, rest = name.partition(".")
        if rest != f"{self.space.name}.svc.{names.CLUSTER_DOMAIN}":
            return None
        found = self.space.get("Service", service)
        return [found["spec"]["clusterIP"]] if found else None


def _listen(backend: Backend, sockets: PodSockets, stack: ExitStack) -> None:
    """Let the model server listen until the Service or the pod goes."""
    mine = backend.listening.enter_context(ExitStack())
    listener = mine.enter_context(sockets.listen(backend.port, backend.address))
    mine.enter_context(backend.server.serve(listener))
    stack.callback(mine.close)
