"""Sends spans by OTLP over HTTP; the only importer of opentelemetry.

Where to, how many and with which headers is said by the variables that OpenTelemetry has for it (``OTEL_*``). Facts
get the prefix ``playbook_engine.``; messages of errors stay in the log, where the identifier of the trace finds them.
"""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Status, StatusCode

from playbook_engine import __version__
from playbook_engine.observability.tracing import Fact, Span

NAME = "playbook_engine"
SERVICE = {"service.name": "playbook-engine", "service.version": __version__}
"""What the spans are said to be of, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say something else."""

CLOSE_SECONDS = 5.0
"""How long the end of the process may wait for a collector."""


class OtlpSpan:
    """A span of OpenTelemetry."""

    def __init__(self, span: trace.Span, tracer: trace.Tracer) -> None:
        """Wrap it; children are made by the ``tracer``."""
        self._span = span
        self._tracer = tracer

    @property
    def identity(self) -> dict[str, str]:
        """Give ``trace_id``; nothing when OTEL_SDK_DISABLED is true."""
        found = self._span.get_span_context()
        return {"trace_id": trace.format_trace_id(found.trace_id)} if found.is_valid else {}

    def tell(self, **facts: Fact) -> None:
        """Add attributes."""
        self._span.set_attributes(_attributes(facts))

    def fail(self, reason: str) -> None:
        """Set the status, and ``error.type`` as the conventions have it."""
        self._span.set_attribute("error.type", reason)
        self._span.set_status(Status(StatusCode.ERROR))

    def begin(self, name: str) -> Span:
        """Begin a child."""
        child = self._tracer.start_span(name, context=trace.set_span_in_context(self._span))
        return OtlpSpan(child, self._tracer)

    def end(self) -> None:
        """End it."""
        self._span.end()


class OtlpTracer:
    """Collects spans and sends them in batches from a thread of its own."""

    def __init__(self) -> None:
        """Read the variables. Raises ValueError for one that cannot be used."""
        resource = Resource.create(SERVICE).merge(OTELResourceDetector().detect())
        self._provider = TracerProvider(resource=resource, shutdown_on_exit=False)
        self._provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
        self._tracer = self._provider.get_tracer(NAME, __version__)

    @contextmanager
    def span(self, name: str, /, **facts: Fact) -> Iterator[Span]:
        """Have a span during a block."""
        with self._tracer.start_as_current_span(
            name, attributes=_attributes(facts), record_exception=False, set_status_on_exception=False
        ) as found:
            span = OtlpSpan(found, self._tracer)
            try:
                yield span
            except BaseException as error:
                span.fail(type(error).__name__)
                raise

    def current(self) -> Span:
        """Give the span of the innermost block."""
        return OtlpSpan(trace.get_current_span(), self._tracer)

    def close(self) -> None:
        """Send what is left; a collector that does not answer holds nobody up for long."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_SECONDS)


def _attributes(facts: Mapping[str, Fact]) -> dict[str, Fact]:
    return {f"{NAME}.{name}": value for name, value in facts.items()}
