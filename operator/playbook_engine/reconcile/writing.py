"""Writes what a pass found: the status when it differs, and Events for what changed in it."""

from collections.abc import Callable, Mapping

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ClusterError, ConflictError, NotFoundError
from playbook_engine.objects import Object, ObjectKey, digest, key_of, mapping, metadata_of, spoken, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.reconcile.memory import Memory
from playbook_engine.reconcile.patching import ConditionsPatcher
from playbook_engine.status.compose import DEGRADED, PAUSED, News, compose
from playbook_engine.status.conditions import read_conditions
from playbook_engine.status.notes import event, notes
from playbook_engine.store import Store
from playbook_engine.watches.records import Watch

log = get_logger(__name__)


class StatusWriter:
    """Writes statuses by server-side apply, or conditions by a patch where the rest of a status is the roles' own."""

    def __init__(self, cluster: Cluster, store: Store, metrics: Metrics, *, now: Callable[[], str]) -> None:
        """Take the time from ``now``, as RFC 3339 in UTC."""
        self._cluster = cluster
        self._store = store
        self._metrics = metrics
        self._now = now
        self._patcher = ConditionsPatcher(cluster, store, metrics, now=now)

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
        old, new = resource.get("status") or {}, composed.status
        if old == new or memory.written == (digest(new), digest(old)):
            return False
        key = key_of(resource)
        document = {
            "apiVersion": key.gvk.api_version,
            "kind": key.gvk.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid_of(resource)},
            "status": new,
        }
        try:
            with self._metrics.phase(key.gvk.kind, "write"):
                answer = await self._cluster.apply_status(key, document, field_manager=watch.field_manager)
        except (NotFoundError, ConflictError) as error:
            if isinstance(error, ConflictError) and await self._is_there(resource):
                raise  # it can be written by the next pass
            log.info("the status is not written: the resource is gone", reason=str(error))
            return False
        self._metrics.status_written(key.gvk.kind)
        self._store.put(answer)
        # The API server may drop or default fields; what it made of ours must not look like a difference.
        memory.written = (digest(new), digest(answer.get("status") or {}))
        await self._tell(watch, resource, new, {kind for kind, told in news.told.items() if told.warning})
        return True

    async def _is_there(self, resource: Object) -> bool:
        """Ask whether the resource is still the one of its name."""
        try:
            return uid_of(await self._cluster.get(key_of(resource))) == uid_of(resource)
        except NotFoundError:
            return False

    async def _tell(self, watch: Watch, resource: Object, status: Object, warned: set[str]) -> None:
        derived = {row.type for row in watch.conditions if not row.refines}.union(watch.neutral, {PAUSED})
        new = read_conditions({"status": status})
        old = read_conditions(resource)
        for note in notes(old, new, derived=derived, silent={DEGRADED}, warned=warned):
            await self._post(event(note, resource, component=watch.field_manager, now=self._now()))

    async def _post(self, posted: Object) -> None:
        """Create the Event, or count it up; a lost Event is logged and nothing else."""
        metadata = metadata_of(posted)
        namespace, name = str(metadata["namespace"]), str(metadata["name"])
        try:
            try:
                await self._cluster.create_event(posted)
            except ConflictError:
                await self._count_up(namespace, name)
        except ClusterError as error:
            log.warning("an Event is lost", reason=posted["reason"], error=str(error))

    async def _count_up(self, namespace: str, name: str) -> None:
        change = {"lastTimestamp": self._now()}
        await self._cluster.update_event(namespace, name, change)


def said(resource: Object) -> str:
    """Give the name of a resource as people write it: ``<Kind> <namespace>/<name>``."""
    key: ObjectKey = key_of(resource)
    return spoken(key.gvk.kind, key.namespace, key.name)


def generation_of(resource: Object) -> object:
    """Read ``metadata.generation``."""
    return mapping(resource.get("metadata")).get("generation")
