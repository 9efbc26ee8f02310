"""``docs/reference/api.md``: every field of the resource with type, bounds, default and meaning."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.generate.crd import root_schema
from tools.generate.field_types import Schema
from tools.generate.files import CHECKOUT
from tools.generate.readmes import default_cell, table

TARGET = CHECKOUT / "docs" / "reference" / "api.md"
HEADER = """\
# Every field

Made by `make generate` from the definition of `SemanticRouter` (`vllm.ai/v1alpha1`). `[]` stands for an item of a list,
`.*` for a key of a map; in **bold** what must be given. `kubectl explain semanticrouter.spec` shows the same.
[What each field changes](fields.md) says what is made of it.
"""
TWIN = {
    "config.response_cache": "the newer name of `config.semantic_cache`, with the same fields; never both"
}
BOUNDS = {
    "minimum": "from {}",
    "maximum": "to {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxProperties": "at most {} keys",
}
COMMON = {"maxLength": 1024, "maxItems": 64, "maxProperties": 64}
"""Bounds that every field has where nothing else is said; they are not repeated for each."""


def render() -> dict[Path, str]:
    """The file and its content."""
    root = root_schema()["properties"]
    note = "\nWhere nothing is said, texts have at most 1,024 characters, lists and maps at most 64 items.\n"
    spec = "".join(_sections(root["spec"]["properties"]))
    status = _section("status", root["status"]["properties"])
    return {TARGET: HEADER + note + spec + status}


def _sections(properties: Schema) -> Iterator[str]:
    plain = {name: schema for name, schema in properties.items() if not _inner(schema)}
    yield _section("spec", plain)
    for name, schema in properties.items():
        if name == "config":
            for part, inner in schema["properties"].items():
                yield _block(f"config.{part}", inner)
        elif _inner(schema):
            yield _block(name, schema)


def _block(path: str, schema: Schema) -> str:
    if path in TWIN:
        return f"\n## {path}\n\n{TWIN[path][0].upper()}{TWIN[path][1:]}.\n"
    return f"\n## {path}\n\n{_table(_rows(path, schema, required=False))}"


def _section(title: str, properties: Schema) -> str:
    rows = [row for name, schema in properties.items() for row in _rows(name, schema, required=False)]
    return f"\n## {title}\n\n{_table(iter(rows))}"


def _table(rows: Iterator[Sequence[str]]) -> str:
    return table(("field", "type", "default", "meaning"), rows) + "\n"


def _rows(path: str, schema: Schema, *, required: bool) -> Iterator[Sequence[str]]:
    """Yield the row of a field and those of the fields in it."""
    name = f"**`{path}`**" if required else f"`{path}`"
    default = "" if schema.get("default") in (None, {}) else default_cell(schema)
    yield name, _type(schema), default, schema.get("description", "").replace("<", "&lt;")
    where, inner = _step(path, schema)
    must = inner.get("required", [])
    for field, below in inner.get("properties", {}).items():
        yield from _rows(f"{where}.{field}", below, required=field in must)


def _step(path: str, schema: Schema) -> tuple[str, Schema]:
    """Go through lists and maps to what is in them."""
    while _inner(schema) is not None and "properties" not in schema:
        if "items" in schema:
            path, schema = f"{path}[]", schema["items"]
        else:
            path, schema = f"{path}.*", schema["additionalProperties"]
    return path, schema


def _inner(schema: Schema) -> Schema | None:
    """Return what a schema holds, None for a single value."""
    found = schema.get("properties") or schema.get("items") or schema.get("additionalProperties")
    return found if isinstance(found, dict) else None


def _type(schema: Schema) -> str:
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_type(schema['additionalProperties'])}"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    kind = "integer or string" if schema.get("x-kubernetes-int-or-string") else str(schema.get("type", "any"))
    told = [
        text.format(schema[key])
        for key, text in BOUNDS.items()
        if schema.get(key) not in (None, COMMON.get(key))
    ]
    return f"{kind}, {', '.join(told)}" if told else kind
