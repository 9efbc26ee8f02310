"""Makes passes whenever this process is the leader."""

import asyncio
from collections.abc import Iterable

from playbook_engine.cluster.errors import ClusterError
from playbook_engine.engine.watching import Watching
from playbook_engine.leadership.election import Leadership
from playbook_engine.objects import ObjectKey
from playbook_engine.observability.logs import context, get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.tracing import Span, Tracer
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.schedule import Due, Priority
from playbook_engine.queue.work import WorkQueue
from playbook_engine.reconcile.passes import Reconciler
from playbook_engine.tasks import cancelled
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


class Working:
    """Takes from the queue what is due, and has it reconciled."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        reconciler: Reconciler,
        queue: WorkQueue,
        watching: Watching,
        *,
        watches: Iterable[Watch],
        leadership: Leadership,
        rivals: bool,
        backoff: Backoff,
        metrics: Metrics,
        tracer: Tracer,
    ) -> None:
        """Begin nothing; ``rivals`` says whether other processes may have been the leader before this one."""
        self._reconciler = reconciler
        self._queue = queue
        self._watching = watching
        self._watches = {watch.gvk: watch for watch in watches}
        self._leadership = leadership
        self._rivals = rivals
        self._backoff = backoff
        self._metrics = metrics
        self._tracer = tracer
        self._passes: set[asyncio.Task[None]] = set()
        self._making: asyncio.Task[None] | None = None
        self._errors: dict[ObjectKey, int] = {}

    async def lead(self) -> None:
        """Make passes as the leader, else wait to be it, as ready as can be: all is known and loaded."""
        while True:
            await self._leadership.acquire()
            if self._rivals:
                await self._take_over()
            self._metrics.leader.set(1)
            async with asyncio.TaskGroup() as group:
                self._making = group.create_task(self._make_passes(), name="making")
                await self._leadership.hold()
                self._making.cancel()
            self._metrics.leader.set(0)
            await cancelled(self._passes)
            await self._leadership.release()
            self._reconciler.forget()

    def look_at_all(self, priority: Priority = Priority.RESYNC) -> None:
        """Ask for a pass over every resource."""
        for key in self._watching.resources():
            self._queue.add(key, priority)

    async def finish(self, seconds: float) -> None:
        """Begin nothing more; give the passes that go on so many seconds to end, then end them with their runs."""
        if self._making:
            self._making.cancel()
        passes = tuple(self._passes)
        log.info("stopping", passes=len(passes))
        if passes:
            _, late = await asyncio.wait(passes, timeout=seconds)
            await cancelled(late)

    async def _take_over(self) -> None:
        """Look at everything again: what the leader before this one did last may not have been seen yet."""
        await self._watching.compare()
        self.look_at_all(Priority.CHANGE)

    async def _make_passes(self) -> None:
        while True:
            due = await self._queue.take()
            task = asyncio.create_task(self._pass(due), name=f"pass over {due.key}")
            self._passes.add(task)
            task.add_done_callback(self._passes.discard)
            await asyncio.sleep(0)  # it begins before the next is chosen, and news come in between

    async def _pass(self, due: Due) -> None:
        key = due.key
        facts = {"kind": key.gvk.kind, "namespace": key.namespace, "name": key.name}
        with (
            self._tracer.span("reconcile", **facts, priority=due.priority.name.lower()) as span,
            context(**span.identity),
        ):
            await self._traced(due, span)

    async def _traced(self, due: Due, span: Span) -> None:
        key = due.key
        try:
            after = await self._reconciler.reconcile(self._watches[key.gvk], key, due.priority)
        except Exception as error:  # noqa: BLE001 - one resource must not end the others
            span.fail(type(error).__name__)
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
