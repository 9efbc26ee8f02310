"""What of the configuration changes under running pods: where the model servers are, and how much each gets.

Everything else is read at the start of a pod only, so it belongs to the revision of the pod. ``config.yaml`` keeps both
in one document; here they are taken apart and put together.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.backends import (
    Address,
    Backends,
    Endpoint,
    Model,
)
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import literal, spoken
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import backend_refs

REFERENCES = "backend_refs"

type Document = Mapping[str, Any]
"""A ``config.yaml``, read."""


def without_addresses(document: Document) -> dict[str, Any]:
    """Return the part of ``document`` that a pod reads only at its start."""
    rest: dict[str, Any] = plain(document)
    for model in section(rest, "providers").get("models") or ():
        model.pop(REFERENCES, None)
    return rest


def relaid(document: Document, models: tuple[Model, ...]) -> dict[str, Any]:
    """Return ``document`` with the addresses of ``models``, and nothing else changed.

    A model that is not among them keeps the addresses that it has: pods of an older revision may still choose it.
    """
    current = {literal(model.name): literal(backend_refs(model)) for model in models}
    changed: dict[str, Any] = plain(document)
    for model in section(changed, "providers").get("models") or ():
        if model["name"] in current:
            model.pop(REFERENCES, None)
            if current[model["name"]]:
                model[REFERENCES] = current[model["name"]]
    return changed


def models_of(document: Document) -> tuple[Model, ...]:
    """Read the models back from a ``config.yaml`` that ``render_config`` made, in their order.

    Raises KeyError, TypeError or ValueError when it is none.
    """
    told: dict[str, Any] = spoken(document)
    cards = {card["name"]: card for card in section(told, "routing").get("modelCards") or ()}
    return tuple(_models(section(told, "providers").get("models") or (), cards))


def with_addresses_of(backends: Backends, models: tuple[Model, ...]) -> Backends:
    """Return ``backends`` with the endpoints that ``models`` have, which the condition says."""
    known = {model.name: model.endpoints for model in models}
    kept = tuple(replace(model, endpoints=known.get(model.name, ())) for model in backends.models)
    if not any(model.endpoints for model in kept):
        return backends
    told = f"{backends.condition.message}; the addresses that were found last stay in use"
    return Backends(models=kept, condition=replace(backends.condition, message=told))


def _models(given: Iterable[Mapping[str, Any]], cards: Mapping[str, Mapping[str, Any]]) -> Iterator[Model]:
    for model in given:
        name = str(model["name"])
        yield Model(
            name=name,
            reasoning_family=str(model.get("reasoning_family") or ""),
            loras=tuple(cards.get(name, {}).get("loras") or ()),
            endpoints=tuple(_endpoint(name, reference) for reference in model.get(REFERENCES) or ()),
        )


def _endpoint(model: str, reference: Mapping[str, Any]) -> Endpoint:
    host, _, port = str(reference["endpoint"]).rpartition(":")
    address = Address(host=host.strip("[]"), port=int(port), tls=reference.get("protocol") == "https")
    return Endpoint(
        name=str(reference["name"]), model=model, address=address, weight=int(reference.get("weight", 1))
    )
