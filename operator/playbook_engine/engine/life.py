"""The life of an engine: start, the work that goes on, and a stop that leaves nothing behind."""

import asyncio
import signal
from contextlib import nullcontext
from dataclasses import dataclass

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import NoCredentialsError
from playbook_engine.engine.owning import Access
from playbook_engine.engine.renewal import Renewal
from playbook_engine.engine.watching import Watching
from playbook_engine.engine.working import Working
from playbook_engine.leadership.election import Leadership
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.server import ListenError, Runs, serving
from playbook_engine.proxy.server import Proxy
from playbook_engine.runs.records import Executor
from playbook_engine.settings.table import Settings
from playbook_engine.tasks import cancelled

log = get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the engine acts on, and what says when it may."""

    cluster: Cluster
    executor: Executor
    leadership: Leadership
    access: Access | None = None
    """The same API server, for runs that may make objects by any module; None where there are none."""


class Engine:
    """One engine over one cluster; everything that it needs of the outside is given to it."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        settings: Settings,
        outside: Outside,
        *,
        watching: Watching,
        working: Working,
        renewal: Renewal,
        metrics: Metrics,
        runs: Runs,
        proxy: Proxy | None = None,
    ) -> None:
        """Start nothing yet."""
        self._settings = settings
        self._outside = outside
        self._watching = watching
        self._working = working
        self._renewal = renewal
        self._metrics = metrics
        self._runs = runs
        self._proxy = proxy
        self._stop = asyncio.Event()
        self._listed = False

    async def run(self) -> int:
        """Run until the process is asked to end, or ``stop`` is called; give the exit code."""
        settings = self._settings
        try:
            async with (
                serving(
                    probes=settings.probe_address,
                    metrics_at=settings.metrics_address,
                    metrics=self._metrics,
                    ready=self._ready,
                    runs=self._runs,
                ),
                self._proxy.serving() if self._proxy else nullcontext(),
            ):
                return await self._work_until_stopped()
        except (ListenError, NoCredentialsError) as error:
            log.error("the engine cannot start", error=str(error))  # noqa: TRY400 - the traceback tells nothing more
            return 1
        finally:
            await self._outside.executor.close()
            await self._outside.cluster.close()

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()

    async def _work_until_stopped(self) -> int:
        log.info("starting", kinds=[str(gvk) for gvk in self._watching.primaries])
        self._hear_signals()
        await self._outside.cluster.connect()
        watching = asyncio.create_task(self._watching.watch(), name="watching")
        going = asyncio.create_task(self._go_on(), name="passes")
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        done, _ = await asyncio.wait({watching, going, stopped}, return_when=asyncio.FIRST_COMPLETED)
        failed = done - {stopped}
        for task in failed:
            log.error("a part of the engine has failed", part=task.get_name(), exc_info=task.exception())
        self._stop.set()
        await self._end(watching, going)
        return 1 if failed else 0

    async def _go_on(self) -> None:
        """Know and load everything, then make passes for ever."""
        await asyncio.gather(self._watching.list_all(), self._outside.executor.prepare())
        self._listed = True
        async with asyncio.TaskGroup() as group:
            group.create_task(self._working.lead(), name="leading")
            group.create_task(self._watching.compare_every(self._settings.compare_seconds), name="comparing")
            group.create_task(self._renewal.look_every(self._settings.content_seconds), name="content")

    async def _end(self, watching: asyncio.Task[None], going: asyncio.Task[None]) -> None:
        """Start nothing more; give passes time to end, end the others with all that they started, and let go.

        Events are taken in until the last pass has ended: it may need them.
        """
        await self._working.finish(self._settings.graceful_shutdown_seconds)
        await cancelled({going})
        await self._outside.leadership.release()
        await cancelled({watching})
        await self._watching.close()
        log.info("stopped")

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    def _ready(self) -> str:
        if self._stop.is_set():
            return "stopping"
        return "" if self._listed else "the kinds are not listed yet"
