"""Assembles an engine from its settings: here, and nowhere else, each room is given what it needs."""

import asyncio
import os
import random
import time
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from playbook_engine.cluster.client import RealCluster
from playbook_engine.compat import environment
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
from playbook_engine.observability.tracing import NO_TRACES, Tracer, TracesError, traces
from playbook_engine.proxy.server import Proxy
from playbook_engine.queue.backoff import Backoff
from playbook_engine.queue.slots import Slots
from playbook_engine.queue.work import WorkQueue
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.passes import Reconciler
from playbook_engine.reconcile.running import Runner
from playbook_engine.reconcile.steps import Parts
from playbook_engine.reconcile.writing import StatusWriter
from playbook_engine.runs import collection
from playbook_engine.runs.cold import ColdExecutor
from playbook_engine.runs.records import Executor, Rules
from playbook_engine.runs.supervise import Limits
from playbook_engine.runs.warm import WarmExecutor
from playbook_engine.settings.choices import Compatibility, Executors
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
    store = Store(frozenset(watch.field_manager for watch in watches))
    queue = WorkQueue(clock=time.monotonic)
    backoff = Backoff(
        base=settings.backoff_base_seconds, most=settings.backoff_max_seconds, chance=random.random
    )
    content = Content(watches, directory=settings.watches_file.parent, environ=os.environ)
    intake = Intake(
        outside.cluster, store, Wakes(watches), metrics, add=queue.add, namespaces=settings.namespaces
    )
    kinds = watched_kinds(watches)
    following = proxy = None
    if outside.access:
        following = Following(
            outside.access, intake, known=kinds, namespaces=settings.namespaces, backoff=backoff
        )
        hearing = Hearing(intake, following, queue.add)
        proxy = Proxy(outside.access, hearing, namespaces=settings.namespaces)
    watching = Watching(
        intake,
        store,
        kinds=kinds,
        primaries=(watch.gvk for watch in watches),
        backoff=backoff,
        metrics=metrics,
        following=following,
    )
    metrics.show_states(partial(states, store, watches))
    runner = _make_runner(settings, outside, metrics, proxy, tracer)
    reconciler = _make_reconciler(settings, store, content, backoff=backoff, outside=outside, runner=runner)
    working = Working(
        reconciler,
        queue,
        watching,
        watches=watches,
        leadership=outside.leadership,
        rivals=settings.leader_elect,
        backoff=backoff,
        metrics=metrics,
        tracer=tracer,
    )
    return Engine(
        settings,
        outside,
        watching=watching,
        working=working,
        renewal=Renewal(content, outside.executor, on_content=working.look_at_all),
        metrics=metrics,
        runs=runner.shown,
        proxy=proxy,
    )


def _make_reconciler(  # noqa: PLR0913 - each is named at the one place that calls it
    settings: Settings,
    store: Store,
    content: Content,
    *,
    backoff: Backoff,
    outside: Outside,
    runner: Runner,
) -> Reconciler:
    clock, metrics = runner.clock, runner.metrics
    return Reconciler(
        Parts(
            cluster=outside.cluster,
            store=store,
            gatherer=Gatherer(outside.cluster, store, namespaces=settings.namespaces, clock=clock),
            runner=runner,
            writer=StatusWriter(outside.cluster, store, metrics, now=_now),
            backoff=backoff,
            metrics=metrics,
            tracer=runner.tracer,
            clock=clock,
            now=_now,
            content=lambda: content.digest,
            message_bound=settings.message_bound,
        )
    )


def _make_runner(
    settings: Settings, outside: Outside, metrics: Metrics, proxy: Proxy | None, tracer: Tracer
) -> Runner:
    clock = time.monotonic
    slots = Slots(settings.max_concurrent_runs, clock=clock)
    return Runner(
        executor=outside.executor,
        slots=slots,
        metrics=metrics,
        tracer=tracer,
        clock=clock,
        most_per_namespace=settings.max_concurrent_runs_per_namespace,
        verbosity=settings.ansible_verbosity,
        environment=run_credentials(os.environ),
        proxy=proxy,
    )


def make_executor(
    settings: Settings, metrics: Metrics, fence: Fence, *, modules: Iterable[str] = ()
) -> Executor:
    """Make the executor that the settings ask for; whether runs are warm is logged and measured.

    Raises OSError when there is no place for the runs.
    """
    directory = settings.runs_directory
    rules = _make_rules(settings, os.environ)
    if settings.executor is Executors.COLD:
        return ColdExecutor(directory, rules=rules, fence=fence)

    def tell(reason: str) -> None:
        metrics.warm_state(warm=not reason)
        if reason:
            log.warning("runs are cold: each starts Ansible anew", reason=reason)
        else:
            log.info("runs are warm")

    return WarmExecutor(directory, rules=rules, on_state=tell, fence=fence, modules=tuple(modules))


def _make_rules(settings: Settings, environ: Mapping[str, str]) -> Rules:
    compatible = settings.compatibility is Compatibility.ANSIBLE_OPERATOR
    return Rules(
        message_bound=settings.message_bound,
        limits=Limits(memory_bytes=settings.run_memory_bytes, open_files=settings.run_open_files),
        runs_per_server=settings.runs_per_server,
        settings=environment.run_settings(environ) if compatible else {},
        arguments=settings.ansible_arguments,
        inventory=environment.inventory(environ) if compatible else None,
    )


def in_process_modules(watches: Iterable[Watch]) -> list[str]:
    """Give the modules that need no process of their own: those that entries name, and those of the engine."""
    watches = tuple(watches)
    named = {name for watch in watches for name in watch.in_process_modules}
    ours = (
        collection.MODULES
        if any(watch.dependents for watch in watches) and collection.is_own(os.environ)
        else ()
    )
    return sorted(named.union(ours))


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


def states(store: Store, watches: Iterable[Watch]) -> Iterator[State]:
    """Give the conditions of every resource that is known."""
    for watch in watches:
        for resource in store.all(watch.gvk):
            for kind, condition in read_conditions(resource).items():
                yield State(watch.gvk.kind, kind, str(condition.get("status")))


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
