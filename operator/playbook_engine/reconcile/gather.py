"""Gathers what a pass needs: what a resource owns and refers to, and which kinds are served."""

from collections.abc import Callable, Iterable, Mapping

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.discovery import Presence
from playbook_engine.cluster.errors import ClusterError, NotFoundError
from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import Object, ObjectKey
from playbook_engine.reconcile.dependents import dependents_of
from playbook_engine.reconcile.glimpsing import Glimpser
from playbook_engine.reconcile.observation import Observation
from playbook_engine.reconcile.owning import OwnedReader
from playbook_engine.reconcile.referring import ReferenceReader
from playbook_engine.store import Store
from playbook_engine.watches.interests import interest_of
from playbook_engine.watches.records import Reference, Watch

UNKNOWN_SECONDS = 10.0
"""When it could not be told whether a kind is served, it is asked again so soon: somebody may wait for it."""


class Gatherer:
    """Reads the world around resources; remembers what it had to ask for."""

    def __init__(
        self, cluster: Cluster, store: Store, *, namespaces: Iterable[str] = (), clock: Callable[[], float]
    ) -> None:
        """Read by name what lies outside ``namespaces``, when those are given."""
        self._cluster = cluster
        self._store = store
        self._references = ReferenceReader(cluster, store, clock, namespaces=namespaces)
        self._owned = OwnedReader(cluster, store, clock)
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
            seen = await self._references.read(watch, reference, interest, resource, problems)
            references[reference.name] = seen.objects
            if seen.errors:
                errors[reference.name] = seen.errors
            again = min(again, seen.again)
        owned = await self._owned.read(watch, interest, resource, fresh=fresh)
        by_kind = {kind.gvk.kind: owned.of(kind.gvk) for kind in watch.owns}
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
