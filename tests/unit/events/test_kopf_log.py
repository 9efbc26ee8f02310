"""What kopf says: a request that it makes again is a warning, one that it gives up an error."""

import io
import json
import logging

import pytest

import playbook_engine.events.binding  # noqa: F401 - it has a word with kopf's logger
from playbook_engine.observability.logs import configure
from playbook_engine.settings.choices import LogFormat, LogLevel


def said(name: str, level: int, message: str) -> str:
    """Return what is logged when a logger of kopf says something."""
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    try:
        configure(log_format=LogFormat.JSON, level=LogLevel.INFO, stream=stream)
        logging.getLogger(name).log(level, message)
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("Request attempt #1/9 failed; will retry: GET https://127.0.0.1:1/apis -> busy", "warning"),
        ("Request attempt #9/9 failed; escalating: GET https://127.0.0.1:1/apis -> busy", "error"),
    ],
)
def test_only_a_request_that_is_given_up_is_an_error(message: str, level: str) -> None:
    line = json.loads(said("kopf._cogs.clients.watching", logging.ERROR, message))
    assert line["level"] == level


def test_kinds_that_are_not_served_are_left_to_the_engine_to_name() -> None:
    """The message is kopf's own, word for word; any other of the same logger is logged."""
    name = "kopf._core.reactor.observation"
    unserved = "Unresolved resources cannot be served (try creating their CRDs): pots.v1.example.com"
    ambiguous = "Ambiguous resources will not be served (try specifying API groups): pots => {}"
    assert said(name, logging.WARNING, unserved) == ""
    assert json.loads(said(name, logging.WARNING, ambiguous))["level"] == "warning"
