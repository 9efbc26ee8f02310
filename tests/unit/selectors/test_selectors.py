"""Label selectors select as those of Kubernetes do."""

import pytest

from playbook_engine.selectors import EVERYTHING, Operator, Requirement, Selector


@pytest.mark.parametrize(
    ("operator", "values", "labels", "holds"),
    [
        (Operator.IN, ("a", "b"), {"tier": "a"}, True),
        (Operator.IN, ("a", "b"), {"tier": "c"}, False),
        (Operator.IN, ("a",), {}, False),
        (Operator.NOT_IN, ("a",), {"tier": "a"}, False),
        (Operator.NOT_IN, ("a",), {"tier": "b"}, True),
        (Operator.NOT_IN, ("a",), {}, True),
        (Operator.EXISTS, (), {"tier": ""}, True),
        (Operator.EXISTS, (), {"other": "a"}, False),
        (Operator.DOES_NOT_EXIST, (), {"tier": ""}, False),
        (Operator.DOES_NOT_EXIST, (), {}, True),
    ],
)
def test_each_operator_asks_for_one_label(
    operator: Operator, values: tuple[str, ...], labels: dict[str, str], *, holds: bool
) -> None:
    selector = Selector(requirements=(Requirement(key="tier", operator=operator, values=values),))
    assert selector.selects({"metadata": {"labels": labels}}) is holds


def test_all_requirements_have_to_hold() -> None:
    selector = Selector(
        requirements=(
            Requirement(key="app", operator=Operator.IN, values=("db",)),
            Requirement(key="old", operator=Operator.DOES_NOT_EXIST),
        )
    )
    assert selector.selects({"metadata": {"labels": {"app": "db"}}})
    assert not selector.selects({"metadata": {"labels": {"app": "db", "old": "yes"}}})


def test_without_a_requirement_everything_is_selected() -> None:
    assert EVERYTHING.selects({"metadata": {}})
