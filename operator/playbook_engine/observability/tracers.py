"""Chooses who is told of spans: nobody, or a collector by ``otlp``, which is loaded for that only."""

from collections.abc import Iterator
from contextlib import contextmanager

from playbook_engine.observability.tracing import NO_TRACES, Tracer
from playbook_engine.settings.choices import Traces


class TracesError(Exception):
    """Traces are asked for and cannot be made."""


@contextmanager
def traces(wanted: Traces) -> Iterator[Tracer]:
    """Have the tracer that the setting asks for, and send what is left at the end.

    Raises TracesError when its packages are not installed, or when a variable of OpenTelemetry cannot be used.
    """
    tracer = _make(wanted)
    try:
        yield tracer
    finally:
        tracer.close()


def _make(wanted: Traces) -> Tracer:
    if wanted is Traces.OFF:
        return NO_TRACES
    try:
        from playbook_engine.observability.otlp import OtlpTracer  # noqa: PLC0415 - loaded by who asks for it only
    except ImportError as error:
        raise TracesError(
            f"traces cannot be sent: {error.name} is not installed; install the extra `traces` of this package, or set"
            " --traces off"
        ) from error
    try:
        return OtlpTracer()
    except ValueError as error:
        raise TracesError(f"traces cannot be sent: an OTEL_* variable cannot be used: {error}") from error
