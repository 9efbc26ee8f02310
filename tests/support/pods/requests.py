"""A request from outside the pod, run in the pod's network: ``python -m tests.support.pods.requests``.

Reads one request as JSON from stdin and prints the answer as JSON. With the standard library only.
"""

import base64
import http.client
import json
import socket
import sys
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An HTTP request, or with an empty ``method`` only a TCP connection."""

    host: str
    port: int
    method: str = ""
    path: str = "/"
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    timeout_seconds: float = 5.0

    def to_json(self) -> str:
        """Return the record as JSON text."""
        return json.dumps(asdict(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; ``status`` is 0 and ``error`` set when nothing did. Header names in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str = ""

    def to_json(self) -> str:
        """Return the record as JSON text."""
        return json.dumps({**asdict(self), "body": base64.b64encode(self.body).decode()})

    @classmethod
    def from_json(cls, text: str) -> "Answer":
        """Make a record of what ``to_json`` gave."""
        data = json.loads(text)
        return cls(**{**data, "body": base64.b64decode(data["body"])})


def ask(request: Request) -> Answer:
    """Send the request; a failure is an answer."""
    try:
        if not request.method:
            socket.create_connection((request.host, request.port), timeout=request.timeout_seconds).close()
            return Answer()
        connection = http.client.HTTPConnection(request.host, request.port, timeout=request.timeout_seconds)
        connection.request(
            request.method, request.path, body=request.body.encode() or None, headers=request.headers
        )
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
        return Answer(status=response.status, headers=headers, body=response.read())
    except (OSError, http.client.HTTPException) as error:
        return Answer(error=f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    print(ask(Request(**json.loads(sys.stdin.read()))).to_json())  # noqa: T201 - its output is its interface
