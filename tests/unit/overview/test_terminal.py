"""What people see of resources on a wide screen, and on a narrow one: of names nothing is cut."""

import io

import pytest
from rich.console import Console

from playbook_engine.overview.rows import Row
from playbook_engine.terminal import show_rows

ROW = Row(
    kind="Pot",
    namespace="a-namespace-with-a-name-of-some-length",
    name="a-pot",
    cells={"Phase": "Degraded", "Age": "5m"},
    conditions={"Available": "True", "ClayReady": "False", "Reconciled": "True"},
    wrong="ClayReady: there is no clay; bring some",
    last_run="the run took 0.3 s",
)


def shown(width: int, *rows: Row) -> str:
    console = Console(file=io.StringIO(), width=width)
    show_rows(rows, console=console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize("width", [80, 120, 200])
def test_everything_is_there_whatever_the_width(width: int) -> None:
    text = shown(width, ROW)
    for word in ("a-pot", "Degraded", "5m", "+Available", "-ClayReady", "the run took 0.3 s"):
        assert word in text, text
    assert ROW.wrong in " ".join(text.replace("│", " ").split())
    assert "…" not in text


def test_a_name_that_is_longer_than_a_narrow_screen_is_folded_and_not_cut() -> None:
    text = shown(40, ROW)
    assert "…" not in text.partition("\n\n")[0]
    assert f"{ROW.namespace}/{ROW.name}" in text.replace("\n", "")


def test_a_run_that_goes_on_is_shown_in_place_of_the_last_one() -> None:
    text = shown(80, Row(kind="Pot", namespace="ns", name="pot", running="reconcile for 2 s: Fire it"))
    assert "Fire it" in text


def test_nothing_is_told_to_be_nothing() -> None:
    assert shown(80).strip() == "there are no resources"
