"""Fields of the definition that the router cannot take: manifests written for others have them, so they are accepted.

They are told by the condition ``IgnoredFields``, which is true while a resource has one. Nothing is wrong with such a
resource, so it does not count as degraded: ``watches.yaml`` calls the condition neutral. All other fields change
something; a walk over the definition shows it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.inventory import spec_of
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object

IGNORED: Mapping[str, str] = {
    "config.bert_model.threshold": (
        "the router has thresholds where texts are compared: set similarity_threshold of the cache, or threshold of a"
        " signal"
    ),
    "config.classifier.pii_model.use_modernbert": (
        "the router has no such switch for this model any more: set use_mmbert_32k, or leave it to model_id"
    ),
    "config.decisions[].preferred_endpoints": (
        "the router chooses among the endpoints of a model by their weight: set vllmEndpoints[].weight"
    ),
}
"""Of each field why it has no effect, and what to write in its place. ``[]`` stands for every item of a list."""

MOST_TOLD = 10
"""As many fields are told in the condition; the rest is counted."""


def ignored_fields(resource: Object) -> list[tuple[str, str]]:
    """Return the path of every field of the resource that has no effect, and what to write in its place."""
    spec = spec_of(resource)
    return [(place, why) for path, why in IGNORED.items() for place in _places(spec, path.split("."), "spec")]


def ignored_condition(resource: Object) -> dict[str, Any]:
    """Return the condition ``IgnoredFields``; while it is true, an event warns too."""
    found = ignored_fields(resource)
    if not found:
        return {
            "status": "False",
            "reason": "NoneIgnored",
            "message": "every field that is given has an effect",
        }
    told = [f"{place} has no effect: {why}" for place, why in found[:MOST_TOLD]]
    rest = [f"and {len(found) - MOST_TOLD} more"] if len(found) > MOST_TOLD else []
    return {
        "status": "True",
        "reason": "FieldsIgnored",
        "message": "; ".join([*told, *rest]),
        "warning": True,
    }


def _places(value: Any, parts: list[str], path: str) -> Iterator[str]:  # noqa: ANN401 - as deep as the resource
    if not parts:
        if value is not None:
            yield path
        return
    name, rest = parts[0].removesuffix("[]"), parts[1:]
    inner = value.get(name) if isinstance(value, Mapping) else None
    if not parts[0].endswith("[]"):
        yield from _places(inner, rest, f"{path}.{name}")
        return
    for index, item in enumerate(inner or ()):
        yield from _places(item, rest, f"{path}.{name}[{index}]")
