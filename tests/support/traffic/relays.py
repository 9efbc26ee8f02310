"""Brings a server of this machine, or of another pod, into the network of a pod, byte by byte; ends TLS when asked."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from tests.support.traffic.clients import Opener

PIECE_BYTES = 65536


def local(port: int) -> Opener:
    """Return what connects to a port of this machine's loopback address."""
    return lambda: socket.create_connection(("127.0.0.1", port))


@dataclass(frozen=True, slots=True)
class Relay:
    """Leads to where ``opener`` connects."""

    opener: Opener
    tls: ssl.SSLContext | None = None

    @contextmanager
    def serve(self, listener: socket.socket) -> Iterator[None]:
        """Take connections from the listening socket for the length of a block."""
        thread = threading.Thread(target=self._accept, args=(listener,), daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

    def _accept(self, listener: socket.socket) -> None:
        with suppress(OSError):  # which says that the listener was shut down
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def _connect(self, client: socket.socket) -> None:
        with suppress(OSError), client:  # one side hangs up, or TLS is refused: so does the other
            inside = self.tls.wrap_socket(client, server_side=True) if self.tls else client
            with inside, self.opener() as server:
                back = threading.Thread(target=_pump, args=(server, inside), daemon=True)
                back.start()
                _pump(inside, server)
                back.join()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            target.sendall(piece)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
