"""The rules of the definition by the tests' own reading of CEL: the same verdicts as the API server's."""

from typing import Any

import pytest
import yaml

from tests.support.cel import broken_rules, meaning
from tests.support.cluster import CHECKOUT
from tools.fields.values import with_defaults
from tools.fields.walk import spec_schema

RULES = yaml.safe_load((CHECKOUT / "tests/integration/testdata/crd/rules.yaml").read_text(encoding="utf-8"))


def messages(spec: dict[str, Any]) -> set[str]:
    return {message for _, message in broken_rules(with_defaults(spec, spec_schema()), spec_schema())}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["message"][:50])
def test_examples_are_judged_as_the_api_server_judges_them(rule: dict[str, Any]) -> None:
    """That it does is shown by tests/integration/test_crd.py, from the same file."""
    assert [messages(spec) for spec in rule["accepted"]] == [set()] * len(rule["accepted"])
    assert [messages(spec) for spec in rule["refused"]] == [{rule["message"]}] * len(rule["refused"])


def test_what_is_not_known_is_not_guessed() -> None:
    for text in ("self.a.lowerAscii() == 'a'", "self.a % 2", "self.a ?"):
        with pytest.raises((ValueError, IndexError)):
            meaning(text)
