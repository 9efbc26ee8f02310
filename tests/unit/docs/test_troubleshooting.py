"""Every reason of a condition has an entry in the troubleshooting guide, and no entry is for one that is gone."""

import re

from tests.support.cluster import CHECKOUT
from tests.unit.docs.reasons import WORD, reasons

GUIDE = CHECKOUT / "docs" / "troubleshooting.md"
PARTS = {"Secret", "Gateway", "KeyNotFound", "NotFound"}
"""Pieces of reasons that are put together."""


def entries() -> set[str]:
    """Return the reasons in the first column of the tables below the heading."""
    text = GUIDE.read_text(encoding="utf-8").partition("## Reasons")[2]
    cells = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}


def test_no_reason_is_missing() -> None:
    missing = reasons() - PARTS - entries()
    assert not missing, f"give each an entry in {GUIDE.name}"


def test_no_entry_is_for_a_reason_that_does_not_exist() -> None:
    assert not entries() - reasons()


def test_reasons_are_found_in_each_of_their_places() -> None:
    of_each_place = {
        "NotDeployed",  # watches.yaml
        "Conflict",  # a maker's first argument
        "InferenceServiceNotFound",  # put together
        "AnnotationSet",  # by name
        "NoneIgnored",  # in a mapping
        "RouteRefused",  # a default
        "RunDied",  # what a function returns
        "WrongCondition",  # a constant
        "GatewayForbidden",
    }
    assert of_each_place <= reasons()
    assert all(WORD.fullmatch(reason) for reason in reasons())
