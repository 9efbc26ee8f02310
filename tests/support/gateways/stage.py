"""A cluster with the real Envoy Gateway: its controller runs, and so does the Envoy that it makes for a Gateway.

Both run as pods, each in a network of its own. What one calls in the other, and what Envoy calls in the routers' pods,
is led over by relays at the addresses that the API server gave.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.api import Api, Space
from tests.support.cluster import DevCluster
from tests.support.gateways.installation import (
    API_SERVER_ADDRESS,
    API_SERVER_PORT,
    CLASS,
    GATEWAY_API,
    NAMESPACE,
    XDS_PORT,
    certificate_maker,
    controller,
    kubeconfig,
    objects,
)
from tests.support.gateways.program import build, definitions
from tests.support.routers import Router
from tests.support.traffic.clients import Client
from tests.support.traffic.models import ModelServer
from tests.support.traffic.relays import Relay, local
from tests.support.traffic.site import API_PORT, GRPC_PORT, Place, Site
from tests.support.waiting import wait_for

SHARED, LISTENER_PORT, SHIFT = "shared", 80, 10000
"""Envoy Gateway listens for ports below 1024 at one that is so much higher."""

STARTED_SECONDS = 120.0


@contextmanager
def installed(control_plane: DevCluster, api: Api) -> Iterator["Stage"]:
    """Install Envoy Gateway and let its controller run for the length of a block."""
    build()
    for file in definitions():
        control_plane.kubectl("apply", "--server-side", "-f", str(file))
    for name in ("envoyproxies", "envoyextensionpolicies", "clienttrafficpolicies"):
        control_plane.wait_established(f"{name}.gateway.envoyproxy.io")
    access = kubeconfig(control_plane.kubeconfig)
    wait_for(lambda: _applied(control_plane, access), timeout=60, what="Envoy Gateway's objects are there")
    inside = Site(Space(api, NAMESPACE))
    api_server = Relay(local(int(api.host.rpartition(":")[2])))
    inside.reach(api_server, address=API_SERVER_ADDRESS, port=API_SERVER_PORT)
    with inside.run(certificate_maker()):
        pass  # it has ended when its pod has been initialised
    with inside.run(controller(), timeout=STARTED_SECONDS) as place:
        yield Stage(control_plane=control_plane, system=Space(api, NAMESPACE), controller=place)


def _applied(control_plane: DevCluster, access: str) -> bool:
    """Apply what has to be there; the kinds of definitions that are new are known to kubectl a moment later."""
    control_plane.apply(*objects(access))
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """The installation; ``controller`` is the running pod."""

    control_plane: DevCluster
    system: Space
    controller: Place
    site: Site = field(init=False)
    """What lies around the Envoys of Gateways."""

    def __post_init__(self) -> None:
        """Let Envoys reach the controller."""
        site = Site(self.system)
        address = self.system.get("Service", "envoy-gateway")["spec"]["clusterIP"]
        site.reach(
            Relay(self.controller.opener(XDS_PORT)), address=address, port=XDS_PORT, service="envoy-gateway"
        )
        object.__setattr__(self, "site", site)

    def make_gateway(self, space: Space, name: str = SHARED, **listener: object) -> None:
        """Make a Gateway with one listener; by default it admits routes of all namespaces."""
        one = {"name": "web", "port": LISTENER_PORT, "protocol": "HTTP", "allowedRoutes": admitting("All")}
        self.control_plane.apply(
            {
                "apiVersion": GATEWAY_API,
                "kind": "Gateway",
                "metadata": {"name": name, "namespace": space.name},
                "spec": {"gatewayClassName": CLASS, "listeners": [{**one, **listener}]},
            }
        )

    @contextmanager
    def envoy(self, space: Space, name: str = SHARED) -> Iterator[Place]:
        """Run the Envoy that the controller has made for a Gateway."""
        owner = f"owning-gateway-name={name},gateway.envoyproxy.io/owning-gateway-namespace={space.name}"

        def made() -> Any:  # noqa: ANN401 - an object of the cluster
            found = self.system.list("Deployment", f"gateway.envoyproxy.io/{owner}")
            assert found, self.controller.log("envoy-gateway")[-3000:]
            return found[0]

        deployment = wait_for(made, timeout=60, what=f"an Envoy is made for Gateway {space.name}/{name}")
        with self.site.run(deployment, timeout=STARTED_SECONDS) as place:
            yield place

    def serve(self, site: Site, name: str) -> ModelServer:
        """Make a Service with a model server behind it, as an endpoint that a gateway finds too."""
        server = site.serve(name)
        backend = site.backends[-1]
        self.site.take(backend)
        self.control_plane.apply(
            {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "metadata": {
                    "name": f"{name}-by-hand",
                    "namespace": site.space.name,
                    "labels": {"kubernetes.io/service-name": name},
                },
                "addressType": "IPv4",
                "endpoints": [{"addresses": [backend.address], "conditions": {"ready": True}}],
                "ports": [{"name": "http", "port": backend.port, "protocol": "TCP"}],
            }
        )
        return server

    @contextmanager
    def behind(self, site: Site, router: Router, *, but: Collection[str] = ()) -> Iterator[Place]:
        """Run a pod of the router and lead there what goes to its pods' addresses, except to those of ``but``."""
        with site.run(router.wait_rolled()) as place:
            for pod in pods_of(site, router):
                if pod["metadata"]["name"] in but:
                    continue
                for port in (API_PORT, GRPC_PORT):
                    relay = Relay(place.opener(port))
                    self.site.reach(relay, address=pod["status"]["podIP"], port=port)
            yield place


def pods_of(site: Site, router: Router) -> list[Any]:
    """Return the pods of a router that are to stay."""
    found = site.space.list("Pod", f"app.kubernetes.io/instance={router.name}")
    return [pod for pod in found if "deletionTimestamp" not in pod["metadata"]]


def admitting(which: str) -> Mapping[str, Any]:
    """Return ``allowedRoutes`` for routes of namespaces."""
    return {"namespaces": {"from": which}}


def client_of(envoy: Place) -> Client:
    """Return a client that asks the Gateway's Envoy."""
    return envoy.client(LISTENER_PORT + SHIFT)
