"""Reads what resources refer to, each object cut to its projection."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.discovery import TRUSTED_SECONDS
from playbook_engine.expressions import ExpressionError
from playbook_engine.objects import Object, ObjectKey, metadata_of
from playbook_engine.reconcile.polling import Polled, Poller, unread
from playbook_engine.store import KindState, Store
from playbook_engine.watches.interests import Interest, has_labels
from playbook_engine.watches.records import ReadMode, Reference, Watch

MISSING_SHARE = 6
"""What is missing, or could not be read, is read again this many times as often as what is there: somebody waits."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one reference found, what could not be read, and in how many seconds to look again."""

    objects: list[object]
    errors: list[Mapping[str, str]]
    again: float = float("inf")


class ReferenceReader:
    """Reads references; remembers what it had to ask for."""

    def __init__(
        self, cluster: Cluster, store: Store, clock: Callable[[], float], *, namespaces: Iterable[str] = ()
    ) -> None:
        """Ask by name for what lies outside ``namespaces``, when those are given."""
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._namespaces = frozenset(namespaces)
        self._referred: Poller[object] = Poller(clock, trust_seconds=TRUSTED_SECONDS)

    async def read(
        self, watch: Watch, reference: Reference, interest: Interest, resource: Object, problems: list[str]
    ) -> Seen:
        """Read what one reference finds; expressions that fail are added to ``problems``."""
        keys = interest.names.get(reference.name, ())
        asked = [key for key in keys if reference.mode is ReadMode.POLL or self._is_outside(key)]
        seen = [await self._poll(watch, reference, key, problems) for key in asked]
        waits = [max(0.0, _lasts(reference, polled) - polled.age(self._clock())) for polled in seen]
        found = [polled.found for polled in seen if polled.found is not None]
        errors = [
            unread(key, polled.reason) for key, polled in zip(asked, seen, strict=True) if polled.reason
        ]
        if len(asked) < len(keys) or reference.names is None:
            watched = self._watched(reference, interest, resource, [key for key in keys if key not in asked])
            found += [_projected(reference, item, problems) for item in watched]
            state = self._store.state(reference.gvk)
            if state is not KindState.KNOWN:
                errors.append({"namespace": "", "name": "", "reason": state.value})
        return Seen(found, errors, min(waits, default=float("inf")))

    def _watched(
        self, reference: Reference, interest: Interest, resource: Object, keys: Iterable[ObjectKey]
    ) -> list[Object]:
        if reference.every:
            return list(self._store.all(reference.gvk))
        if reference.labels:
            wanted = interest.labels.get(reference.name, ())
            namespace = str(metadata_of(resource).get("namespace") or "")
            return [found for found in self._store.all(reference.gvk, namespace) if has_labels(found, wanted)]
        looked = (self._store.get(key) or self._store.get(replace(key, namespace="")) for key in keys)
        return [found for found in looked if found]

    def _is_outside(self, key: ObjectKey) -> bool:
        return bool(self._namespaces and key.namespace and key.namespace not in self._namespaces)

    async def _poll(
        self, watch: Watch, reference: Reference, key: ObjectKey, problems: list[str]
    ) -> Polled[object]:
        return await self._referred.read(
            f"{watch.gvk}/{reference.name}", key, self._cluster.get,
            cut=lambda found: _projected(reference, found, problems),
            lasts=lambda polled: _lasts(reference, polled),
        )  # fmt: skip


def _lasts(reference: Reference, polled: Polled[object]) -> float:
    return reference.poll_seconds / (MISSING_SHARE if polled.found is None or polled.believed else 1)


def _projected(reference: Reference, found: Object, problems: list[str]) -> object:
    if reference.projection is None:
        return found
    try:
        return reference.projection.search(found)
    except ExpressionError as error:
        problems.append(f"references.{reference.name}.projection: {error}")
        return None
