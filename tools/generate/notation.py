"""The notation of ``crds/source/*.yaml``: one line per field, turned into OpenAPI v3 schemas.

A line is ``<type> <key>=<value>… | <description>``. A mapping is an object: its keys are fields, where
``name[]`` is a list and ``name.*`` a map. Keys with a leading ``_`` speak of the object itself: ``_`` is its
description, ``_required`` its required fields, ``_rules`` its CEL rules, ``_bounds`` and ``_keys`` the bounds
and list-map keys of a list of such objects, and ``_use`` a fragment to take over. More in crds/README.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from tools.generate.field_types import DEFAULT_BOUNDS, TYPES, Schema

OPTION = re.compile(r'(\w+)=("[^"]*"|\S+)')
# What an option is called in the schema.
OPTIONS = {"min": "minimum", "max": "maximum"} | {
    name: name for name in ("default", "enum", "maxLength", "minLength", "pattern")
}
CONTAINER_BOUNDS = ("maxItems", "minItems", "maxProperties")
RULE_KEYS = {"rule", "message", "ratchet"}


class NotationError(ValueError):
    """A source file does not follow the notation; the message names the field."""


@dataclass(frozen=True, slots=True)
class Fragments:
    """Named objects that others take over with ``_use``."""

    by_name: Mapping[str, Mapping[str, Any]]

    def resolve(self, path: str, source: Mapping[str, Any]) -> dict[str, Any]:
        """The object with its fragment, if it uses one; what it says itself wins."""
        if "_use" not in source:
            return dict(source)
        name = source["_use"]
        if name not in self.by_name:
            message = f"{path}: there is no fragment {name!r}"
            raise NotationError(message)
        own = {key: value for key, value in source.items() if key != "_use"}
        return self.resolve(path, self.by_name[name]) | own


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """What a source says of a list or map, apart from what it says of the items or values."""

    bounds: Mapping[str, int]
    keys: list[str]
    description: str
    inner: Schema


def schema(path: str, source: object, fragments: Fragments) -> Schema:
    """The schema of one field: of a line or of a mapping. Raises NotationError."""
    if isinstance(source, str):
        return line_schema(path, source)[0]
    if not isinstance(source, Mapping):
        message = f"{path}: expected a line of text or a mapping"
        raise NotationError(message)
    return object_schema(path, source, fragments)


def object_schema(path: str, source: Mapping[str, Any], fragments: Fragments) -> Schema:
    """The schema of an object and everything below it."""
    fields = fragments.resolve(path, source)
    result: Schema = {"type": "object"}
    if "_" in fields:
        result["description"] = fields["_"]
    properties = dict(
        field(f"{path}.{key}", value, fragments) for key, value in fields.items() if not key.startswith("_")
    )
    if properties:
        result["properties"] = properties
    if "_required" in fields:
        result["required"] = sorted(fields["_required"])
    if "_rules" in fields:
        result["x-kubernetes-validations"] = [rule(path, source) for source in fields["_rules"]]
    return result


def rule(path: str, source: Mapping[str, Any]) -> Schema:
    """One CEL rule; ``ratchet: true`` lets an object keep what an older release accepted (crds/README.md)."""
    if not source.keys() <= RULE_KEYS or not {"rule", "message"} <= source.keys():
        message = (
            f"{path}: a rule has the keys rule, message and, when it came later, ratchet: {dict(source)}"
        )
        raise NotationError(message)
    expression = " ".join(source["rule"].split())
    if source.get("ratchet"):
        expression = f"self == oldSelf || ({expression})"
    return {"rule": expression, "message": source["message"]}


def field(path: str, value: object, fragments: Fragments) -> tuple[str, Schema]:
    """Name and schema of one field; ``[]`` and ``.*`` behind the name make it a list or a map."""
    name = path.removesuffix(".*").rpartition(".")[2]
    if path.endswith("[]"):
        return name.removesuffix("[]"), list_schema(path, value, fragments)
    if path.endswith(".*"):
        return name, map_schema(path, value, fragments)
    return name, schema(path, value, fragments)


def list_schema(path: str, value: object, fragments: Fragments) -> Schema:
    """A list: its description and bounds are its own, the rest is that of the items."""
    source = container(path, value, fragments)
    bounds = {"maxItems": DEFAULT_BOUNDS["maxItems"], **source.bounds}
    result: Schema = {"type": "array", "description": source.description, **bounds}
    if source.keys:
        result |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": source.keys}
    return result | {"items": source.inner}


def map_schema(path: str, value: object, fragments: Fragments) -> Schema:
    """A map from any string."""
    source = container(path, value, fragments)
    bounds = {"maxProperties": DEFAULT_BOUNDS["maxProperties"], **source.bounds}
    return {
        "type": "object",
        "description": source.description,
        **bounds,
        "additionalProperties": source.inner,
    }


def container(path: str, value: object, fragments: Fragments) -> Container:
    """Takes the source of a list or map apart."""
    if isinstance(value, str):
        inner, bounds = line_schema(path, value)
        return Container(bounds=bounds, keys=[], description=inner.pop("description"), inner=inner)
    fields = fragments.resolve(path, cast("Mapping[str, Any]", value))
    inner = object_schema(path, fields, fragments)
    return Container(
        bounds=fields.get("_bounds", {}),
        keys=fields.get("_keys", []),
        description=inner.pop("description", ""),
        inner=inner,
    )


def line_schema(path: str, line: str) -> tuple[Schema, dict[str, int]]:
    """Schema of a line, and the bounds in it that belong to a list or map around it."""
    head, separator, description = line.partition(" | ")
    if not separator or not description.strip():
        message = f"{path}: no description behind ' | '"
        raise NotationError(message)
    options = {name: value.strip('"') for name, value in OPTION.findall(head)}
    result = line_type(path, head) | {"description": description.strip()}
    bounds = {name: int(options.pop(name)) for name in CONTAINER_BOUNDS if name in options}
    for name, text in options.items():
        if name not in OPTIONS:
            message = f"{path}: there is no option {name!r}"
            raise NotationError(message)
        result[OPTIONS[name]] = option(name, text, result)
    if result.get("type") == "string" and not result.keys() & {"enum", "format", "maxLength"}:
        result["maxLength"] = DEFAULT_BOUNDS["maxLength"]
    return result, bounds


def line_type(path: str, head: str) -> Schema:
    """What the first word of a line stands for; a line that begins with an option is of type string."""
    first, *_ = head.split()
    kind = "string" if "=" in first else first
    if kind not in TYPES:
        message = f"{path}: there is no type {kind!r}"
        raise NotationError(message)
    return dict(TYPES[kind])


def option(name: str, text: str, so_far: Schema) -> object:
    """The value of an option in the type it has in the schema."""
    is_text = so_far.get("type") == "string" or "x-kubernetes-int-or-string" in so_far
    if name == "enum":
        return [item if is_text else int(item) for item in text.split(",")]
    if name == "pattern" or (name == "default" and is_text):
        return text
    return yaml.safe_load(text)
