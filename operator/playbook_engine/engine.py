"""Puts the rooms together: start, the loop that makes passes, and a stop that leaves nothing behind."""

import asyncio
import os
import random
import signal
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from playbook_engine.cluster.client import Cluster, RealCluster
from playbook_engine.cluster.errors import ClusterError, NoCredentialsError
from playbook_engine.events import binding
from playbook_engine.events.intake import Intake, watched_kinds
from playbook_engine.events.wakes import Wakes
from playbook_engine.fence import Deadman, Fence
from playbook_engine.leadership.election import Leadership
from playbook_engine.leadership.making import make_leadership
from playbook_engine.objects import GroupVersionKind, ObjectKey
from playbook_engine.observability.logs import context, get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.server import ListenError, serving
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.schedule import Due, Priority
from playbook_engine.queue.slots import Slots
from playbook_engine.queue.work import WorkQueue
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.passes import Parts, Reconciler
from playbook_engine.reconcile.writing import StatusWriter
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Executor, Rules
from playbook_engine.runs.supervise import Limits
from playbook_engine.runs.warm import WarmExecutor
from playbook_engine.settings import Executors, Settings
from playbook_engine.store import KindState, Store
from playbook_engine.watches.content import Content
from playbook_engine.watches.records import Watch

SERVED_SECONDS = (0.5, 2.0, 5.0, 15.0)
"""When a definition has come, its kind is served a moment later; it is looked for after each of these waits."""

log = get_logger(__name__)


def run(settings: Settings, watches: tuple[Watch, ...]) -> int:
    """Run until SIGTERM or SIGINT; give the exit code."""
    return asyncio.run(_run(settings, watches))


async def _run(settings: Settings, watches: tuple[Watch, ...]) -> int:
    metrics, fence = Metrics(), Fence(arm=Deadman().arm)
    try:
        leadership = make_leadership(settings, fence)
        modules = sorted({name for watch in watches for name in watch.in_process_modules})
        executor = make_executor(settings, metrics, fence, modules=modules)
    except OSError as error:
        log.error("the engine cannot start", error=str(error))  # noqa: TRY400 - the traceback tells nothing more
        return 1
    outside = Outside(cluster=RealCluster(fence), executor=executor, leadership=leadership)
    return await Engine(settings, watches, outside=outside, metrics=metrics).run()


def make_executor(
    settings: Settings, metrics: Metrics, fence: Fence, *, modules: Iterable[str] = ()
) -> Executor:
    """Make the executor that the settings ask for; whether runs are warm is logged and measured.

    Raises OSError when there is no place for the runs.
    """
    directory = settings.runs_directory
    limits = Limits(memory_bytes=settings.run_memory_bytes, open_files=settings.run_open_files)
    rules = Rules(
        message_bound=settings.message_bound, limits=limits, runs_per_server=settings.runs_per_server
    )
    if settings.executor is Executors.COLD:
        return ColdExecutor(directory, rules=rules, fence=fence)

    def tell(reason: str) -> None:
        metrics.warm.set(0 if reason else 1)
        if reason:
            log.warning("runs are cold: each starts Ansible anew", reason=reason)
        else:
            log.info("runs are warm")

    return WarmExecutor(directory, rules=rules, on_state=tell, fence=fence, modules=tuple(modules))


@dataclass(frozen=True, slots=True, kw_only=True)
class Outside:
    """What the engine acts on, and what says when it may."""

    cluster: Cluster
    executor: Executor
    leadership: Leadership


@dataclass(slots=True)
class _Life:
    """How far the engine has come; the probes tell it."""

    listed: bool = False
    stopping: bool = False
    tasks: set[asyncio.Task[None]] = field(default_factory=set)

    def healthy(self) -> str:
        ended = [task.get_name() for task in self.tasks if task.done()]
        return f"ended: {', '.join(ended)}" if ended and not self.stopping else ""

    def ready(self) -> str:
        if self.stopping:
            return "stopping"
        return "" if self.listed else "the kinds are not listed yet"


class Engine:
    """One engine over one cluster; everything that it needs of the outside is given to it."""

    def __init__(
        self,
        settings: Settings,
        watches: tuple[Watch, ...],
        *,
        outside: Outside,
        metrics: Metrics,
    ) -> None:
        """Assemble; nothing is started or asked yet. Raises OSError when the content cannot be read."""
        clock = time.monotonic
        self._settings = settings
        self._watches = {watch.gvk: watch for watch in watches}
        self._cluster, self._executor = outside.cluster, outside.executor
        self._leadership = outside.leadership
        self._metrics = metrics
        self._store = Store(frozenset(watch.field_manager for watch in watches))
        self._queue = WorkQueue(clock=clock)
        self._backoff = Backoff(
            base=settings.backoff_base_seconds, most=settings.backoff_max_seconds, chance=random.random
        )
        self._content = Content(watches, directory=settings.watches_file.parent, environ=os.environ)
        self._reconciler = self._make_reconciler(clock)
        self._intake = Intake(
            self._cluster, self._store, Wakes(watches), add=self._add, namespaces=settings.namespaces
        )
        self._kinds = watched_kinds(watches)
        self._life = _Life()
        self._stop = asyncio.Event()
        self._passes: set[asyncio.Task[None]] = set()
        self._looks: set[asyncio.Task[None]] = set()
        self._making: asyncio.Task[None] | None = None
        self._errors: dict[ObjectKey, int] = {}

    async def run(self) -> int:
        """Run until the process is asked to end, or ``stop`` is called; give the exit code."""
        settings, life = self._settings, self._life
        try:
            async with serving(
                probes=settings.probe_address,
                metrics_at=settings.metrics_address,
                metrics=self._metrics,
                healthy=life.healthy,
                ready=life.ready,
            ):
                return await self._work_until_stopped()
        except (ListenError, NoCredentialsError) as error:
            log.error("the engine cannot start", error=str(error))  # noqa: TRY400 - the traceback tells nothing more
            return 1
        finally:
            await self._executor.close()
            await self._cluster.close()

    def stop(self) -> None:
        """Ask for the end."""
        self._stop.set()

    def _make_reconciler(self, clock: Callable[[], float]) -> Reconciler:
        settings = self._settings
        return Reconciler(
            Parts(
                cluster=self._cluster,
                store=self._store,
                executor=self._executor,
                slots=Slots(
                    settings.max_concurrent_runs,
                    per_namespace=settings.max_concurrent_runs_per_namespace,
                    clock=clock,
                ),
                gatherer=Gatherer(self._cluster, self._store, namespaces=settings.namespaces, clock=clock),
                writer=StatusWriter(self._cluster, self._store, self._metrics, now=_now),
                backoff=self._backoff,
                metrics=self._metrics,
                clock=clock,
                content=lambda: self._content.digest,
                message_bound=settings.message_bound,
                verbosity=settings.ansible_verbosity,
                environment=run_credentials(os.environ),
            )
        )

    def _add(self, key: ObjectKey, priority: Priority) -> None:
        self._queue.add(key, priority)

    async def _work_until_stopped(self) -> int:
        log.info("starting", kinds=[str(gvk) for gvk in self._watches])
        self._hear_signals()
        await self._cluster.connect()
        watching = asyncio.create_task(self._watch(), name="watching")
        self._life.tasks.add(watching)
        await asyncio.gather(self._list_all(), self._executor.prepare())
        self._life.listed = True
        leading = asyncio.create_task(self._lead(), name="passes")
        self._life.tasks.add(leading)
        for name, work in (
            ("comparison", self._compare_for_ever()),
            ("content", self._look_at_content_for_ever()),
        ):
            self._life.tasks.add(asyncio.create_task(work, name=name))
        stopped = asyncio.create_task(self._stop.wait(), name="stop")
        done, _ = await asyncio.wait({*self._life.tasks, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        failed = [task for task in done if not task.cancelled() and task.exception()]
        for task in failed:
            log.error("a part of the engine has failed", part=task.get_name(), error=repr(task.exception()))
        await self._end(watching, leading)
        return 1 if failed else 0

    async def _watch(self) -> None:
        """Watch, and start again when the watching ends; what was missed is seen by a comparison."""
        failures = 0
        while not self._stop.is_set():
            try:
                await binding.watch(
                    self._kinds, self._intake, namespaces=self._settings.namespaces, served=self._served
                )
                reason = "a kind is not served any more"
            except Exception as error:  # noqa: BLE001 - whatever it is, passes go on
                reason = repr(error)
            failures += 1
            wait = self._backoff.wait(failures)
            log.warning("watching ended and starts again", reason=reason, seconds=round(wait, 1))
            if not await self._stopped_within(wait):
                await self._compare()

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)

    async def _list_all(self) -> None:
        """Know the world before the first pass: an object that is not known yet looks like one that is missing."""
        await asyncio.gather(*(self._intake.compare(gvk) for gvk in self._kinds))
        while unknown := [gvk for gvk in self._watches if self._store.state(gvk) is not KindState.KNOWN]:
            if await self._stopped_within(self._backoff.base):
                return
            await asyncio.gather(*(self._intake.compare(gvk) for gvk in unknown))

    async def _compare_for_ever(self) -> None:
        while not await self._stopped_within(self._settings.compare_seconds):
            await self._compare()

    async def _look_at_content_for_ever(self) -> None:
        while not await self._stopped_within(self._settings.content_seconds):
            try:
                change = self._content.look()
            except OSError as error:
                log.warning("the content cannot be read; the last that could is kept", error=str(error))
                continue
            if change:
                log.info("what runs are made of has changed", content=change.content)
                await self._executor.renew()
            if change.content:
                for key in (key for gvk in self._watches for key in self._store.keys(gvk)):
                    self._queue.add(key, Priority.RESYNC)

    async def _compare(self) -> None:
        for gvk in self._kinds:
            await self._intake.compare(gvk)

    def _served(self, group: str, kind: str) -> None:
        for gvk in self._kinds:
            if (gvk.group, gvk.kind) == (group, kind) and self._store.state(gvk) is not KindState.KNOWN:
                task = asyncio.create_task(self._look_for(gvk), name=f"look for {gvk}")
                self._looks.add(task)
                task.add_done_callback(self._looks.discard)

    async def _look_for(self, gvk: GroupVersionKind) -> None:
        for seconds in SERVED_SECONDS:
            if self._store.state(gvk) is KindState.KNOWN or await self._stopped_within(seconds):
                return
            await self._intake.compare(gvk)

    async def _lead(self) -> None:
        """Make passes whenever this process is the leader. It waits as ready as it can be: all is known and loaded."""
        while not self._stop.is_set():
            await self._leadership.acquire()
            if self._settings.leader_elect:
                await self._take_over()
            self._metrics.leader.set(1)
            async with asyncio.TaskGroup() as group:
                self._making = group.create_task(self._make_passes(), name="making")
                await self._leadership.hold()
                self._making.cancel()
            self._metrics.leader.set(0)
            await _cancelled(self._passes)
            await self._leadership.release()
            self._reconciler.forget()

    async def _take_over(self) -> None:
        """Look at everything again: what the leader before this one did last may not have been seen yet."""
        await self._compare()
        for gvk in self._watches:
            for key in self._store.keys(gvk):
                self._queue.add(key, Priority.CHANGE)

    async def _make_passes(self) -> None:
        while not self._stop.is_set():
            due = await self._queue.take()
            task = asyncio.create_task(self._pass(due), name=f"pass over {due.key}")
            self._passes.add(task)
            task.add_done_callback(self._passes.discard)
            await asyncio.sleep(0)  # it begins before the next is chosen, and news come in between

    async def _pass(self, due: Due) -> None:
        key = due.key
        try:
            after = await self._reconciler.reconcile(self._watches[key.gvk], key, due.priority)
        except Exception as error:  # noqa: BLE001 - one resource must not end the others
            self._queue.add(key, due.priority, after=self._wait_after(key, error))
        else:
            self._errors.pop(key, None)
            if after is None:
                self._queue.forget(key)
            else:
                self._queue.add(key, Priority.RESYNC if after else due.priority, after=after)
        finally:
            self._queue.done(key)

    def _wait_after(self, key: ObjectKey, error: Exception) -> float:
        count = self._errors[key] = self._errors.get(key, 0) + 1
        wait = self._backoff.wait(count)
        self._metrics.pass_ended(key.gvk.kind, "error")
        with context(object=str(key)):
            if isinstance(error, ClusterError):
                wait = max(wait, error.retry_after)
                log.warning("the pass is tried again", error=str(error), seconds=round(wait, 1))
            else:
                log.error("the pass has failed", exc_info=error, seconds=round(wait, 1))
        return wait

    async def _stopped_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stop.wait(), seconds)
        return self._stop.is_set()

    async def _end(self, watching: asyncio.Task[None], leading: asyncio.Task[None]) -> None:
        """Start nothing more; give passes time to end, end the others with all that they started, and let go."""
        self._life.stopping = True
        self._stop.set()
        await _cancelled({*self._life.tasks - {watching, leading}, *self._looks})
        if self._making:
            self._making.cancel()
        passes = tuple(self._passes)
        log.info("stopping", passes=len(passes))
        if passes:
            _, late = await asyncio.wait(passes, timeout=self._settings.graceful_shutdown_seconds)
            await _cancelled(late)
        await _cancelled({leading})
        await self._leadership.release()
        await _cancelled({watching})
        log.info("stopped")


async def _cancelled(tasks: Iterable[asyncio.Task[None]]) -> None:
    tasks = tuple(tasks)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def run_credentials(environ: Mapping[str, str]) -> dict[str, str]:
    """Give the variables by which modules of a run find the same cluster as the engine.

    A run has a home directory of its own, so the kubeconfig in that of the user has to be named.
    """
    named = environ.get("KUBECONFIG")
    if named:
        return {
            "KUBECONFIG": os.pathsep.join(
                str(Path(path).absolute()) for path in named.split(os.pathsep) if path
            )
        }
    usual = Path(environ.get("HOME", "/")) / ".kube" / "config"
    return {"KUBECONFIG": str(usual)} if usual.is_file() else {}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
