"""The pass over a resource that is there to stay: gather, decide, run, judge, write."""

from dataclasses import dataclass, replace

from playbook_engine.objects import Object, generation_of, key_of, mapping, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.reconcile import telling
from playbook_engine.reconcile.catching_up import read_late
from playbook_engine.reconcile.decide import Decision, decide
from playbook_engine.reconcile.finalizers import is_deleted
from playbook_engine.reconcile.judge import requeue_seconds
from playbook_engine.reconcile.left import left_objects, untouched
from playbook_engine.reconcile.observation import Observation, left_alone, live_objects, reported_objects
from playbook_engine.reconcile.operations import reconciling
from playbook_engine.reconcile.pausing import is_paused
from playbook_engine.reconcile.steps import Pass
from playbook_engine.runs.records import RunOutcome, RunStatus
from playbook_engine.status.compose import News

log = get_logger(__name__)


async def settle(one: Pass, resource: Object) -> float:
    """Bring about what the resource asks for; give the seconds until the next pass."""
    observation = await one.gather(resource)
    decision = _decide(one, observation)
    if decision is not Decision.RUN:
        return await _stay(one, observation, decision)
    if said_before := telling.waits(one.watch, resource):
        await one.write(observation, News(told=said_before))
    async with one.slot(resource):
        # While this waited, the world may have moved.
        current = one.parts.store.get(key_of(resource))
        if current is None or _is_another_case(one, current):
            return 0.0
        observation = await one.gather(current, fresh=True)
        decision = _decide(one, observation)
        if decision is not Decision.RUN:
            return await _stay(one, observation, decision)
        observation = replace(observation, untouched=untouched(observation, one.memory.left))
        outcome = await one.run(observation, reconciling(one.watch))
    return await _conclude(one, observation, outcome)


def _is_another_case(one: Pass, resource: Object) -> bool:
    return uid_of(resource) != one.memory.uid or is_deleted(resource) or is_paused(one.watch, resource)


def _decide(one: Pass, observation: Observation) -> Decision:
    for problem in observation.problems:
        log.warning("an expression of the watches file cannot be evaluated", problem=problem)
    memory = one.memory
    with one.parts.tracer.span("decide") as span:
        now, clock = one.digests(observation, reconciling(one.watch)), one.parts.clock()
        memory.turn = memory.good == now
        due = memory.due(one.watch)
        decision = decide(now, good=memory.good, failure=memory.failure, clock=clock, due=due)
        span.tell(decision=decision.name.lower())
    return decision


async def _stay(one: Pass, observation: Observation, decision: Decision) -> float:
    """No run: the conditions hold for this generation, and the status follows the dependents."""
    holds = decision is Decision.SETTLED
    over = holds and one.memory.rest(one.parts.clock())
    news = News(current=True, told=telling.rests(one.watch) if over or _is_late(one, observation) else {})
    written = await one.write(observation, news)
    one.ended(decision.name.lower())
    return one.next(observation, written=written, holds=holds)


def _is_late(one: Pass, observation: Observation) -> bool:
    """Whether the status tells of a trouble that is over, as an earlier process has left it."""
    return one.memory.runs == 0 and one.memory.unsaid is None and telling.is_in_trouble(observation.resource)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ended:
    """A run that has ended: what was seen ``before`` it and ``after`` it, and the digest of what it depended on."""

    outcome: RunOutcome
    before: Observation
    after: Observation
    inputs: str


async def _conclude(one: Pass, observation: Observation, outcome: RunOutcome) -> float:
    operation = reconciling(one.watch)
    told = one.judge(outcome, operation)
    after = await _caught_up(one, observation, outcome)
    # Owned objects that are not watched count as the run left them: it made the versions that they have now.
    inputs = one.digests(replace(observation, versions=after.versions), operation).inputs
    ended = _Ended(outcome=outcome, before=observation, after=after, inputs=inputs)
    news = News(told=told, fields=mapping(outcome.custom.get("status")))
    if outcome.status is RunStatus.SUCCESSFUL:
        news = _succeeded(one, ended, news)
    else:
        one.memory.left = {}  # nobody knows what it has done
        one.memory.fail(inputs, clock=one.parts.clock(), retry=one.retry)
    written = await one.write(after, news)
    one.ended("run")
    return one.next(after, written=written)


def _succeeded(one: Pass, ended: _Ended, news: News) -> News:
    """Remember what the run has left; give the news with the digests by which another process knows it."""
    memory, custom = one.memory, ended.outcome.custom
    live, before = live_objects(ended.after), live_objects(ended.before)
    # What became meanwhile of objects that the run has not looked at is seen by the next.
    trusted = {key: before[key] for key in left_alone(custom) if key in before}
    left_last = memory.objects
    left = {**live, **trusted, **reported_objects(custom)}
    good = memory.succeed(ended.inputs, left, clock=one.parts.clock(), retry=one.retry)
    memory.left = left_objects(custom, memory.left)
    memory.requeue_seconds = requeue_seconds(ended.outcome)
    # Why this run was made; whether it is undone as well is not known yet.
    undone = telling.undone(one.watch, left_last, before) if memory.failure else {}
    generation = generation_of(ended.before.resource)
    return replace(news, told={**news.told, **undone}, last_good=good.as_status(generation))


async def _caught_up(one: Pass, observation: Observation, outcome: RunOutcome) -> Observation:
    """Observe again, with every object as the run left it: events of its writes may still be on their way."""
    after = await one.gather(observation.resource, fresh=True)
    late = await read_late(one.parts.gatherer, one.watch, after, outcome)
    return await one.gather(observation.resource) if late else after
