"""Gathers what a pass needs: nearly all from the store, and by a request only what must not be watched."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.discovery import TRUSTED_SECONDS, Presence
from playbook_engine.cluster.errors import ClusterError, NotFoundError
from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import Object, ObjectKey, fingerprint, key_of, metadata_of, uid_of
from playbook_engine.reconcile.dependents import dependents_of
from playbook_engine.reconcile.glimpsing import Glimpser
from playbook_engine.reconcile.observation import Observation
from playbook_engine.reconcile.polling import Polled, Poller
from playbook_engine.store import KindState, Store, without_managed_fields
from playbook_engine.watches.interests import Interest, has_labels, interest_of
from playbook_engine.watches.records import OwnedKind, ReadMode, Reference, Watch

MISSING_SHARE = 6
"""What is missing, or could not be read, is read again this many times as often as what is there: somebody waits."""

UNKNOWN_SECONDS = 10.0
"""When it could not be told whether a kind is served, it is asked again so soon: somebody may wait for it."""


@dataclass(frozen=True, slots=True)
class _Seen:
    objects: list[object]
    errors: list[Mapping[str, str]]
    again: float = float("inf")


@dataclass(frozen=True, slots=True)
class _Owned:
    """Owned objects by key, with their fingerprints, and how often those of kinds that are not watched changed."""

    objects: dict[ObjectKey, Object] = field(default_factory=dict)
    prints: dict[str, str] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    errors: dict[str, list[Mapping[str, str]]] = field(default_factory=dict)
    again: float = float("inf")


class Gatherer:
    """Reads the world around resources; remembers what it had to ask for."""

    def __init__(
        self, cluster: Cluster, store: Store, *, namespaces: Iterable[str] = (), clock: Callable[[], float]
    ) -> None:
        """Read by name what lies outside ``namespaces``, when those are given."""
        self._cluster = cluster
        self._store = store
        self._namespaces = frozenset(namespaces)
        self._clock = clock
        self._referred: Poller[object] = Poller(clock, trust_seconds=TRUSTED_SECONDS)
        self._made: Poller[tuple[Object, str]] = Poller(clock)
        self._glimpser = Glimpser(cluster, clock)

    async def gather(self, watch: Watch, resource: Object, *, fresh: bool = False) -> Observation:
        """Gather for one resource. What cannot be read is an error in the observation, not an exception.

        ``fresh`` reads owned objects anew that are not watched: a run is about to change them, or just did.
        """
        interest = interest_of(watch, resource)
        problems = list(interest.problems)
        references: dict[str, list[object]] = {}
        errors: dict[str, list[Mapping[str, str]]] = {}
        again = float("inf")
        for reference in watch.references:
            seen = await self._see(watch, reference, interest, resource, problems)
            references[reference.name] = seen.objects
            if seen.errors:
                errors[reference.name] = seen.errors
            again = min(again, seen.again)
        owned = await self._owned(watch, interest, resource, fresh=fresh)
        by_kind = {
            kind.gvk.kind: [found for key, found in sorted(owned.objects.items()) if key.gvk == kind.gvk]
            for kind in watch.owns
        }
        glimpsed = await self._glimpser.look(watch, resource, by_kind)
        apis = await self._apis(watch)
        if Presence.UNKNOWN in apis.values():
            again = min(again, UNKNOWN_SECONDS)
        return Observation(
            resource=resource,
            references=references,
            counted=_counted(watch, resource, references, by_kind, problems),
            errors={**errors, **owned.errors},
            owned=by_kind,
            apis=apis,
            prints=owned.prints,
            versions=owned.versions,
            states=_states(watch, resource, owned.objects, problems),
            writers={str(key): self._store.writers(key) for key in owned.objects},
            dependents=dependents_of(watch, resource, self._store),
            problems=(*problems, *glimpsed.problems),
            glimpses=glimpsed.objects,
            look_again_seconds=min(again, owned.again, glimpsed.again),
        )

    async def refresh(self, key: ObjectKey) -> None:
        """Read an object of a watched kind anew, when its events may not have arrived yet."""
        try:
            self._store.put(await self._cluster.get(key))
        except NotFoundError:
            self._store.remove(key)
        except ClusterError:
            return

    async def _apis(self, watch: Watch) -> dict[str, str]:
        kinds = [*(kind.gvk for kind in watch.owns), *(one.gvk for one in watch.references), *watch.apis]
        return {str(gvk): (await self._cluster.presence(gvk)).value for gvk in kinds}

    async def _owned(self, watch: Watch, interest: Interest, resource: Object, *, fresh: bool) -> _Owned:
        mine = {key_of(found): found for found in self._store.owned_by(uid_of(resource))}
        named = {key: found for key in interest.owned if (found := self._store.get(key))}
        watched = {**mine, **named}
        prints = {str(key): self._store.fingerprint(key, watch.field_manager) for key in watched}
        owned = _Owned(watched, {key: text for key, text in prints.items() if text})
        for kind in watch.owns:
            if kind.mode is ReadMode.POLL:
                keys = sorted(key for key in interest.owned if key.gvk == kind.gvk)
                owned = await self._polled_owned(watch, kind, keys, owned, fresh=fresh)
        return owned

    async def _polled_owned(
        self, watch: Watch, kind: OwnedKind, keys: Iterable[ObjectKey], owned: _Owned, *, fresh: bool
    ) -> _Owned:
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
                errors.append(_error(key, polled.reason))
            elif polled.found is None:
                continue
            else:
                objects[key], text = polled.found
                versions[str(key)] = str(metadata_of(objects[key]).get("resourceVersion"))
                prints |= {str(key): text} if text else {}
            again = min(again, max(0.0, kind.poll_seconds - polled.age(self._clock())))
        told = {kind.gvk.kind: errors} if errors else {}
        return _Owned(objects, prints, versions, {**owned.errors, **told}, again)

    async def _see(
        self, watch: Watch, reference: Reference, interest: Interest, resource: Object, problems: list[str]
    ) -> _Seen:
        keys = interest.names.get(reference.name, ())
        asked = [key for key in keys if reference.mode is ReadMode.POLL or self._is_outside(key)]
        seen = [await self._poll(watch, reference, key, problems) for key in asked]
        waits = [max(0.0, _lasts(reference, polled) - polled.age(self._clock())) for polled in seen]
        found = [polled.found for polled in seen if polled.found is not None]
        errors = [
            _error(key, polled.reason) for key, polled in zip(asked, seen, strict=True) if polled.reason
        ]
        if len(asked) < len(keys) or reference.names is None:
            watched = self._watched(reference, interest, resource, [key for key in keys if key not in asked])
            found += [_projected(reference, item, problems) for item in watched]
            state = self._store.state(reference.gvk)
            if state is not KindState.KNOWN:
                errors.append({"namespace": "", "name": "", "reason": state.value})
        return _Seen(found, errors, min(waits, default=float("inf")))

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


def _states(
    watch: Watch, resource: Object, owned: Mapping[ObjectKey, Object], problems: list[str]
) -> dict[str, object]:
    """Evaluate what runs depend on of the state of owned objects; null is not worth a word."""
    expressions: dict[str, Expression] = {kind.gvk.kind: kind.inputs for kind in watch.owns if kind.inputs}
    states: dict[str, object] = {}
    for key, found in owned.items():
        expression = expressions.get(key.gvk.kind)
        try:
            value = expression.search({"resource": resource, "object": found}) if expression else None
        except ExpressionError as error:
            problems.append(f"owns {key.gvk.kind}.inputs: {error}")
            continue
        if value is not None:
            states[str(key)] = value
    return states


def _counted(
    watch: Watch,
    resource: Object,
    references: Mapping[str, list[object]],
    owned: Mapping[str, list[Object]],
    problems: list[str],
) -> dict[str, list[object]]:
    """Leave out what no run is made for; an expression that cannot be evaluated leaves nothing out."""

    def counts(reference: Reference, found: object) -> bool:
        if reference.counts_when is None:
            return True
        try:
            return bool(reference.counts_when.search({"found": found, "resource": resource, "owned": owned}))
        except ExpressionError as error:
            problems.append(f"references.{reference.name}.countsWhen: {error}")
            return True

    return {
        one.name: [found for found in references[one.name] if counts(one, found)] for one in watch.references
    }


def _projected(reference: Reference, found: Object, problems: list[str]) -> object:
    if reference.projection is None:
        return found
    try:
        return reference.projection.search(found)
    except ExpressionError as error:
        problems.append(f"references.{reference.name}.projection: {error}")
        return None


def _error(key: ObjectKey, reason: str) -> Mapping[str, str]:
    return {"namespace": key.namespace, "name": key.name, "reason": reason}
