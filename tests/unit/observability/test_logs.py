"""Lines of the log: whatever goes wrong, none is longer than a person can read."""

import io
import json
import logging
from collections.abc import Iterator

import pytest

from playbook_engine.observability.logs import FIELD_CHARACTERS, TRACE_CHARACTERS, configure, get_logger
from playbook_engine.settings.choices import LogFormat, LogLevel

LONG = "word " * 100_000
ROOM = 500
"""For the other fields of a line."""


@pytest.fixture(params=[LogFormat.JSON, LogFormat.TEXT])
def style(request: pytest.FixtureRequest) -> LogFormat:
    return LogFormat(request.param)


@pytest.fixture
def stream(style: LogFormat) -> Iterator[io.StringIO]:
    """Where the log goes, for one test."""
    root, stream = logging.getLogger(), io.StringIO()
    before = root.handlers[:], root.level
    configure(log_format=style, level=LogLevel.INFO, stream=stream)
    yield stream
    root.handlers[:], level = before
    root.setLevel(level)


def test_a_field_that_is_too_long_is_cut_and_says_so(stream: io.StringIO) -> None:
    get_logger("a").warning("the API server refused", error=LONG, seen=[LONG])
    assert len(stream.getvalue()) < 2 * FIELD_CHARACTERS + ROOM
    assert stream.getvalue().count("… (cut)") == 2


def test_a_line_of_a_library_is_cut_too(stream: io.StringIO) -> None:
    logging.getLogger("library").error("it says %s", LONG)
    assert len(stream.getvalue()) < FIELD_CHARACTERS + ROOM


@pytest.mark.parametrize("style", [LogFormat.JSON])
def test_of_a_long_traceback_the_end_is_kept(stream: io.StringIO) -> None:
    try:
        {"": 0}[LONG + "the reason"]
    except KeyError:
        get_logger("a").exception("it failed")
    said = json.loads(stream.getvalue())["exception"]
    assert len(said) < TRACE_CHARACTERS + ROOM
    assert said.endswith("the reason'")
