"""Defaults and refusals of the CustomResourceDefinition, found without an API server."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.vllm.semantic_router.plugins.module_utils import rules
from ansible_collections.vllm.semantic_router.plugins.module_utils.definition import (
    DefinitionError,
    completed,
)

from tests.unit.crd.schemas import CHECKOUT, definition, root, walk

EXAMPLES = CHECKOUT / "tests" / "integration" / "testdata" / "crd"


def examples(file: str) -> list[Any]:
    return list(yaml.safe_load((EXAMPLES / file).read_text(encoding="utf-8")))


def router(spec: Mapping[str, Any], **more: object) -> dict[str, Any]:
    kind = {"apiVersion": "vllm.ai/v1alpha1", "kind": "SemanticRouter"}
    return {**kind, "metadata": {"name": "router"}, "spec": spec, **more}


def refusal(resource: Mapping[str, Any]) -> tuple[str, ...]:
    with pytest.raises(DefinitionError) as raised:
        completed(resource, definition())
    return raised.value.problems


@pytest.mark.parametrize("rule", examples("rules.yaml"), ids=lambda rule: str(rule["message"])[:60])
def test_a_rule_accepts_and_refuses_what_the_api_server_does(rule: Mapping[str, Any]) -> None:
    for spec in rule["accepted"]:
        completed(router(spec), definition())
    for spec in rule["refused"]:
        assert [rule["message"]] == [text.partition(": ")[2] for text in refusal(router(spec))]


@pytest.mark.parametrize("example", examples("bounds.yaml"), ids=lambda example: str(example["field"]))
def test_what_is_out_of_bounds_is_refused_by_its_field(example: Mapping[str, Any]) -> None:
    assert any(example["field"] in text for text in refusal(router(example["refused"])))


@pytest.mark.parametrize(
    "path", sorted((EXAMPLES / "readme").glob("*.yaml")), ids=lambda path: str(path.stem)
)
def test_a_documented_manifest_is_accepted(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text(encoding="utf-8")):
        assert completed(document, definition())["metadata"]["namespace"]


def test_defaults_are_filled_in_only_inside_of_blocks_that_are_there() -> None:
    spec = completed(router({"persistence": {"size": "1Gi"}}), definition())["spec"]
    assert spec["persistence"]["accessMode"] == "ReadWriteOnce"
    assert spec["persistence"]["size"] == "1Gi"
    assert spec["replicas"] == 1
    assert "autoscaling" not in spec


def test_a_null_counts_as_absent_where_there_is_a_default() -> None:
    assert completed(router({"replicas": None}), definition())["spec"]["replicas"] == 1


def test_an_unknown_field_is_named_with_its_path() -> None:
    (problem,) = refusal(router({"persistence": {"sizes": "1Gi"}}))
    assert problem.startswith("spec.persistence.sizes: is no field")


def test_every_problem_is_told_at_once() -> None:
    found = refusal(router({"replicas": "two", "persistence": {"accessMode": "Often"}}))
    assert [text.partition(":")[0] for text in found] == ["spec.replicas", "spec.persistence.accessMode"]


def test_two_endpoints_of_one_name_are_refused() -> None:
    backend = {"type": "service", "service": {"name": "model", "port": 80}}
    endpoints = [{"name": "a", "model": "m", "backend": backend}] * 2
    assert "there twice" in refusal(router({"vllmEndpoints": endpoints}))[0]


def test_another_kind_is_refused_with_those_that_are_known() -> None:
    (problem,) = refusal(router({}, kind="SemanticRoute"))
    assert "vllm.ai/v1alpha1 SemanticRouter" in problem


def written() -> Iterator[str]:
    for field in walk("", root()):
        for rule in field.schema.get("x-kubernetes-validations", ()):
            yield rule["rule"]


@pytest.mark.parametrize("rule", sorted(set(written())))
def test_every_rule_of_the_definition_can_be_read(rule: str) -> None:
    assert callable(rules.read(rule))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("self.a == 1 && self.b == 2 || self.a == 3", True),
        ("self.a == 3 || self.b == 2 && self.a == 2", False),
        ("!(self.a == 2)", True),
        ("self.c in ['x', 'y']", True),
        ("self.list.all(one, one > 1)", False),
        ("self.list.exists(one, one > 1)", True),
        ("self.a == (self.c == 'x' ? 1 : (self.c == 'y' ? 2 : 3))", True),
        ("has(self.inner.deep) && size(self.inner.deep) == 2", True),
        ("has(self.missing)", False),
        ("self.a + self.b + 1 <= 4", True),
        ("self.c.matches('^[a-x]$')", True),
        (r"self.c != 'it\'s'", True),
    ],
)
def test_operators_bind_as_in_cel(*, rule: str, expected: bool) -> None:
    value = {"a": 1, "b": 2, "c": "x", "list": [1, 2], "inner": {"deep": "ab"}}
    assert rules.holds(rule, value) is expected


@pytest.mark.parametrize(
    "rule", ["self.a +", "self.a.startsWith('x')", "self.a ==", "has(self)", "(self.a", "self.a self.b", "$"]
)
def test_what_is_not_understood_is_an_error_and_never_kept(rule: str) -> None:
    with pytest.raises(rules.RuleError, match="cannot be read"):
        rules.read(rule)


def test_a_rule_over_a_missing_field_cannot_be_evaluated() -> None:
    with pytest.raises(rules.RuleError, match="missing"):
        rules.holds("self.missing == 1", {})
