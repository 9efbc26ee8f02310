"""A proxy between an operator and the API server that does what a script says; everything else passes untouched.

It speaks TLS with a certificate of its own, and hands the operator's token on, so that the API server sees the
operator as it is. It has a thread and an event loop of its own.
"""

import asyncio
import base64
import json
import ssl
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

import aiohttp
import yaml
from aiohttp import web

from playbook_engine.proxy.certificates import make_certificate
from tests.support.api import Api
from tests.support.faults.scripts import HANG_SECONDS, Answer, Call, Fault, Script, status_body

_HOP = {"host", "connection", "transfer-encoding", "content-length", "content-encoding", "keep-alive"}
_TOO_MANY = 429


class FaultProxy:
    """Listens on loopback as long as it is not stopped; ``calls`` are those since the last ``play``."""

    def __init__(self, api: Api) -> None:
        """Start, in front of the API server that ``api`` knows."""
        self.calls: list[Call] = []
        self._api = api
        self._certificate = make_certificate()
        self._script = Script()
        self._loop: asyncio.AbstractEventLoop
        self._ended: asyncio.Event = asyncio.Event()
        self._host = ""
        started = threading.Event()
        self._thread = threading.Thread(target=self._live, args=(started,), daemon=True)
        self._thread.start()
        assert started.wait(30), "the proxy does not start"

    def play(self, script: Script | None = None) -> None:
        """Do what ``script`` says from now on; without one let everything pass."""
        self.calls = []
        self._script = script or Script()

    def lead_through(self, kubeconfig: Path) -> None:
        """Change a kubeconfig so that its user goes through the proxy."""
        config = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
        authority = base64.b64encode(self._certificate.pem).decode()
        config["clusters"][0]["cluster"] = {
            "server": f"https://{self._host}",
            "certificate-authority-data": authority,
        }
        kubeconfig.write_text(yaml.safe_dump(config), encoding="utf-8")

    def stop(self) -> None:
        """Close everything."""
        self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=30)

    def _live(self, started: threading.Event) -> None:
        with suppress(asyncio.CancelledError):
            asyncio.run(self._serve(started))

    async def _serve(self, started: threading.Event) -> None:
        self._loop = asyncio.get_running_loop()
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", self._handle)
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=1.0)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=self._certificate.context)
        await site.start()
        self._host = "{}:{}".format(*runner.addresses[0][:2])
        trust = ssl.create_default_context(
            cadata=self._api.authority
        )  # no certificate of a client: the token counts
        connector = aiohttp.TCPConnector(ssl=trust, limit=0)
        timeout = aiohttp.ClientTimeout(total=None)
        async with aiohttp.ClientSession(
            connector=connector, timeout=timeout, auto_decompress=False
        ) as session:
            self._session = session
            started.set()
            await self._ended.wait()
            await runner.cleanup()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        call = Call(
            method=request.method,
            path=request.path,
            watches=request.query.get("watch", "") in ("true", "1", "True"),
        )
        body = await request.read()
        script = self._script
        self.calls.append(call)
        fault = script.fault(call)
        if fault is None:
            return await self._pass(request, body, script, call)
        return await self._fail(request, body, script, fault)

    async def _fail(
        self, request: web.Request, body: bytes, script: Script, fault: Fault
    ) -> web.StreamResponse:
        if fault.status:
            headers = {"Retry-After": "1"} if fault.status == _TOO_MANY else {}
            answer = status_body(fault.status)
            return web.Response(
                status=fault.status, body=answer, content_type="application/json", headers=headers
            )
        if fault in (Fault.REFUSED, Fault.KILL_BEFORE):
            if fault is Fault.KILL_BEFORE:
                await asyncio.to_thread(script.killed)
            return _cut(request)
        status, headers, content = await self._send(request, body)
        if fault is Fault.KILL_AFTER:
            await asyncio.to_thread(script.killed)
        if fault in (Fault.RESET, Fault.KILL_AFTER):
            return _cut(request)
        if fault is Fault.TRUNCATED:
            return await _half(request, status, headers, content)
        await asyncio.sleep(HANG_SECONDS)
        return web.Response(status=status, body=content, headers=headers)

    async def _pass(
        self, request: web.Request, body: bytes, script: Script, call: Call
    ) -> web.StreamResponse:
        if call.watches:
            return await self._stream(request, call)
        status, headers, content = await self._send(request, body)
        answer = script.answer(call, Answer(status, content))
        return web.Response(status=answer.status, body=answer.body, headers=headers)

    async def _send(self, request: web.Request, body: bytes) -> tuple[int, dict[str, str], bytes]:
        async with self._upstream(request, body) as answer:
            content = await answer.read()
            return answer.status, _kept(answer.headers), content

    async def _stream(self, request: web.Request, call: Call) -> web.StreamResponse:
        async with self._upstream(request, b"") as answer:
            response = web.StreamResponse(status=answer.status, headers=_kept(answer.headers))
            await response.prepare(request)
            with suppress(ConnectionError, aiohttp.ClientError):
                async for line in _lines(answer.content):
                    for event in self._script.events(call, json.loads(line)):  # a watch outlives a script
                        await response.write(json.dumps(event).encode() + b"\n")
                await response.write_eof()
            return response

    def _upstream(self, request: web.Request, body: bytes) -> Any:  # noqa: ANN401 - aiohttp's own
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        headers["Accept-Encoding"] = "identity"
        return self._session.request(
            request.method, f"https://{self._api.host}{request.path_qs}", data=body or None, headers=headers
        )


async def _lines(content: aiohttp.StreamReader) -> Any:  # noqa: ANN401 - an asynchronous iterator
    rest = b""
    async for chunk in content.iter_any():
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line


def _kept(headers: Any) -> dict[str, str]:  # noqa: ANN401 - aiohttp's own
    return {name: value for name, value in headers.items() if name.lower() not in _HOP}


def _cut(request: web.Request) -> web.Response:
    """Break the connection."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


async def _half(
    request: web.Request, status: int, headers: dict[str, str], content: bytes
) -> web.StreamResponse:
    response = web.StreamResponse(status=status, headers={**headers, "Content-Length": str(len(content))})
    await response.prepare(request)
    await response.write(content[: len(content) // 2])
    _cut(request)
    return response
