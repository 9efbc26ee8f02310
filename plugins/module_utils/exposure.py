"""How the router is reached: the Service, and an Ingress."""

from collections.abc import Mapping
from itertools import count
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.certificates import (
    SERVING_CERTIFICATE,
    serving_secret,
    uses_serving_certificate,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import (
    READY_PORT_NAME,
    ready_port,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    asks_router,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Port
from ansible_collections.vllm.semantic_router.plugins.module_utils.results import Condition, true, warning
from ansible_collections.vllm.semantic_router.plugins.module_utils.situation import Situation

ENVOY_METRICS = "envoy-metrics"


def service_ports(situation: Situation) -> list[dict[str, Any]]:
    """Return the ports of the Service; they lead to names, since pods of two revisions may listen on other numbers.

    Behind a Gateway there is no Envoy with statistics, and nobody speaks to the router's ExtProc unless told to.
    """
    ports, alone = situation.ports, situation.is_standalone
    found = [
        port
        for port in ports.of_service
        if port is not ports.grpc or alone or asks_router(situation.resource)
    ]
    if alone and ports.metrics_enabled:
        taken = {port.port for port in found}
        free = next(number for number in count(ready_port(ports)) if number not in taken)
        found.append(Port(name=ENVOY_METRICS, port=free, target=ready_port(ports)))
    containers = {ENVOY_METRICS: READY_PORT_NAME}
    return [
        {
            "name": port.name,
            "port": port.port,
            "targetPort": containers.get(port.name, port.name),
            "protocol": port.protocol,
        }
        for port in found
    ]


def service_annotations(situation: Situation) -> dict[str, str] | None:
    """Return the annotation for which OpenShift makes the certificate that Envoy serves."""
    served = situation.certificate and uses_serving_certificate(situation.resource)
    return {SERVING_CERTIFICATE: serving_secret(situation.resource)} if served else None


def headless_ports(situation: Situation) -> list[dict[str, Any]]:
    """Return the port of the headless Service: clients reach the pods themselves, so it is that of the container.

    It leads to a name, so that each endpoint has the port on which its own pod listens, also while pods roll.
    """
    port = situation.ports.grpc
    return [{"name": port.name, "port": port.target, "targetPort": port.name, "protocol": port.protocol}]


def ingress_rules(situation: Situation) -> list[dict[str, Any]]:
    """Return the rules of the Ingress."""
    hosts = section(spec_of(situation.resource), "ingress").get("hosts") or ()
    return [_ingress_rule(host, situation) for host in hosts]


def ingress_condition(situation: Situation) -> Condition:
    """Say whether there is an Ingress, and which of its paths lead to no port of the Service."""
    if not section(spec_of(situation.resource), "ingress").get("enabled"):
        return true("NotWanted", "no Ingress is asked for")
    served = {port.port: port.name for port in situation.ports.of_service}
    lost = [
        f"spec.ingress.hosts[{index}].paths[{number}].servicePort {path['servicePort']}"
        for index, host in enumerate(section(spec_of(situation.resource), "ingress").get("hosts") or ())
        for number, path in enumerate(host.get("paths") or ())
        if path.get("servicePort") and path["servicePort"] not in served
    ]
    if not lost:
        return true(
            "IngressApplied", "the Ingress is there; whether a controller serves it, its own status says"
        )
    known = ", ".join(f"{port} ({name})" for port, name in served.items())
    return warning(
        "PortNotServed", f"the Service has no {' and no '.join(lost)}: use one of {known}, or leave it out"
    )


def ingress_tls(situation: Situation) -> list[dict[str, Any]] | None:
    """Return the certificates of the Ingress."""
    found: list[dict[str, Any]] | None = plain(section(spec_of(situation.resource), "ingress").get("tls"))
    return found


def _ingress_rule(host: Mapping[str, Any], situation: Situation) -> dict[str, Any]:
    return {
        "host": host.get("host") or None,
        "http": {"paths": [_ingress_path(path, situation) for path in host.get("paths") or ()]},
    }


def _ingress_path(path: Mapping[str, Any], situation: Situation) -> dict[str, Any]:
    port = int(path.get("servicePort") or situation.ports.api.port)
    return {
        "path": str(path.get("path") or "/"),
        "pathType": str(path.get("pathType") or "Prefix"),
        "backend": {"service": {"name": situation.identity.name, "port": {"number": port}}},
    }
