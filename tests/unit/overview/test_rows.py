"""What a person is shown of resources: the columns of the kind, what is wrong in words, and runs that go on."""

from typing import Any

from playbook_engine.overview.rows import rows_of, with_runs


def condition(kind: str, status: str, message: str = "") -> dict[str, Any]:
    return {"type": kind, "status": status, "reason": "Because", "message": message}


def table(*conditions: dict[str, Any], name: str = "pot") -> dict[str, Any]:
    """Return a table as an API server gives it, with one row."""
    columns = [("Name", 0), ("Phase", 0), ("Age", 0), ("Selector", 1)]
    resource = {
        "metadata": {"namespace": "kitchen", "name": name},
        "status": {"conditions": list(conditions)},
    }
    return {
        "kind": "Table",
        "columnDefinitions": [{"name": column, "priority": priority} for column, priority in columns],
        "rows": [{"cells": [name, "Running", "5m", "a=b"], "object": resource}],
    }


def test_the_columns_are_those_of_the_kind_that_kubectl_shows_too() -> None:
    (row,) = rows_of("Pot", table(condition("Available", "True")))
    assert (row.namespace, row.name) == ("kitchen", "pot")
    assert row.cells == {"Phase": "Running", "Age": "5m"}
    assert row.conditions == {"Available": "True"}
    assert row.wrong == ""


def test_what_is_wrong_is_what_degraded_sums_up() -> None:
    (row,) = rows_of("Pot", table(condition("Degraded", "True", "ClayReady: no clay")))
    assert row.wrong == "ClayReady: no clay"


def test_a_pause_is_told_before_what_is_wrong() -> None:
    conditions = (
        condition("Degraded", "True", "ClayReady: no clay"),
        condition("Paused", "True", "left alone"),
    )
    (row,) = rows_of("Pot", table(*conditions))
    assert row.wrong == "left alone; ClayReady: no clay"


def test_a_resource_that_nobody_has_looked_at_says_so() -> None:
    (row,) = rows_of("Pot", table())
    assert row.wrong == "nothing has been done yet"


def test_the_last_run_is_what_reconciled_says() -> None:
    (row,) = rows_of("Pot", table(condition("Reconciled", "True", "the run took 0.4 s: 3 ok")))
    assert row.last_run == "the run took 0.4 s: 3 ok"


def test_a_run_that_goes_on_is_shown_with_its_resource_and_with_no_other() -> None:
    rows = rows_of("Pot", table()) + rows_of("Pot", table(name="other"))
    run = {"object": "Pot kitchen/pot", "operation": "reconcile", "seconds": 3.2, "task": "kiln : Burn"}
    shown = with_runs(rows, [run])
    assert [row.running for row in shown] == ["reconcile for 3.2 s: kiln : Burn", ""]


def test_a_row_is_plain_data_for_programs() -> None:
    (row,) = rows_of("Pot", table(condition("Available", "True")))
    assert row.as_json() == {
        "kind": "Pot",
        "namespace": "kitchen",
        "name": "pot",
        "cells": {"Phase": "Running", "Age": "5m"},
        "conditions": {"Available": "True"},
        "wrong": "",
        "last_run": "",
        "running": "",
    }
