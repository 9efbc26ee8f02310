"""A role gets the variables that ansible-operator would have given it."""

from typing import Any

import pytest

from playbook_engine.compat.variables import variables, whole_name
from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.records import Parameters

POT: dict[str, Any] = {
    "apiVersion": "pots.example-shop.com/v1",
    "kind": "ClayPot",
    "metadata": {"name": "pot", "namespace": "ns"},
    "spec": {"dbSize": 3, "text": "{{ 1 + 1 }}", "deepList": [{"itemName": "x"}]},
}
WHOLE = "_pots_example_shop_com_claypot"


def test_fields_of_the_spec_are_variables_in_snake_case_and_the_whole_is_as_it_was() -> None:
    found, unsafe = variables(POT, Parameters(), {})
    assert found == {
        "db_size": 3,
        "text": "{{ 1 + 1 }}",
        "deep_list": [{"item_name": "x"}],
        "ansible_operator_meta": {"name": "pot", "namespace": "ns"},
        WHOLE: POT,
        f"{WHOLE}_spec": POT["spec"],
    }
    assert unsafe == frozenset()


def test_without_the_conversion_names_are_as_in_the_spec() -> None:
    found, _ = variables(POT, Parameters(snake_case=False), {})
    assert found["dbSize"] == 3
    assert "db_size" not in found


def test_variables_of_the_watches_file_go_before_fields_of_the_spec() -> None:
    found, _ = variables(POT, Parameters(), {"db_size": 9, "more": True})
    assert (found["db_size"], found["more"]) == (9, True)


def test_unsafe_are_texts_of_the_resource_and_never_those_of_the_watches_file() -> None:
    _, unsafe = variables(POT, Parameters(unsafe=True), {"text": "{{ own }}"})
    assert unsafe == {"db_size", "deep_list", WHOLE, f"{WHOLE}_spec"}


def test_a_kind_without_a_spec_has_an_empty_one() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "ns"}, "data": {}}
    found, _ = variables(secret, Parameters(), {})
    assert found["__secret_spec"] == {}
    assert found["__secret"] == secret


@pytest.mark.parametrize(
    ("group", "kind", "name"),
    [("", "Secret", "__secret"), ("example.com", "Pot", "_example_com_pot"), ("a-b.c", "XY", "_a_b_c_xy")],
)
def test_the_whole_resource_is_named_after_its_kind(group: str, kind: str, name: str) -> None:
    assert whole_name(GroupVersionKind(group=group, version="v1", kind=kind)) == name
