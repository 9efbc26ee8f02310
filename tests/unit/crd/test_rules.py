"""The CEL rules: only what an API server of Kubernetes 1.25 knows, with messages that help."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.unit.crd.schemas import by_path, root, walk

# Everything that a rule may call: of CEL itself and of the libraries that Kubernetes 1.25 has.
LISTS_OF_1_25 = {"all", "exists", "exists_one", "map", "filter"}
FUNCTIONS_OF_1_25 = LISTS_OF_1_25 | {"has", "size", "matches", "startsWith", "endsWith", "contains"}
CALL = re.compile(r"([A-Za-z_]\w*)\s*\(")
TEXT = re.compile(r"'[^']*'")
LONGEST_MESSAGE = 250


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """A rule and the path of the object that ``self`` is."""

    path: str
    content: Any

    @property
    def expression(self) -> str:
        """The CEL text."""
        return str(self.content["rule"])

    @property
    def message(self) -> str:
        """What a person reads when it does not hold."""
        return str(self.content["message"])


def rules() -> Iterator[Rule]:
    for field in walk("", root()):
        for content in field.schema.get("x-kubernetes-validations", []):
            yield Rule(path=field.path, content=content)


RULES = list(rules())
EVERY_RULE = pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.path}: {rule.message[:40]}")


def test_there_are_rules() -> None:
    assert len(RULES) >= 20


@EVERY_RULE
def test_a_rule_has_only_the_keys_of_1_25(rule: Rule) -> None:
    """messageExpression, reason, fieldPath and optionalOldSelf are younger."""
    assert set(rule.content) == {"rule", "message"}


@EVERY_RULE
def test_a_rule_calls_only_what_1_25_has(rule: Rule) -> None:
    assert set(CALL.findall(TEXT.sub("''", rule.expression))) <= FUNCTIONS_OF_1_25


@EVERY_RULE
def test_a_rule_reads_no_optional_values(rule: Rule) -> None:
    """They came with 1.29."""
    assert "?." not in rule.expression
    assert "optional" not in rule.expression


def test_only_the_rule_of_the_name_asks_for_a_status() -> None:
    """A rule over the status could keep the operator from reporting; this asks if the resource is new."""
    assert not [rule for rule in RULES if rule.path.startswith("status")]
    (found,) = [rule for rule in RULES if "status" in rule.expression]
    assert found.path == ""
    assert found.expression.startswith("has(self.status) || (")


@EVERY_RULE
def test_a_message_names_a_field_of_its_object_and_is_short(rule: Rule) -> None:
    assert len(rule.message) <= LONGEST_MESSAGE
    assert "\n" not in rule.message
    words = set(re.findall(r"[A-Za-z_]\w*", rule.message))
    assert words & names_below(rule.path), f"{rule.message!r} names none of the fields it is about"


def names_below(path: str) -> set[str]:
    """Names of the fields of an object."""
    inside = (other.removeprefix(path).lstrip(".") for other in by_path() if other.startswith(path))
    return {part.rstrip("[]*") for other in inside for part in other.split(".")[:1]}


@EVERY_RULE
def test_every_field_that_a_rule_reads_exists(rule: Rule) -> None:
    """The API server says so too, but here without one."""
    for path in re.findall(r"\bself((?:\.[a-zA-Z_]\w*)+)(?![\w(])", rule.expression):
        full = f"{rule.path}{path}".removeprefix(".")
        if not full.startswith("metadata"):
            assert full in by_path(), f"{rule.expression} reads {full}, which is not a field"
