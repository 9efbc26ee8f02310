"""Structured logs; the only importer of structlog.

Lines of libraries (kopf, aiohttp) go through the same formatter. What is bound with ``context`` is in every
line that is logged inside it, in the tasks that it starts, too.
"""

import logging
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Protocol, TextIO, cast

from playbook_engine.imports import without
from playbook_engine.settings.choices import LogFormat, LogLevel

with without("rich"):  # for tracebacks in colour
    import structlog
    from structlog.typing import Processor

_QUIET = (
    "aiohttp.access",
    "asyncio",
    "kopf",
    "urllib3",
)  # these have nothing to say below a warning


FIELD_CHARACTERS = 4_000
"""The longest text of a field; an answer of an API server can be as long as what it was asked."""

TRACE_CHARACTERS = 20_000
_CUT = " … (cut)"


class Logger(Protocol):
    """What the engine uses of a logger: a sentence without values, and the values as fields."""

    def debug(self, event: str, /, **fields: object) -> object:
        """Log for people who look for an error."""
        ...

    def info(self, event: str, /, **fields: object) -> object:
        """Log what happened."""
        ...

    def warning(self, event: str, /, **fields: object) -> object:
        """Log what should be looked at."""
        ...

    def error(self, event: str, /, **fields: object) -> object:
        """Log what went wrong."""
        ...

    def exception(self, event: str, /, **fields: object) -> object:
        """Log what went wrong, with the exception that is being handled."""
        ...


def get_logger(name: str = "playbook_engine") -> Logger:
    """Give a logger; it may be made before ``configure`` is called."""
    return cast("Logger", structlog.stdlib.get_logger(name))


@contextmanager
def context(**fields: object) -> Iterator[None]:
    """Add fields to every line logged inside: ``object``, ``run``, ``generation``."""
    with structlog.contextvars.bound_contextvars(**fields):
        yield


def configure(*, log_format: LogFormat, level: LogLevel, stream: TextIO | None = None) -> None:
    """Send all logs to ``stream`` (standard error by default) in one format."""
    stream = stream or sys.stderr
    text = log_format is LogFormat.TEXT or (log_format is LogFormat.AUTO and stream.isatty())
    shared = _shared()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_rendering(text=text, colors=stream.isatty()),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.value.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.PositionalArgumentsFormatter(),
    ]


def _rendering(*, text: bool, colors: bool) -> list[Processor]:
    if text:
        return [_bounded, structlog.dev.ConsoleRenderer(colors=colors)]
    return [
        structlog.processors.format_exc_info,
        _bounded,
        _message,
        structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
    ]


def _message(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    fields["message"] = fields.pop("event", "")  # what most collectors of logs show
    return fields


def _bounded(_: object, __: str, fields: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Cut what is too long, and say so; of a traceback the end is kept, which names the error."""
    for name, value in fields.items():
        if name == "exc_info":
            continue  # the renderer of text makes a traceback of it
        text = value if isinstance(value, str) else str(value)
        if name == "exception" and len(text) > TRACE_CHARACTERS:
            fields[name] = _CUT.strip() + " " + text[-TRACE_CHARACTERS:]
        elif name != "exception" and len(text) > FIELD_CHARACTERS:
            fields[name] = text[:FIELD_CHARACTERS] + _CUT
    return fields
