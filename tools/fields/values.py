"""Values for fields of the definition: valid ones that differ from the default, and what the API server fills in."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

type Schema = Mapping[str, Any]

WORDS = (
    "other", "0.25", "7Gi", "/other",
)  # fmt: skip
"""Texts of which at least one fits every pattern of the definition."""


def candidates(schema: Schema) -> Iterator[Any]:
    """Yield valid values that differ from the default; raises ValueError when the schema is not understood."""
    default = schema.get("default")
    if schema.get("enum"):
        yield from (value for value in schema["enum"] if value not in (default, ""))
    elif schema.get("x-kubernetes-int-or-string"):
        yield from (7, "7") if "pattern" in schema else (9999, 8888)
    elif schema.get("x-kubernetes-preserve-unknown-fields"):
        yield {"key": "value"}
    else:
        yield from _OF_TYPE[schema["type"]](schema)


def _booleans(schema: Schema) -> Iterator[bool]:
    yield from (value for value in (True, False) if value != schema.get("default"))


def _integers(schema: Schema) -> Iterator[int]:
    least, most = schema.get("minimum", 0), schema.get("maximum", 2**31 - 1)
    tried = (schema.get("default", least) + 1, least, most)
    yield from (value for value in tried if least <= value <= most and value != schema.get("default"))


def _texts(schema: Schema) -> Iterator[str]:
    pattern, least = re.compile(schema.get("pattern", "")), schema.get("minLength", 0)
    for word in WORDS:
        if pattern.search(word) and len(word) >= least and word != schema.get("default"):
            yield word


def _lists(schema: Schema) -> Iterator[list[Any]]:
    yield [next(candidates(schema["items"]))]


def _objects(schema: Schema) -> Iterator[dict[str, Any]]:
    yield least(schema)


_OF_TYPE = {
    "boolean": _booleans,
    "integer": _integers,
    "string": _texts,
    "array": _lists,
    "object": _objects,
}


def least(schema: Schema) -> dict[str, Any]:
    """Return the smallest object that is valid by its required fields."""
    return {name: next(candidates(schema["properties"][name])) for name in schema.get("required", ())}


def with_defaults(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - as deep as the value
    """Fill in what the API server does: defaults of fields in every object that is there."""
    if isinstance(value, Mapping):
        properties, others = schema.get("properties", {}), schema.get("additionalProperties")
        filled = {
            name: inner["default"]
            for name, inner in properties.items()
            if "default" in inner and name not in value
        }
        below = {key: properties.get(key) or others or {} for key in value}
        return {**filled, **{key: with_defaults(item, below[key]) for key, item in value.items()}}
    if isinstance(value, list):
        return [with_defaults(item, schema.get("items", {})) for item in value]
    return value
