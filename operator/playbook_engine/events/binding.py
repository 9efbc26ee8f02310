"""The only importer of kopf: it watches, and hands every event on. Nothing of kopf is written onto objects."""

import asyncio
import logging
import os
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from playbook_engine.cluster.credentials import log_in
from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.cluster.login import Login
from playbook_engine.cluster.sessions import open_session
from playbook_engine.events.intake import DEFINITIONS, Intake
from playbook_engine.imports import without
from playbook_engine.objects import GroupVersionKind, key_of, mapping, uid_of
from playbook_engine.observability.logs import get_logger

with without("kubernetes", "kubernetes_asyncio", "pykube"):  # it knows their objects, which are never here
    import kopf

logging.getLogger("kopf._core.reactor.running").setLevel(logging.CRITICAL)
# What it says, the engine says: how watching ended; and that signals are not its business.


class _Retries(logging.Filter):
    """A request that kopf makes again, as while the API server is still starting, is no error yet."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Make a warning of it."""
        if record.levelno == logging.ERROR and "will retry" in record.getMessage():
            record.levelno, record.levelname = logging.WARNING, logging.getLevelName(logging.WARNING)
        return True


logging.getLogger("kopf._cogs.clients.watching").addFilter(_Retries())
logging.getLogger("kopf._core.reactor.observation").addFilter(
    lambda record: not record.getMessage().startswith("Unresolved resources cannot be served")
)  # the engine says once which kinds are not served, and takes them when they are

log = get_logger(__name__)

_LOGIN_SECONDS = 5.0
"""So long kopf waits before it looks for credentials again."""


class _NothingHandled(kopf.DiffBaseStorage):
    """How an object was when it was handled last, which handlers of events do not ask.

    kopf copies each object for it at every event, several times, whether or not somebody asks.
    """

    def build(self, **_: object) -> kopf.BodyEssence:
        """Tell nothing of an object."""
        return kopf.BodyEssence()

    def fetch(self, **_: object) -> None:
        """Know nothing of earlier."""

    def store(self, **_: object) -> None:
        """Write nothing onto an object."""


class _NoProgress(kopf.ProgressStorage):
    """How far the handlers of an object are, which is nowhere: those of events are called once."""

    def fetch(self, **_: object) -> None:
        """Know of no handler."""

    def store(self, **_: object) -> None:
        """Write nothing onto an object."""

    def purge(self, **_: object) -> None:
        """Find nothing to remove."""

    def touch(self, **_: object) -> None:
        """Write nothing onto an object."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Leave it as it is: there is no progress in it."""
        return essence


type Served = Callable[[str, str], None]
"""Called with group and kind of a definition that came, changed or went."""


async def watch(
    kinds: tuple[GroupVersionKind, ...],
    intake: Intake,
    *,
    namespaces: tuple[str, ...],
    served: Served | None,
) -> None:
    """Watch until cancelled; ends by itself, or raises whatever kopf raises, when kopf gives up.

    kopf gives up when a kind that it watches is not served any more, for example. Without ``served`` it does not look
    which kinds and namespaces come and go: then all must be there.
    """
    across = Crossing(asyncio.get_running_loop())
    registry = kopf.OperatorRegistry()
    kopf.on.login(registry=registry)(make_login())
    for gvk in kinds:
        handler = _handler(intake, across)
        kopf.on.event(group=gvk.group, version=gvk.version, kind=gvk.kind, registry=registry)(handler)
    if served and DEFINITIONS not in kinds:
        group, version, kind = DEFINITIONS.group, DEFINITIONS.version, DEFINITIONS.kind
        handler = _definition(served, across)
        kopf.on.event(group=group, version=version, kind=kind, registry=registry)(handler)
    await _in_thread(partial(_operate, registry, namespaces, scans=served is not None))


async def _operate(registry: kopf.OperatorRegistry, namespaces: tuple[str, ...], *, scans: bool) -> None:
    settings = kopf.OperatorSettings()
    settings.scanning.disabled = not scans
    settings.posting.enabled = False
    settings.persistence.diffbase_storage = _NothingHandled()
    settings.persistence.progress_storage = _NoProgress()
    settings.process.ultimate_exiting_timeout = None
    settings.watching.server_timeout = 300
    await kopf.operator(
        registry=registry,
        settings=settings,
        standalone=True,
        clusterwide=not namespaces,
        namespaces=namespaces,
    )


async def _in_thread(operate: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run kopf in a thread with an event loop of its own: when it ends, it cancels all tasks of its loop."""
    begun: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[None]]] = Future()

    async def work() -> None:
        task = asyncio.current_task()
        assert task  # noqa: S101 - this is one
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_told)
        begun.set_result((loop, task))
        with suppress(asyncio.CancelledError):
            await operate()

    ended = asyncio.ensure_future(asyncio.to_thread(lambda: asyncio.run(work())))
    try:
        await asyncio.shield(ended)
    finally:
        loop, task = await asyncio.wrap_future(begun)
        with suppress(RuntimeError):  # the loop is closed: it has ended
            loop.call_soon_threadsafe(task.cancel)
        await asyncio.wait({ended})


def _told(_: asyncio.AbstractEventLoop, said: Mapping[str, Any]) -> None:
    """Tell in a line what kopf leaves to nobody: when a request of its own fails, tasks beside it end unheard."""
    log.warning(
        "a part of the watching has failed", reason=repr(said.get("exception") or said.get("message"))
    )


def make_login() -> Callable[..., Awaitable[kopf.AiohttpSession]]:
    """Let kopf log in as everything else does that talks to the API server.

    When it was refused and there are no others, it gets the same again: then it gives up, and is started anew later.
    """
    known: dict[Login, kopf.AiohttpSession] = {}

    async def log_in_again(**_: object) -> kopf.AiohttpSession:
        try:
            login = await asyncio.to_thread(log_in, os.environ)
            if login not in known:
                known.clear()
                known[login] = kopf.AiohttpSession(
                    aiohttp_session=open_session(login),
                    server=login.server,
                    default_namespace=login.namespace or None,
                    expiration=login.expires,
                )
        except NoCredentialsError as error:
            raise kopf.TemporaryError(str(error), delay=_LOGIN_SECONDS) from error
        return known[login]

    return log_in_again


class Crossing:
    """Has things called in the thread of another event loop, in order: one wake for all that wait.

    A burst brings some twenty events for each resource, and a wake is a system call that may cost the interpreter lock.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Call nothing yet."""
        self._loop = loop
        self._waiting: deque[Callable[[], None]] = deque()
        self._woken = False

    def call(self, that: Callable[[], None]) -> None:
        """Have it called soon; from any one thread."""
        self._waiting.append(that)
        if not self._woken:
            self._woken = True
            self._loop.call_soon_threadsafe(self._call_all)

    def _call_all(self) -> None:
        self._woken = False  # what is appended from here on wakes again
        while self._waiting:
            try:
                self._waiting.popleft()()
            except Exception as error:  # noqa: BLE001 - as the loop does: told, and the next one is called
                self._loop.call_exception_handler(
                    {"message": "an event was not taken in", "exception": error}
                )


def _handler(intake: Intake, across: Crossing) -> Any:  # noqa: ANN401 - any callable, to kopf
    async def handle(*, event: Mapping[str, Any], **_: object) -> None:
        found = event["object"]
        if event.get("type") == "DELETED":
            across.call(partial(intake.gone, key_of(found), uid_of(found)))
        else:
            across.call(partial(intake.seen, found))

    return handle


def _definition(served: Served, across: Crossing) -> Any:  # noqa: ANN401 - any callable, to kopf
    async def handle(*, event: Mapping[str, Any], **_: object) -> None:
        spec = mapping(mapping(event["object"]).get("spec"))
        kind = str(mapping(spec.get("names")).get("kind"))
        across.call(partial(served, str(spec.get("group")), kind))

    return handle
