"""What the router's loader would refuse in a configuration file, said in terms of the custom resource.

A router that cannot read its file never starts, so a file is checked before it is applied.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import spoken
from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import section, spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object
from ansible_collections.vllm.semantic_router.plugins.module_utils.ports import port_problems, ports_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.router_config import KNOWN_FAMILIES
from ansible_collections.vllm.semantic_router.plugins.module_utils.routing_types import (
    routing_types,
    wrong_types,
)

MOST_LISTED = 10
"""As many known names are told in a message; the rest is counted."""


def check_config(document: Mapping[str, Any], resource: Object) -> list[str]:
    """Return why the router would refuse ``document``, which was made from ``resource``; empty when it would not.

    Every problem names the field of the resource, and says the next step.
    """
    config = section(spec_of(resource), "config")
    types = [*_routing_types(config), *_decision_types(config)]
    return [
        *port_problems(ports_of(resource)),
        *_two_caches(config),
        *_unknown_families(document, resource),
        *types,
        *(() if types else _model_problems(document, config)),
    ]


def _two_caches(config: Mapping[str, Any]) -> Iterator[str]:
    if config.get("semantic_cache") is not None and config.get("response_cache") is not None:
        yield (
            "spec.config.semantic_cache and spec.config.response_cache are two names of one setting:"
            " keep one of them"
        )


def _unknown_families(document: Mapping[str, Any], resource: Object) -> Iterator[str]:
    defined = section(document, "providers", "defaults", "reasoning_families")
    for index, endpoint in enumerate(spec_of(resource).get("vllmEndpoints") or ()):
        family = endpoint.get("reasoningFamily")
        if family and family not in defined:
            yield (
                f"spec.vllmEndpoints[{index}].reasoningFamily: family {family!r} is unknown: define it under"
                f" spec.config.reasoning_families or use one of {_listed({*KNOWN_FAMILIES, *defined})}"
            )


def _routing_types(config: Mapping[str, Any]) -> Iterator[str]:
    yield from wrong_types(config.get("routing"), routing_types(), "spec.config.routing")


def _decision_types(config: Mapping[str, Any]) -> Iterator[str]:
    """Only parts of decisions are open in the definition, but their types are in the same table."""
    yield from wrong_types(
        config.get("decisions"), routing_types().below["decisions"], "spec.config.decisions"
    )


def _model_problems(document: Mapping[str, Any], config: Mapping[str, Any]) -> Iterator[str]:
    nameless = list(_nameless_cards(config))
    if nameless:
        yield from nameless
        return
    cards = _Cards.of(document)
    yield from _unknown_default(document, cards)
    for place, decisions in (
        ("spec.config.decisions", config.get("decisions")),
        ("spec.config.routing.decisions", section(config, "routing").get("decisions")),
    ):
        for index, decision in enumerate(decisions or ()):
            yield from _reference_problems(decision or {}, f"{place}[{index}]", cards)


def _nameless_cards(config: Mapping[str, Any]) -> Iterator[str]:
    for index, card in enumerate(section(config, "routing").get("modelCards") or ()):
        path = f"spec.config.routing.modelCards[{index}]"
        adapters = [
            (f"{path}.loras[{number}]", lora) for number, lora in enumerate((card or {}).get("loras") or ())
        ]
        for place, named in ((path, card), *adapters):
            if not (named or {}).get("name"):
                yield f"{place} has no name: give it one, or remove it"


@dataclass(frozen=True, slots=True)
class _Cards:
    """Names of LoRA adapters by the model that has them."""

    loras: Mapping[str, frozenset[str]]

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> "_Cards":
        cards = spoken(section(document, "routing").get("modelCards") or [])
        return cls(
            {card["name"]: frozenset(lora["name"] for lora in card.get("loras") or ()) for card in cards}
        )

    @property
    def names(self) -> set[str]:
        """Names that a request can be sent to."""
        return set(self.loras).union(*self.loras.values())


def _unknown_default(document: Mapping[str, Any], cards: _Cards) -> Iterator[str]:
    default = spoken(section(document, "providers", "defaults").get("default_model"))
    if default and default not in cards.names:
        yield (
            f"spec.config.routing.modelCards: the default model {default!r} has no card; known are"
            f" {_listed(cards.names)}: add a card named {default!r}"
        )


def _reference_problems(decision: Mapping[str, Any], path: str, cards: _Cards) -> Iterator[str]:
    for index, reference in enumerate(decision.get("modelRefs") or ()):
        place = f"{path}.modelRefs[{index}]"
        model, adapter = (reference or {}).get("model"), (reference or {}).get("lora_name")
        if model not in cards.names:
            yield (
                f"{place}.model: no endpoint has model {model!r}; known are {_listed(cards.names)}: use one of"
                " them or add it to spec.vllmEndpoints"
            )
        elif adapter and adapter not in cards.loras.get(model, ()):
            yield (
                f"{place}.lora_name: model {model!r} has no LoRA adapter {adapter!r}; it has"
                f" {_listed(cards.loras.get(model, ()))}: use one of them or add it to the loras of an endpoint"
                " of the model"
            )


def _listed(names: Iterable[str]) -> str:
    told = sorted(names)
    rest = [f"{len(told) - MOST_LISTED} more"] if len(told) > MOST_LISTED else []
    return ", ".join([*told[:MOST_LISTED], *rest]) or "none"
