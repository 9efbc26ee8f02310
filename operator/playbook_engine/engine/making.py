"""Assembles an engine from its settings: here, and nowhere else, each room is given what it needs."""

import asyncio
import os
import random
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, partial

from playbook_engine.cluster.client import RealCluster
from playbook_engine.engine.executors import in_process_modules, make_executor, run_credentials
from playbook_engine.engine.life import Engine, Outside
from playbook_engine.engine.owning import Hearing
from playbook_engine.engine.renewal import Renewal
from playbook_engine.engine.watching import Watching
from playbook_engine.engine.working import Working
from playbook_engine.events.following import Following
from playbook_engine.events.intake import Intake, watched_kinds
from playbook_engine.events.wakes import Wakes
from playbook_engine.fence import Deadman, Fence
from playbook_engine.leadership.making import make_leadership
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics, State
from playbook_engine.observability.tracers import TracesError, traces
from playbook_engine.observability.tracing import NO_TRACES, Tracer
from playbook_engine.proxy.server import Proxy
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.slots import Slots
from playbook_engine.queue.work import WorkQueue
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.passes import Reconciler
from playbook_engine.reconcile.running import Runner
from playbook_engine.reconcile.steps import Parts
from playbook_engine.reconcile.writing import StatusWriter
from playbook_engine.settings.table import Settings
from playbook_engine.status.conditions import read_conditions
from playbook_engine.store import Store
from playbook_engine.watches.content import Content
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


def run(settings: Settings, watches: tuple[Watch, ...]) -> int:
    """Run until SIGTERM or SIGINT; give the exit code."""
    return asyncio.run(_run(settings, watches))


async def _run(settings: Settings, watches: tuple[Watch, ...]) -> int:
    try:
        with traces(settings.traces) as tracer:
            return await _run_traced(settings, watches, tracer)
    except TracesError as error:
        log.error("the engine cannot start", error=str(error))  # noqa: TRY400 - the traceback tells nothing more
        return 1


async def _run_traced(settings: Settings, watches: tuple[Watch, ...], tracer: Tracer) -> int:
    metrics, fence = Metrics(), Fence(arm=Deadman().arm)
    try:
        leadership = make_leadership(settings, fence)
        executor = make_executor(settings, metrics, fence, modules=in_process_modules(watches))
    except OSError as error:
        log.error("the engine cannot start", error=str(error))  # noqa: TRY400 - the traceback tells nothing more
        return 1
    cluster = RealCluster(fence, on_answer=metrics.answered)
    access = cluster if any(watch.dependents for watch in watches) else None
    outside = Outside(cluster=cluster, executor=executor, leadership=leadership, access=access)
    return await make_engine(settings, watches, outside=outside, metrics=metrics, tracer=tracer).run()


def make_engine(
    settings: Settings,
    watches: tuple[Watch, ...],
    *,
    outside: Outside,
    metrics: Metrics,
    tracer: Tracer = NO_TRACES,
) -> Engine:
    """Make an engine; nothing is started or asked yet. Raises OSError when the content cannot be read."""
    parts = _Assembly(settings=settings, watches=watches, outside=outside, metrics=metrics, tracer=tracer)
    metrics.show_states(partial(states, parts.store, watches))
    return parts.engine


@dataclass(frozen=True, kw_only=True)
class _Assembly:
    """The parts of one engine: each is made once, when it is asked for first, with the parts that it needs."""

    settings: Settings
    watches: tuple[Watch, ...]
    outside: Outside
    metrics: Metrics
    tracer: Tracer

    @cached_property
    def engine(self) -> Engine:
        return Engine(
            self.settings,
            self.outside,
            watching=self.watching,
            working=self.working,
            renewal=Renewal(self.content, self.outside.executor, on_content=self.working.look_at_all),
            metrics=self.metrics,
            runs=self.runner.shown,
            proxy=self.proxy,
        )

    @cached_property
    def store(self) -> Store:
        return Store(frozenset(watch.field_manager for watch in self.watches))

    @cached_property
    def queue(self) -> WorkQueue:
        return WorkQueue(clock=time.monotonic)

    @cached_property
    def backoff(self) -> Backoff:
        settings = self.settings
        return Backoff(
            base=settings.backoff_base_seconds, most=settings.backoff_max_seconds, chance=random.random
        )

    @cached_property
    def content(self) -> Content:
        return Content(self.watches, directory=self.settings.watches_file.parent, environ=os.environ)

    @cached_property
    def intake(self) -> Intake:
        return Intake(
            self.outside.cluster,
            self.store,
            Wakes(self.watches),
            self.metrics,
            add=self.queue.add,
            namespaces=self.settings.namespaces,
        )

    @cached_property
    def following(self) -> Following | None:
        """What watches kinds of which runs make objects; None where runs make none but those that are declared."""
        if self.outside.access is None:
            return None
        return Following(
            self.outside.access,
            self.intake,
            known=watched_kinds(self.watches),
            namespaces=self.settings.namespaces,
            backoff=self.backoff,
        )

    @cached_property
    def proxy(self) -> Proxy | None:
        """The way of such runs to the API server."""
        if self.outside.access is None or self.following is None:
            return None
        hearing = Hearing(self.intake, self.following, self.queue.add)
        return Proxy(self.outside.access, hearing, namespaces=self.settings.namespaces)

    @cached_property
    def watching(self) -> Watching:
        return Watching(
            self.intake,
            self.store,
            kinds=watched_kinds(self.watches),
            primaries=(watch.gvk for watch in self.watches),
            backoff=self.backoff,
            metrics=self.metrics,
            following=self.following,
        )

    @cached_property
    def runner(self) -> Runner:
        settings = self.settings
        return Runner(
            executor=self.outside.executor,
            slots=Slots(settings.max_concurrent_runs, clock=time.monotonic),
            metrics=self.metrics,
            tracer=self.tracer,
            clock=time.monotonic,
            most_per_namespace=settings.max_concurrent_runs_per_namespace,
            verbosity=settings.ansible_verbosity,
            environment=run_credentials(os.environ),
            proxy=self.proxy,
        )

    @cached_property
    def reconciler(self) -> Reconciler:
        cluster, store, namespaces = self.outside.cluster, self.store, self.settings.namespaces
        return Reconciler(
            Parts(
                cluster=cluster,
                store=store,
                gatherer=Gatherer(cluster, store, namespaces=namespaces, clock=time.monotonic),
                runner=self.runner,
                writer=StatusWriter(cluster, store, self.metrics, now=_now),
                backoff=self.backoff,
                metrics=self.metrics,
                tracer=self.tracer,
                clock=time.monotonic,
                now=_now,
                content=lambda: self.content.digest,
                message_bound=self.settings.message_bound,
            )
        )

    @cached_property
    def working(self) -> Working:
        return Working(
            self.reconciler,
            self.queue,
            self.watching,
            watches=self.watches,
            leadership=self.outside.leadership,
            rivals=self.settings.leader_elect,
            backoff=self.backoff,
            metrics=self.metrics,
            tracer=self.tracer,
        )


def states(store: Store, watches: Iterable[Watch]) -> Iterator[State]:
    """Give the conditions of every resource that is known."""
    for watch in watches:
        for resource in store.all(watch.gvk):
            for kind, condition in read_conditions(resource).items():
                yield State(watch.gvk.kind, kind, str(condition.get("status")))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
