"""A name server for pods: what CoreDNS answers in a cluster, for the Services that are there."""

import ipaddress
import socket
import struct
from collections.abc import Callable, Iterator

SERVER_ADDRESS, SERVER_PORT = "10.96.0.10", 53
"""Where pods of most clusters find their name server."""

CLUSTER_DOMAIN = "cluster.local"
LONGEST_MESSAGE_BYTES = 4096
_HEADER = struct.Struct("!6H")
_TYPE_AND_CLASS = struct.Struct("!2H")
_RECORD = struct.Struct("!3HIH")
_A, _INTERNET, _POINTER_TO_QUESTION, _LIFE_SECONDS = 1, 1, 0xC00C, 1
_ANSWER, _RECURSION, _NO_SUCH_NAME = 0x8400, 0x0180, 3

type Lookup = Callable[[str], list[str] | None]
"""Gives the IPv4 addresses of a name in lower case, or None when there is no such name."""


def settings(namespace: str) -> str:
    """Return the ``resolv.conf`` that a kubelet writes for a pod."""
    suffixes = f"{namespace}.svc.{CLUSTER_DOMAIN} svc.{CLUSTER_DOMAIN} {CLUSTER_DOMAIN}"
    return f"search {suffixes}\nnameserver {SERVER_ADDRESS}\noptions ndots:5\n"


def answer(query: bytes, lookup: Lookup) -> bytes:
    """Answer one question of a resolver (RFC 1035); names that nobody has do not exist."""
    identity, flags, *_ = _HEADER.unpack_from(query)
    labels = list(_labels(query))
    end = _HEADER.size + sum(len(label) + 1 for label in labels) + 1 + _TYPE_AND_CLASS.size
    kind, _ = _TYPE_AND_CLASS.unpack_from(query, end - _TYPE_AND_CLASS.size)
    found = lookup(b".".join(labels).decode().lower())
    code = _NO_SUCH_NAME if found is None else 0
    addresses = found if found and kind == _A else []
    head = _HEADER.pack(identity, _ANSWER | flags & _RECURSION | code, 1, len(addresses), 0, 0)
    return head + query[_HEADER.size : end] + b"".join(map(_record, addresses))


def _labels(query: bytes) -> Iterator[bytes]:
    place = _HEADER.size
    while length := query[place]:
        yield query[place + 1 : place + 1 + length]
        place += 1 + length


def _record(address: str) -> bytes:
    packed = ipaddress.IPv4Address(address).packed
    return _RECORD.pack(_POINTER_TO_QUESTION, _A, _INTERNET, _LIFE_SECONDS, len(packed)) + packed


def serve(server: socket.socket, lookup: Lookup) -> None:
    """Answer what comes in until an empty datagram does, which is what :func:`stop` sends."""
    while True:
        query, client = server.recvfrom(LONGEST_MESSAGE_BYTES)
        if not query:
            return
        server.sendto(answer(query, lookup), client)


def stop(server: socket.socket) -> None:
    """End :func:`serve` on this socket."""
    server.sendto(b"", server.getsockname())
