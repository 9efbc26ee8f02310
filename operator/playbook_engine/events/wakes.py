"""Which resources a change wakes: its own, its owners, and those that refer to it. Pure but for the index."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from playbook_engine.expressions import ExpressionError
from playbook_engine.objects import (
    GroupVersionKind,
    Object,
    ObjectKey,
    mapping,
    metadata_of,
    owner_mark,
    owner_marks,
    uid_of,
)
from playbook_engine.queue.schedule import Priority
from playbook_engine.store import Change
from playbook_engine.watches.interests import Interest, has_labels, interest_of
from playbook_engine.watches.records import Reference, Watch

_NO_CHANGE = ("resourceVersion", "managedFields")
"""Parts of the metadata that change with every write, and mean nothing to a resource by themselves."""


@dataclass(frozen=True, slots=True)
class Wake:
    """A resource that has to be looked at, and why."""

    key: ObjectKey
    priority: Priority


type _Place = tuple[GroupVersionKind, str, tuple[str, str]]
"""A kind, a namespace, and a label with its value."""


@dataclass(frozen=True, slots=True)
class _Known:
    watch: Watch
    uid: str
    interest: Interest
    places: tuple[_Place, ...]


class Wakes:
    """An index of what every resource is interested in."""

    def __init__(self, watches: Iterable[Watch]) -> None:
        """Know the entries, and no resource yet."""
        self._watches = {watch.gvk: watch for watch in watches}
        references = (one for watch in self._watches.values() for one in watch.references)
        self._looked_through = frozenset(one.gvk for one in references if one.every)
        self._known: dict[ObjectKey, _Known] = {}
        self._by_mark: dict[str, ObjectKey] = {}
        self._by_name: defaultdict[tuple[GroupVersionKind, str], set[ObjectKey]] = defaultdict(set)
        self._by_label: defaultdict[_Place, set[ObjectKey]] = defaultdict(set)

    def of_change(self, change: Change) -> set[Wake]:
        """Give the resources that a change wakes, and learn from it when it is of a resource itself."""
        woken = {Wake(key, Priority.DEPENDENT) for key in self._dependents(change)}
        if change.key.gvk in self._watches:
            self._learn(change)
            if change.new is None or change.old is None or _meant(change.old) != _meant(change.new):
                woken.add(Wake(change.key, Priority.CHANGE))
        return woken

    def of_kind(self, gvk: GroupVersionKind) -> set[Wake]:
        """Give the resources whose runs see the kind: it is served from now on, or not any more."""
        return {
            Wake(key, Priority.DEPENDENT)
            for key, known in self._known.items()
            if gvk in {one.gvk for one in known.watch.owns} | {one.gvk for one in known.watch.references}
        }

    def has_owner(self, found: Object) -> bool:
        """Whether an object belongs to a resource that is known, by a reference or by annotations."""
        return any(mark in self._by_mark for mark in owner_marks(found))

    def _learn(self, change: Change) -> None:
        old = self._known.pop(change.key, None)
        if old:
            for mark in (old.uid, owner_mark(change.key)):
                self._by_mark.pop(mark, None)
            for key in old.interest.keys:
                _leave(self._by_name, (key.gvk, key.name), change.key)
            for place in old.places:
                _leave(self._by_label, place, change.key)
        if change.new is not None:
            watch = self._watches[change.key.gvk]
            interest = interest_of(watch, change.new)
            places = tuple(self._places(watch, interest, change.key.namespace))
            known = _Known(watch, uid_of(change.new), interest, places)
            self._known[change.key] = known
            self._by_mark |= dict.fromkeys((known.uid, owner_mark(change.key)), change.key)
            for key in known.interest.keys:
                self._by_name[key.gvk, key.name].add(change.key)
            for place in places:
                self._by_label[place].add(change.key)

    def _places(self, watch: Watch, interest: Interest, namespace: str) -> Iterator[_Place]:
        """Give where a resource is found by labels: for each map of them, by that which the fewest others want."""
        for reference in watch.references:
            for wanted in interest.labels.get(reference.name, ()):
                yield min(
                    ((reference.gvk, namespace, label) for label in wanted.items()),
                    key=lambda place: len(self._by_label.get(place, ())),
                )

    def _dependents(self, change: Change) -> Iterator[ObjectKey]:
        for found in filter(None, (change.old, change.new)):
            for mark in owner_marks(found):
                owner = self._by_mark.get(mark)
                if owner and self._matters(self._known[owner].watch, change):
                    yield owner
        for key in self._by_name.get((change.key.gvk, change.key.name), ()):
            if self._is_named(self._known[key], change):
                yield key
        for key in self._candidates(change):
            known = self._known[key]
            for reference in known.watch.references:
                if reference.gvk == change.key.gvk and self._is_found(key, known, reference, change):
                    yield key

    def _candidates(self, change: Change) -> set[ObjectKey]:
        """Give the resources that may find the object by its labels, or that look at all of its kind."""
        gvk, namespace = change.key.gvk, change.key.namespace
        if gvk in self._looked_through:
            return set(self._known)
        labels = {
            (str(name), str(value))
            for found in filter(None, (change.old, change.new))
            for name, value in mapping(metadata_of(found).get("labels")).items()
        }
        return {key for label in labels for key in self._by_label.get((gvk, namespace, label), ())}

    def _matters(self, watch: Watch, change: Change) -> bool:
        """Whether a resource wants to hear of a change of an object of its own.

        Of kinds that its entry names the state counts too; of others that its runs have made, what people mean by them.
        """
        if watch.dependents is None or change.key.gvk in {kind.gvk for kind in watch.owns}:
            return True
        if not watch.dependents.watch or change.key.gvk in watch.dependents.ignored:
            return False
        return change.old is None or change.new is None or _meant(change.old) != _meant(change.new)

    def _is_named(self, known: _Known, change: Change) -> bool:
        if any(_meets(key, change.key) for key in known.interest.owned):
            return True
        return any(
            _differs(reference, change)
            for reference in known.watch.references
            if any(_meets(key, change.key) for key in known.interest.names.get(reference.name, ()))
        )

    def _is_found(self, key: ObjectKey, known: _Known, reference: Reference, change: Change) -> bool:
        if reference.every:
            return _differs(reference, change)
        wanted = known.interest.labels.get(reference.name, ())
        if not wanted or change.key.namespace != key.namespace:
            return False
        matching = [found is not None and has_labels(found, wanted) for found in (change.old, change.new)]
        return any(matching) and (matching[0] != matching[1] or _differs(reference, change))


def _leave[P](index: defaultdict[P, set[ObjectKey]], place: P, key: ObjectKey) -> None:
    """Take a resource out of an index; nothing is left of it where it was the last one."""
    index[place].discard(key)
    if not index[place]:
        del index[place]


def _meets(wanted: ObjectKey, found: ObjectKey) -> bool:
    """A name is looked up in the namespace of the resource; objects of the whole cluster have none."""
    return (wanted.gvk, wanted.name) == (found.gvk, found.name) and found.namespace in ("", wanted.namespace)


def _differs(reference: Reference, change: Change) -> bool:
    """Whether the change is one for the runs: they see nothing but the projection."""
    if change.old is None or change.new is None or reference.projection is None:
        return True
    try:
        return reference.projection.search(change.old) != reference.projection.search(change.new)
    except ExpressionError:
        return True


def _meant(found: Object) -> dict[str, object]:
    """What people mean when they change a resource: not its status, and not the server's bookkeeping."""
    metadata = {name: value for name, value in metadata_of(found).items() if name not in _NO_CHANGE}
    return {**{name: value for name, value in found.items() if name != "status"}, "metadata": metadata}
