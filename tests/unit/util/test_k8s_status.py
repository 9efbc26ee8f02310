"""What ``operator_sdk.util.k8s_status`` makes of a status, before anything is written."""

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

MODULE: Any = importlib.import_module(
    "playbook_engine.collections.ansible_collections.operator_sdk.util.plugins.modules.k8s_status"
)
NOW, BEFORE = "2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z"
OLD = {
    "url": "http://old",
    "seen": {"a": 1, "b": [1, 2]},
    "conditions": [{"type": "Up", "status": "True", "reason": "Fine", "lastTransitionTime": BEFORE}],
}


def wanted(**given: Any) -> dict[str, Any]:  # noqa: ANN401 - as the module gets it
    usual = {"status": {}, "conditions": [], "force": False, "replace_lists": False}
    result: dict[str, Any] = MODULE.wanted_status(OLD, {**usual, **given}, now=NOW)
    return result


def test_fields_are_merged_and_lists_are_added_to() -> None:
    new = wanted(status={"seen": {"b": [2, 3], "c": 4}})
    assert new["seen"] == {"a": 1, "b": [1, 2, 3], "c": 4}
    assert new["url"] == "http://old"
    assert new["conditions"] == OLD["conditions"]


def test_lists_are_replaced_when_that_is_asked_for() -> None:
    assert wanted(status={"seen": {"b": [3]}}, replace_lists=True)["seen"] == {"a": 1, "b": [3]}


def test_with_force_the_status_is_what_is_given() -> None:
    assert wanted(status={"other": 1}, force=True) == {"other": 1}
    forced = wanted(conditions=[{"type": "New", "status": "False"}], force=True)
    assert forced == {"conditions": [{"type": "New", "status": "False", "lastTransitionTime": NOW}]}


def test_a_condition_gets_a_time_when_its_status_changes_and_keeps_it_else() -> None:
    same = wanted(conditions=[{"type": "Up", "status": "True", "message": "still"}])["conditions"]
    assert same == [
        {"type": "Up", "status": "True", "reason": "Fine", "message": "still", "lastTransitionTime": BEFORE}
    ]
    other = wanted(conditions=[{"type": "Up", "status": "False"}, {"type": "New", "status": "Unknown"}])
    assert [(one["type"], one["lastTransitionTime"]) for one in other["conditions"]] == [
        ("Up", NOW),
        ("New", NOW),
    ]


def test_conditions_may_be_in_the_status_too() -> None:
    (one,) = wanted(status={"conditions": [{"type": "Up", "status": "False"}]})["conditions"]
    assert one["status"] == "False"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        ({"status": "True"}, "conditions[0]: has no type"),
        ({"type": "Up", "status": True}, "conditions[0].status: True"),
    ],
)
def test_what_is_no_condition_is_refused_by_name(condition: dict[str, Any], words: str) -> None:
    assert words in MODULE.wrong_condition([condition])


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
FIELDS = st.dictionaries(
    st.sampled_from("abcd"),
    st.recursive(
        LEAVES | st.lists(LEAVES, max_size=2),
        lambda below: st.dictionaries(st.sampled_from("abcd"), below, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)


def applied(old: Any, patch: Any) -> Any:  # noqa: ANN401 - RFC 7386, section 2
    if not isinstance(patch, dict):
        return patch
    result = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = applied(result.get(name), value)
    return result


def without_nulls(value: Any) -> Any:  # noqa: ANN401 - what the API server keeps
    if not isinstance(value, dict):
        return value
    return {name: without_nulls(one) for name, one in value.items() if one is not None}


@given(FIELDS, FIELDS)
def test_the_patch_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    old, new = without_nulls(old), without_nulls(new)
    assert applied(old, MODULE.difference(old, new)) == new
    assert MODULE.difference(old, old) == {}
