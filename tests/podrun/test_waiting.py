"""Waiting ends as soon as the fact is there, and says what was missing when it is not."""

import pytest

from tests.support.waiting import NotYetError, stays, wait_for


def test_the_first_true_value_is_returned() -> None:
    values = iter([None, 0, "there", "later"])
    assert wait_for(lambda: next(values), timeout=5, what="a value", poll=0.001) == "there"


def test_an_assertion_inside_the_fact_counts_as_not_yet_and_is_shown() -> None:
    def fact() -> bool:
        assert False, "it was red"  # noqa: B011, PT015 - what a fact that is not true does

    with pytest.raises(NotYetError, match=r"not within 0\.01 s: a green light; last seen: it was red"):
        wait_for(fact, timeout=0.01, what="a green light", poll=0.001)


def test_another_error_inside_the_fact_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        wait_for(lambda: 1 / 0, timeout=5, what="nonsense")


def test_what_does_not_stay_fails_at_once() -> None:
    values = iter([1, 1, 2])

    def fact() -> int:
        value = next(values)
        assert value == 1
        return value

    with pytest.raises(AssertionError):
        stays(fact, seconds=5, poll=0.001)
