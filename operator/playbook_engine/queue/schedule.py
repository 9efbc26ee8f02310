"""When each object is due: one entry for each, however often it is asked for. Pure; times are seconds."""

import heapq
from dataclasses import dataclass
from enum import IntEnum
from itertools import count

from playbook_engine.objects import ObjectKey


class Priority(IntEnum):
    """Why an object is due; smaller goes first."""

    CHANGE = 0  # a person changed the resource
    DEPENDENT = 1  # something that it owns or refers to changed
    RESYNC = 2  # it is time to look again


@dataclass(frozen=True, slots=True)
class Due:
    """An object that is due since ``at``."""

    key: ObjectKey
    priority: Priority
    at: float


class Schedule:
    """Entries by object. What is added while an object is worked on waits until that is done."""

    def __init__(self) -> None:
        """Start empty."""
        self._entries: dict[ObjectKey, Due] = {}
        self._working: set[ObjectKey] = set()
        self._heap: list[tuple[float, int, ObjectKey]] = []
        self._numbers = count()

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: ObjectKey, priority: Priority, at: float) -> None:
        """Ask for an object; of two requests the earlier time and the more urgent priority count."""
        old = self._entries.get(key)
        due = Due(key, min(priority, old.priority), min(at, old.at)) if old else Due(key, priority, at)
        self._entries[key] = due
        if old is None or due.at < old.at:
            self._push(due)

    def take(self, now: float) -> Due | None:
        """Give the object that is due longest, and count it as worked on; None when none is due."""
        while self._heap and self._heap[0][0] <= now:
            at, _, key = heapq.heappop(self._heap)
            due = self._entries.get(key)
            if due is not None and due.at == at and key not in self._working:
                del self._entries[key]
                self._working.add(key)
                return due
        return None

    def done(self, key: ObjectKey) -> None:
        """Say that the work on an object has ended."""
        self._working.discard(key)
        if key in self._entries:
            self._push(self._entries[key])

    def forget(self, key: ObjectKey) -> None:
        """Drop what is asked for an object that is gone."""
        self._entries.pop(key, None)

    def next_at(self) -> float | None:
        """Give when the next object is due; None when nothing is asked for."""
        while self._heap:
            at, _, key = self._heap[0]
            due = self._entries.get(key)
            if due is not None and due.at == at and key not in self._working:
                return at
            heapq.heappop(self._heap)
        return None

    def _push(self, due: Due) -> None:
        heapq.heappush(self._heap, (due.at, next(self._numbers), due.key))
