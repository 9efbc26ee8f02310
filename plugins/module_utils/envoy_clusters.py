"""Envoy's clusters: one for each model that has an address, and four inside the pod."""

import hashlib
import re
from dataclasses import replace
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Address, Endpoint, Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import EVERYWHERE_BOTH

TYPES = "type.googleapis.com/envoy"
EXTPROC, ROUTER_API, ADMIN, READY = "extproc", "router_api", "admin", "ready"
CONNECT_SECONDS = "5s"
UNUSED_SECONDS = "4s"
"""How long a connection is kept without a request: less than the 5 s after which vLLM's server closes it.

A request that is sent just then would be lost.
"""

MOST_AT_ONCE = 10_000
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_TLS_MATCH = "envoy.transport_socket_match"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster_name(model: Model) -> str:
    """Return the name of a model's cluster: safe in the names of statistics, and of this model only.

    Envoy cuts names of statistics at dots, which models have in their versions.
    """
    readable = re.sub(r"[^a-z0-9]+", "-", model.name.lower()).strip("-")[:40]
    return f"model_{readable}_{hashlib.sha256(model.name.encode()).hexdigest()[:12]}"


def usable(model: Model) -> tuple[Endpoint, ...]:
    """Return the endpoints that take requests: those with a weight; one address is one endpoint.

    Envoy would count an address that is given twice once; its weights are added up.
    """
    found: dict[Address, Endpoint] = {}
    for endpoint in model.endpoints:
        if endpoint.weight > 0:
            seen = found.get(endpoint.address)
            weight = endpoint.weight + (seen.weight if seen else 0)
            found[endpoint.address] = replace(endpoint, weight=weight)
    return tuple(found.values())


def model_cluster(model: Model) -> dict[str, Any]:
    """Return the cluster of a model that has usable endpoints."""
    endpoints = usable(model)
    cluster: dict[str, Any] = {
        "@type": f"{TYPES}.config.cluster.v3.Cluster",
        "name": cluster_name(model),
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": CONNECT_SECONDS,
        "lb_policy": "ROUND_ROBIN",  # by weight exactly, whatever is under way
        "circuit_breakers": _limits(),
        "typed_extension_protocol_options": _protocol({"http_protocol_options": {}}),
        "load_assignment": _assignment(cluster_name(model), [_endpoint(one) for one in endpoints]),
        "outlier_detection": {
            "consecutive_5xx": 5,
            "base_ejection_time": "30s",
            "max_ejection_percent": 50,
        },
    }
    if any(endpoint.address.tls for endpoint in endpoints):
        cluster["transport_socket_matches"] = [_tls_socket(), _raw_socket()]
    return cluster


def local_cluster(name: str, port: int, *, http2: bool = False) -> dict[str, Any]:
    """Return a cluster of one port of the pod's own loopback address."""
    protocol = "http2_protocol_options" if http2 else "http_protocol_options"
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": CONNECT_SECONDS,
        "circuit_breakers": _limits(),
        "typed_extension_protocol_options": _protocol({protocol: {}}),
        "load_assignment": _assignment(name, [{"endpoint": {"address": address("127.0.0.1", port)}}]),
    }


def _limits() -> dict[str, Any]:
    # Envoy's default of 1,024 is soon reached by generations that take minutes; each holds a stream to the router.
    fields = ("max_connections", "max_pending_requests", "max_requests")
    return {"thresholds": [dict.fromkeys(fields, MOST_AT_ONCE)]}


def _protocol(explicit: dict[str, Any]) -> dict[str, Any]:
    options = {
        "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
        "common_http_protocol_options": {"idle_timeout": UNUSED_SECONDS},
        "explicit_http_config": explicit,
    }
    return {_HTTP_OPTIONS: options}


def _assignment(name: str, endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    tls = {"filter_metadata": {_TLS_MATCH: {"tls": True}}} if endpoint.address.tls else None
    return {
        "endpoint": {
            "hostname": endpoint.address.host,
            "address": address(endpoint.address.host, endpoint.address.port),
        },
        "load_balancing_weight": endpoint.weight,
        **({"metadata": tls} if tls else {}),
    }


def _tls_socket() -> dict[str, Any]:
    context = {
        "@type": f"{TYPES}.extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "auto_host_sni": True,
        "auto_sni_san_validation": True,
        "common_tls_context": {"validation_context": {"trusted_ca": {"filename": AUTHORITIES}}},
    }
    socket = {"name": "envoy.transport_sockets.tls", "typed_config": context}
    return {"name": "tls", "match": {"tls": True}, "transport_socket": socket}


def _raw_socket() -> dict[str, Any]:
    buffer = f"{TYPES}.extensions.transport_sockets.raw_buffer.v3.RawBuffer"
    socket = {"name": "envoy.transport_sockets.raw_buffer", "typed_config": {"@type": buffer}}
    return {"name": "plain", "match": {}, "transport_socket": socket}


def address(host: str, port: int) -> dict[str, Any]:
    """Return a TCP address as Envoy writes it; that of all addresses is of both families."""
    both = {"ipv4_compat": True} if host == EVERYWHERE_BOTH else {}
    return {"socket_address": {"address": host, "port_value": port, **both}}
