"""What an API server makes of a resource by its CustomResourceDefinition: defaults, and what it refuses.

So that playbooks render without a cluster what the operator would apply in one. The definition is the very file that is
installed; nothing of it is repeated here.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.vllm.semantic_router.plugins.module_utils import rules
from ansible_collections.vllm.semantic_router.plugins.module_utils.plain import Object, plain

type Schema = Mapping[str, Any]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_INT32 = range(-(2**31), 2**31)


class DefinitionError(ValueError):
    """A resource that the API server would refuse; ``problems`` has a line for each reason."""

    def __init__(self, subject: str, problems: tuple[str, ...]) -> None:
        """Keep them all, so that one look is enough."""
        super().__init__(f"{subject}: {'; '.join(problems)}")
        self.problems = problems


def completed(resource: Object, definition: Object, namespace: str = "default") -> dict[str, Any]:
    """Return the resource with the defaults of its definition, in ``namespace`` when it names none.

    Raises DefinitionError with everything that is wrong in it.
    """
    schema = schema_of(definition, resource)
    whole: dict[str, Any] = _with_defaults(plain(resource), schema)
    metadata = {"namespace": namespace, **(whole.get("metadata") or {})}
    whole = {**whole, "metadata": metadata}
    found = tuple(problems(whole, schema))
    if found:
        raise DefinitionError(f"{resource.get('kind')} {metadata['namespace']}/{metadata.get('name')}", found)
    return whole


def schema_of(definition: Object, resource: Object) -> Schema:
    """Return the schema of the version that the resource is of; raises DefinitionError when it is not defined."""
    spec = definition["spec"]
    versions = {f"{spec['group']}/{version['name']}": version for version in spec["versions"]}
    asked = f"{resource.get('apiVersion')}"
    if resource.get("kind") != spec["names"]["kind"] or asked not in versions:
        known = ", ".join(f"{version} {spec['names']['kind']}" for version in versions)
        raise DefinitionError(
            f"{asked} {resource.get('kind')}", (f"is not of this definition, which knows: {known}",)
        )
    schema: Schema = versions[asked]["schema"]["openAPIV3Schema"]
    return schema


def problems(value: object, schema: Schema, path: str = "") -> Iterator[str]:
    """Yield why the API server would refuse ``value``, each with the path of the field."""
    if value is None and schema.get("nullable"):
        return
    if not _has_type(value, schema):
        wanted = "integer or string" if schema.get("x-kubernetes-int-or-string") else schema.get("type")
        yield f"{path or 'the resource'}: {value!r} is not of type {wanted}"
        return
    yield from _bounds(value, schema, path)
    if isinstance(value, dict):
        yield from _members(value, schema, path)
    elif isinstance(value, list):
        yield from _items(value, schema, path)
    for rule in schema.get("x-kubernetes-validations") or ():
        if "oldSelf" not in rule["rule"] and not rules.holds(rule["rule"], value):
            yield f"{path or 'the resource'}: {rule['message']}"


def _with_defaults(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - as deep as the value
    """Fill in what is missing, as the API server does: only inside of objects that are there."""
    if isinstance(value, list):
        return [_with_defaults(item, schema.get("items") or {}) for item in value]
    if not isinstance(value, dict):
        return value
    fields = schema.get("properties") or {}
    given = {key: item for key, item in value.items() if not _is_nothing(item, fields.get(key))}
    defaults = {name: plain(one["default"]) for name, one in fields.items() if "default" in one}
    others = schema.get("additionalProperties")
    of_others: Schema = others if isinstance(others, Mapping) else {}
    return {
        key: _with_defaults(item, fields.get(key, of_others)) for key, item in {**defaults, **given}.items()
    }


def _is_nothing(value: object, schema: Schema | None) -> bool:
    """The API server drops a null where the field may not be null and has a default."""
    return value is None and schema is not None and not schema.get("nullable") and "default" in schema


def _has_type(value: object, schema: Schema) -> bool:
    if schema.get("x-kubernetes-int-or-string"):
        return isinstance(value, int | str) and not isinstance(value, bool)
    wanted = str(schema.get("type", ""))
    if isinstance(value, bool):
        return wanted in ("boolean", "")
    return not wanted or isinstance(value, _TYPES[wanted])


def _bounds(value: Any, schema: Schema, path: str) -> Iterator[str]:  # noqa: ANN401 - whatever is in the resource
    if "enum" in schema and value not in schema["enum"]:
        yield f"{path}: {value!r} is none of {', '.join(map(repr, schema['enum']))}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{path}: {value!r} does not match {schema['pattern']}"
    if schema.get("format") == "int32" and isinstance(value, int) and value not in _INT32:
        yield f"{path}: {value} does not fit 32 bits"
    for bound in _BOUNDS:
        if bound.limit(schema) is not None and bound.breaks(value, schema):
            yield f"{path}: {bound.name} is {bound.limit(schema)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bound:
    """A limit of a schema: of the value itself, or of its length; ``least`` says on which side."""

    name: str
    of: tuple[type, ...]
    least: bool

    def limit(self, schema: Schema) -> Any:  # noqa: ANN401 - a number
        return schema.get(self.name)

    def breaks(self, value: Any, schema: Schema) -> bool:  # noqa: ANN401 - whatever is in the resource
        if not isinstance(value, self.of) or isinstance(value, bool):
            return False
        found: Any = value
        size = found if isinstance(found, int | float) else len(found)
        limit = self.limit(schema)
        return bool(size < limit if self.least else size > limit)


_BOUNDS = (
    _Bound(name="minimum", of=(int, float), least=True),
    _Bound(name="maximum", of=(int, float), least=False),
    _Bound(name="minLength", of=(str,), least=True),
    _Bound(name="maxLength", of=(str,), least=False),
    _Bound(name="minItems", of=(list,), least=True),
    _Bound(name="maxItems", of=(list,), least=False),
    _Bound(name="minProperties", of=(dict,), least=True),
    _Bound(name="maxProperties", of=(dict,), least=False),
)


def _members(value: Mapping[str, Any], schema: Schema, path: str) -> Iterator[str]:
    fields, others = schema.get("properties") or {}, schema.get("additionalProperties")
    for name in schema.get("required") or ():
        if name not in value:
            yield f"{_below(path, name)}: is required"
    for name, item in value.items():
        if name in fields:
            yield from problems(item, fields[name], _below(path, name))
        elif isinstance(others, Mapping):
            yield from problems(item, others, _below(path, name))
        elif not _takes_any(schema, path):
            yield f"{_below(path, name)}: is no field of this definition: correct its name, or remove it"


def _takes_any(schema: Schema, path: str) -> bool:
    """What the definition does not describe: free objects, and the metadata, which the API server knows."""
    return bool(schema.get("x-kubernetes-preserve-unknown-fields")) or path == "metadata"


def _items(value: list[Any], schema: Schema, path: str) -> Iterator[str]:
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    seen = []
    for number, item in enumerate(value):
        yield from problems(item, schema.get("items") or {}, f"{path}[{number}]")
        identity = [item.get(key) for key in keys] if keys and isinstance(item, dict) else None
        if identity is not None and identity in seen:
            yield f"{path}[{number}]: {', '.join(map(str, identity))} is there twice: give it another {', '.join(keys)}"
        seen.append(identity)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name
