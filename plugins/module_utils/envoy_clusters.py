"""Envoy's clusters: one for each model that has an address, and three inside the pod."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Endpoint, Model

TYPES = "type.googleapis.com/envoy"
EXTPROC, ROUTER_API, ADMIN = "extproc", "router_api", "admin"
CONNECT_SECONDS = "5s"
AUTHORITIES = "/etc/ssl/certs/ca-certificates.crt"
_TLS_MATCH = "envoy.transport_socket_match"
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"


def cluster_name(model: Model) -> str:
    """Return the name of a model's cluster; no other cluster's name has a colon."""
    return f"model:{model.name}"


def usable(model: Model) -> tuple[Endpoint, ...]:
    """Return the endpoints that take requests: those with a weight."""
    return tuple(endpoint for endpoint in model.endpoints if endpoint.weight > 0)


def model_cluster(model: Model) -> dict[str, Any]:
    """Return the cluster of a model that has usable endpoints."""
    endpoints = usable(model)
    cluster: dict[str, Any] = {
        "@type": f"{TYPES}.config.cluster.v3.Cluster",
        "name": cluster_name(model),
        "type": "STRICT_DNS",
        "dns_lookup_family": "V4_PREFERRED",
        "connect_timeout": CONNECT_SECONDS,
        "lb_policy": "LEAST_REQUEST",
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
    options = {
        f"{_HTTP_OPTIONS}": {
            "@type": f"type.googleapis.com/{_HTTP_OPTIONS}",
            "explicit_http_config": {"http2_protocol_options": {}},
        }
    }
    return {
        "name": name,
        "type": "STATIC",
        "connect_timeout": CONNECT_SECONDS,
        "load_assignment": _assignment(name, [{"endpoint": {"address": _address("127.0.0.1", port)}}]),
        **({"typed_extension_protocol_options": options} if http2 else {}),
    }


def _assignment(name: str, endpoints: list[dict[str, Any]]) -> dict[str, Any]:
    return {"cluster_name": name, "endpoints": [{"lb_endpoints": endpoints}]}


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    tls = {"filter_metadata": {_TLS_MATCH: {"tls": True}}} if endpoint.address.tls else None
    return {
        "endpoint": {
            "hostname": endpoint.address.host,
            "address": _address(endpoint.address.host, endpoint.address.port),
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


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
