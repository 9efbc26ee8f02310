"""One pass over one resource: gather, decide, run, judge, write. Here the decisions meet the effects."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ConflictError, InvalidError, NotFoundError
from playbook_engine.compat.annotations import AnnotationError, annotated
from playbook_engine.objects import (
    Object,
    ObjectKey,
    digest,
    key_of,
    mapping,
    metadata_of,
    uid_of,
)
from playbook_engine.observability.logs import context, get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.observability.tracing import NO_TRACES, Tracer
from playbook_engine.queue.backoff import Backoff, until_turn
from playbook_engine.queue.schedule import Priority
from playbook_engine.reconcile import telling
from playbook_engine.reconcile.catching_up import read_late
from playbook_engine.reconcile.decide import Decision, decide
from playbook_engine.reconcile.finalizers import adding, finalizers_of, is_deleted, removing
from playbook_engine.reconcile.gather import Gatherer
from playbook_engine.reconcile.judge import requeue_seconds
from playbook_engine.reconcile.left import left_objects, untouched
from playbook_engine.reconcile.memory import Good, Memory, good_of
from playbook_engine.reconcile.observation import (
    Observation,
    input_digest,
    left_alone,
    live_objects,
    own_objects,
    reported_objects,
)
from playbook_engine.reconcile.running import Runner
from playbook_engine.reconcile.telling import Manner
from playbook_engine.reconcile.variables import FINALIZE, RECONCILE
from playbook_engine.reconcile.writing import StatusWriter, generation_of, said
from playbook_engine.runs.records import RunOutcome, RunStatus
from playbook_engine.status.compose import News
from playbook_engine.store import Store
from playbook_engine.watches.records import Watch

AGAIN_SECONDS = 0.5
"""When a pass met a state that changed under it, it is tried again so soon."""

log = get_logger(__name__)


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


class Reconciler:
    """Makes passes; remembers of each resource what the next pass needs."""

    def __init__(self, parts: Parts) -> None:
        """Remember nothing yet."""
        self._parts = parts
        self._memories: dict[ObjectKey, Memory] = {}

    def forget(self) -> None:
        """Remember nothing: another process may have worked meanwhile."""
        self._memories.clear()

    async def reconcile(self, watch: Watch, key: ObjectKey, priority: Priority) -> float | None:
        """Make one pass; give the seconds until the next is due, or None when there is nothing left to do.

        Raises ClusterError when the API server stands in the way.
        """
        resource = self._parts.store.get(key)
        if resource is None:
            self._memories.pop(key, None)
            self._parts.metrics.pass_ended(key.gvk.kind, "gone")
            return None
        with context(object=said(resource), generation=generation_of(resource)):
            memory = self._memory(key, resource)
            if is_deleted(resource):
                return await self._finalize(watch, resource, memory, priority)
            if not watch.selector.selects(resource):
                self._parts.metrics.pass_ended(key.gvk.kind, "unselected")
                return None
            return await self._keep(watch, resource, memory, priority)

    async def _keep(self, watch: Watch, resource: Object, memory: Memory, priority: Priority) -> float | None:
        """Make a pass over a resource that is there to stay."""
        if watch.is_compatible:
            try:
                watch, ignored = annotated(watch, resource)
            except AnnotationError as error:
                return await self._refuse(watch, resource, memory, str(error))
            for text in ignored:
                log.warning("an annotation is ignored", reason=text)
        if is_paused(watch, resource):
            return await self._pause(watch, resource, memory)
        if watch.finalizer and watch.finalizer.name not in finalizers_of(resource):
            return await self._hold_on(resource, adding(resource, watch.finalizer.name))
        return await self._settle(watch, resource, memory, priority)

    async def _refuse(self, watch: Watch, resource: Object, memory: Memory, reason: str) -> float | None:
        """Run nothing until the resource is changed, and say why."""
        log.error("the resource cannot be reconciled", reason=reason)
        observation = Observation(resource=resource)
        await self._write(watch, observation, News(told=telling.refused(reason)), memory)
        memory.good = None
        self._parts.metrics.pass_ended(watch.gvk.kind, "refused")
        return None

    def _memory(self, key: ObjectKey, resource: Object) -> Memory:
        memory = self._memories.get(key)
        if memory is None or memory.uid != uid_of(resource):
            memory = self._memories[key] = Memory(uid_of(resource), good=good_of(resource))
        return memory

    async def _hold_on(self, resource: Object, operations: list[dict[str, object]]) -> float:
        """Change the finalizers, and go on with what the API server answers."""
        try:
            answer = await self._parts.cluster.patch(key_of(resource), operations)
        except NotFoundError:
            self._parts.store.remove(key_of(resource), uid_of(resource), for_good=True)
        except (ConflictError, InvalidError) as error:  # a test of the patch failed: it is not what it was
            log.info("the finalizer is not changed: the resource has changed", reason=str(error))
            await self._parts.gatherer.refresh(key_of(resource))
            return AGAIN_SECONDS
        else:
            if is_deleted(answer) and not finalizers_of(answer):  # that was the last one: it is gone
                self._parts.store.remove(key_of(resource), uid_of(resource), for_good=True)
            else:
                self._parts.store.put(answer)
        return 0.0

    async def _settle(self, watch: Watch, resource: Object, memory: Memory, priority: Priority) -> float:
        observation = await self._gather(watch, resource)
        decision = self._decide(watch, observation, memory)
        if decision is not Decision.RUN:
            return await self._stay(watch, observation, memory, decision)
        if said_before := telling.waits(watch, resource):
            await self._write(watch, observation, News(told=said_before), memory)
        async with self._parts.runner.slot(watch, priority, key_of(resource).namespace):
            # While this waited, the world may have moved.
            current = self._parts.store.get(key_of(resource))
            if current is None or uid_of(current) != memory.uid or _is_another_case(watch, current):
                return 0.0
            observation = await self._gather(watch, current, fresh=True)
            decision = self._decide(watch, observation, memory)
            if decision is not Decision.RUN:
                return await self._stay(watch, observation, memory, decision)
            await self._begin(watch, observation, memory)
            observation = replace(observation, untouched=untouched(observation, memory.left))
            outcome = await self._parts.runner.run(watch, observation, memory)
        return await self._conclude(watch, observation, outcome, memory)

    async def _begin(self, watch: Watch, observation: Observation, memory: Memory) -> None:
        if told := telling.begins(watch, observation.resource):
            await self._write(watch, observation, News(told=told), memory)

    def _manner(self) -> Manner:
        return Manner(message_bound=self._parts.message_bound, now=self._parts.now())

    async def _gather(self, watch: Watch, resource: Object, *, fresh: bool = False) -> Observation:
        with self._parts.metrics.phase(watch.gvk.kind, "gather"), self._parts.tracer.span("gather"):
            return await self._parts.gatherer.gather(watch, resource, fresh=fresh)

    def _now(self, watch: Watch, observation: Observation, operation: str = RECONCILE) -> Good:
        inputs = input_digest(watch, observation, operation=operation, content=self._parts.content())
        return Good(inputs=inputs, objects=digest(live_objects(observation)))

    def _decide(self, watch: Watch, observation: Observation, memory: Memory) -> Decision:
        for problem in observation.problems:
            log.warning("an expression of the watches file cannot be evaluated", problem=problem)
        with self._parts.tracer.span("decide") as span:
            now, clock = self._now(watch, observation), self._parts.clock()
            memory.turn = memory.good == now
            decision = decide(
                now, good=memory.good, failure=memory.failure, clock=clock, due=memory.due(watch)
            )
            span.tell(decision=decision.name.lower())
        return decision

    async def _stay(
        self, watch: Watch, observation: Observation, memory: Memory, decision: Decision
    ) -> float:
        """No run: the conditions hold for this generation, and the status follows the dependents."""
        news = News(current=True)
        if decision is Decision.SETTLED:
            if memory.failure:
                news = News(current=True, told=telling.rests(watch))
            memory.failure, memory.repeats = None, 0
        written = await self._write(watch, observation, news, memory)
        self._parts.metrics.pass_ended(watch.gvk.kind, decision.name.lower())
        return self._next(watch, observation, memory, written=written)

    async def _pause(self, watch: Watch, resource: Object, memory: Memory) -> float:
        """Only the status follows the dependents. What has changed meanwhile is found when the pause ends."""
        observation = await self._gather(watch, resource)
        text = f"nothing is changed as long as the annotation {watch.pause_annotation} is true; remove it to go on"
        await self._write(watch, observation, News(paused=text), memory)
        self._parts.metrics.pass_ended(watch.gvk.kind, "paused")
        return self._next(watch, observation, memory)

    async def _write(self, watch: Watch, observation: Observation, news: News, memory: Memory) -> bool:
        memory.unsaid = replace(news.after(memory.unsaid), references=observation.glimpses)
        own = own_objects(observation)
        with self._parts.tracer.span("write") as span:
            written = await self._parts.writer.write(watch, observation.resource, own, memory.unsaid, memory)
            span.tell(written=written)
        memory.unsaid = None
        return written

    async def _conclude(
        self, watch: Watch, observation: Observation, outcome: RunOutcome, memory: Memory
    ) -> float:
        with self._parts.tracer.span("judge"):
            told = telling.ended(watch, outcome, playbook=watch.playbook.name, manner=self._manner())
        after = await self._caught_up(watch, observation, outcome)
        # Owned objects that are not watched count as the run left them: it made the versions that they have now.
        inputs = self._now(watch, replace(observation, versions=after.versions)).inputs
        last_good: dict[str, object] = {}
        if outcome.status is RunStatus.SUCCESSFUL:
            live, before = live_objects(after), live_objects(observation)
            # What became meanwhile of objects that the run has not looked at is seen by the next.
            trusted = {key: before[key] for key in left_alone(outcome.custom) if key in before}
            known = {**live, **trusted, **reported_objects(outcome.custom)}
            good = memory.succeed(inputs, known, self._retry)
            memory.left = left_objects(outcome.custom, memory.left)
            memory.since, memory.requeue_seconds = self._parts.clock(), requeue_seconds(outcome)
            last_good = good.as_status(generation_of(observation.resource))
            if memory.failure:
                told |= telling.undone(watch, memory.objects, live)
        else:
            memory.left = {}  # nobody knows what it has done
            memory.fail(inputs, self._retry)
        news = News(told=told, fields=mapping(outcome.custom.get("status")), last_good=last_good)
        written = await self._write(watch, after, news, memory)
        self._parts.metrics.pass_ended(watch.gvk.kind, "run")
        return self._next(watch, after, memory, written=written)

    def _retry(self, count: int) -> float:
        """Give when to try again after so many failures in a row."""
        return self._parts.clock() + self._parts.backoff.wait(count)

    async def _caught_up(self, watch: Watch, observation: Observation, outcome: RunOutcome) -> Observation:
        """Observe again, with every object as the run left it: events of its writes may still be on their way."""
        after = await self._gather(watch, observation.resource, fresh=True)
        late = await read_late(self._parts.gatherer, watch, after, outcome)
        return await self._gather(watch, observation.resource) if late else after

    async def _finalize(
        self, watch: Watch, resource: Object, memory: Memory, priority: Priority
    ) -> float | None:
        """Run the finalizer's playbook, and let go of the resource when it succeeded."""
        finalizer = watch.finalizer
        if finalizer is None or finalizer.name not in finalizers_of(resource):
            return None
        observation = await self._gather(watch, resource)
        now = self._now(watch, observation, FINALIZE)
        if decide(now, good=None, failure=memory.failure, clock=self._parts.clock()) is Decision.HELD:
            return self._next(watch, observation, memory)
        async with self._parts.runner.slot(watch, priority, key_of(resource).namespace):
            await self._begin(watch, observation, memory)
            outcome = await self._parts.runner.run(watch, observation, memory, FINALIZE)
        if outcome.status is RunStatus.SUCCESSFUL:
            return await self._hold_on(resource, removing(resource, finalizer.name))
        told = telling.ended(watch, outcome, playbook=finalizer.playbook.name, manner=self._manner())
        memory.fail(now.inputs, self._retry)
        await self._write(watch, observation, News(told=told), memory)
        return self._next(watch, observation, memory)

    def _next(
        self, watch: Watch, observation: Observation, memory: Memory, *, written: bool = False
    ) -> float:
        """Give the seconds until the next pass: a retry, a look at what is not watched, or the resync.

        A status that was ``written`` may be one that the next run depends on.
        """
        depends = [kind.inputs for kind in watch.owns] + [one.counts_when for one in watch.references]
        if written and any(depends):
            return 0.0
        clock = self._parts.clock()
        looks = None if watch.is_compatible else until_turn(memory.uid, watch.reconcile_seconds, clock)
        retry = memory.failure.until - clock if memory.failure else memory.due(watch) - clock
        waits = [wait for wait in (looks, retry, observation.look_again_seconds) if wait is not None]
        return max(0.0, min(waits))


def is_paused(watch: Watch, resource: Object) -> bool:
    """Whether somebody asks that the resource is left alone."""
    annotations = mapping(metadata_of(resource).get("annotations"))
    return bool(watch.pause_annotation) and annotations.get(watch.pause_annotation) == "true"


def _is_another_case(watch: Watch, resource: Object) -> bool:
    return is_deleted(resource) or is_paused(watch, resource)
