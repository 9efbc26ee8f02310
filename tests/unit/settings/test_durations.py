"""Durations are read and written as Go does it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.durations import DurationError, parse_duration, render_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("0s", 0.0),
        ("45s", 45.0),
        ("10m", 600.0),
        ("1h30m", 5400.0),
        ("1.5h", 5400.0),
        ("300ms", 0.3),
        ("1m0.5s", 60.5),
        ("2us", 2e-6),
        ("2µs", 2e-6),
        ("1ns", 1e-9),
        (".5s", 0.5),
    ],
)
def test_a_duration_is_read_as_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "10", "ten minutes", "-5s", "+5s", "5 s", "1d", "1h30", "s", ".s", "٣s"]
)
def test_what_is_no_duration_is_refused_with_its_text_and_the_form(text: str) -> None:
    with pytest.raises(DurationError) as raised:
        parse_duration(text)
    assert str(raised.value) == f"{text!r} is not a duration such as 1h30m, 10m, 45s or 0"


@given(st.integers(min_value=0, max_value=10**10))
def test_a_written_duration_is_read_as_the_same(milliseconds: int) -> None:
    assert parse_duration(render_duration(milliseconds / 1000)) == pytest.approx(milliseconds / 1000)


@given(st.text(alphabet="0123456789.hmsuµn", max_size=12))
def test_any_text_is_a_number_of_seconds_or_an_error(text: str) -> None:
    try:
        assert parse_duration(text) >= 0
    except DurationError as error:
        assert repr(text) in str(error)  # noqa: PT017 - either way is right, and each has its fact
