"""Which kind of pass a resource needs now, and what is remembered of it from one pass to the next."""

from dataclasses import replace

from playbook_engine.compat.annotations import AnnotationError, annotated
from playbook_engine.objects import Object, ObjectKey, generation_of, said, uid_of
from playbook_engine.observability.logs import context, get_logger
from playbook_engine.queue.schedule import Priority
from playbook_engine.reconcile import telling
from playbook_engine.reconcile.finalizers import finalizers_of, is_deleted
from playbook_engine.reconcile.finalizing import finalize, hold_on
from playbook_engine.reconcile.memory import Memory, good_of
from playbook_engine.reconcile.observation import Observation
from playbook_engine.reconcile.pausing import is_paused, pause
from playbook_engine.reconcile.settling import settle
from playbook_engine.reconcile.steps import Parts, Pass
from playbook_engine.status.compose import News
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


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
        memory = self._memory(key, resource)
        one = Pass(parts=self._parts, watch=watch, memory=memory, priority=priority)
        with context(object=said(resource), generation=generation_of(resource)):
            return await _pass_over(one, resource)

    def _memory(self, key: ObjectKey, resource: Object) -> Memory:
        memory = self._memories.get(key)
        if memory is None or memory.uid != uid_of(resource):
            memory = self._memories[key] = Memory(uid_of(resource), good=good_of(resource))
        return memory


async def _pass_over(one: Pass, resource: Object) -> float | None:
    if is_deleted(resource):
        return await finalize(one, resource)
    if not one.watch.selector.selects(resource):
        one.ended("unselected")
        return None
    if one.watch.is_compatible:
        try:
            one = _annotated(one, resource)
        except AnnotationError as error:
            await _refuse(one, resource, str(error))
            return None
    if is_paused(one.watch, resource):
        return await pause(one, resource)
    finalizer = one.watch.finalizer
    if finalizer and finalizer.name not in finalizers_of(resource):
        return await hold_on(one, resource, finalizer)
    return await settle(one, resource)


def _annotated(one: Pass, resource: Object) -> Pass:
    """Take the entry as annotations of the resource change it; raises AnnotationError."""
    watch, ignored = annotated(one.watch, resource)
    for text in ignored:
        log.warning("an annotation is ignored", reason=text)
    return replace(one, watch=watch)


async def _refuse(one: Pass, resource: Object, reason: str) -> None:
    """Run nothing until the resource is changed, and say why."""
    log.error("the resource cannot be reconciled", reason=reason)
    await one.write(Observation(resource=resource), News(told=telling.refused(reason)))
    one.memory.good = None
    one.ended("refused")
