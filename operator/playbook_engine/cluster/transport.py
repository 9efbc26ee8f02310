"""One HTTP request to the API server and its decoded answer, with the credentials of this process."""

import asyncio
import json
import os
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import aiohttp
from yarl import URL

from playbook_engine.cluster.credentials import log_in
from playbook_engine.cluster.errors import (
    Answer,
    ClusterError,
    FencedError,
    NoCredentialsError,
    UnavailableError,
    error_in,
    error_of,
)
from playbook_engine.cluster.login import Login
from playbook_engine.cluster.messages import Call, Relayed, Request, Socket
from playbook_engine.cluster.sessions import Session, open_session
from playbook_engine.fence import Fence
from playbook_engine.objects import mapping
from playbook_engine.observability.logs import get_logger

_UNAUTHORIZED = 401
_SUCCESS = range(200, 300)
_READING = ("GET", "HEAD")
_TIMEOUT_SECONDS = 30.0
_REREAD_SECONDS = 60.0
"""How old a token from a file may be: whoever renews it leaves minutes between a new one and the end of the old one."""
_EARLY_SECONDS = 10.0
"""So long before their end credentials are not used any more."""

log = get_logger(__name__)

type OnAnswer = Callable[[str, int | None], None]
"""Called with the method of a request and the code of its answer, None when nobody answered."""


@dataclass(frozen=True, slots=True)
class _Connection:
    """A session with the login that it is used with, and when that was read, in seconds of ``time.monotonic``."""

    session: Session
    login: Login
    read: float

    def is_stale(self) -> bool:
        """Whether the credentials have to be read again before they are used."""
        if self.login.expires and self.login.expires.timestamp() - time.time() < _EARLY_SECONDS:
            return True
        return self.login.is_renewed and time.monotonic() - self.read > _REREAD_SECONDS

    def url(self, target: str) -> URL:
        """Give the address of a path with its query, both encoded."""
        return URL(self.login.server.rstrip("/") + target, encoded=True)

    def headers(self, more: Mapping[str, str]) -> dict[str, str]:
        """Add who we are."""
        return {**more, "Authorization": self.login.authorization} if self.login.authorization else {**more}


class Transport:
    """A connection to one API server."""

    def __init__(self, fence: Fence, *, on_answer: OnAnswer | None = None) -> None:
        """Read nothing yet: the credentials are looked for at the first request."""
        self._fence = fence
        self._on_answer = on_answer or (lambda _method, _code: None)
        self._connection: _Connection | None = None
        self._logging_in = asyncio.Lock()

    async def send(self, request: Request) -> Any:  # noqa: ANN401 - whatever the API server says
        """Send and give the decoded answer; raises ClusterError: UnavailableError when nobody answers.

        The fence is looked at before anything, and again when nothing but the sending is left.
        """
        what = f"{request.method} {request.path}"
        call = Call(
            method=request.method,
            target=str(URL.build(path=request.path, query=request.query)),
            headers={"Content-Type": request.media, "Accept": request.accept},
            body=b"" if request.body is None else json.dumps(request.body).encode(),
        )
        with self._heard(call.method):
            async with AsyncExitStack() as open_ones:
                response = await self._answered(open_ones, call, what)
                with _unavailable(what):
                    content = await response.read()
        self._on_answer(call.method, response.status)
        if response.status not in _SUCCESS:
            raise error_of(_answer(response, content), what=what)
        return _decoded(content, what) if content else {}

    @asynccontextmanager
    async def relay(self, call: Call, *, silence: float | None = _TIMEOUT_SECONDS) -> AsyncIterator[Relayed]:
        """Hand a request on with the credentials of this process, and give the answer as it comes.

        ``silence`` is how many seconds nothing may come, None for ever. Raises UnavailableError when nobody answers,
        FencedError.
        """
        what = f"{call.method} {call.target.partition('?')[0]}"
        plain = replace(call, headers={**call.headers, "Accept-Encoding": "identity"})
        async with AsyncExitStack() as open_ones:
            with self._heard(call.method):
                response = await self._answered(open_ones, plain, what, silence=silence)
            self._on_answer(call.method, response.status)
            yield Relayed(status=response.status, headers=response.headers, chunks=_chunks(response, what))

    @asynccontextmanager
    async def socket(self, target: str, subprotocols: Sequence[str]) -> AsyncIterator[Socket]:
        """Open a web socket; whatever is done over it counts as a write. Raises UnavailableError, FencedError."""
        what = f"connect to {target.partition('?')[0]}"
        self._check("CONNECT", what)
        async with AsyncExitStack() as open_ones:
            with _unavailable(what):
                to = await self._connected()
                opening = to.session.ws_connect(
                    to.url(target), protocols=subprotocols, headers=to.headers({}), max_msg_size=0
                )
                socket = await open_ones.enter_async_context(opening)
            yield _WebSocket(socket)

    async def connect(self) -> None:
        """Look for credentials; raises NoCredentialsError. Nothing is said about whether the server answers."""
        await self._connected()

    async def close(self) -> None:
        """Close the connections."""
        if self._connection:
            await self._connection.session.close()

    async def _answered(
        self, open_ones: AsyncExitStack, call: Call, what: str, *, silence: float | None = _TIMEOUT_SECONDS
    ) -> aiohttp.ClientResponse:
        """Send, once more with fresh credentials when they are refused; the answer is open as long as ``open_ones``."""
        self._check(call.method, what)
        with _unavailable(what):
            to = await self._connected()
            response = await self._once(open_ones, to, call, silence)
            if response.status != _UNAUTHORIZED:
                return response
            fresh = await self._connected(refused=to)
            if fresh.login == to.login:
                return response
            await open_ones.aclose()
            return await self._once(open_ones, fresh, call, silence)

    @contextmanager
    def _heard(self, method: str) -> Iterator[None]:
        """Count a request that nobody answers."""
        try:
            yield
        except UnavailableError:
            self._on_answer(method, None)
            raise

    async def _once(
        self, open_ones: AsyncExitStack, to: _Connection, call: Call, silence: float | None
    ) -> aiohttp.ClientResponse:
        self._check(call.method, call.target)
        sending = to.session.request(
            call.method, to.url(call.target), data=call.body or None, headers=to.headers(call.headers),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_SECONDS, sock_read=silence),
        )  # fmt: skip
        return await open_ones.enter_async_context(sending)

    async def _connected(self, *, refused: _Connection | None = None) -> _Connection:
        """Give the connection, with credentials read again when they are stale or were ``refused``.

        Raises NoCredentialsError when there are none yet; else the ones before are gone on with.
        """
        async with self._logging_in:
            known = self._connection
            if known and known is not refused and not known.is_stale():
                return known
            try:
                login = await asyncio.to_thread(log_in, os.environ)
                self._connection = await _connection(login, known)
            except NoCredentialsError as error:
                if known is None:
                    raise
                log.warning("the credentials cannot be read again", reason=str(error))
                return known
            return self._connection

    def _check(self, method: str, what: str) -> None:
        if method not in _READING and self._fence.left <= 0:
            raise FencedError(f"{what}: not sent, the lease is not held any more")


async def _connection(login: Login, known: _Connection | None) -> _Connection:
    """Keep the session of a known connection when the way to the server is the same."""
    if known and _way(login) == _way(known.login):
        return _Connection(known.session, login, time.monotonic())
    session = open_session(_way(login))
    if known:
        await known.session.close()
    return _Connection(session, login, time.monotonic())


def _way(login: Login) -> Login:
    """Give what a session depends on: the token is told with each request."""
    return replace(login, authorization="", expires=None, is_renewed=False)


class _WebSocket:
    """A ``Socket`` over that of aiohttp."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.subprotocol = socket.protocol or ""

    async def messages(self) -> AsyncIterator[bytes]:
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                yield message.data.encode()

    async def send(self, message: bytes) -> None:
        with suppress(aiohttp.ClientError, OSError):
            await self._socket.send_bytes(message)


async def refused(answer: Relayed, *, what: str) -> ClusterError:
    """Read an answer that is no success, and give the error."""
    return error_in({**_status(await answer.read()), "code": answer.status}, what=what)


@contextmanager
def _unavailable(what: str) -> Iterator[None]:
    """Tell of requests that nobody answers, or of which the answer breaks off."""
    try:
        yield
    except (aiohttp.ClientError, OSError) as error:
        raise UnavailableError(
            f"{what}: the API server does not answer: {str(error) or type(error).__name__}"
        ) from error


async def _chunks(response: aiohttp.ClientResponse, what: str) -> AsyncIterator[bytes]:
    with _unavailable(what):
        async for chunk in response.content.iter_any():
            yield chunk


def _decoded(content: bytes, what: str) -> Any:  # noqa: ANN401 - whatever the API server says
    try:
        return json.loads(content)
    except ValueError as error:
        raise UnavailableError(f"{what}: the API server does not answer in JSON") from error


def _status(content: bytes) -> Mapping[str, object]:
    try:
        return mapping(json.loads(content))
    except ValueError:  # a proxy before the API server has its own words
        return {}


def _answer(response: aiohttp.ClientResponse, content: bytes) -> Answer:
    status = _status(content)
    after = response.headers.get("Retry-After", "")
    return Answer(
        code=response.status,
        reason=str(status.get("reason") or response.reason or ""),
        message=str(status.get("message") or ""),
        retry_after=float(after) if after.isdecimal() else 0.0,
    )
