"""Gathers what a pass needs: nearly all from the store, and by a request only what must not be watched."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ClusterError, ForbiddenError, NotFoundError
from playbook_engine.expressions import ExpressionError
from playbook_engine.objects import Object, ObjectKey, key_of, metadata_of, uid_of
from playbook_engine.reconcile.observation import Observation
from playbook_engine.store import KindState, Store
from playbook_engine.watches.interests import Interest, has_labels, interest_of
from playbook_engine.watches.records import ReadMode, Reference, Watch

MISSING_SHARE = 6
"""What is missing is read again this many times as often as what is there: somebody waits for it."""


@dataclass(frozen=True, slots=True)
class _Polled:
    found: object | None
    reason: str
    at: float


@dataclass(frozen=True, slots=True)
class _Seen:
    objects: list[object]
    errors: list[Mapping[str, str]]
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
        self._polled: dict[tuple[str, ObjectKey], _Polled] = {}

    async def gather(self, watch: Watch, resource: Object) -> Observation:
        """Gather for one resource. What cannot be read is an error in the observation, not an exception."""
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
        owned = self._owned(watch, interest, resource)
        return Observation(
            resource=resource,
            references=references,
            errors=errors,
            owned=owned,
            apis=await self._apis(watch),
            prints=self._prints(watch, owned),
            problems=tuple(problems),
            look_again_seconds=again,
        )

    async def refresh(self, key: ObjectKey) -> None:
        """Read an object anew, when its events may not have arrived yet."""
        try:
            self._store.put(await self._cluster.get(key))
        except NotFoundError:
            self._store.remove(key)
        except ClusterError:
            return

    async def _apis(self, watch: Watch) -> dict[str, str]:
        kinds = [*(kind.gvk for kind in watch.owns), *(one.gvk for one in watch.references), *watch.apis]
        return {str(gvk): (await self._cluster.presence(gvk)).value for gvk in kinds}

    def _owned(self, watch: Watch, interest: Interest, resource: Object) -> dict[str, list[Object]]:
        mine = {key_of(found): found for found in self._store.owned_by(uid_of(resource))}
        named = {key: found for key in interest.owned if (found := self._store.get(key))}
        together = sorted({**mine, **named}.items())
        return {
            kind.gvk.kind: [found for key, found in together if key.gvk == kind.gvk] for kind in watch.owns
        }

    def _prints(self, watch: Watch, owned: Mapping[str, list[Object]]) -> dict[str, str]:
        keys = [key_of(found) for objects in owned.values() for found in objects]
        prints = {str(key): self._store.fingerprint(key, watch.field_manager) for key in keys}
        return {key: text for key, text in prints.items() if text}

    async def _see(
        self, watch: Watch, reference: Reference, interest: Interest, resource: Object, problems: list[str]
    ) -> _Seen:
        keys = interest.names.get(reference.name, ())
        asked = [key for key in keys if reference.mode is ReadMode.POLL or self._is_outside(key)]
        seen = [await self._poll(watch, reference, key, problems) for key in asked]
        waits = [self._wait(reference, polled) for polled in seen]
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

    async def _poll(self, watch: Watch, reference: Reference, key: ObjectKey, problems: list[str]) -> _Polled:
        at = (f"{watch.gvk}/{reference.name}", key)
        known = self._polled.get(at)
        if known and self._wait(reference, known) > 0:
            return known
        polled = self._polled[at] = await self._ask(reference, key, problems)
        return polled

    async def _ask(self, reference: Reference, key: ObjectKey, problems: list[str]) -> _Polled:
        try:
            found = await self._cluster.get(key)
        except NotFoundError:
            return _Polled(None, "", self._clock())
        except ForbiddenError:
            return _Polled(None, "Forbidden", self._clock())
        except ClusterError:
            return _Polled(None, "Unavailable", self._clock())
        return _Polled(_projected(reference, found, problems), "", self._clock())

    def _wait(self, reference: Reference, polled: _Polled) -> float:
        missing = polled.found is None
        seconds = reference.poll_seconds / MISSING_SHARE if missing else reference.poll_seconds
        return max(0.0, polled.at + seconds - self._clock())


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
