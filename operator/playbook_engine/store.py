"""What the engine knows of the cluster: the last seen state of every object of the kinds that it watches.

Events and reads write into it, passes read from it. It has one thread and no lock.
"""

import sys
from collections import OrderedDict, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from playbook_engine.objects import (
    GroupVersionKind,
    Object,
    ObjectKey,
    fingerprint,
    is_newer,
    key_of,
    metadata_of,
    owner_marks,
    uid_of,
    writers,
)

MOST_GONE = 4096
"""So many uids of deleted objects are remembered; none is ever given twice."""

_SHORT = 100
"""Characters of texts that are likely to stand in many objects."""


class KindState(StrEnum):
    """How far the objects of a kind are known; the words after the first are reasons that users see."""

    KNOWN = "Known"
    ABSENT = "Absent"  # the cluster does not serve the kind
    FORBIDDEN = "Forbidden"  # the operator may not list it
    UNAVAILABLE = "Unavailable"  # it could not be listed yet


@dataclass(frozen=True, slots=True)
class Change:
    """One object before and after; None where there was, or is, none."""

    key: ObjectKey
    old: Object | None
    new: Object | None


@dataclass(frozen=True, slots=True)
class _Entry:
    found: Object  # without managedFields, which are most of an object
    prints: Mapping[str, str]
    writers: list[dict[str, object]]


class Store:
    """Objects by kind and name, with an index by owner."""

    def __init__(self, field_managers: frozenset[str] = frozenset()) -> None:
        """Start empty; fingerprints are kept for the given field managers."""
        self._managers = field_managers
        self._objects: defaultdict[GroupVersionKind, dict[ObjectKey, _Entry]] = defaultdict(dict)
        self._owned: defaultdict[str, set[ObjectKey]] = defaultdict(set)
        self._states: dict[GroupVersionKind, KindState] = {}
        self._gone: OrderedDict[str, None] = OrderedDict()

    def state(self, gvk: GroupVersionKind) -> KindState:
        """Say how far a kind is known."""
        return self._states.get(gvk, KindState.UNAVAILABLE)

    def set_state(self, gvk: GroupVersionKind, state: KindState) -> None:
        """Remember how far a kind is known."""
        self._states[gvk] = state

    def put(self, found: Object) -> Change | None:
        """Take an object in; None when it is no news: the state that is known, an older one, or one that is gone."""
        if uid_of(found) in self._gone:
            return None
        key = key_of(found)
        entries = self._objects[key.gvk]
        old = entries.get(key)
        if old and not is_newer(found, old.found):
            return None
        prints = {name: text for name in self._managers if (text := fingerprint(found, name))}
        entry = _Entry(compact(without_managed_fields(found)), prints, writers(found))
        if old:
            self._unlink(key, old.found)
        entries[key] = entry
        for mark in owner_marks(found):
            self._owned[mark].add(key)
        return Change(key, old.found if old else None, entry.found)

    def remove(self, key: ObjectKey, uid: str = "", *, for_good: bool = False) -> Change | None:
        """Forget an object; with a ``uid``, only when it is that one. None when it is not known.

        ``for_good`` says that it has been deleted for certain: a read that still shows it is one of the past.
        """
        if for_good and uid:
            self._bury(uid)
        entries = self._objects[key.gvk]
        old = entries.get(key)
        if old is None or (uid and uid_of(old.found) != uid):
            return None
        del entries[key]
        self._unlink(key, old.found)
        return Change(key, old.found, None)

    def _bury(self, uid: str) -> None:
        self._gone[uid] = None
        while len(self._gone) > MOST_GONE:
            self._gone.popitem(last=False)

    def get(self, key: ObjectKey) -> Object | None:
        """Give an object, None when it is not known."""
        entry = self._objects[key.gvk].get(key)
        return entry.found if entry else None

    def fingerprint(self, key: ObjectKey, field_manager: str) -> str:
        """Give the fingerprint of an object, empty when the field manager applied nothing of it."""
        entry = self._objects[key.gvk].get(key)
        return entry.prints.get(field_manager, "") if entry else ""

    def writers(self, key: ObjectKey) -> list[dict[str, object]]:
        """Give who has written an object, without the writers of its subresources."""
        entry = self._objects[key.gvk].get(key)
        return entry.writers if entry else []

    def all(self, gvk: GroupVersionKind, namespace: str = "") -> Iterator[Object]:
        """Give all objects of a kind, of one namespace or of all, sorted by name."""
        for key, entry in sorted(self._objects[gvk].items()):
            if not namespace or key.namespace == namespace:
                yield entry.found

    def keys(self, gvk: GroupVersionKind) -> frozenset[ObjectKey]:
        """Give the keys of all objects of a kind."""
        return frozenset(self._objects[gvk])

    def owned_by(self, mark: str) -> Iterator[Object]:
        """Give the objects that have an owner reference with this uid, or annotations with this mark, sorted."""
        for key in sorted(self._owned.get(mark, ())):
            yield self._objects[key.gvk][key].found

    def _unlink(self, key: ObjectKey, found: Object) -> None:
        for mark in owner_marks(found):
            keys = self._owned[mark]
            keys.discard(key)
            if not keys:
                del self._owned[mark]


def compact(value: Any) -> Any:  # noqa: ANN401 - any JSON
    """Copy JSON so that all copies share equal names and short texts: most of one object's stand in many."""
    if isinstance(value, dict):
        return {sys.intern(name): compact(one) for name, one in value.items()}
    if isinstance(value, list):
        return [compact(one) for one in value]
    return sys.intern(value) if type(value) is str and len(value) < _SHORT else value


def without_managed_fields(found: Object) -> Object:
    """Leave out ``metadata.managedFields``, which are most of an object."""
    metadata = {name: value for name, value in metadata_of(found).items() if name != "managedFields"}
    return {**found, "metadata": metadata}
