"""Reads what resources own: nearly all from the store, and by a request only what must not be watched."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from playbook_engine.cluster.client import Cluster
from playbook_engine.objects import (
    GroupVersionKind,
    Object,
    ObjectKey,
    fingerprint,
    key_of,
    metadata_of,
    uid_of,
)
from playbook_engine.reconcile.polling import Poller, unread
from playbook_engine.store import Store, without_managed_fields
from playbook_engine.watches.interests import Interest
from playbook_engine.watches.records import OwnedKind, ReadMode, Watch


@dataclass(frozen=True, slots=True)
class Owned:
    """Objects by key, with their fingerprints, and how often those of kinds that are not watched changed."""

    objects: dict[ObjectKey, Object] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    again: float = float("inf")

    def of(self, kind: GroupVersionKind) -> list[Object]:
        """Give those of one kind, by name."""
        return [found for key, found in sorted(self.objects.items()) if key.gvk == kind]


class OwnedReader:
    """Reads the objects of resources; remembers what it had to ask for."""

    def __init__(self, cluster: Cluster, store: Store, clock: Callable[[], float]) -> None:
        """Know nothing but the store."""
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._made: Poller[tuple[Object, str]] = Poller(clock)

    async def read(self, watch: Watch, interest: Interest, resource: Object, *, fresh: bool) -> Owned:
        """Read what a resource owns or has declared by name; ``fresh`` asks anew for what is not watched."""
        mine = {key_of(found): found for found in self._store.owned_by(uid_of(resource))}
        named = {key: found for key in interest.owned if (found := self._store.get(key))}
        watched = {**mine, **named}
        prints = {str(key): self._store.fingerprint(key, watch.field_manager) for key in watched}
        owned = Owned(watched, {key: text for key, text in prints.items() if text})
        for kind in watch.owns:
            if kind.mode is ReadMode.POLL:
                keys = sorted(key for key in interest.owned if key.gvk == kind.gvk)
                owned = await self._polled(watch, kind, keys, owned, fresh=fresh)
        return owned

    async def _polled(
        self, watch: Watch, kind: OwnedKind, keys: Iterable[ObjectKey], owned: Owned, *, fresh: bool
    ) -> Owned:
        """Add objects that are known by their metadata only. Of what is missing nobody waits to hear."""
        objects, prints, versions = dict(owned.objects), dict(owned.prints), dict(owned.versions)
        errors: list[Mapping[str, str]] = []
        again = owned.again

        def cut(found: Object) -> tuple[Object, str]:
            return without_managed_fields(found), fingerprint(found, watch.field_manager)

        for key in keys:
            polled = await self._made.read(
                str(watch.gvk), key, self._cluster.get_metadata,
                cut=cut, lasts=lambda _: 0.0 if fresh else kind.poll_seconds,
            )  # fmt: skip
            if polled.reason:
                errors.append(unread(key, polled.reason))
            elif polled.found is None:
                continue
            else:
                objects[key], text = polled.found
                versions[str(key)] = str(metadata_of(objects[key]).get("resourceVersion"))
                prints |= {str(key): text} if text else {}
            again = min(again, max(0.0, kind.poll_seconds - polled.age(self._clock())))
        told = {kind.gvk.kind: errors} if errors else {}
        return Owned(objects, prints, versions, {**owned.errors, **told}, again)
