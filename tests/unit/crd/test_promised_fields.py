"""Manifests that others have written are accepted: every promised field is there, with type and facts."""

import ast
import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.unit.crd.schemas import by_path

TABLE = Path(__file__).with_name("promised_fields.tsv")
CORE_TYPE = "core type"
PRESERVE = "preserve-unknown"

# Facts of the table that the CRD differs from on purpose.
DIFFERENT: Mapping[tuple[str, str], str] = {
    (
        "spec.autoscaling.targetCPUUtilizationPercentage",
        "default",
    ): "80 only when no other target is given; the role decides",
    (
        "spec.persistence.storageClassName",
        "default",
    ): "the cluster's default class, which has another name on most clusters",
    ("spec.config.semantic_cache.embedding_model", "default"): "bert, and only when it has to be said",
    ("spec.config.response_cache.embedding_model", "default"): "bert, and only when it has to be said",
}
# An empty name is what the core type defaults to, and means the same as none.
EMPTY_NAME = "password_secret_ref.name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """One line of the table."""

    path: str
    type: str
    facts: Mapping[str, Any]

    def kept_facts(self) -> Mapping[str, Any]:
        """The facts that the CRD must repeat."""
        return {name: fact for name, fact in self.facts.items() if (self.path, name) not in DIFFERENT}


def read_facts(text: str) -> dict[str, Any]:
    """``default=1; minimum=0`` as a mapping; a word alone becomes true."""
    facts: dict[str, Any] = {}
    for part in filter(None, text.split("; ")):
        name, has_value, value = part.partition("=")
        facts[name] = value if has_value else True
    return facts


def promises() -> list[Promise]:
    """The table."""
    lines = [line for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = csv.reader(lines[1:], delimiter="\t", quoting=csv.QUOTE_NONE)
    return [Promise(path=path, type=kind, facts=read_facts(facts)) for path, kind, facts in rows]


PROMISES = promises()


def test_the_table_has_every_part_of_the_resource() -> None:
    """A table cut short would make the tests below pass for the wrong reason."""
    assert len(PROMISES) > 480
    assert {promise.path.split(".")[1] for promise in PROMISES if promise.path.startswith("spec.")} >= {
        "affinity", "config", "vllmEndpoints[]", "toolsDb[]",
    }  # fmt: skip


def test_every_promised_field_is_there_with_its_type() -> None:
    found = {promise.path: by_path()[promise.path].type for promise in PROMISES if promise.path in by_path()}
    assert found == {promise.path: promise.type for promise in PROMISES}


def test_every_promised_field_keeps_its_facts() -> None:
    for promise in PROMISES:
        for name, fact in promise.kept_facts().items():
            assert_fact(promise.path, by_path()[promise.path].schema, name, fact)


def assert_fact(path: str, schema: Mapping[str, Any], name: str, fact: Any) -> None:  # noqa: ANN401 -- any fact
    """One fact of the table; what fails says where."""
    match name:
        case "default" if path.endswith(EMPTY_NAME):
            assert fact == ""
            assert "default" not in schema
        case "default":
            assert schema["default"] == (fact if schema["type"] == "string" else yaml.safe_load(fact))
        case "enum":
            assert schema["enum"] == ast.literal_eval(fact)
        case "required":
            assert sorted(schema["required"]) == sorted(fact.split(","))
        case "minimum" | "maximum" | "minLength" | "maxLength" | "maxItems":
            assert schema[name] == int(fact)
        case "pattern" | "format":
            assert schema[name] == fact
        case "preserve-unknown":
            assert schema["x-kubernetes-preserve-unknown-fields"] is True
        case "core type":
            assert schema.keys() & {"properties", "items", "additionalProperties"}, (
                "a core type is written out"
            )
        case _:
            pytest.fail(f"{path}: the table has a fact {name!r} that this test does not know")


@pytest.mark.parametrize(("path", "fact"), DIFFERENT)
def test_a_difference_is_one(path: str, fact: str) -> None:
    """The list of differences names no field that keeps its promise after all."""
    (promise,) = (p for p in PROMISES if p.path == path)
    assert fact in promise.facts
    assert fact not in by_path()[path].schema
