"""A stand-in for the router's configuration loader: it refuses what the real loader refuses.

The facts are measurements on the real one, version v0.3: unknown families, models and key pairs, strings
where numbers belong, missing environment. Like the real one it accepts unknown keys; unlike it, it reports
them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from tests.support.router_paths import UnknownKey, WrongType, check

LOOPBACK = "127.0.0.1"
_VARIABLE = re.compile(
    r"\$(?:\$|\{(?P<braced>\w+)(?:(?P<operator>:?-)(?P<default>[^}]*))?\}|(?P<plain>[A-Za-z_]\w*))"
)


class RefusedError(Exception):
    """The router would not start with this file; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A configuration that the router starts with; ``ignored`` are paths of keys that it does not know."""

    document: Mapping[str, Any]
    ignored: tuple[str, ...]

    @property
    def models(self) -> list[str]:
        """Names under which models can be asked for."""
        return sorted(_model_names(self.document))


def load(text: str, environment: Mapping[str, str]) -> Loaded:
    """Load a ``config.yaml``; raises RefusedError with all reasons."""
    try:
        parsed = yaml.safe_load(text) or {}
    except yaml.YAMLError as error:
        message = f"not yaml: {error}"
        raise RefusedError(message) from error
    if not isinstance(parsed, dict):
        message = "the file is no mapping"
        raise RefusedError(message)
    document = expand(parsed, environment)
    findings = list(check(_with_one_cache(document)))
    problems = [str(found) for found in findings if isinstance(found, WrongType)]
    problems += _contradictions(document, environment) if not problems else []
    if problems:
        raise RefusedError("; ".join(problems))
    ignored = tuple(found.path for found in findings if isinstance(found, UnknownKey))
    return Loaded(document=document, ignored=ignored)


def expand(value: Any, environment: Mapping[str, str]) -> Any:  # noqa: ANN401 - any YAML
    """Expand ``${VAR}``, ``$VAR``, ``${VAR:-default}``, ``${VAR-default}`` and ``$$`` in every string value.

    Raises RefusedError for a variable that is unset and has no default: the real router would go on with an
    empty text, which here always means that the pod lacks an ``env`` entry.
    """
    if isinstance(value, dict):
        return {key: expand(item, environment) for key, item in value.items()}
    if isinstance(value, list):
        return [expand(item, environment) for item in value]
    if isinstance(value, str):
        return _VARIABLE.sub(lambda match: _replacement(match, environment), value)
    return value


def _replacement(match: re.Match[str], environment: Mapping[str, str]) -> str:
    name = match["braced"] or match["plain"]
    if name is None:
        return "$"
    value = environment.get(name)
    if match["operator"] is not None and (value is None or (value == "" and match["operator"] == ":-")):
        return match["default"]
    if value is None:
        message = f"environment variable {name} is not set"
        raise RefusedError(message)
    return value


def _with_one_cache(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the document with the cache under its current name, so that its types are checked."""
    stores = (document.get("global") or {}).get("stores") or {}
    if "semantic_cache" not in stores:
        return document
    renamed = {"response_cache" if key == "semantic_cache" else key: item for key, item in stores.items()}
    return {**document, "global": {**document["global"], "stores": renamed}}


def _contradictions(document: Mapping[str, Any], environment: Mapping[str, str]) -> list[str]:
    return [
        *_unknown_families(document),
        *_unknown_models(document),
        *_two_caches(document),
        *_missing_tokens(document, environment),
    ]


def _section(document: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = document
    for name in names:
        found = found.get(name) or {}
    return found


def _unknown_families(document: Mapping[str, Any]) -> Iterator[str]:
    families = _section(document, "providers", "defaults", "reasoning_families")
    for model in _section(document, "providers").get("models") or []:
        family = model.get("reasoning_family")
        if family and family not in families:
            yield f"model {model.get('name')!r}: reasoning family {family!r} is not defined"


def _model_names(document: Mapping[str, Any]) -> set[str]:
    cards = _section(document, "routing").get("modelCards") or []
    adapters = [adapter["name"] for card in cards for adapter in card.get("loras") or []]
    return {card["name"] for card in cards} | set(adapters)


def _unknown_models(document: Mapping[str, Any]) -> Iterator[str]:
    names = _model_names(document)
    default = _section(document, "providers", "defaults").get("default_model")
    if default and default not in names:
        yield f"default_model {default!r} is in no routing.modelCards"
    for decision in _section(document, "routing").get("decisions") or []:
        for reference in decision.get("modelRefs") or []:
            if reference.get("model") not in names:
                yield f"decision {decision.get('name')!r}: unknown model {reference.get('model')!r}"


def _two_caches(document: Mapping[str, Any]) -> Iterator[str]:
    stores = _section(document, "global", "stores")
    if "response_cache" in stores and "semantic_cache" in stores:
        yield "global.stores: response_cache and semantic_cache are both set"


def _missing_tokens(document: Mapping[str, Any], environment: Mapping[str, str]) -> Iterator[str]:
    authentication = _section(document, "global", "services", "management_api", "auth")
    for token in authentication.get("tokens") or []:
        if token.get("env") not in environment:
            yield f"management_api: environment variable {token.get('env')} of a token is not set"


def listener(document: Mapping[str, Any], environment: Mapping[str, str], bind: str) -> tuple[str, int]:
    """Return address and port of the management API; ``bind`` is the flag's value, empty when not given.

    Raises RefusedError for an exposed listener without the protection that the router wants.
    """
    settings = _section(document, "global", "services", "management_api")
    address = bind or settings.get("bind_address") or LOOPBACK
    authentication = settings.get("auth") or {}
    protected = settings.get("remote_exposure") is True and authentication.get("mode") == "bearer"
    internal = environment.get("VLLM_SR_MANAGEMENT_INTERNAL_LISTENER") == "true"
    if (
        address not in {LOOPBACK, "localhost", "::1"}
        and not (protected and authentication.get("tokens"))
        and not internal
    ):
        message = (
            f"management_api: {address} needs remote_exposure with bearer tokens, or an internal listener"
        )
        raise RefusedError(message)
    return address, int(settings.get("port") or 8080)
