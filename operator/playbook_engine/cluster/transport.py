"""One HTTP request to the API server and its decoded answer; the only importer of kr8s.

kr8s knows kubeconfigs, service accounts, exec plugins and expiring tokens; nothing else of it is used.
"""

import asyncio
import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import kr8s
import kr8s.asyncio

from playbook_engine.cluster.errors import (
    Answer,
    FencedError,
    NoCredentialsError,
    UnavailableError,
    error_of,
)
from playbook_engine.fence import Fence

_UNAUTHORIZED = 401
_SUCCESS = range(200, 300)
_READING = ("GET", "HEAD")
_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request; ``path`` begins with a slash, ``media`` is the type of ``body``, ``accept`` of the answer."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: object = None
    media: str = "application/json"
    accept: str = "application/json"


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
        self._check(request)
        what = f"{request.method} {request.path}"
        try:
            api = await self._connected()
            response = await self._once(api, request)
            if response.status_code == _UNAUTHORIZED:  # an expired token
                await api.async_reauthenticate()
                response = await self._once(api, request)
        except (httpx.HTTPError, OSError, kr8s.APITimeoutError) as error:
            self._on_answer(request.method, None)
            raise UnavailableError(
                f"{what}: the API server does not answer: {str(error) or type(error).__name__}"
            ) from error
        self._on_answer(request.method, response.status_code)
        if response.status_code not in _SUCCESS:
            raise error_of(_answer(response), what=what)
        return response.json() if response.content else {}

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

    def _check(self, request: Request) -> None:
        if request.method not in _READING and self._fence.left <= 0:
            raise FencedError(f"{request.method} {request.path}: not sent, the lease is not held any more")

    async def _once(self, api: Any, request: Request) -> httpx.Response:  # noqa: ANN401 - kr8s has no types
        self._check(request)
        body = None if request.body is None else json.dumps(request.body).encode()
        headers = {"Content-Type": request.media, "Accept": request.accept}
        base, _, last = request.path.rpartition("/")
        async with api.call_api(
            request.method, version="", base=base, url=last,
            params=dict(request.query), content=body, headers=headers, raise_for_status=False,
        ) as response:  # fmt: skip
            answer: httpx.Response = response
            return answer


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
