"""The router's configuration file, ``config.yaml`` version v0.3, and the file with the tools beside it."""

from collections.abc import Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Backends,
    Endpoint,
    Model,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.cache import CachePlan
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import laid_over, literal
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import (
    STANDALONE,
    gateway_mode,
    section,
    spec_of,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain, without_nulls
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import Ports
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_settings import settings_of

VERSION = "v0.3"
LOOPBACK = "127.0.0.1"

KNOWN_FAMILIES: Mapping[str, Mapping[str, str]] = {
    "qwen3": {"type": "chat_template_kwargs", "parameter": "enable_thinking"},
    "deepseek": {"type": "chat_template_kwargs", "parameter": "thinking"},
    "gpt": {"type": "reasoning_effort", "parameter": "reasoning_effort"},
    "gpt-oss": {"type": "reasoning_effort", "parameter": "reasoning_effort"},
}
"""Families that an endpoint can name without a definition of the user's."""

DEFAULT_DOMAIN: Mapping[str, Any] = {"name": "general", "mmlu_categories": ["other"]}

INTERNAL_LISTENER: Mapping[str, str] = {"name": "VLLM_SR_MANAGEMENT_INTERNAL_LISTENER", "value": "true"}
"""The router refuses to listen on all addresses without it, or without bearer tokens of its own."""


def render_config(resource: Object, backends: Backends, cache: CachePlan, ports: Ports) -> dict[str, Any]:
    """Return the whole ``config.yaml``. Every text of the user's is escaped from the router's expansion.

    Models without an endpoint stay, so that decisions that name them stay valid while a backend is away.
    """
    config = plain(section(spec_of(resource), "config"))
    made = {
        "version": VERSION,
        "providers": {
            "defaults": _defaults(config, backends.models),
            "models": [_model(model) for model in backends.models],
        },
        "routing": _routing(config, backends.models),
        "global": _global(resource, config, ports),
    }
    document: dict[str, Any] = literal(without_nulls(plain(made)))
    document["global"]["stores"] = {"response_cache": plain(cache.store)}  # its texts are escaped already
    return document


def management_environment(resource: Object) -> list[dict[str, str]]:
    """Return the ``env`` entries without which the router refuses the listener that ``render_config`` asks for."""
    return [] if gateway_mode(resource) == STANDALONE else [dict(INTERNAL_LISTENER)]


def _defaults(config: Mapping[str, Any], models: tuple[Model, ...]) -> dict[str, Any]:
    named = {model.reasoning_family for model in models}
    known = {name: family for name, family in KNOWN_FAMILIES.items() if name in named}
    defaults: dict[str, Any] = {
        "reasoning_families": {**known, **(config.get("reasoning_families") or {})},
        "default_reasoning_effort": config.get("default_reasoning_effort"),
    }
    if models:
        defaults["default_model"] = models[0].name
    return defaults


def _model(model: Model) -> dict[str, Any]:
    result: dict[str, Any] = {"name": model.name}
    if model.reasoning_family:
        result["reasoning_family"] = model.reasoning_family
    if model.endpoints:
        result["backend_refs"] = backend_refs(model)
    return result


def backend_refs(model: Model) -> list[dict[str, Any]]:
    """Return where the model is served, as the router's file says it."""
    return [_backend_ref(endpoint) for endpoint in model.endpoints]


def _backend_ref(endpoint: Endpoint) -> dict[str, Any]:
    address = endpoint.address
    host = f"[{address.host}]" if ":" in address.host else address.host
    return {
        "name": endpoint.name,
        "endpoint": f"{host}:{address.port}",
        "protocol": "https" if address.tls else "http",
        "weight": endpoint.weight,
    }


def _routing(config: Mapping[str, Any], models: tuple[Model, ...]) -> Any:  # noqa: ANN401 - the user's is laid over
    made: dict[str, Any] = {"modelCards": [_card(model) for model in models]}
    if config.get("decisions"):
        made["decisions"] = [_decision(decision) for decision in config["decisions"]]
    return laid_over({**made, "signals": _signals(config)}, section(config, "routing"))


def _signals(config: Mapping[str, Any]) -> dict[str, Any]:
    signals: dict[str, Any] = {}
    own = section(config, "routing").get("signals")
    if not (isinstance(own, Mapping) and own.get("domains") is not None):
        signals["domains"] = [dict(DEFAULT_DOMAIN)]
    if config.get("complexity_rules"):
        signals["complexity"] = [_complexity(rule) for rule in config["complexity_rules"]]
    return signals


def _card(model: Model) -> dict[str, Any]:
    card: dict[str, Any] = {"name": model.name}
    if model.loras:
        card["loras"] = list(model.loras)
    return card


def _complexity(rule: Mapping[str, Any]) -> dict[str, Any]:
    threshold = {"threshold": float(rule["threshold"])} if rule.get("threshold") is not None else {}
    return {**rule, **threshold}


def _decision(decision: Mapping[str, Any]) -> dict[str, Any]:
    """The router has no ``preferred_endpoints`` any more: an endpoint's weight says the same."""
    return {name: value for name, value in decision.items() if name != "preferred_endpoints"}


def _global(resource: Object, config: Mapping[str, Any], ports: Ports) -> dict[str, Any]:
    standalone = gateway_mode(resource) == STANDALONE
    listener = {
        "bind_address": LOOPBACK if standalone else ports.everywhere,
        "port": ports.router_api if standalone else ports.api.target,
    }
    made = settings_of(config)
    return {**made, "services": {**made.get("services", {}), "management_api": listener}}


def tools_db(resource: Object) -> list[dict[str, Any]]:
    """Return the content of ``tools_db.json``, every tool in OpenAI's form.

    The router expands no variables in this file, so a ``$`` stays as it is.
    """
    return [_tool(plain(tool)) for tool in spec_of(resource).get("toolsDb") or ()]


def _tool(given: Mapping[str, Any]) -> dict[str, Any]:
    """Join both forms; what the long form says wins. Nulls inside of a JSON schema mean something and stay."""
    long_form = given.get("tool") or {}
    own = section(long_form, "function")
    result: dict[str, Any] = {
        "tool": {
            "type": long_form.get("type") or "function",
            "function": {**_said(given, "name", "description", "parameters"), **_said(own, *own)},
        },
        "description": given.get("description") or own.get("description") or "",
    }
    return {**result, **_said(given, "category", "tags")}


def _said(given: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: given[name] for name in names if given.get(name) is not None}
