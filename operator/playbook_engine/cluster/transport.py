"""One HTTP request to the API server and its decoded answer, with the credentials of this process."""

import json
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import replace
from typing import Any

import aiohttp
from yarl import URL

from playbook_engine.cluster.connections import Connection, Connections
from playbook_engine.cluster.errors import (
    Answer,
    ClusterError,
    FencedError,
    UnavailableError,
    error_in,
    error_of,
)
from playbook_engine.cluster.messages import Call, Relayed, Request, Socket
from playbook_engine.fence import Fence
from playbook_engine.objects import mapping

_UNAUTHORIZED = 401
_SUCCESS = range(200, 300)
_READING = ("GET", "HEAD")
_TIMEOUT_SECONDS = 30.0

type OnAnswer = Callable[[str, int | None], None]
"""Called with the method of a request and the code of its answer, None when nobody answered."""


class Transport:
    """A connection to one API server."""

    def __init__(self, fence: Fence, *, on_answer: OnAnswer | None = None) -> None:
        """Read nothing yet: the credentials are looked for at the first request."""
        self._fence = fence
        self._on_answer = on_answer or (lambda _method, _code: None)
        self._connections = Connections()

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
                to = await self._connections.current()
                opening = to.session.ws_connect(
                    to.url(target), protocols=subprotocols, headers=to.headers({}), max_msg_size=0
                )
                socket = await open_ones.enter_async_context(opening)
            yield _WebSocket(socket)

    async def connect(self) -> None:
        """Look for credentials; raises NoCredentialsError. Nothing is said about whether the server answers."""
        await self._connections.current()

    async def close(self) -> None:
        """Close the connections."""
        await self._connections.close()

    async def _answered(
        self, open_ones: AsyncExitStack, call: Call, what: str, *, silence: float | None = _TIMEOUT_SECONDS
    ) -> aiohttp.ClientResponse:
        """Send, once more with fresh credentials when they are refused; the answer is open as long as ``open_ones``."""
        self._check(call.method, what)
        with _unavailable(what):
            to = await self._connections.current()
            response = await self._once(open_ones, to, call, silence)
            if response.status != _UNAUTHORIZED:
                return response
            fresh = await self._connections.current(refused=to)
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
        self, open_ones: AsyncExitStack, to: Connection, call: Call, silence: float | None
    ) -> aiohttp.ClientResponse:
        self._check(call.method, call.target)
        sending = to.session.request(
            call.method, to.url(call.target), data=call.body or None, headers=to.headers(call.headers),
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=_TIMEOUT_SECONDS, sock_read=silence),
        )  # fmt: skip
        return await open_ones.enter_async_context(sending)

    def _check(self, method: str, what: str) -> None:
        if method not in _READING and self._fence.left <= 0:
            raise FencedError(f"{what}: not sent, the lease is not held any more")


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
