"""The walk over every field of ``spec``: each is set to another value than its default, and what differs is found."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils.documents import laid_over
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import plain

from tools.fields.places import differences
from tools.fields.runs import Run, run
from tools.fields.surroundings import resource_of, surroundings
from tools.fields.values import Schema, candidates, least, with_defaults
from tools.generate import crd

BASES = Path(__file__).with_name("bases.yaml")
TWINS = {"config.response_cache": "config.semantic_cache"}
"""Blocks under two names; what is said of the second holds for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Base:
    """What a field is set in: see ``bases.yaml``. ``values`` are tried in their order."""

    spec: Mapping[str, Any] = field(default_factory=dict)
    values: tuple[Any, ...] = ()
    key: str = "key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """A field with a value of its own; in ``path`` a list item is ``[]`` and a map value ``.*``."""

    path: str
    schema: Schema

    @property
    def parts(self) -> list[str]:
        """The path in steps: names of fields, ``[]`` and ``*``."""
        return self.path.replace("[]", ".[]").split(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A field, the specifications without and with it, what runs make of them, and the places that differ."""

    leaf: Leaf
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    effects: tuple[str, ...]
    runs: tuple[Run, Run]


@cache
def spec_schema() -> Schema:
    """The schema of ``spec``."""
    return crd.spec_schema()


@cache
def leaves() -> tuple[Leaf, ...]:
    """Every field of ``spec`` that has a value of its own, in the order of the definition."""
    return tuple(_leaves("", spec_schema()))


def _leaves(path: str, schema: Schema) -> Iterator[Leaf]:
    for name, inner in schema.get("properties", {}).items():
        yield from _leaves(f"{path}.{name}".removeprefix("."), inner)
    if "items" in schema:
        yield from _leaves(f"{path}[]", schema["items"])
    elif "additionalProperties" in schema:
        yield from _leaves(f"{path}.*", schema["additionalProperties"])
    elif not schema.get("properties"):
        yield Leaf(path=path, schema=schema)


@cache
def walk() -> tuple[Step, ...]:
    """Set every field."""
    return tuple(step(leaf) for leaf in leaves())


def step(leaf: Leaf) -> Step:
    """Set one field to a value that changes something; when none does, to the last that was tried."""
    base = base_of(leaf)
    before = _defaulted(_placed(base.spec, leaf, base.key))
    plainly = outcome = _run(before)
    after, effects = before, list[str]()
    for value in base.values or candidates(leaf.schema):
        after = _defaulted(_placed(base.spec, leaf, base.key, value))
        outcome = _run(after)
        if after != before and (effects := differences(plainly, outcome)):
            break
    return Step(leaf=leaf, before=before, after=after, effects=tuple(effects), runs=(plainly, outcome))


def base_of(leaf: Leaf) -> Base:
    """Join what ``bases.yaml`` says of a field and of everything around it."""
    path = leaf.path
    for one, other in TWINS.items():
        if path.startswith(one):
            return _renamed(base_of(Leaf(path=path.replace(one, other), schema=leaf.schema)), other, one)
    base = Base()
    for entry in _bases():
        if path == entry["path"] or path.startswith((f"{entry['path']}.", f"{entry['path']}[")):
            values = (entry["value"],) if "value" in entry else ()
            spec = laid_over(base.spec, entry.get("spec", {}))
            base = Base(spec=spec, values=values, key=entry.get("key", base.key))
    return base


def _renamed(base: Base, one: str, other: str) -> Base:
    group, _, name = one.partition(".")
    block = {
        other.partition(".")[2] if key == name else key: item
        for key, item in base.spec.get(group, {}).items()
    }
    return Base(spec={**base.spec, **({group: block} if block else {})}, values=base.values, key=base.key)


@cache
def _bases() -> Any:  # noqa: ANN401 - YAML
    return sorted(yaml.safe_load(BASES.read_text(encoding="utf-8")), key=lambda entry: len(entry["path"]))


def _run(spec: Mapping[str, Any]) -> Run:
    return _run_of(json.dumps(spec, sort_keys=True))


@cache
def _run_of(text: str) -> Run:
    """Most fields are set in a specification that other fields are set in too."""
    resource = resource_of(json.loads(text))
    return run(resource, surroundings(resource))


def _defaulted(spec: Mapping[str, Any]) -> Mapping[str, Any]:
    filled: Mapping[str, Any] = with_defaults(spec, spec_schema())
    return filled


_NOTHING = object()


def _placed(spec: Mapping[str, Any], leaf: Leaf, key: str, value: object = _NOTHING) -> dict[str, Any]:
    """Return ``spec`` with everything that the field stands in, and with ``value`` in it when one is given."""
    placed: dict[str, Any] = plain(spec)
    holder: Any = placed
    schema: Schema = spec_schema()
    *above, last = leaf.parts
    for part, following in zip(above, leaf.parts[1:], strict=True):
        schema = _below(schema, part)
        made: Any = [] if following == "[]" else {} if following == "*" else least(schema)
        holder = _entered(holder, key if part == "*" else part, made)
    if value is _NOTHING:
        return placed
    if last == "[]":
        holder[:] = [value]
    else:
        holder[key if last == "*" else last] = value
    return placed


def _entered(holder: Any, part: str, made: Any) -> Any:  # noqa: ANN401 - lists and mappings
    if part != "[]":
        return holder.setdefault(part, made)
    if not holder:
        holder.append(made)
    return holder[0]


def _below(schema: Schema, part: str) -> Schema:
    found: Schema = (
        schema["items"]
        if part == "[]"
        else schema["additionalProperties"]
        if part == "*"
        else schema["properties"][part]
    )
    return found
