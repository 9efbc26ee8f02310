"""Model servers for tests: they tell who answers and what arrived, and stream as slowly as a test wants."""

import json
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

UNUSED_SECONDS = 5
"""As vLLM's server does, a connection on which nothing is asked for so long is closed."""

LAST_CHUNK = "[DONE]"
PATIENCE_SECONDS = 60.0


@dataclass(slots=True)
class ModelServer:
    """One model server; it may listen in the networks of several pods.

    ``steps`` is a semaphore: a stream sends one more event for each release.
    """

    name: str
    tls: ssl.SSLContext | None = None
    steps: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    asked: list[dict[str, Any]] = field(default_factory=list)

    @contextmanager
    def serve(self, listener: socket.socket) -> Iterator[None]:
        """Answer what comes to the listening socket, for the length of a block."""
        model = self

        class Handler(_Handler):
            server_of_model = model

        server = ThreadingHTTPServer(("", 0), Handler, bind_and_activate=False)
        server.socket.close()
        server.socket = (
            self.tls.wrap_socket(listener, server_side=True, do_handshake_on_connect=False)
            if self.tls
            else listener
        )
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = UNUSED_SECONDS
    wbufsize = -1  # head and body in one packet: otherwise the second waits for an acknowledgement
    server_of_model: ModelServer

    def do_GET(self) -> None:
        body = self._body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        told = _json_of(body)
        seen = {"path": self.path, "headers": headers, "size": len(body), "model": told.get("model", "")}
        self.server_of_model.asked.append(seen)
        if told.get("stream"):
            self._stream(int(told["metadata"]["events"]))
        else:
            padding = "x" * int(told.get("metadata", {}).get("answer_bytes", 0))
            self._answer({"served_by": self.server_of_model.name, **seen, "padding": padding})

    do_POST = do_GET  # noqa: N815 - the name that http.server looks for

    def _body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, told: dict[str, Any]) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _stream(self, events: int) -> None:
        """Send events one by one, each as soon as the test lets it go."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()
        self.wfile.flush()
        for text in [*map(str, range(events)), LAST_CHUNK]:
            if not self.server_of_model.steps.acquire(timeout=PATIENCE_SECONDS):
                return
            event = f"data: {text}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(event), event))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Say nothing."""


def _json_of(body: bytes) -> dict[str, Any]:
    try:
        return dict(json.loads(body or b"{}"))
    except ValueError:
        return {}
