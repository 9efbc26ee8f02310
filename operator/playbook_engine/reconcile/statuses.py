"""Statuses in the API server: each write is measured, and its answer is in the store before its event arrives."""

from collections.abc import Sequence
from dataclasses import dataclass

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import NotFoundError
from playbook_engine.objects import Object, is_newer, key_of, uid_of
from playbook_engine.observability.metrics import Metrics
from playbook_engine.store import Store


@dataclass(frozen=True, slots=True)
class Statuses:
    """Where statuses are written to, and what is known of them; the methods raise ClusterError."""

    cluster: Cluster
    store: Store
    metrics: Metrics

    async def apply(self, resource: Object, status: Object, *, field_manager: str) -> Object:
        """Write a whole status by server-side apply; give the object as it is then."""
        key = key_of(resource)
        document = {
            "apiVersion": key.gvk.api_version,
            "kind": key.gvk.kind,
            "metadata": {"name": key.name, "namespace": key.namespace, "uid": uid_of(resource)},
            "status": status,
        }
        with self.metrics.phase(key.gvk.kind, "write"):
            answer = await self.cluster.apply_status(key, document, field_manager=field_manager)
        return self._written(answer, key.gvk.kind)

    async def patch(self, resource: Object, operations: Sequence[Object]) -> Object:
        """Change a status by a JSON patch; give the same."""
        key = key_of(resource)
        with self.metrics.phase(key.gvk.kind, "write"):
            answer = await self.cluster.patch(key, operations, subresource="status")
        return self._written(answer, key.gvk.kind)

    async def read(self, resource: Object) -> Object:
        """Ask for the object that has the name of the resource now."""
        return await self.cluster.get(key_of(resource))

    async def is_there(self, resource: Object) -> bool:
        """Ask whether the resource is still the one of its name."""
        try:
            return uid_of(await self.read(resource)) == uid_of(resource)
        except NotFoundError:
            return False

    def newest(self, resource: Object) -> Object:
        """Give the newest state that is known."""
        known = self.store.get(key_of(resource))
        return known if known is not None and is_newer(known, resource) else resource

    def take_in(self, found: Object) -> None:
        """Know a newer state."""
        self.store.put(found)

    def _written(self, answer: Object, kind: str) -> Object:
        self.metrics.status_written(kind)
        self.store.put(answer)
        return answer
