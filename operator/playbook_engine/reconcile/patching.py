"""Writes conditions into a status that roles write too: by a patch that fails when it has changed meanwhile."""

from collections.abc import Callable, Mapping

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ConflictError, InvalidError, NotFoundError
from playbook_engine.compat import conditions as theirs
from playbook_engine.objects import Object, digest, is_newer, key_of, mapping, metadata_of, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.reconcile.memory import Memory
from playbook_engine.status.conditions import Told
from playbook_engine.store import Store

MOST_TRIES = 10
"""So often it is tried again when somebody else has written in between."""

log = get_logger(__name__)


class ConditionsPatcher:
    """Writes the three conditions of ansible-operator, and leaves the rest of a status as it is."""

    def __init__(self, cluster: Cluster, store: Store, metrics: Metrics, *, now: Callable[[], str]) -> None:
        """Take the time from ``now``, as RFC 3339 in UTC."""
        self._cluster = cluster
        self._store = store
        self._metrics = metrics
        self._now = now

    async def write(self, resource: Object, told: Mapping[str, Told], memory: Memory) -> bool:
        """Write what is told of ``resource`` as the run saw it, if it differs; tell whether it was written.

        What others have written since then is kept. A resource that is gone is left alone. Raises ClusterError.
        """
        generation = metadata_of(resource).get("generation")
        try:
            for _ in range(MOST_TRIES):
                current = self._newest(resource)
                if uid_of(current) != uid_of(resource):
                    return False
                old = mapping(current.get("status"))
                new = theirs.with_conditions(old, told, generation=generation, now=self._now())
                if old == new or memory.written == (digest(new), digest(old)):
                    return False
                answer = await self._patched(current, new)
                if answer is not None:
                    # The API server drops what the definition of the kind does not know; that is no difference.
                    memory.written = (digest(new), digest(mapping(answer.get("status"))))
                    return True
        except NotFoundError as error:
            text = "the status is not written: the resource is gone, or its kind has no subresource for it"
            log.info(text, reason=str(error))
            return False
        raise ConflictError(f"the status of {key_of(resource)} is changed by somebody else all the time")

    def _newest(self, resource: Object) -> Object:
        known = self._store.get(key_of(resource))
        return known if known is not None and is_newer(known, resource) else resource

    async def _patched(self, current: Object, status: Object) -> Object | None:
        """Patch; None when what was patched is not the newest state, which is in the store then."""
        key = key_of(current)
        try:
            with self._metrics.phase(key.gvk.kind, "write"):
                operations = theirs.patch(current, status)
                answer = await self._cluster.patch(key, operations, subresource="status")
        except (ConflictError, InvalidError):
            found = await self._cluster.get(key)
            if metadata_of(found).get("resourceVersion") == metadata_of(current).get("resourceVersion"):
                raise  # that was not the reason: the API server refuses the conditions
            self._store.put(found)
            return None
        self._metrics.status_written(key.gvk.kind)
        self._store.put(answer)
        return answer
