"""Envoy's configuration in standalone mode: client → Envoy → ExtProc (the router) → the backend of the chosen model.

Routes and clusters are files that Envoy watches: a backend that moves or changes its weight is taken live, without a
new pod. Bootstrap and listeners stay as they are while a pod lives. All documents are data; a name from the custom
resource is only ever a value in them, never a pattern.
"""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import envoy_tls
from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Backends, Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import (
    ADMIN,
    EXTPROC,
    MOST_AT_ONCE,
    READY,
    ROUTER_API,
    TYPES,
    address,
    local_cluster,
    model_cluster,
    usable,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_http import (
    connection_manager,
    router_filter,
    watched,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_ready import (
    drain_path,
    ready_listener,
    ready_port,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_routes import (
    BODY_MIB,
    ext_proc_filter,
    local_replies,
    route_configuration,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.identity import identity_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Ports

DIRECTORY = "/etc/envoy"
FORMAT = "1"
"""Which bootstrap and listener the live files fit: raise it when a route or a cluster comes to need something of them
that they did not have. The live files of pods with another format are left alone.
"""

IDLE_SECONDS = 300
LOOPBACK = "127.0.0.1"
INTERNAL_HEADERS = (
    "x-vsr-looper-request", "x-vsr-looper-secret", "x-vsr-looper-decision", "x-vsr-looper-iteration",
    "x-authz-user-id", "x-authz-user-groups", "x-selected-model",
)  # fmt: skip
"""Headers by which the parts of the router talk to each other; a client must not be able to send them."""

_NOBODY = {"cidr_ranges": [{"address_prefix": "255.255.255.255", "prefix_len": 32}]}
"""Whose ``x-envoy-*`` headers, such as time-outs, are obeyed; Envoy takes an empty list for all private addresses."""

_EARLY = f"{TYPES}.extensions.http.early_header_mutation.header_mutation"
_LOG_FIELDS = {
    "time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "code": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "model": "%REQ(X-SELECTED-MODEL)%",
    "upstream": "%UPSTREAM_HOST%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "duration_ms": "%DURATION%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "request_id": "%REQ(X-REQUEST-ID)%",
}


def render_envoy(
    resource: Object, backends: Backends, ports: Ports, *, tls: bool = False, directory: str = DIRECTORY
) -> dict[str, dict[str, Any]]:
    """Return the documents by file name: the bootstrap, and what it watches in ``directory``.

    With ``tls`` the API port serves TLS too. Envoy's reader of YAML takes an unquoted ``y`` or ``n`` for a boolean, so
    they have to be written as JSON, which is YAML too: resources and models may have such names.
    """
    return {**fixed_files(resource, ports, tls=tls, directory=directory), **live_files(backends.models)}


def fixed_files(
    resource: Object, ports: Ports, *, drain: str = "", tls: bool = False, directory: str = DIRECTORY
) -> dict[str, dict[str, Any]]:
    """Return what stays as it is while a pod lives: where Envoy listens, and what it asks."""
    return {
        "envoy.yaml": _bootstrap(resource, ports, drain or drain_path(identity_of(resource)), directory),
        "listeners.yaml": {"resources": [_listener(resource, ports, directory, tls=tls)]},
        **({envoy_tls.FILE: {"resources": [envoy_tls.certificate()]}} if tls else {}),
    }


def live_files(models: tuple[Model, ...]) -> dict[str, dict[str, Any]]:
    """Return what changes under running pods: the models, and where they are served."""
    return {
        "routes.yaml": {"resources": [route_configuration(models)]},
        "clusters.yaml": {"resources": [model_cluster(model) for model in models if usable(model)]},
    }


def _bootstrap(resource: Object, ports: Ports, drain: str, directory: str) -> dict[str, Any]:
    name = identity_of(resource).name
    return {
        "node": {"id": name, "cluster": name},
        "admin": {"address": address(LOOPBACK, ports.envoy_admin)},
        "overload_manager": {"resource_monitors": [_connection_limit()]},
        "dynamic_resources": {
            "lds_config": watched(directory, "listeners.yaml"),
            "cds_config": watched(directory, "clusters.yaml"),
        },
        "static_resources": {
            "listeners": [ready_listener(ports, drain)],
            "clusters": [
                local_cluster(EXTPROC, ports.grpc.target, http2=True),
                local_cluster(ROUTER_API, ports.router_api),
                local_cluster(ADMIN, ports.envoy_admin),
                local_cluster(READY, ready_port(ports)),
            ],
        },
    }


def _connection_limit() -> dict[str, Any]:
    """Refuse more connections than the memory of a pod is good for."""
    name = "envoy.resource_monitors.global_downstream_max_connections"
    kind = "envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    typed = {"@type": f"type.googleapis.com/{kind}", "max_active_downstream_connections": MOST_AT_ONCE}
    return {"name": name, "typed_config": typed}


def _listener(resource: Object, ports: Ports, directory: str, *, tls: bool) -> dict[str, Any]:
    given = section(spec_of(resource), "envoy")
    manager = {
        "stat_prefix": "api",
        "codec_type": "AUTO",
        "rds": {"route_config_name": "models", "config_source": watched(directory, "routes.yaml")},
        "early_header_mutation_extensions": [_header_guard()],
        "http_filters": [ext_proc_filter(fails_open=bool(given.get("failOpen"))), router_filter()],
        "access_log": [_access_log()],
        "local_reply_config": {"mappers": local_replies()},
        "request_headers_timeout": "10s",
        "stream_idle_timeout": f"{given.get('idleTimeoutSeconds') or IDLE_SECONDS}s",
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "REJECT_REQUEST",
        "use_remote_address": True,
        "internal_address_config": _NOBODY,
        "preserve_external_request_id": True,
    }
    return {
        "@type": f"{TYPES}.config.listener.v3.Listener",
        "name": "api",
        "address": address(ports.everywhere, ports.api.target),
        "per_connection_buffer_limit_bytes": BODY_MIB * 1024 * 1024,
        **envoy_tls.filter_chains(connection_manager(manager), tls=tls, directory=directory),
    }


def _header_guard() -> dict[str, Any]:
    """Take away what only the router may say, before a route is chosen and before the router is asked."""
    typed = {
        "@type": f"{_EARLY}.v3.HeaderMutation",
        "mutations": [{"remove": name} for name in INTERNAL_HEADERS],
    }
    return {"name": "envoy.http.early_header_mutation.header_mutation", "typed_config": typed}


def _access_log() -> dict[str, Any]:
    typed = {
        "@type": f"{TYPES}.extensions.access_loggers.stream.v3.StdoutAccessLog",
        "log_format": {"json_format": _LOG_FIELDS},
    }
    return {"name": "envoy.access_loggers.stdout", "typed_config": typed}
