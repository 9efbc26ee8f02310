"""The steps that every kind of pass is made of, and what they are made with."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from playbook_engine.cluster.client import Cluster
from playbook_engine.objects import Object, digest, key_of
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.tracing import NO_TRACES, Tracer
from playbook_engine.queue.backoff import Backoff, until_turn
from playbook_engine.queue.schedule import Priority
from playbook_engine.reconcile import telling
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.memory import Good, Memory
from playbook_engine.reconcile.observation import Observation, input_digest, live_objects, own_objects
from playbook_engine.reconcile.operations import Operation
from playbook_engine.reconcile.running import Runner
from playbook_engine.reconcile.telling import Manner, Says
from playbook_engine.reconcile.writing import StatusWriter
from playbook_engine.runs.records import RunOutcome
from playbook_engine.status.compose import News
from playbook_engine.store import Store
from playbook_engine.watches.records import Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What passes are made with; ``clock`` gives seconds, ``content`` the digest of what runs are made of.

    ``now`` is the time of day, as RFC 3339 in UTC.
    """

    cluster: Cluster
    store: Store
    gatherer: Gatherer
    runner: Runner
    writer: StatusWriter
    backoff: Backoff
    metrics: Metrics
    clock: Callable[[], float]
    now: Callable[[], str]
    content: Callable[[], str]
    message_bound: int
    tracer: Tracer = NO_TRACES


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass over one resource, as the kinds of passes take it step by step.

    ``watch`` is the resource's entry, ``memory`` what is remembered of it, ``priority`` why it is looked at.
    """

    parts: Parts
    watch: Watch
    memory: Memory
    priority: Priority

    async def gather(self, resource: Object, *, fresh: bool = False) -> Observation:
        """Look at the world around the resource, as ``Gatherer.gather``."""
        with self.parts.metrics.phase(self.watch.gvk.kind, "gather"), self.parts.tracer.span("gather"):
            return await self.parts.gatherer.gather(self.watch, resource, fresh=fresh)

    def digests(self, observation: Observation, operation: Operation) -> Good:
        """Give the digests of what a run depends on now, and of what is there."""
        content = self.parts.content()
        inputs = input_digest(self.watch, observation, operation=operation.name, content=content)
        return Good(inputs=inputs, objects=digest(live_objects(observation)))

    def slot(self, resource: Object) -> AbstractAsyncContextManager[None]:
        """Wait for a slot, and hold it during the block."""
        return self.parts.runner.slot(self.watch, self.priority, key_of(resource).namespace)

    async def run(self, observation: Observation, operation: Operation) -> RunOutcome:
        """Run the playbook of an operation, and say before that it begins."""
        if told := telling.begins(self.watch, observation.resource):
            await self.write(observation, News(told=told))
        return await self.parts.runner.run(self.watch, observation, self.memory, operation)

    def judge(self, outcome: RunOutcome, operation: Operation) -> Says:
        """Say how the run of an operation ended."""
        manner = Manner(message_bound=self.parts.message_bound, now=self.parts.now())
        with self.parts.tracer.span("judge"):
            return telling.ended(self.watch, outcome, playbook=operation.playbook.name, manner=manner)

    async def write(self, observation: Observation, news: News) -> bool:
        """Write the status that follows, if it differs; what cannot be written now is said by the next pass."""
        memory = self.memory
        memory.unsaid = replace(news.after(memory.unsaid), references=observation.glimpses)
        own = own_objects(observation)
        with self.parts.tracer.span("write") as span:
            written = await self.parts.writer.write(
                self.watch, observation.resource, own, memory.unsaid, memory
            )
            span.tell(written=written)
        memory.unsaid = None
        return written

    def retry(self, count: int) -> float:
        """Give when to try again after so many failures in a row."""
        return self.parts.clock() + self.parts.backoff.wait(count)

    def ended(self, how: str) -> None:
        """Count the pass."""
        self.parts.metrics.pass_ended(self.watch.gvk.kind, how)

    def next(self, observation: Observation, *, written: bool = False, holds: bool = False) -> float:
        """Give the seconds until the next pass: a retry, a look at what is not watched, or the resync.

        A status that was ``written`` may be one that the next run depends on. What the last run left ``holds``.
        """
        watch, memory = self.watch, self.memory
        depends = [kind.inputs for kind in watch.owns] + [one.counts_when for one in watch.references]
        if written and any(depends):
            return 0.0
        clock = self.parts.clock()
        looks = None if watch.is_compatible else until_turn(memory.uid, watch.reconcile_seconds, clock)
        retry = memory.next_try(watch, holds=holds) - clock
        waits = [wait for wait in (looks, retry, observation.look_again_seconds) if wait is not None]
        return max(0.0, min(waits))
