"""One HTTP request to the API server and its decoded answer; the only importer of kr8s.

kr8s knows kubeconfigs, service accounts, exec plugins and expiring tokens; nothing else of it is used.
"""

import asyncio
import json
import sys
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from importlib.util import find_spec
from typing import Any

import httpx
import httpx_ws
import kr8s
import kr8s.asyncio

from playbook_engine.cluster.errors import (
    Answer,
    ClusterError,
    FencedError,
    NoCredentialsError,
    UnavailableError,
    error_in,
    error_of,
)
from playbook_engine.cluster.messages import Call, Relayed, Request, Socket
from playbook_engine.fence import Fence

_UNAUTHORIZED = 401
_SUCCESS = range(200, 300)
_READING = ("GET", "HEAD")
_TIMEOUT_SECONDS = 30.0
_ROOT = "/."
"""Where paths of one part are; a path may not begin with two slashes."""

if find_spec("sniffio") is None:
    # httpcore tries to import it several times for each request, and each time Python looks through all directories
    # for what it has not found, unless it is told so: that was 7 % of the engine's processor time.
    sys.modules["sniffio"] = None  # type: ignore[assignment]

type OnAnswer = Callable[[str, int | None], None]
"""Called with the method of a request and the code of its answer, None when nobody answered."""


class Transport:
    """A connection to one API server."""

    def __init__(self, fence: Fence, *, on_answer: OnAnswer | None = None) -> None:
        """Read nothing yet: the credentials are looked for at the first request."""
        self._fence = fence
        self._on_answer = on_answer or (lambda _method, _code: None)
        self._api: Any = None
        self._login = asyncio.Lock()

    async def send(self, request: Request) -> Any:  # noqa: ANN401 - whatever the API server says
        """Send and give the decoded answer; raises ClusterError: UnavailableError when nobody answers.

        The fence is looked at before anything, and again when nothing but the sending is left.
        """
        what = f"{request.method} {request.path}"
        self._check(request.method, what)
        try:
            api = await self._connected()
            response = await self._once(api, request)
            if response.status_code == _UNAUTHORIZED:  # an expired token
                await api.async_reauthenticate()
                response = await self._once(api, request)
        except (httpx.HTTPError, OSError, kr8s.APITimeoutError) as error:
            self._on_answer(request.method, None)
            raise _unanswered(what, error) from error
        self._on_answer(request.method, response.status_code)
        if response.status_code not in _SUCCESS:
            raise error_of(_answer(response), what=what)
        return response.json() if response.content else {}

    @asynccontextmanager
    async def relay(self, call: Call, *, silence: float | None = _TIMEOUT_SECONDS) -> AsyncIterator[Relayed]:
        """Hand a request on with the credentials of this process, and give the answer as it comes.

        ``silence`` is how many seconds nothing may come, None for ever. Raises UnavailableError when nobody answers,
        FencedError.
        """
        what = f"{call.method} {call.target.partition('?')[0]}"
        self._check(call.method, what)
        async with AsyncExitStack() as open_ones:
            try:
                api = await self._connected()
                response = await open_ones.enter_async_context(self._streamed(api, call, silence))
                if response.status_code == _UNAUTHORIZED:
                    await open_ones.aclose()
                    await api.async_reauthenticate()
                    response = await open_ones.enter_async_context(self._streamed(api, call, silence))
            except (httpx.HTTPError, OSError, kr8s.APITimeoutError) as error:
                self._on_answer(call.method, None)
                raise _unanswered(what, error) from error
            self._on_answer(call.method, response.status_code)
            chunks = _chunks(response, what)
            yield Relayed(status=response.status_code, headers=response.headers, chunks=chunks)

    @asynccontextmanager
    async def socket(self, target: str, subprotocols: Sequence[str]) -> AsyncIterator[Socket]:
        """Open a web socket; whatever is done over it counts as a write. Raises UnavailableError, FencedError."""
        what = f"connect to {target.partition('?')[0]}"
        self._check("CONNECT", what)
        base, last = _split(target)
        async with AsyncExitStack() as open_ones:
            try:
                api = await self._connected()
                opening = api.open_websocket(version="", base=base, url=last, subprotocols=list(subprotocols))
                session = await open_ones.enter_async_context(opening)
            except (httpx.HTTPError, httpx_ws.HTTPXWSException, OSError) as error:
                raise _unanswered(what, error) from error
            yield _WebSocket(session)

    async def connect(self) -> None:
        """Look for credentials; raises NoCredentialsError. Nothing is said about whether the server answers."""
        await self._connected()

    async def close(self) -> None:
        """Close the connections."""
        session = getattr(self._api, "_session", None)
        if session is not None:
            await session.aclose()

    async def _connected(self) -> Any:  # noqa: ANN401 - kr8s has no types
        async with self._login:
            if self._api is None:
                with warnings.catch_warnings():
                    # It knows older servers only, and nothing of it is used that depends on their version.
                    warnings.filterwarnings("ignore", message="Kubernetes version .* is not supported")
                    self._api = await _api()
                self._api.timeout = _TIMEOUT_SECONDS
        return self._api

    def _check(self, method: str, what: str) -> None:
        if method not in _READING and self._fence.left <= 0:
            raise FencedError(f"{what}: not sent, the lease is not held any more")

    def _streamed(self, api: Any, call: Call, silence: float | None) -> Any:  # noqa: ANN401 - kr8s has no types
        self._check(call.method, call.target)
        base, last = _split(call.target)
        return api.call_api(
            call.method, version="", base=base, url=last, stream=True, raise_for_status=False,
            content=call.body or None, headers={**call.headers, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(_TIMEOUT_SECONDS, read=silence),
        )  # fmt: skip

    async def _once(self, api: Any, request: Request) -> httpx.Response:  # noqa: ANN401 - kr8s has no types
        self._check(request.method, f"{request.method} {request.path}")
        body = None if request.body is None else json.dumps(request.body).encode()
        headers = {"Content-Type": request.media, "Accept": request.accept}
        base, _, last = request.path.rpartition("/")
        async with api.call_api(
            request.method, version="", base=base, url=last,
            params=dict(request.query), content=body, headers=headers, raise_for_status=False,
        ) as response:  # fmt: skip
            answer: httpx.Response = response
            return answer


class _WebSocket:
    """A ``Socket`` over that of kr8s."""

    def __init__(self, session: httpx_ws.AsyncWebSocketSession) -> None:
        self._session = session
        self.subprotocol = session.subprotocol or ""

    async def messages(self) -> AsyncIterator[bytes]:
        with suppress(httpx_ws.HTTPXWSException):
            while True:
                yield await self._session.receive_bytes()

    async def send(self, message: bytes) -> None:
        with suppress(httpx_ws.HTTPXWSException):
            await self._session.send_bytes(message)


def _split(target: str) -> tuple[str, str]:
    """Split a target into what comes before the last part of its path, which kr8s wants, and the rest."""
    path, mark, query = target.partition("?")
    base, _, last = path.rpartition("/")
    return base or _ROOT, last + mark + query


async def refused(answer: Relayed, *, what: str) -> ClusterError:
    """Read an answer that is no success, and give the error."""
    try:
        status = json.loads(await answer.read())
    except ValueError:
        status = {}
    told = status if isinstance(status, dict) else {}
    return error_in({**told, "code": answer.status}, what=what)


def _unanswered(what: str, error: Exception) -> UnavailableError:
    return UnavailableError(f"{what}: the API server does not answer: {str(error) or type(error).__name__}")


async def _chunks(response: httpx.Response, what: str) -> AsyncIterator[bytes]:
    try:
        async for chunk in response.aiter_raw():
            yield chunk
    except (httpx.HTTPError, httpx.StreamError, OSError) as error:
        raise _unanswered(what, error) from error


async def _api() -> Any:  # noqa: ANN401 - kr8s has no types
    try:
        return await kr8s.asyncio.api()
    except (ValueError, KeyError, OSError) as error:
        reason = f"no cluster to talk to ({error}): set KUBECONFIG, or run in a pod with a service account"
        raise NoCredentialsError(reason) from error


def _answer(response: httpx.Response) -> Answer:
    try:
        status = response.json()
    except ValueError:
        status = {}
    status = status if isinstance(status, dict) else {}
    after = response.headers.get("Retry-After", "")
    return Answer(
        code=response.status_code,
        reason=str(status.get("reason") or response.reason_phrase),
        message=str(status.get("message") or ""),
        retry_after=float(after) if after.isdecimal() else 0.0,
    )
