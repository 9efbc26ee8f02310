"""When each object is due: one entry for each, however often it is asked for. Pure; times are seconds."""

import heapq
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from playbook_engine.objects import ObjectKey

AGE_SECONDS = 600.0
"""Waiting makes urgent: so long after it was due, a resync goes before a dependent that is due just now, and so on.

Nothing waits for ever behind a stream of changes. It is longer than a burst takes: a person's edit goes before what is
left of it.
"""


class Priority(IntEnum):
    """Why an object is due; smaller goes first."""

    CHANGE = 0  # a person changed the resource
    DEPENDENT = 1  # something that it owns or refers to changed
    RESYNC = 2  # it is time to look again


def rank(priority: Priority, waited: float) -> float:
    """Give what decides who is next, when somebody has waited so many seconds: the smallest is."""
    return priority * AGE_SECONDS - waited


@dataclass(frozen=True, slots=True)
class Due:
    """An object that is due since ``at``."""

    key: ObjectKey
    priority: Priority
    at: float


class Schedule:
    """Entries by object. What is added while an object is worked on waits until that is done.

    An entry that was changed after it went into a heap is in it again; the old one is passed over.
    """

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[ObjectKey, Due] = {}
        self._working: set[ObjectKey] = set()
        self._later: list[tuple[float, int, Due]] = []
        self._due: dict[Priority, list[tuple[float, int, Due]]] = {priority: [] for priority in Priority}
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: ObjectKey, priority: Priority, at: float) -> None:
        """Ask for an object; of two requests the earlier time and the more urgent priority count."""
        old = self._entries.get(key)
        due = Due(key, min(priority, old.priority), min(at, old.at)) if old else Due(key, priority, at)
        if due != old:
            self._entries[key] = due
            self._push(self._later, due)

    def take(self, now: float) -> Due | None:
        """Give the most urgent object that is due, and count it as worked on; None when none is due."""
        while self._later and self._later[0][0] <= now:
            found = heapq.heappop(self._later)[-1]
            if self._holds(found):
                self._push(self._due[found.priority], found)
        heads = [due for heap in self._due.values() if (due := self._head(heap))]
        if not heads:
            return None
        due = min(heads, key=lambda head: rank(head.priority, now - head.at))
        heapq.heappop(self._due[due.priority])
        del self._entries[due.key]
        self._working.add(due.key)
        return due

    def done(self, key: ObjectKey) -> None:
        """Say that the work on an object has ended."""
        self._working.discard(key)
        if key in self._entries:
            self._push(self._later, self._entries[key])

    def forget(self, key: ObjectKey) -> None:
        """Drop what is asked for an object that is gone."""
        self._entries.pop(key, None)

    def next_at(self) -> float | None:
        """Give when the next object is due; None when nothing is asked for."""
        heads = [due.at for heap in (self._later, *self._due.values()) if (due := self._head(heap))]
        return min(heads, default=None)

    def _head(self, heap: list[tuple[float, int, Due]]) -> Due | None:
        while heap:
            due = heap[0][-1]
            if self._holds(due):
                return due
            heapq.heappop(heap)
        return None

    def _holds(self, due: Due) -> bool:
        return self._entries.get(due.key) == due and due.key not in self._working

    def _push(self, heap: list[tuple[float, int, Due]], due: Due) -> None:
        heapq.heappush(heap, (due.at, next(self._numbers), due))
