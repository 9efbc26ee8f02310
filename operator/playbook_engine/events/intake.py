"""Takes news of objects into the store and asks the queue for whom they concern."""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.discovery import Presence
from playbook_engine.cluster.errors import ClusterError, ForbiddenError, NotFoundError
from playbook_engine.events.wakes import Wake, Wakes
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, key_of, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.queue.schedule import Priority
from playbook_engine.store import KindState, Store
from playbook_engine.watches.records import ReadMode, Watch

DEFINITIONS = GroupVersionKind(group="apiextensions.k8s.io", version="v1", kind="CustomResourceDefinition")
"""Watched to notice that a kind is served from now on."""

NAMESPACES = GroupVersionKind(group="", version="v1", kind="Namespace")

log = get_logger(__name__)


def watched_kinds(watches: Iterable[Watch]) -> tuple[GroupVersionKind, ...]:
    """Give every kind whose objects are watched, each once."""
    found: dict[GroupVersionKind, None] = {}
    for watch in watches:
        found[watch.gvk] = None
        found.update(dict.fromkeys(kind.gvk for kind in watch.owns if kind.mode is ReadMode.WATCH))
        found.update(dict.fromkeys(one.gvk for one in watch.references if one.mode is ReadMode.WATCH))
    return tuple(found)


class Intake:
    """Where events and listings come together."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        cluster: Cluster,
        store: Store,
        wakes: Wakes,
        metrics: Metrics,
        *,
        add: Callable[[ObjectKey, Priority], None],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Look into ``namespaces`` only, when some are given; ``add`` asks the queue for a resource."""
        self._cluster = cluster
        self._store = store
        self._wakes = wakes
        self._metrics = metrics
        self._add = add
        self._namespaces = namespaces
        self._refused: dict[str, set[GroupVersionKind]] = {}
        self.moved = asyncio.Event()
        """Set when other namespaces can be read than before."""

    @property
    def readable(self) -> tuple[str, ...]:
        """Give the namespaces of those to be looked into in which no kind was refused; all when all are."""
        return tuple(name for name in self._namespaces if not self._refused.get(name)) or self._namespaces

    def seen(self, found: Object, *, ours: bool = False) -> None:
        """An object is there, in this state or a newer one; with ``ours`` only when it belongs to a resource."""
        if ours and not self._is_ours(found):
            return
        gvk = key_of(found).gvk
        self._metrics.heard_of(gvk.kind)
        if self._store.state(gvk) is not KindState.KNOWN:
            self._state(gvk, KindState.KNOWN)
        change = self._store.put(found)
        if change:
            self._wake(self._wakes.of_change(change))

    def gone(self, key: ObjectKey, uid: str) -> None:
        """An object has been deleted."""
        self._metrics.heard_of(key.gvk.kind)
        self._forget(key, uid, for_good=True)

    async def may_scan(self) -> bool:
        """Say whether it can be seen which kinds and namespaces there are; raises ClusterError."""
        asked = (DEFINITIONS, NAMESPACES) if self._namespaces else (DEFINITIONS,)
        return all([await self._cluster.may_list(gvk) for gvk in asked])

    async def compare(self, gvk: GroupVersionKind, *, ours: bool = False) -> None:
        """List a kind: take in what was missed, and drop what is not there any more.

        With ``ours`` only objects that belong to a resource are taken in.
        How far the kind is known is kept in the store; no ClusterError is raised.
        """
        before = self._store.keys(gvk)
        uids = {key: uid_of(found) for key in before if (found := self._store.get(key))}
        try:
            fresh = self._store.state(gvk) is not KindState.KNOWN
            if await self._cluster.presence(gvk, fresh=fresh) is Presence.ABSENT:
                raise NotFoundError(f"the cluster does not serve {gvk}")
            listed = await self._list(gvk)
        except ClusterError as error:
            self._state(gvk, _state_of(error))
            if not isinstance(error, NotFoundError):
                log.warning("a kind cannot be listed", kind=str(gvk), error=str(error))
            return
        self._metrics.heard_of(gvk.kind)
        self._state(gvk, KindState.KNOWN)
        for found in listed:
            self.seen(found, ours=ours)
        for key in before - {key_of(found) for found in listed}:
            if not self._namespaces or not key.namespace or self._is_read(gvk, key.namespace):
                self._forget(key, uids[key])

    def _is_ours(self, found: Object) -> bool:
        """Whether an object belongs to a resource that is known, or did when it was seen last."""
        return self._wakes.has_owner(found) or self._store.get(key_of(found)) is not None

    def _is_read(self, gvk: GroupVersionKind, namespace: str) -> bool:
        return namespace in self._namespaces and gvk not in self._refused.get(namespace, ())

    def _forget(self, key: ObjectKey, uid: str, *, for_good: bool = False) -> None:
        change = self._store.remove(key, uid, for_good=for_good)
        if change:
            self._wake(self._wakes.of_change(change))

    async def _list(self, gvk: GroupVersionKind) -> list[Object]:
        if not self._namespaces or not await self._cluster.is_namespaced(gvk):
            return list(await self._cluster.list(gvk))
        found: list[Object] = []
        refusals: dict[str, ForbiddenError] = {}
        for name in self._namespaces:
            try:
                found += await self._cluster.list(gvk, name)
            except ForbiddenError as error:
                refusals[name] = error
        self._tell(gvk, refusals)
        if len(refusals) == len(self._namespaces):
            raise next(iter(refusals.values()))
        return found

    def _tell(self, gvk: GroupVersionKind, refusals: Mapping[str, ForbiddenError]) -> None:
        """Log which namespaces are closed from now on, or are not any more: the others go on without them."""
        before = self.readable
        for name in self._namespaces:
            kinds = self._refused.setdefault(name, set())
            if name in refusals and gvk not in kinds:
                kinds.add(gvk)
                error = str(refusals[name])
                log.warning("a kind cannot be listed", kind=str(gvk), namespace=name, error=error)
            elif name not in refusals and gvk in kinds:
                kinds.remove(gvk)
                log.info("a kind can be listed again", kind=str(gvk), namespace=name)
        if self.readable != before:
            self.moved.set()

    def _state(self, gvk: GroupVersionKind, state: KindState) -> None:
        if self._store.state(gvk) is not state:
            self._store.set_state(gvk, state)
            self._wake(self._wakes.of_kind(gvk))

    def _wake(self, wakes: Iterable[Wake]) -> None:
        for wake in wakes:
            self._add(wake.key, wake.priority)


def _state_of(error: ClusterError) -> KindState:
    if isinstance(error, NotFoundError):
        return KindState.ABSENT
    return KindState.FORBIDDEN if isinstance(error, ForbiddenError) else KindState.UNAVAILABLE
