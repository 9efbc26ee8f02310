"""A collector of traces for tests: takes what OTLP/HTTP sends, and reads it by OpenTelemetry's own messages."""

import gzip
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message
from opentelemetry.proto.trace.v1.trace_pb2 import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span as it was sent; ``facts`` are its attributes, those of the engine without their prefix."""

    name: str
    trace: str
    ident: str
    parent: str
    begin: int
    end: int
    failed: bool
    facts: Mapping[str, object]


@dataclass(slots=True)
class Collector:
    """What has come: ``headers`` of the last request (in small letters), ``resource`` of the last spans, every byte."""

    url: str
    spans: list[Span] = field(default_factory=list)
    headers: Mapping[str, str] = field(default_factory=dict)
    resource: Mapping[str, object] = field(default_factory=dict)
    received: bytes = b""

    def take(self, path: str, headers: Mapping[str, str], body: bytes) -> None:
        """Take a request in; raises DecodeError for one that is none."""
        assert path == "/v1/traces"
        assert headers["content-type"] == "application/x-protobuf"
        content = gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body
        request = ExportTraceServiceRequest.FromString(content)
        self.headers, self.received = headers, self.received + content
        for of_resource in request.resource_spans:
            self.resource = _facts(of_resource.resource.attributes)
            for of_scope in of_resource.scope_spans:
                self.spans += [_span(message) for message in of_scope.spans]

    def traces_of(self, kind: str, namespace: str, name: str) -> list[list[Span]]:
        """Return the whole traces of passes over an object, the oldest first, the spans of each by their begin."""
        wanted = {"kind": kind, "namespace": namespace, "name": name}
        roots = [one for one in self.spans if not one.parent and wanted.items() <= one.facts.items()]
        by_begin = sorted(self.spans, key=lambda one: one.begin)
        return [
            [one for one in by_begin if one.trace == root.trace]
            for root in sorted(roots, key=lambda one: one.begin)
        ]


@contextmanager
def collecting() -> Iterator[Collector]:
    """Have a collector on loopback."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    collector = Collector(f"http://127.0.0.1:{server.server_port}")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            collector.take(self.path, headers, body)
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server.RequestHandlerClass = Handler
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield collector
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _span(message: Message) -> Span:
    return Span(
        name=message.name,
        trace=message.trace_id.hex(),
        ident=message.span_id.hex(),
        parent=message.parent_span_id.hex(),
        begin=message.start_time_unix_nano,
        end=message.end_time_unix_nano,
        failed=message.status.code == Status.STATUS_CODE_ERROR,
        facts=_facts(message.attributes),
    )


def _facts(attributes: Iterator[KeyValue]) -> dict[str, object]:
    return {
        one.key.removeprefix("playbook_engine."): getattr(one.value, one.value.WhichOneof("value") or "")
        for one in attributes
    }
