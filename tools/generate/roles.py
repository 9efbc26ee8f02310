"""The table of the roles, ``tools/generate/roles.yaml``, as records."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tools.generate.crd import spec_schema
from tools.generate.field_types import Schema

SOURCE = Path(__file__).with_name("roles.yaml")


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    """One role: what is told of it, and which fields of ``spec`` it reads, as paths like ``config.tools``."""

    name: str
    about: str
    reads: tuple[str, ...]
    hands_on: tuple[str, ...]
    variables: dict[str, dict[str, Any]]
    condition: str
    meaning: str
    example: Mapping[str, Any]

    def looks_into(self, path: str) -> bool:
        """Whether the role reads this field, or an object around it."""
        return any(is_at_or_below(path, read) for read in self.reads)

    def hands(self, path: str) -> bool:
        """Whether it gives this field on as it is."""
        return path in self.hands_on

    def passes_through(self, path: str) -> bool:
        """Whether the field is on the way to one that it reads."""
        return any(is_at_or_below(read, path) for read in self.reads)


def is_at_or_below(path: str, ancestor: str) -> bool:
    """Whether ``path`` is ``ancestor`` or a field of it."""
    return path == ancestor or path.startswith((f"{ancestor}.", f"{ancestor}[]"))


def roles() -> Iterator[Role]:
    """Every role, with its paths checked against the CRD. Raises ValueError."""
    schema = spec_schema()
    for name, entry in yaml.safe_load(SOURCE.read_text(encoding="utf-8")).items():
        role = Role(
            name=name,
            about=entry["about"],
            reads=tuple(entry["reads"]),
            hands_on=tuple(entry.get("hands_on", ())),
            variables=entry.get("variables", {}),
            condition=entry["condition"]["type"],
            meaning=entry["condition"]["meaning"],
            example=entry["example"],
        )
        for path in (*role.reads, *role.hands_on):
            require(schema, path, name)
        yield role


def require(schema: Schema, path: str, role: str) -> None:
    """A path that the CRD does not have would silently generate nothing."""
    for part in path.split("."):
        if part not in schema.get("properties", {}):
            message = f"roles.yaml: {role} reads {path}, but the CRD has no such field"
            raise ValueError(message)
        schema = schema["properties"][part]
