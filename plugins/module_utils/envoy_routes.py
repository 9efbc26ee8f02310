"""Envoy's routes: the router's own API, then one route for each model, then what is left.

The router tells its choice in the header ``x-selected-model``; a request that has none goes to the first model.
"""

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Backends, Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import (
    ROUTER_API,
    TYPES,
    cluster_name,
    usable,
)

SELECTED = "x-selected-model"
OPENAI_PREFIX = "/v1/"
API_PATHS = ("/health", "/ready", "/v1/models", "/docs", "/openapi.json", "/info/models")
API_PREFIXES = ("/api/v1/",)
"""What of the router's own API is shown; everything else of it, such as its configuration, is not."""

API_SECONDS = "60s"
IDLE_SECONDS = "300s"
_EXT_PROC = "envoy.filters.http.ext_proc"


def route_configuration(backends: Backends) -> dict[str, Any]:
    """Return the routes for the models of a resource."""
    return {
        "@type": f"{TYPES}.config.route.v3.RouteConfiguration",
        "name": "models",
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(_routes(backends.models))}],
    }


def _routes(models: tuple[Model, ...]) -> Iterator[dict[str, Any]]:
    for path in API_PATHS:
        yield _api_route({"path": path})
    for prefix in API_PREFIXES:
        yield _api_route({"prefix": prefix})
    for model in models:
        header = {"name": SELECTED, "string_match": {"exact": model.name}}
        yield {"match": {"prefix": OPENAI_PREFIX, "headers": [header]}, **_to(model)}
    rest = {"match": {"prefix": OPENAI_PREFIX}}
    yield {**rest, **_to(models[0])} if models else {**rest, **_refusal(503, _NO_MODELS, "no_backend")}
    yield {"match": {"prefix": "/"}, **_refusal(404, "there is nothing at this path", "not_found")}


_NO_MODELS = "this router has no models: add entries to spec.vllmEndpoints"


def _api_route(match: dict[str, Any]) -> dict[str, Any]:
    return {
        "match": match,
        "route": {"cluster": ROUTER_API, "timeout": API_SECONDS},
        "typed_per_filter_config": _without_router(),
    }


def _to(model: Model) -> dict[str, Any]:
    if not usable(model):
        return _refusal(
            503, f"no backend of model {model.name} has an address", "no_backend", asks_router=True
        )
    return {
        "route": {
            "cluster": cluster_name(model),
            "auto_host_rewrite": True,
            "timeout": "0s",  # a generation may be long; silence is what ends it
            "idle_timeout": IDLE_SECONDS,
        }
    }


def _refusal(code: int, message: str, kind: str, *, asks_router: bool = False) -> dict[str, Any]:
    """Answer with an error in the form of the OpenAI API.

    The first model's refusal still asks the router, which may choose another model.
    """
    body = json.dumps({"error": {"message": message, "type": kind, "code": code}})
    refusal: dict[str, Any] = {
        "direct_response": {"status": code, "body": {"inline_string": body}},
        "response_headers_to_add": [
            {
                "header": {"key": "content-type", "value": "application/json"},
                "append_action": "OVERWRITE_IF_EXISTS_OR_ADD",
            }
        ],
    }
    return refusal if asks_router else {**refusal, "typed_per_filter_config": _without_router()}


def _without_router() -> dict[str, Any]:
    typed = f"{TYPES}.extensions.filters.http.ext_proc.v3.ExtProcPerRoute"
    return {_EXT_PROC: {"@type": typed, "disabled": True}}
