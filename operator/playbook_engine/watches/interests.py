"""What one resource looks at: the names, labels and kinds that its entry's expressions give for it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from playbook_engine.expressions import Expression, ExpressionError
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, mapping, metadata_of
from playbook_engine.watches.records import Reference, Watch


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """What wakes a resource and what its runs see, beside the objects that it owns.

    ``names`` and ``labels`` are by the name of the reference; label maps hold in the resource's namespace.
    ``problems`` are expressions that could not be evaluated, by reference or kind.
    """

    owned: frozenset[ObjectKey] = frozenset()
    names: Mapping[str, tuple[ObjectKey, ...]] = field(default_factory=dict)
    labels: Mapping[str, tuple[Mapping[str, str], ...]] = field(default_factory=dict)
    problems: tuple[str, ...] = ()

    @property
    def keys(self) -> Iterator[ObjectKey]:
        """All single objects."""
        yield from self.owned
        for keys in self.names.values():
            yield from keys


def interest_of(watch: Watch, resource: Object) -> Interest:
    """Evaluate the expressions of an entry over a resource; what cannot be evaluated is a problem."""
    document = {"resource": resource}
    namespace = str(metadata_of(resource).get("namespace") or "")
    problems: list[str] = []

    def found(expression: Expression | None, at: str) -> list[object]:
        try:
            value = expression.search(document) if expression else None
        except ExpressionError as error:
            problems.append(f"{at}: {error}")
            return []
        return value if isinstance(value, list) else []

    owned = {
        ObjectKey(gvk=kind.gvk, namespace=namespace, name=name)
        for kind in watch.owns
        for name in found(kind.names, f"owns {kind.gvk.kind}")
        if isinstance(name, str) and name
    }
    names, labels = {}, {}
    for reference in watch.references:
        at = f"references.{reference.name}"
        if reference.names:
            names[reference.name] = _keys(reference, found(reference.names, at), namespace)
        if reference.labels:
            labels[reference.name] = _label_maps(found(reference.labels, at))
    return Interest(owned=frozenset(owned), names=names, labels=labels, problems=tuple(problems))


def has_labels(found: Object, wanted: Iterable[Mapping[str, str]]) -> bool:
    """Whether an object has all labels of at least one map."""
    labels = mapping(metadata_of(found).get("labels"))
    return any(one.items() <= labels.items() for one in wanted)


def _keys(reference: Reference, values: list[object], namespace: str) -> tuple[ObjectKey, ...]:
    keys = (_key(reference.gvk, value, namespace) for value in values)
    return tuple(dict.fromkeys(key for key in keys if key))


def _key(gvk: GroupVersionKind, value: object, namespace: str) -> ObjectKey | None:
    if isinstance(value, str) and value:
        return ObjectKey(gvk=gvk, namespace=namespace, name=value)
    given = mapping(value)
    name = given.get("name")
    if not isinstance(name, str) or not name:
        return None
    return ObjectKey(gvk=gvk, namespace=str(given.get("namespace") or namespace), name=name)


def _label_maps(values: list[object]) -> tuple[Mapping[str, str], ...]:
    return tuple(
        {str(key): str(text) for key, text in value.items()} for value in map(mapping, values) if value
    )
