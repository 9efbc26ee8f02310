"""Clients of the router, and what stands for its Service: each new connection goes to one of the ready pods."""

import http.client
import itertools
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.pods.requests import Answer

CHAT = "/v1/chat/completions"
ANSWER_SECONDS = 60.0
PAUSE_SECONDS = 0.003
"""Between two requests of a load: the rest of the machine is needed for what is tested."""


type Opener = Callable[[], socket.socket]
"""Connects to the API port of a pod; raises OSError."""


def encrypted(opener: Opener, context: ssl.SSLContext, name: str) -> Opener:
    """Return what connects and begins TLS, and wants the certificate of ``name``; ssl.SSLError is an OSError too."""

    def connect() -> ssl.SSLSocket:
        plain = opener()
        plain.settimeout(ANSWER_SECONDS)
        return context.wrap_socket(plain, server_hostname=name)

    return connect


class Connection(http.client.HTTPConnection):
    """An HTTP connection over a socket that ``opener`` gives; it is kept until a side closes it."""

    def __init__(self, opener: Opener) -> None:
        """Remember the opener; nothing is connected yet."""
        super().__init__("router.example.com", timeout=ANSWER_SECONDS)
        self.opener = opener

    def connect(self) -> None:
        """Open the socket."""
        self.sock = self.opener()
        self.sock.settimeout(ANSWER_SECONDS)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # the head does not wait for the body


@dataclass(frozen=True, slots=True)
class Client:
    """Asks the router; every request has a connection of its own unless one is given."""

    opener: Opener

    def ask(
        self, path: str, *, headers: Mapping[str, str] | None = None, body: str | bytes | None = None
    ) -> Answer:
        """Send one request and return its answer; raises OSError or HTTPException when none comes."""
        connection = Connection(self.opener)
        try:
            return exchange(connection, path, headers=headers, body=body)
        finally:
            connection.close()

    def chat(
        self,
        model: str = "auto",
        said: str = "hello",
        *,
        headers: Mapping[str, str] | None = None,
        **more: object,
    ) -> Answer:
        """Ask for a completion; ``more`` are further fields of the body."""
        return self.ask(CHAT, headers=headers, body=chat_body(model, said, **more))

    @contextmanager
    def stream(self, model: str = "auto", *, events: int) -> Iterator[http.client.HTTPResponse]:
        """Ask for a stream of events; the answer's head has come when the block begins."""
        connection = Connection(self.opener)
        try:
            body = chat_body(model, "hello", stream=True, metadata={"events": events})
            connection.request("POST", CHAT, body=body, headers={"content-type": "application/json"})
            yield connection.getresponse()
        finally:
            connection.close()


def chat_body(model: str, said: str, **more: object) -> str:
    """Return the body of a request for a completion."""
    return json.dumps({"model": model, "messages": [{"role": "user", "content": said}], **more})


def exchange(
    connection: http.client.HTTPConnection,
    path: str,
    *,
    headers: Mapping[str, str] | None = None,
    body: str | bytes | None = None,
) -> Answer:
    """Send one request over a connection and read the whole answer."""
    connection.request("GET" if body is None else "POST", path, body=body, headers=dict(headers or {}))
    response = connection.getresponse()
    told = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=told, body=response.read())


def told(answer: Answer) -> dict[str, Any]:
    """Return the JSON object of a successful answer."""
    assert answer.status == http.HTTPStatus.OK, answer
    found: dict[str, Any] = json.loads(answer.body)
    return found


def refusal(answer: Answer) -> dict[str, Any]:
    """Return the error of an answer, in the form that clients of the OpenAI API read."""
    assert answer.headers["content-type"] == "application/json", answer
    found: dict[str, Any] = json.loads(answer.body)["error"]
    return found


@dataclass(slots=True)
class Service:
    """The addresses behind a Service; a new connection goes to the next of them."""

    openers: dict[str, Opener] = field(default_factory=dict)
    turn: Iterator[int] = field(default_factory=itertools.count)

    def connect(self) -> socket.socket:
        """Connect to one of the pods; raises OSError."""
        openers = list(self.openers.values())
        if not openers:
            message = "the Service has no ready pod"
            raise ConnectionRefusedError(message)
        return openers[next(self.turn) % len(openers)]()


@dataclass(slots=True)
class Load:
    """Clients that ask one request after the other, each over a connection that it keeps, until they are stopped.

    With ``anew`` each request has a connection of its own.
    """

    opener: Opener
    clients: int = 2
    anew: bool = False
    answers: list[Answer] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def running(self) -> Iterator["Load"]:
        """Ask for the length of a block; what went wrong in a client is raised at its end."""
        with ThreadPoolExecutor(self.clients) as pool:
            futures = [pool.submit(self._run) for _ in range(self.clients)]
            try:
                yield self
            finally:
                self.stopped.set()
            for future in futures:
                future.result()

    def _run(self) -> None:
        connection = Connection(self.opener)
        try:
            while not self.stopped.wait(PAUSE_SECONDS):
                self.answers.append(_attempt(connection))
                if self.anew:
                    connection.close()
        finally:
            connection.close()

    def failures(self) -> list[Answer]:
        """Return what was not answered with success."""
        return [answer for answer in self.answers if answer.status != http.HTTPStatus.OK]


def _attempt(connection: Connection) -> Answer:
    try:
        return exchange(connection, CHAT, body=chat_body("auto", "hello"))
    except (OSError, http.client.HTTPException) as error:
        connection.close()
        return Answer(error=f"{type(error).__name__}: {error}")
