"""A gate in front of Milvus Lite, which knows neither users nor TLS: it asks for both, and records who called what."""

import base64
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc

from tests.support.traffic.authorities import Authority, Pair

CALLS_AT_ONCE = 8
DATABASE = "dbname"
"""The metadata of a call that says which database it is about."""


@dataclass(slots=True)
class Recorder(grpc.GenericRpcHandler):  # type: ignore[misc] # gRPC has no types
    """Hands calls of the user on, as they are, and refuses all others; ``methods`` are those that were handed on."""

    channel: Any
    user: str
    password: str
    methods: list[str] = field(default_factory=list)
    refused: int = 0

    def service(self, handler_call_details: Any) -> Any:  # noqa: ANN401 - gRPC has no types
        """Return what answers a call."""
        method, metadata = handler_call_details.method, dict(handler_call_details.invocation_metadata)
        if not self._allowed(metadata):
            self.refused += 1
            return grpc.unary_unary_rpc_method_handler(_refuse)
        self.methods.append(method.rpartition("/")[2])
        database = [(DATABASE, metadata.get(DATABASE, ""))]
        return grpc.unary_unary_rpc_method_handler(
            lambda request, context: self._forward(method, request, context, database)
        )

    def _forward(self, method: str, request: bytes, context: Any, metadata: object) -> Any:  # noqa: ANN401
        """Return the answer of the server behind, be it a refusal."""
        try:
            return self.channel.unary_unary(method)(request, metadata=metadata)
        except grpc.RpcError as error:
            return context.abort(error.code(), error.details())

    def _allowed(self, metadata: Mapping[str, str]) -> bool:
        """Whether a call shows user and password, in the way that Milvus reads them."""
        wanted = base64.b64encode(f"{self.user}:{self.password}".encode()).decode()
        return metadata.get("authorization") == wanted


def _refuse(_request: bytes, context: Any) -> None:  # noqa: ANN401
    context.abort(grpc.StatusCode.UNAUTHENTICATED, "auth check failure, please check username and password")


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A running gate."""

    recorder: Recorder
    port: int


@contextmanager
def gate(target: int, *, user: str, password: str, pair: Pair, clients: Authority) -> Iterator[Gate]:
    """Listen with TLS on a port of loopback; clients need a certificate of the authority as well."""
    with grpc.insecure_channel(f"127.0.0.1:{target}") as channel, ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
        recorder = Recorder(channel, user, password)
        server = grpc.server(pool, handlers=[recorder])
        credentials = grpc.ssl_server_credentials(
            [(pair.key.read_bytes(), pair.certificate.read_bytes())],
            root_certificates=clients.pair.certificate.read_bytes(),
            require_client_auth=True,
        )
        port = server.add_secure_port("127.0.0.1:0", credentials)
        server.start()
        yield Gate(recorder=recorder, port=port)
        server.stop(grace=None).wait()
