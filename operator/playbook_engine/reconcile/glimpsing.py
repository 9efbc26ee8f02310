"""Lists what only the status tells of, such as the pods of a roll-out that does not go on: for as long as it has to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playbook_engine.cluster.client import Cluster
from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import Object, ObjectKey, mapping, metadata_of
from playbook_engine.reconcile.polling import Polled, Poller
from playbook_engine.watches.records import Glimpse, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Glimpsed:
    """Objects by the name of the glimpse; ``again`` are the seconds until the next look."""

    objects: Mapping[str, list[object]] = field(default_factory=dict)
    again: float = float("inf")
    problems: tuple[str, ...] = ()


class Glimpser:
    """Looks, and remembers what it saw for the time of one period."""

    def __init__(self, cluster: Cluster, clock: Callable[[], float]) -> None:
        """Have seen nothing yet."""
        self._cluster = cluster
        self._clock = clock
        self._seen: Poller[list[object]] = Poller(clock)

    async def look(self, watch: Watch, resource: Object, owned: Mapping[str, list[Object]]) -> Glimpsed:
        """Look at what the entry wants to see of this resource now. What cannot be read is not seen."""
        objects: dict[str, list[object]] = {one.name: [] for one in watch.glimpses}
        again, problems = float("inf"), []
        for glimpse in watch.glimpses:
            try:
                if not glimpse.when.search({"resource": resource, "owned": owned}):
                    continue
                for key, labels in _selections(glimpse, resource):
                    polled = await self._read(watch, glimpse, key, labels)
                    objects[glimpse.name] += polled.found or ()
                    again = min(again, max(0.0, glimpse.poll_seconds - polled.age(self._clock())))
            except ExpressionError as error:
                problems.append(f"status references {glimpse.name}: {error}")
        return Glimpsed(objects=objects, again=again, problems=tuple(problems))

    async def _read(
        self, watch: Watch, glimpse: Glimpse, key: ObjectKey, labels: Mapping[str, str]
    ) -> Polled[list[object]]:
        async def listed(at: ObjectKey) -> Object:
            return {"items": await self._cluster.list(at.gvk, at.namespace, labels=labels)}

        return await self._seen.read(
            f"{watch.gvk}/{glimpse.name}", key, listed,
            cut=lambda found: _cut(found, glimpse.projection),
            lasts=lambda _: glimpse.poll_seconds,
        )  # fmt: skip


def _selections(glimpse: Glimpse, resource: Object) -> list[tuple[ObjectKey, dict[str, str]]]:
    found = glimpse.labels.search({"resource": resource})
    namespace = str(metadata_of(resource).get("namespace") or "")
    selections = []
    for wanted in found if isinstance(found, list) else ():
        labels = {str(name): str(value) for name, value in mapping(wanted).items()}
        if labels:
            name = ",".join(f"{key}={value}" for key, value in sorted(labels.items()))
            selections.append((ObjectKey(gvk=glimpse.gvk, namespace=namespace, name=name), labels))
    return selections


def _cut(found: Object, projection: Expression | None) -> list[object]:
    items = found.get("items")
    listed = items if isinstance(items, list) else []
    return [projection.search(item) if projection else item for item in listed]
