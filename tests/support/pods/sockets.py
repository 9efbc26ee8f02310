"""Sockets in the network of a pod for a program outside of it: its clients, and the servers that it calls.

A helper enters the network, opens what it is asked for and hands the descriptor over; the caller uses it like
any other socket. Every address below 10.0.0.0/8 is the pod's own, so a server can listen on the cluster
address of a Service. The helper: ``python -m tests.support.pods.sockets``, with a socket as its stdin.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.support.pods.environment import POD_ADDRESS

LONGEST_REQUEST_BYTES = 4096
CONNECT_SECONDS = 5.0
OPENED = b"opened"


@dataclass(frozen=True, slots=True)
class PodSockets:
    """Opens sockets in the network of one pod."""

    process: subprocess.Popen[bytes]
    channel: socket.socket
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def enter(cls, command: Sequence[str], directory: str | os.PathLike[str]) -> "PodSockets":
        """Start the helper with ``command``, which enters the network."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(command, stdin=theirs.fileno(), cwd=directory)
        return cls(process, ours)

    def connect(self, port: int, address: str = POD_ADDRESS) -> socket.socket:
        """Connect to a port of the pod; raises OSError like any connection."""
        return self._open("connect", address, port)

    def listen(self, port: int, address: str) -> socket.socket:
        """Listen for what the pod connects to."""
        return self._open("listen", address, port)

    def datagrams(self, port: int, address: str) -> socket.socket:
        """Receive what the pod sends by UDP."""
        return self._open("datagrams", address, port)

    def _open(self, kind: str, address: str, port: int) -> socket.socket:
        with self.lock:
            self.channel.send(json.dumps({"kind": kind, "address": address, "port": port}).encode())
            answer, descriptors, _, _ = socket.recv_fds(self.channel, LONGEST_REQUEST_BYTES, 1)
        if not descriptors:
            message = answer.decode() or "the network of the pod is gone"
            raise ConnectionError(message)
        return socket.socket(fileno=descriptors[0])

    def close(self) -> None:
        """Let the helper end; sockets that it has opened stay open."""
        self.channel.close()
        self.process.wait()


def _connect(address: str, port: int) -> socket.socket:
    opened = socket.create_connection((address, port), timeout=CONNECT_SECONDS)
    opened.settimeout(None)
    return opened


def _listen(address: str, port: int) -> socket.socket:
    return socket.create_server((address, port), backlog=256)


def _datagrams(address: str, port: int) -> socket.socket:
    opened = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    opened.bind((address, port))
    return opened


OPENERS: Mapping[str, Callable[[str, int], socket.socket]] = {
    "connect": _connect,
    "listen": _listen,
    "datagrams": _datagrams,
}


def serve(channel: socket.socket) -> None:
    """Open what is asked for until the other side hangs up."""
    while request := channel.recv(LONGEST_REQUEST_BYTES):
        wanted = json.loads(request)
        try:
            with OPENERS[wanted["kind"]](wanted["address"], wanted["port"]) as opened:
                socket.send_fds(channel, [OPENED], [opened.fileno()])
        except OSError as error:
            channel.send(f"{type(error).__name__}: {error}".encode())


if __name__ == "__main__":
    serve(socket.socket(fileno=0))
