"""What goes to the API server and what comes back, as records."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; ``path`` begins with a slash, ``media`` is the type of ``body``, ``accept`` of the answer."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    media: str = "application/json"
    accept: str = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A request of somebody else to be handed on as it is: ``target`` is the path with its query, both encoded."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Relayed:
    """An answer as it comes; ``chunks`` can be read once, and as long as the block runs that gave it."""

    status: int
    headers: Mapping[str, str]
    chunks: AsyncIterator[bytes]

    async def read(self) -> bytes:
        """Read all of it; raises UnavailableError when it breaks off."""
        return b"".join([chunk async for chunk in self.chunks])


class Socket(Protocol):
    """A connection as ``exec``, ``attach`` and ``port-forward`` have one: messages in both directions."""

    subprotocol: str

    def messages(self) -> AsyncIterator[bytes]:
        """Give what the other side sends, until it ends."""
        ...

    async def send(self, message: bytes) -> None:
        """Send a message; one that nobody takes any more is lost."""
        ...
