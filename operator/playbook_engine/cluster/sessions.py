"""HTTP sessions to an API server for a login."""

import os
import ssl
from asyncio import sslproto
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp

from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.login import Login

type Session = aiohttp.ClientSession

sslproto.SSLProtocol.max_size = 32 * 1024
"""Bytes that each TLS connection sets aside for what it reads, and holds as long as it lives, a quiet watch too.

Python's own number is 256 KiB, which is 9 MiB for the connections of an operator that watches twenty kinds; a record of
TLS has 16 KiB at most.
"""


def open_session(login: Login) -> Session:
    """Open one in the running event loop; each of its requests says who we are.

    Raises NoCredentialsError when what should be certificates or a key is none.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trust_of(login)),
        headers={"Authorization": login.authorization} if login.authorization else {},
        timeout=aiohttp.ClientTimeout(total=None),
        proxy=login.proxy or None,
        trust_env=not login.proxy,
    )


def trust_of(login: Login) -> ssl.SSLContext:
    """Give what a server is trusted by and a client known by.

    Certificates of clusters are judged as client-go does: Python's own defaults are stricter, and refuse authorities
    that many clusters have.
    """
    context = _Context(ssl.PROTOCOL_TLS_CLIENT)
    context.name = login.server_name
    try:
        _fill(context, login)
    except ssl.SSLError as error:
        reason = error.reason or str(error)
        raise NoCredentialsError(f"the certificates for {login.server} cannot be used: {reason}") from error
    return context


def _fill(context: ssl.SSLContext, login: Login) -> None:
    if login.insecure:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    elif login.authority:
        context.load_verify_locations(cadata=login.authority)
    else:
        context.load_default_certs()
    if login.certificate and login.key:
        with _in_memory(login.certificate) as certificate, _in_memory(login.key) as key:
            context.load_cert_chain(certificate, key)


class _Context(ssl.SSLContext):
    """Trust that may expect another name in a certificate than that of the address."""

    name = ""

    def wrap_bio(
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,  # noqa: FBT001, FBT002 - as it is called
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """Begin TLS, as asyncio does it."""
        return super().wrap_bio(incoming, outgoing, server_side, self.name or server_hostname, session)


@contextmanager
def _in_memory(text: str) -> Iterator[str]:
    """Give the name of a file that is on no disk: Python takes certificates and keys from files only."""
    descriptor = os.memfd_create("tls", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
