"""The finalizer of a resource: it is set before anything is run, and removed when its playbook has succeeded."""

from playbook_engine.cluster.errors import ConflictError, InvalidError, NotFoundError
from playbook_engine.objects import Object, key_of, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.reconcile.decide import Decision, decide
from playbook_engine.reconcile.finalizers import Patch, adding, finalizers_of, is_deleted, removing
from playbook_engine.reconcile.operations import finalizing
from playbook_engine.reconcile.steps import Parts, Pass
from playbook_engine.runs.records import RunStatus
from playbook_engine.status.compose import News
from playbook_engine.watches.records import Finalizer

AGAIN_SECONDS = 0.5
"""When a pass met a state that changed under it, it is tried again so soon."""

log = get_logger(__name__)


async def hold_on(one: Pass, resource: Object, finalizer: Finalizer) -> float:
    """Set the finalizer; give the seconds until the next pass."""
    return await _change(one.parts, resource, adding(resource, finalizer.name))


async def finalize(one: Pass, resource: Object) -> float | None:
    """Run the finalizer's playbook, and let go of the resource when it succeeded; give the same.

    None when there is nothing left to do: the resource does not have the finalizer any more, or never had.
    """
    finalizer, memory = one.watch.finalizer, one.memory
    if finalizer is None or finalizer.name not in finalizers_of(resource):
        return None
    operation = finalizing(one.watch, finalizer)
    observation = await one.gather(resource)
    now = one.digests(observation, operation)
    if decide(now, good=None, failure=memory.failure, clock=one.parts.clock()) is Decision.HELD:
        return one.next(observation)
    async with one.slot(resource):
        outcome = await one.run(observation, operation)
    if outcome.status is RunStatus.SUCCESSFUL:
        return await _change(one.parts, resource, removing(resource, finalizer.name))
    told = one.judge(outcome, operation)
    memory.fail(now.inputs, clock=one.parts.clock(), retry=one.retry)
    await one.write(observation, News(told=told))
    return one.next(observation)


async def _change(parts: Parts, resource: Object, patch: Patch) -> float:
    """Change the finalizers, and go on with what the API server answers."""
    key, uid = key_of(resource), uid_of(resource)
    try:
        answer = await parts.cluster.patch(key, patch)
    except NotFoundError:
        parts.store.remove(key, uid, for_good=True)
    except (ConflictError, InvalidError) as error:  # a test of the patch failed: it is not what it was
        log.info("the finalizer is not changed: the resource has changed", reason=str(error))
        await parts.gatherer.refresh(key)
        return AGAIN_SECONDS
    else:
        if is_deleted(answer) and not finalizers_of(answer):  # that was the last one: it is gone
            parts.store.remove(key, uid, for_good=True)
        else:
            parts.store.put(answer)
    return 0.0
