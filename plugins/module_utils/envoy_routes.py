"""Envoy's routes: the router's own API, then one route for each model, then what is left.

The router (ExtProc) tells its choice in the header ``x-selected-model``, which is a model or one of its LoRA
adapters; a request for which it chose nothing goes to the first model.
"""

import json
from collections.abc import Iterator
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import Model
from ansible_collections.vllm.semantic_router.plugins.module_utils.envoy_clusters import (
    EXTPROC,
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
BODY_MIB = 50
"""The largest body that is shown to the router as a whole; Envoy answers larger ones with 413."""

ROUTER_SECONDS = "300s"
_EXT_PROC = "envoy.filters.http.ext_proc"
_EXT_PROC_TYPES = f"{TYPES}.extensions.filters.http.ext_proc.v3"
_NO_MODELS = "this router has no models: add entries to spec.vllmEndpoints"
_UNKNOWN = "no backend is known for the model that the router chose"
_CODE = "%RESPONSE_CODE%"
_UNREACHED = {"flags": ["UH", "UF", "UO", "UC", "UR", "UT", "NC"]}
_RETRIES = {
    "retry_on": "connect-failure,refused-stream,reset-before-request",  # the backend has not seen the request
    "num_retries": 2,
    "retry_back_off": {"base_interval": "0.05s", "max_interval": "1s"},
}


def route_configuration(models: tuple[Model, ...]) -> dict[str, Any]:
    """Return the routes for the models of a resource."""
    return {
        "@type": f"{TYPES}.config.route.v3.RouteConfiguration",
        "name": "models",
        "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": list(_routes(models))}],
    }


def _routes(models: tuple[Model, ...]) -> Iterator[dict[str, Any]]:
    for path in API_PATHS:
        yield _api_route({"path": path})
    for prefix in API_PREFIXES:
        yield _api_route({"prefix": prefix})
    for name, model in models_by_name(models).items():
        yield {"match": _chat({"string_match": {"exact": name}}), **_to(model)}
    first = _to(models[0]) if models else _refusal(503, _NO_MODELS, "no_backend")
    yield {"match": _chat({"present_match": True, "invert_match": True}), **first}
    yield {"match": _chat(), **_refusal(503, _UNKNOWN, "no_backend", asks_router=True)}
    yield {"match": {"prefix": "/"}, **_refusal(404, "there is nothing at this path", "not_found")}


def models_by_name(models: tuple[Model, ...]) -> dict[str, Model]:
    """Return models by what the router may call them; an adapter never takes the name of a model."""
    found = {model.name: model for model in models}
    for model in models:
        for lora in model.loras:
            found.setdefault(str(lora["name"]), model)
    return found


def _chat(selected: dict[str, Any] | None = None) -> dict[str, Any]:
    headers = {"headers": [{"name": SELECTED, **selected}]} if selected else {}
    return {"prefix": OPENAI_PREFIX, **headers}


def _api_route(match: dict[str, Any]) -> dict[str, Any]:
    return {
        "match": match,
        "route": {"cluster": ROUTER_API, "timeout": API_SECONDS},
        "typed_per_filter_config": _without_router(),
    }


def _to(model: Model) -> dict[str, Any]:
    if not usable(model):
        lack = "a weight above 0" if model.endpoints else "an address"
        message = f"no backend of model {model.name} has {lack}"
        return _refusal(503, message, "no_backend", asks_router=True)
    return {
        "route": {
            "cluster": cluster_name(model),
            "auto_host_rewrite": True,
            "timeout": "0s",  # a generation may be long; silence is what ends it, by the listener's setting
            "retry_policy": _RETRIES,
        }
    }


def _refusal(code: int, message: str, kind: str, *, asks_router: bool = False) -> dict[str, Any]:
    """Answer with an error in the form of the OpenAI API.

    The first model's refusal still asks the router, which may choose another model.
    """
    body = json.dumps(_error(message, kind, code))
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


def _error(message: str, kind: str, code: int | str) -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "code": code}}


def _without_router() -> dict[str, Any]:
    return {_EXT_PROC: {"@type": f"{_EXT_PROC_TYPES}.ExtProcPerRoute", "disabled": True}}


def ext_proc_filter(*, fails_open: bool = False) -> dict[str, Any]:
    """Return the filter that asks the router.

    Without its answer no request goes on, or, when it fails open, each goes to the first model as the client sent it.
    """
    closed = {"failure_mode_allow": False, "status_on_error": {"code": "ServiceUnavailable"}}
    return {
        "name": _EXT_PROC,
        "typed_config": {
            "@type": f"{_EXT_PROC_TYPES}.ExternalProcessor",
            "grpc_service": {"envoy_grpc": {"cluster_name": EXTPROC}},
            **({"failure_mode_allow": True} if fails_open else closed),
            "message_timeout": ROUTER_SECONDS,
            "max_message_timeout": ROUTER_SECONDS,
            "allow_mode_override": True,
            "route_cache_action": "CLEAR",  # the header that the router sets chooses the route
            "mutation_rules": {"allow_all_routing": True},
            "processing_mode": {
                "request_header_mode": "SEND",
                "request_body_mode": "BUFFERED",
                "response_header_mode": "SEND",
                "response_body_mode": "STREAMED",  # buffered, a stream of events would be held back
                "request_trailer_mode": "SKIP",
                "response_trailer_mode": "SKIP",
            },
        },
    }


def local_replies() -> list[dict[str, Any]]:
    """Return how Envoy words its own errors: in JSON, as clients of the OpenAI API read them.

    Answers of the router and of backends are left as they are.
    """
    retry = "does not answer; try again in a moment"
    router = _error(f"the semantic router {retry}", "router_unavailable", 503)
    backend = _error(f"the model server {retry}", "backend_unavailable", _CODE)
    large = _error(f"the request is larger than {BODY_MIB} MiB", "request_too_large", 413)
    return [
        {
            **_reworded(_when("response.code_details.startsWith('ext_proc_error')"), router),
            "status_code": 503,
        },
        _reworded(_when("response.code_details == 'request_payload_too_large'"), large),
        _reworded({"response_flag_filter": _UNREACHED}, backend),
    ]


def _reworded(matching: dict[str, Any], error: dict[str, Any]) -> dict[str, Any]:
    return {"filter": matching, "body_format_override": {"json_format": error}}


def _when(expression: str) -> dict[str, Any]:
    kind = f"{TYPES}.extensions.access_loggers.filters.cel.v3.ExpressionFilter"
    typed = {"@type": kind, "expression": expression}
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": typed}}
