"""The server of the runs' requests: who asks is known by a token that holds as long as the run goes on.

Reads are streamed as they come, watches and logs among them; ``exec``, ``attach`` and ``port-forward`` go over web
sockets. Everything is sent with the credentials of the engine, and nothing is written after its tenure.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web

from playbook_engine.cluster.errors import ClusterError, FencedError
from playbook_engine.cluster.messages import Call, Relayed, Socket
from playbook_engine.observability.logs import get_logger
from playbook_engine.proxy.kubeconfigs import kubeconfig
from playbook_engine.proxy.owning import Owner
from playbook_engine.proxy.requests import READING, Requests, Subject, Upstream
from playbook_engine.proxy.sessions import News, Session
from playbook_engine.proxy.targets import target_of
from playbook_engine.tasks import cancelled
from playbook_engine.watches.records import Dependents

if TYPE_CHECKING:
    from playbook_engine.proxy.certificates import Certificate

MOST_BYTES = 16 * 2**20
"""The API server takes less."""

_HOP_BY_HOP = frozenset(
    (
        "accept-encoding", "authorization", "connection", "content-length", "host", "keep-alive", "proxy-authorization",
        "te", "trailer", "transfer-encoding", "upgrade",
    )
)  # fmt: skip
_SUCCESS = range(200, 300)
_LOOPBACK = "127.0.0.1"
_JSON = "application/json"

log = get_logger(__name__)


class Proxy:
    """Lets runs ask the API server, each in the name of its resource."""

    def __init__(self, upstream: Upstream, news: News, *, namespaces: tuple[str, ...] = ()) -> None:
        """Listen to nobody yet; own nothing outside ``namespaces``, when some are given."""
        self._upstream = upstream
        self._news = news
        self._requests = Requests(upstream, namespaces=namespaces)
        self._sessions: dict[str, Session] = {}
        self._certificate: Certificate | None = None
        self._port = 0

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Listen on a free port of loopback while the block runs; raises OSError."""
        from playbook_engine.proxy.certificates import make_certificate  # noqa: PLC0415 - many operators serve no runs

        self._certificate = await asyncio.to_thread(make_certificate)
        app = web.Application(client_max_size=MOST_BYTES)
        app.add_routes([web.route("*", "/{path:.*}", self._handle)])
        runner = web.AppRunner(app, access_log=None, handler_cancellation=True, shutdown_timeout=1.0)
        await runner.setup()
        try:
            context = self._certificate.context
            await web.TCPSite(runner, _LOOPBACK, 0, ssl_context=context).start()
            self._port = runner.addresses[0][1]
            log.info("runs reach the API server through the engine", port=self._port)
            yield
        finally:
            await runner.cleanup()

    @asynccontextmanager
    async def session(self, owner: Owner, policy: Dependents) -> AsyncIterator[Session]:
        """Let a run ask while the block runs; ``serving`` must go on."""
        if self._certificate is None:
            raise RuntimeError(f"a run for {owner.key} cannot reach the API server: nothing listens yet")
        token = secrets.token_urlsafe(32)
        session = self._sessions[token] = Session(
            owner=owner,
            policy=policy,
            news=self._news,
            kubeconfig=kubeconfig(
                port=self._port,
                authority=self._certificate.pem,
                token=token,
                namespace=owner.key.namespace,
            ),
        )
        try:
            yield session
        finally:
            del self._sessions[token]
            self._news.ended(owner.key)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        session = self._sessions.get(token) if scheme == "Bearer" else None
        if session is None:
            return _status(
                401, "Unauthorized", "only a run that goes on may ask here, with the token of its kubeconfig"
            )
        try:
            if "Upgrade" in request.headers:
                return await self._connect(request)
            return await self._answer(request, session)
        except FencedError as error:
            return _status(403, "Forbidden", str(error))
        except ClusterError as error:
            return _status(503, "ServiceUnavailable", str(error))

    async def _answer(self, request: web.Request, session: Session) -> web.StreamResponse:
        call = Call(
            method=request.method,
            target=request.raw_path,
            headers=_kept(request.headers),
            body=await request.read(),
        )
        subject = await self._subject(request, session)
        if subject and request.method not in READING and session.policy.inject_owner:
            call = await self._requests.owned(session, subject, call)
        async with self._upstream.relay(call) as answer:
            if subject is None or answer.status not in _SUCCESS or not _is_json(answer):
                return await _streamed(request, answer)
            body = await answer.read()
            self._requests.learn(session, subject, request.method, body)
            return web.Response(status=answer.status, body=body, headers=_kept(answer.headers))

    async def _subject(self, request: web.Request, session: Session) -> Subject | None:
        """Give what a request is about when it is about one object, not about many or what comes of them."""
        target = target_of(request.rel_url.raw_path)
        many = target is not None and not target.name and request.method != "POST"
        if many or "watch" in request.query:
            return None
        return await self._requests.subject(session, target, request.rel_url.raw_query_string)

    async def _connect(self, request: web.Request) -> web.StreamResponse:
        if request.headers["Upgrade"].lower() != "websocket":
            text = f"a connection by {request.headers['Upgrade']} is not handed on; use a client that speaks WebSocket"
            return _status(400, "BadRequest", text)
        wanted = [
            name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",") if name
        ]
        async with self._upstream.socket(request.raw_path, wanted) as above:
            below = web.WebSocketResponse(protocols=filter(None, [above.subprotocol]), max_msg_size=0)
            await below.prepare(request)
            await _first_of(_down(above, below), _up(below, above))
            await below.close()
            return below


async def _first_of(*ways: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.ensure_future(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await cancelled(tasks)


async def _down(above: Socket, below: web.WebSocketResponse) -> None:
    with suppress(ConnectionError):
        async for message in above.messages():
            await below.send_bytes(message)


async def _up(below: web.WebSocketResponse, above: Socket) -> None:
    async for message in below:
        if message.type is WSMsgType.BINARY:
            await above.send(message.data)
        elif message.type is WSMsgType.TEXT:
            await above.send(message.data.encode())


async def _streamed(request: web.Request, answer: Relayed) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=_kept(answer.headers))
    await response.prepare(request)
    try:
        async for chunk in answer.chunks:
            await response.write(chunk)
    except ClusterError:
        if request.transport is not None:  # else the client would take what it has for the whole
            request.transport.abort()
        return response
    await response.write_eof()
    return response


def _is_json(answer: Relayed) -> bool:
    return answer.headers.get("Content-Type", "").partition(";")[0] == _JSON


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _HOP_BY_HOP}


def _status(code: int, reason: str, message: str) -> web.Response:
    """Refuse in the words that clients of the API server understand."""
    body = {
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    }  # fmt: skip
    return web.json_response(body, status=code)
