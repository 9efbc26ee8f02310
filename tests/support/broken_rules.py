"""Which rules of the definition a value breaks, and where; by the reader of rules that the playbooks have."""

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils.rules import holds

type Place = tuple[str | int, ...]
"""Names of fields and numbers of items, from the outside."""


def broken_rules(value: object, schema: Mapping[str, Any], place: Place = ()) -> Iterator[tuple[Place, str]]:
    """Yield the place and the message of every rule that ``value``, with its defaults, breaks; inner ones first."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name) or schema.get("additionalProperties") or {}
            yield from broken_rules(item, inner, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from broken_rules(item, schema.get("items", {}), (*place, index))
    for rule in schema.get("x-kubernetes-validations", ()):
        if "oldSelf" not in rule["rule"] and not holds(rule["rule"], value):
            yield place, rule["message"]
