"""Every command that a page has people type is shown to work somewhere, or it is said why it cannot be."""

from collections import Counter

import pytest

from tests.architecture.test_repository import make_targets
from tests.support.cluster import CHECKOUT
from tests.support.page_commands import commands, table


def test_every_command_of_a_page_is_in_the_table() -> None:
    known = set(table().all())
    missing = [f"{one.page}: {one.text}" for one in commands() if one.text not in known]
    assert not missing, "say in tests/pages/commands.yaml how they are shown to work"


def test_no_command_of_the_table_is_one_that_no_page_has() -> None:
    assert not set(table().all()) - {one.text for one in commands()}


def test_each_command_is_there_once() -> None:
    assert [command for command, times in Counter(table().all()).items() if times > 1] == []


@pytest.mark.parametrize("by", sorted(set(table().shown.values())))
def test_what_shows_a_command_exists(by: str) -> None:
    words = by.split()
    assert words[1] in make_targets() if words[0] == "make" else (CHECKOUT / by).exists()


def test_commands_of_blocks_and_of_sentences_are_found() -> None:
    found = {(one.page, one.text) for one in commands()}
    assert ("README.md", "make demo") in found
    assert ("docs/start/quick-start.md", "make demo-down") in found
    assert any(
        text.startswith("make bundle-build bundle-push IMG=") and "BUNDLE_IMG=" in text for _, text in found
    )
