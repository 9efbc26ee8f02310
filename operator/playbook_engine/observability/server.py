"""Probes and metrics over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiohttp import web

from playbook_engine.observability.metrics import CONTENT_TYPE, Metrics
from playbook_engine.settings.forms import Address

type Look = Callable[[], str]
"""Gives why something is not as it should be, or an empty text when it is."""

type Runs = Callable[[], list[dict[str, object]]]
"""Gives the runs that go on, as plain data."""


class ListenError(Exception):
    """An address cannot be listened on."""


type Handler = Callable[[web.Request], Awaitable[web.Response]]


@asynccontextmanager
async def serving(
    *, probes: Address | None, metrics_at: Address | None, metrics: Metrics, ready: Look, runs: Runs
) -> AsyncIterator[None]:
    """Serve ``/healthz``, ``/readyz``, ``/metrics`` and ``/runs`` while the block runs.

    Raises ListenError for a taken port.
    A process that answers at all is healthy: one of whose parts has failed ends by itself.
    """
    routes = {
        probes: [web.get("/healthz", _probe(lambda: "")), web.get("/readyz", _probe(ready))],
    }
    routes.setdefault(metrics_at, []).extend(
        (web.get("/metrics", _metrics(metrics)), web.get("/runs", _listing(runs)))
    )
    runners = [await _serve(address, found) for address, found in routes.items() if address]
    try:
        yield
    finally:
        for runner in runners:
            await runner.cleanup()


async def _serve(address: Address, routes: list[web.RouteDef]) -> web.AppRunner:
    app = web.Application()
    app.add_routes(routes)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, address.host, address.port).start()
    except OSError as error:
        await runner.cleanup()
        raise ListenError(
            f"cannot listen on {address}: {error.strerror or error}; choose another address"
        ) from error
    return runner


def _probe(look: Look) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        problem = look()
        return web.Response(status=503 if problem else 200, text=problem or "ok")

    return answer


def _listing(runs: Runs) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response(runs())

    return answer


def _metrics(metrics: Metrics) -> Handler:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE})

    return answer
