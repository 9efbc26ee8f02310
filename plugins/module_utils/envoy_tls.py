"""TLS at Envoy's API listener, beside plain HTTP on the same port: who begins a handshake gets one.

So nothing inside the cluster breaks when TLS comes or goes. The certificate is read again when its Secret changes.
"""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import TYPES
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_http import watched

DIRECTORY = "/etc/envoy-certificate"
FILE = "certificate.yaml"
_NAME = "certificate"
_SOCKETS = f"{TYPES}.extensions.transport_sockets.tls.v3"


def filter_chains(network_filter: dict[str, Any], *, tls: bool, directory: str) -> dict[str, Any]:
    """Return the fields of a listener that say what happens with a connection."""
    plain = {"filters": [network_filter]}
    if not tls:
        return {"filter_chains": [plain]}
    inspector = {
        "name": "envoy.filters.listener.tls_inspector",
        "typed_config": {"@type": f"{TYPES}.extensions.filters.listener.tls_inspector.v3.TlsInspector"},
    }
    encrypted = {
        "filter_chain_match": {"transport_protocol": "tls"},
        "transport_socket": _socket(directory),
        **plain,
    }
    return {"listener_filters": [inspector], "filter_chains": [encrypted, plain]}


def certificate(directory: str = DIRECTORY) -> dict[str, Any]:
    """Return the resource that names the files of the certificate; they are those of a ``kubernetes.io/tls`` Secret."""
    return {
        "@type": f"{_SOCKETS}.Secret",
        "name": _NAME,
        "tls_certificate": {
            "certificate_chain": {"filename": f"{directory}/tls.crt"},
            "private_key": {"filename": f"{directory}/tls.key"},
            "watched_directory": {"path": directory},
        },
    }


def _socket(directory: str) -> dict[str, Any]:
    context = {
        "@type": f"{_SOCKETS}.DownstreamTlsContext",
        "common_tls_context": {
            "alpn_protocols": ["h2", "http/1.1"],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "tls_certificate_sds_secret_configs": [{"name": _NAME, "sds_config": watched(directory, FILE)}],
        },
    }
    return {"name": "envoy.transport_sockets.tls", "typed_config": context}
