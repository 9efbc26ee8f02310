"""Makes the runs of passes: each waits for a slot, is told in the log, and is counted."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace

from playbook_engine.objects import key_of, mapping, said
from playbook_engine.observability.logs import context, get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.tracing import NO_TRACES, Span, Steps, Tracer
from playbook_engine.proxy.owning import Owner
from playbook_engine.proxy.server import Proxy
from playbook_engine.queue.schedule import Priority
from playbook_engine.queue.slots import Group, Slots
from playbook_engine.reconcile.dependents import left_by
from playbook_engine.reconcile.memory import Memory
from playbook_engine.reconcile.observation import Observation
from playbook_engine.reconcile.operations import Operation
from playbook_engine.reconcile.variables import run_variables
from playbook_engine.runs.records import Executor, RunOutcome, RunRequest, RunStatus, TaskCounts
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


@dataclass(slots=True)
class Going:
    """A run that goes on; ``since`` is when it began, ``task`` what it does now."""

    subject: str
    operation: str
    since: float
    steps: Steps
    task: str = ""

    def begins(self, task: str) -> None:
        """Take notice of a task."""
        self.task = task
        self.steps.begin(task)


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What runs are made with; ``clock`` gives seconds, ``environment`` is added to that of runs.

    ``most_per_namespace`` is how many runs may be for resources of one namespace, 0 for all.
    """

    executor: Executor
    slots: Slots
    metrics: Metrics
    clock: Callable[[], float]
    tracer: Tracer = NO_TRACES
    most_per_namespace: int = 0
    verbosity: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    proxy: Proxy | None = None
    going: dict[str, Going] = field(default_factory=dict)
    """The runs that go on, by identifier."""

    @asynccontextmanager
    async def slot(self, watch: Watch, priority: Priority, namespace: str) -> AsyncIterator[None]:
        """Wait for a slot, and hold it during the block."""
        since = self.clock()
        async with AsyncExitStack() as held:
            with self.metrics.queued.track_inprogress(), self.tracer.span("wait"):
                await held.enter_async_context(self.slots.slot(priority, self._groups(watch, namespace)))
            self.metrics.waited(self.clock() - since)
            with self.metrics.running.track_inprogress():
                yield

    async def run(
        self, watch: Watch, observation: Observation, memory: Memory, operation: Operation
    ) -> RunOutcome:
        """Run the playbook of the operation; a run that could not be started ends as one that died."""
        memory.runs += 1
        ident = f"{memory.uid}-{memory.runs}"
        request = self._request(watch, observation, operation, ident)
        facts = {"run": ident, "operation": operation.name, "playbook": operation.playbook.name}
        with context(run=ident), self.tracer.span("run", **facts) as span:
            log.info("run begins", operation=operation.name, playbook=operation.playbook.name)
            outcome = await self._led(watch, observation, request, operation.name)
            _tell(span, outcome)
            told = log.info if outcome.status is RunStatus.SUCCESSFUL else log.warning
            told("run ended", status=outcome.status.value, seconds=round(outcome.duration_seconds, 3),
                 changed=outcome.counts.changed, detail=outcome.detail)  # fmt: skip
        self.metrics.run_ended(
            key_of(observation.resource).gvk.kind,
            operation.name,
            status=outcome.status.value,
            mode="warm" if outcome.warm else "cold",
            seconds=outcome.duration_seconds,
            processor_seconds=outcome.processor_seconds,
        )
        return outcome

    def _groups(self, watch: Watch, namespace: str) -> tuple[Group, ...]:
        """Give what a run counts for: runs of its namespace, and of its kind."""
        return (
            Group(name=f"namespace {namespace}", most=self.most_per_namespace),
            Group(name=f"kind {watch.gvk}", most=watch.most_runs),
        )

    def shown(self) -> list[dict[str, object]]:
        """Give the runs that go on, for people: whose, what for, since how many seconds, and the task."""
        return [
            {
                "object": one.subject,
                "operation": one.operation,
                "seconds": round(self.clock() - one.since, 1),
                "task": one.task,
            }
            for one in self.going.values()
        ]

    async def _led(
        self, watch: Watch, observation: Observation, request: RunRequest, operation: str
    ) -> RunOutcome:
        """Have a run whose objects are to be the resource's reach the API server by a way that sees to it."""
        if self.proxy is None or watch.dependents is None:
            return await self._followed(request, operation)
        owner = Owner.of(observation.resource)
        async with self.proxy.session(owner, watch.dependents) as session:
            outcome = await self._followed(replace(request, kubeconfig=session.kubeconfig), operation)
        await session.settled()
        left = left_by(observation.dependents, session.seen)
        objects = {**left, **mapping(outcome.custom.get("objects"))}
        return replace(outcome, custom={**outcome.custom, "objects": objects}) if objects else outcome

    async def _followed(self, request: RunRequest, operation: str) -> RunOutcome:
        going = self.going[request.ident] = Going(
            request.subject, operation, self.clock(), Steps(self.tracer.current())
        )
        try:
            return await self._started(request, going)
        finally:
            going.steps.end()
            del self.going[request.ident]

    async def _started(self, request: RunRequest, going: Going) -> RunOutcome:
        try:
            return await self.executor.run(request, on_task=going.begins)
        except OSError as error:  # no space, no memory, no process: a person has to hear of it
            detail = f"it could not be started: {error.strerror or error}"
            return RunOutcome(status=RunStatus.DIED, counts=TaskCounts(), duration_seconds=0.0, detail=detail)

    def _request(
        self, watch: Watch, observation: Observation, operation: Operation, ident: str
    ) -> RunRequest:
        variables, unsafe = run_variables(watch, observation, operation)
        return RunRequest(
            ident=ident,
            subject=said(observation.resource),
            playbook=operation.playbook,
            variables=variables,
            unsafe=unsafe,
            environment=self.environment,
            timeout_seconds=watch.run_timeout_seconds,
            verbosity=self.verbosity if watch.verbosity is None else watch.verbosity,
        )


def _tell(span: Span, outcome: RunOutcome) -> None:
    span.tell(
        status=outcome.status.value,
        mode="warm" if outcome.warm else "cold",
        changed=outcome.counts.changed,
        processor_seconds=outcome.processor_seconds,
    )
    if outcome.status is not RunStatus.SUCCESSFUL:
        span.fail(outcome.status.value)
