"""The fields of the committed CustomResourceDefinition as a list, by the paths of promised_fields.tsv."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

CHECKOUT = Path(__file__).resolve().parents[3]
CRD = CHECKOUT / "crds" / "vllm.ai_semanticrouters.yaml"

type Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One place in the resource; in ``path`` a list item is ``[]``, a map value ``.*``, the root empty."""

    path: str
    schema: Schema

    @property
    def name(self) -> str:
        """The last part of the path without ``[]`` and ``.*``."""
        return self.path.removesuffix("[]").removesuffix(".*").rpartition(".")[2]

    @property
    def is_element(self) -> bool:
        """Whether it is an item or a value, which has no name of its own."""
        return self.path.endswith(("[]", ".*"))

    @property
    def type(self) -> str:
        """The type, with ``int-or-string`` as a word of its own."""
        if self.schema.get("x-kubernetes-int-or-string"):
            return "int-or-string"
        return str(self.schema.get("type", ""))


@cache
def definition() -> Any:  # noqa: ANN401 -- YAML
    """The CustomResourceDefinition as it is committed."""
    return yaml.safe_load(CRD.read_text(encoding="utf-8"))


@cache
def version() -> Any:  # noqa: ANN401 -- YAML
    """Its only version."""
    (only,) = definition()["spec"]["versions"]
    return only


def root() -> Schema:
    """The schema of a whole SemanticRouter."""
    schema: Schema = version()["schema"]["openAPIV3Schema"]
    return schema


@cache
def fields() -> tuple[Field, ...]:
    """Every field, item and value below the root, parents first."""
    return tuple(field for field in walk("", root()) if field.path)


@cache
def by_path() -> Mapping[str, Field]:
    """The same by path."""
    return {field.path: field for field in fields()}


def walk(path: str, schema: Schema) -> Iterator[Field]:
    """This schema and everything below it."""
    yield Field(path=path, schema=schema)
    for name, inner in schema.get("properties", {}).items():
        yield from walk(f"{path}.{name}".removeprefix("."), inner)
    if "items" in schema:
        yield from walk(f"{path}[]", schema["items"])
    if "additionalProperties" in schema:
        yield from walk(f"{path}.*", schema["additionalProperties"])
