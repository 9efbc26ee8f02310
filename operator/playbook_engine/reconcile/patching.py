"""Writes conditions into a status that roles write too: by a patch that fails when it has changed meanwhile."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from playbook_engine.cluster.errors import ConflictError, InvalidError, NotFoundError
from playbook_engine.compat import conditions as theirs
from playbook_engine.objects import Object, generation_of, key_of, mapping, metadata_of, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.reconcile.memory import Memory
from playbook_engine.reconcile.statuses import Statuses
from playbook_engine.status.conditions import Told

MOST_TRIES = 10
"""So often it is tried again when somebody else has written in between."""

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class ConditionsPatcher:
    """Writes the three conditions of ansible-operator, and leaves the rest of a status as it is.

    ``now`` gives the time, as RFC 3339 in UTC.
    """

    statuses: Statuses
    now: Callable[[], str]

    async def write(self, resource: Object, told: Mapping[str, Told], memory: Memory) -> bool:
        """Write what is told of ``resource`` as the run saw it, if it differs; tell whether it was written.

        What others have written since then is kept. A resource that is gone is left alone. Raises ClusterError.
        """
        generation = generation_of(resource)
        try:
            for _ in range(MOST_TRIES):
                current = self.statuses.newest(resource)
                if uid_of(current) != uid_of(resource):
                    return False
                old = mapping(current.get("status"))
                new = theirs.with_conditions(old, told, generation=generation, now=self.now())
                if old == new or memory.has_written(new, old):
                    return False
                answer = await self._patched(current, new)
                if answer is not None:
                    memory.keep_written(new, mapping(answer.get("status")))
                    return True
        except NotFoundError as error:
            text = "the status is not written: the resource is gone, or its kind has no subresource for it"
            log.info(text, reason=str(error))
            return False
        raise ConflictError(f"the status of {key_of(resource)} is changed by somebody else all the time")

    async def _patched(self, current: Object, status: Object) -> Object | None:
        """Patch; None when what was patched is not the newest state, which is in the store then."""
        try:
            return await self.statuses.patch(current, theirs.patch(current, status))
        except (ConflictError, InvalidError):
            found = await self.statuses.read(current)
            if metadata_of(found).get("resourceVersion") == metadata_of(current).get("resourceVersion"):
                raise  # that was not the reason: the API server refuses the conditions
            self.statuses.take_in(found)
            return None
