"""What documents say is shown by a test is shown by a test that exists."""

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.sources import CHECKOUT, python_files, shown

DOCUMENTS = ("SECURITY.md", "docs/reliability.md", "docs/reference/bounds.md")
NAME = re.compile(r"`((?:tests/)?[a-z_/]*test_[a-z_]+(?:\.py)?)`")
BOUNDS = CHECKOUT / "docs" / "reference" / "bounds.md"


def functions() -> set[str]:
    """Return the names of all tests."""
    return {
        node.name
        for path in python_files("tests")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }


def files() -> set[str]:
    return {shown(path) for path in python_files("tests")}


def named(path: Path) -> set[str]:
    return set(NAME.findall(path.read_text(encoding="utf-8")))


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_test_that_a_document_names_exists(document: str) -> None:
    known = functions() | files()
    names = named(CHECKOUT / document)
    assert names
    assert names <= known


def rows(text: str) -> list[list[str]]:
    """Return the cells of each line of a Markdown table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_every_bound_names_a_test_that_goes_past_it() -> None:
    found = rows(BOUNDS.read_text(encoding="utf-8"))
    assert found
    tests = functions()
    without = [row[0] for row in found if not set(NAME.findall(row[-1])) & tests]
    assert not without


def test_every_attack_names_what_shows_that_it_is_stopped() -> None:
    text = (CHECKOUT / "SECURITY.md").read_text(encoding="utf-8")
    section = text.partition("## What stands against which attack")[2].partition("\n## ")[0]
    without = [row[0] for row in rows(section) if not NAME.findall(row[-1])]
    assert not without
