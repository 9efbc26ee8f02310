"""Writes what a pass found: the status when it differs, and Events for what changed in it."""

from collections.abc import Callable, Mapping

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ConflictError, NotFoundError
from playbook_engine.objects import Object, mapping
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.reconcile.memory import Memory
from playbook_engine.reconcile.patching import ConditionsPatcher
from playbook_engine.reconcile.posting import Poster
from playbook_engine.reconcile.statuses import Statuses
from playbook_engine.status.compose import DEGRADED, PAUSED, News, compose
from playbook_engine.status.conditions import read_conditions
from playbook_engine.status.notes import notes
from playbook_engine.store import Store
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


class StatusWriter:
    """Writes statuses by server-side apply, or conditions by a patch where the rest of a status is the roles' own."""

    def __init__(self, cluster: Cluster, store: Store, metrics: Metrics, *, now: Callable[[], str]) -> None:
        """Take the time from ``now``, as RFC 3339 in UTC."""
        self._statuses = Statuses(cluster, store, metrics)
        self._patcher = ConditionsPatcher(self._statuses, now)
        self._poster = Poster(cluster, now)
        self._now = now

    async def write(
        self, watch: Watch, resource: Object, owned: Mapping[str, list[Object]], news: News, memory: Memory
    ) -> bool:
        """Write the status that follows from ``news`` and the dependents, if it differs; tell whether it was written.

        A resource that is gone, or another one of the same name, is left alone. Raises ClusterError.
        """
        if not watch.manage_status:
            return False
        if watch.is_compatible:
            return await self._patcher.write(resource, news.told, memory)
        composed = compose(watch, resource, owned, news, self._now())
        for problem in composed.problems:
            log.warning("an expression of the watches file cannot be evaluated", problem=problem)
        old, new = mapping(resource.get("status")), composed.status
        if old == new or memory.has_written(new, old):
            return False
        try:
            answer = await self._statuses.apply(resource, new, field_manager=watch.field_manager)
        except (NotFoundError, ConflictError) as error:
            if isinstance(error, ConflictError) and await self._statuses.is_there(resource):
                raise  # it can be written by the next pass
            log.info("the status is not written: the resource is gone", reason=str(error))
            return False
        memory.keep_written(new, mapping(answer.get("status")))
        await self._tell(watch, resource, new, {kind for kind, told in news.told.items() if told.warning})
        return True

    async def _tell(self, watch: Watch, resource: Object, status: Object, warned: set[str]) -> None:
        derived = {row.type for row in watch.conditions if not row.refines}.union(watch.neutral, {PAUSED})
        new = read_conditions({"status": status})
        old = read_conditions(resource)
        for note in notes(old, new, derived=derived, silent={DEGRADED}, warned=warned):
            await self._poster.post(note, resource, component=watch.field_manager)
