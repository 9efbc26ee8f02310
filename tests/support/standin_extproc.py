"""The gRPC side of the stand-in for the router: Envoy shows it each request, it tells which model shall answer.

It speaks the external processing protocol as the real router does: the choice goes into the header
``x-selected-model``, the model's name into the body, and Envoy is asked to look for the route anew.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import grpc
from envoy.config.core.v3.base_pb2 import HeaderValue, HeaderValueOption
from envoy.service.ext_proc.v3 import external_processor_pb2 as messages
from envoy.service.ext_proc.v3 import external_processor_pb2_grpc as services
from envoy.type.v3.http_status_pb2 import HttpStatus

SELECTED = "x-selected-model"
CHOSEN = "x-vsr-selected-model"
"""Tells the client which model answered."""

STREAMS_AT_ONCE = 64
BAD_REQUEST = 400
LONGEST_THOUGHT_SECONDS = 10.0

type Chooser = Callable[[Mapping[str, Any]], str]
type Log = Callable[[str, str], None]


@dataclass(slots=True)
class Exchange:
    """One request on its way through Envoy and the answer on its way back."""

    choose: Chooser
    log: Log
    path: str = ""
    model: str = ""

    def answer(self, message: Any) -> Any:  # noqa: ANN401 - the protocol's messages have no types
        """Return what Envoy shall do with the part of the exchange that it shows."""
        handlers: Mapping[str, Callable[[Any], Any]] = {
            "request_headers": self._request_headers,
            "request_body": self._request_body,
            "response_headers": self._response_headers,
        }
        part = message.WhichOneof("request")
        return handlers[part](getattr(message, part)) if part in handlers else _go_on(part)

    def _request_headers(self, shown: Any) -> Any:  # noqa: ANN401
        headers = {one.key: one.raw_value.decode() or one.value for one in shown.headers.headers}
        self.path = headers.get(":path", "")
        self.log("info", f"request {self.path} with headers {' '.join(sorted(headers))}")
        return _go_on("request_headers")

    def _request_body(self, shown: Any) -> Any:  # noqa: ANN401
        try:
            body = dict(json.loads(shown.body or b"{}"))
        except ValueError:
            return _refusal("the body is no JSON object")
        _think(float(body.get("metadata", {}).get("think_seconds", 0)))
        self.model = self.choose(body)
        self.log("info", f"request {self.path} of {len(shown.body)} bytes goes to {self.model or 'nobody'}")
        if not self.model:
            return _go_on("request_body")
        common = messages.CommonResponse(
            clear_route_cache=True,
            header_mutation=messages.HeaderMutation(
                set_headers=[_header(SELECTED, self.model)], remove_headers=["content-length"]
            ),
            body_mutation=messages.BodyMutation(body=json.dumps({**body, "model": self.model}).encode()),
        )
        return messages.ProcessingResponse(request_body=messages.BodyResponse(response=common))

    def _response_headers(self, _shown: Any) -> Any:  # noqa: ANN401
        if not self.model:
            return _go_on("response_headers")
        told = messages.HeaderMutation(set_headers=[_header(CHOSEN, self.model)])
        common = messages.CommonResponse(header_mutation=told)
        return messages.ProcessingResponse(response_headers=messages.HeadersResponse(response=common))


def _go_on(part: str) -> Any:  # noqa: ANN401
    answers = {"headers": messages.HeadersResponse, "body": messages.BodyResponse}
    kind = answers.get(part.rpartition("_")[2], messages.TrailersResponse)
    return messages.ProcessingResponse(**{part: kind()})


def _refusal(text: str) -> Any:  # noqa: ANN401
    body = json.dumps({"error": {"message": text, "type": "invalid_request_error", "code": BAD_REQUEST}})
    status = HttpStatus(code=BAD_REQUEST)
    headers = messages.HeaderMutation(set_headers=[_header("content-type", "application/json")])
    immediate = messages.ImmediateResponse(status=status, headers=headers, body=body.encode())
    return messages.ProcessingResponse(immediate_response=immediate)


def _header(name: str, value: str) -> Any:  # noqa: ANN401
    return HeaderValueOption(
        header=HeaderValue(key=name, raw_value=value.encode()),
        append_action=HeaderValueOption.OVERWRITE_IF_EXISTS_OR_ADD,
    )


def _think(seconds: float) -> None:
    """Take as long as the client asks: real classification takes longer than Envoy waits by default."""
    threading.Event().wait(min(seconds, LONGEST_THOUGHT_SECONDS))


@dataclass(slots=True)
class Processor(services.ExternalProcessorServicer):  # type: ignore[misc] # the protocol's classes have no types
    """Answers the streams that Envoy opens, one for each request."""

    choose: Chooser
    log: Log
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(STREAMS_AT_ONCE))

    def Process(self, request_iterator: Iterator[Any], _context: object) -> Iterator[Any]:  # noqa: N802 - the protocol
        """Follow one request from its headers to the end of its answer."""
        exchange = Exchange(choose=self.choose, log=self.log)
        for message in request_iterator:
            yield exchange.answer(message)


def serve(port: int, choose: Chooser, log: Log) -> Any:  # noqa: ANN401
    """Listen on all addresses as long as the returned server is kept; raises OSError when the port is taken."""
    processor = Processor(choose, log)
    sizes = [("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1)]
    server = grpc.server(processor.pool, options=[*sizes, ("grpc.so_reuseport", 0)])
    services.add_ExternalProcessorServicer_to_server(processor, server)
    try:
        server.add_insecure_port(f"0.0.0.0:{port}")
    except RuntimeError as error:
        message = f"cannot listen on port {port}: Address already in use"
        raise OSError(message) from error
    server.start()
    return server
