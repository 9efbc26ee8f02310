"""What kopf says of its requests: one that it makes again is a warning, one that it gives up an error."""

import io
import json
import logging

import pytest

import playbook_engine.events.binding  # noqa: F401 - it has a word with kopf's logger
from playbook_engine.observability.logs import configure
from playbook_engine.settings.choices import LogFormat, LogLevel


@pytest.mark.parametrize(
    ("message", "level"),
    [
        ("Request attempt #1/9 failed; will retry: GET https://127.0.0.1:1/apis -> busy", "warning"),
        ("Request attempt #9/9 failed; escalating: GET https://127.0.0.1:1/apis -> busy", "error"),
    ],
)
def test_only_a_request_that_is_given_up_is_an_error(message: str, level: str) -> None:
    stream = io.StringIO()
    root = logging.getLogger()
    handlers, before = root.handlers[:], root.level
    try:
        configure(log_format=LogFormat.JSON, level=LogLevel.INFO, stream=stream)
        logging.getLogger("kopf._cogs.clients.watching").error(message)
    finally:
        root.handlers[:] = handlers
        root.setLevel(before)
    assert json.loads(stream.getvalue())["level"] == level
