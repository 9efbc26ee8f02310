"""Posts Events about resources; one that is lost is logged and nothing else."""

from collections.abc import Callable
from dataclasses import dataclass

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ClusterError, ConflictError
from playbook_engine.objects import Object, metadata_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.status.notes import Note, event

log = get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Poster:
    """Where Events go; ``now`` gives the time, as RFC 3339 in UTC."""

    cluster: Cluster
    now: Callable[[], str]

    async def post(self, note: Note, resource: Object, *, component: str) -> None:
        """Create the Event, or count it up when the same was told before."""
        posted = event(note, resource, component=component, now=self.now())
        try:
            try:
                await self.cluster.create_event(posted)
            except ConflictError:
                await self._count_up(posted)
        except ClusterError as error:
            log.warning("an Event is lost", reason=posted["reason"], error=str(error))

    async def _count_up(self, posted: Object) -> None:
        metadata, change = metadata_of(posted), {"lastTimestamp": self.now()}
        await self.cluster.update_event(str(metadata["namespace"]), str(metadata["name"]), change)
