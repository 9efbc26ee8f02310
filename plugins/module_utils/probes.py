"""The probes of the router container: TCP checks of the gRPC port, unless the specification says otherwise."""

from collections.abc import Mapping
from typing import Any

DEFAULTS: Mapping[str, Mapping[str, int]] = {
    # Models may have to be downloaded first: an hour.
    "startupProbe": {"periodSeconds": 10, "timeoutSeconds": 5, "failureThreshold": 360},
    "livenessProbe": {
        "initialDelaySeconds": 30, "periodSeconds": 30, "timeoutSeconds": 10, "failureThreshold": 3,
    },
    "readinessProbe": {
        "initialDelaySeconds": 30, "periodSeconds": 30, "timeoutSeconds": 5, "failureThreshold": 3,
    },
}  # fmt: skip
NUMBERS = (
    "initialDelaySeconds", "periodSeconds", "timeoutSeconds", "failureThreshold", "successThreshold",
)  # fmt: skip
START_MARGIN_SECONDS = 300
"""What a new pod may take beside the time that its startup probe gives it: scheduling, pulling the image."""


def probes(spec: Mapping[str, Any], ports: Mapping[str, int]) -> dict[str, Any]:
    """Return all probes of the container by field; None for one that is switched off.

    ``ports`` are the pod's by name. A probe knows the names of its own container only, and the one named ``api`` is
    Envoy's in standalone mode, so names become numbers.
    """
    return {name: _probe(spec.get(name) or {}, name, ports) for name in DEFAULTS}


def start_seconds(spec: Mapping[str, Any]) -> int:
    """Return how long a pod may take to start, by its startup probe, and some more."""
    probe = _probe(spec.get("startupProbe") or {}, "startupProbe", {"grpc": 0})
    if probe is None:
        return START_MARGIN_SECONDS
    budget = probe["periodSeconds"] * probe["failureThreshold"] + probe.get("initialDelaySeconds", 0)
    return int(budget) + START_MARGIN_SECONDS


def _probe(given: Mapping[str, Any], name: str, ports: Mapping[str, int]) -> dict[str, Any] | None:
    if not given.get("enabled", True):
        return None
    numbers = {**DEFAULTS[name], **{key: given[key] for key in NUMBERS if given.get(key) is not None}}
    request = given.get("httpGet")
    if not request:
        return {"tcpSocket": {"port": ports["grpc"]}, **numbers}
    return {"httpGet": {**request, "port": ports.get(request["port"], request["port"])}, **numbers}
