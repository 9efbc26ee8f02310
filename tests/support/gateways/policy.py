"""The kind of Envoy Gateway's policy, which control planes have only while a test needs it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cluster import DevCluster
from tests.support.gateways.program import definitions


@contextmanager
def envoy_gateway(control_plane: DevCluster) -> Iterator[None]:
    """Install the definition of Envoy Gateway's policy, from its own module, for a while."""
    (file,) = [one for one in definitions() if "envoyextensionpolicies" in one.name]
    control_plane.kubectl("apply", "--server-side", "-f", str(file))
    control_plane.wait_established("envoyextensionpolicies.gateway.envoyproxy.io")
    try:
        yield
    finally:
        control_plane.kubectl("delete", "-f", str(file))
