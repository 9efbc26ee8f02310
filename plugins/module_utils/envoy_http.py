"""Pieces of Envoy's HTTP filters that more than one listener uses."""

from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import TYPES

FILTERS = f"{TYPES}.extensions.filters.http"
_MANAGER = f"{TYPES}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"


def connection_manager(config: dict[str, Any]) -> dict[str, Any]:
    """Return the network filter that speaks HTTP as ``config`` says."""
    typed = {"@type": _MANAGER, **config}
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": typed}


def router_filter() -> dict[str, Any]:
    """Return the last filter, which sends a request where its route leads."""
    return {"name": "envoy.filters.http.router", "typed_config": {"@type": f"{FILTERS}.router.v3.Router"}}


def watched(directory: str, name: str) -> dict[str, Any]:
    """Return a file of resources that Envoy reads again when it changes.

    A ConfigMap changes by a link that is swapped, which is only seen by a watch on the directory.
    """
    source = {"path": f"{directory}/{name}", "watched_directory": {"path": directory}}
    return {"resource_api_version": "V3", "path_config_source": source}
