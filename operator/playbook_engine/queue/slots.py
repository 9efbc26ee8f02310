"""The limits of runs, in all and per namespace: the most urgent of those that may run gets the next slot."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playbook_engine.queue.schedule import Priority, rank


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    priority: Priority
    namespace: str
    since: float
    turn: asyncio.Future[None]


class Slots:
    """A semaphore with priorities."""

    def __init__(self, limit: int, *, per_namespace: int = 0, clock: Callable[[], float]) -> None:
        """Have ``limit`` slots, ``per_namespace`` of them for one namespace, 0 for all; ``clock`` gives seconds."""
        self._free = limit
        self._per_namespace = per_namespace or limit
        self._clock = clock
        self._held: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, priority: Priority, namespace: str = "") -> AsyncIterator[None]:
        """Hold a slot during the block. Resources of the whole cluster have an empty namespace."""
        await self._acquire(priority, namespace)
        try:
            yield
        finally:
            self._give_back(namespace)

    async def _acquire(self, priority: Priority, namespace: str) -> None:
        if self._is_open(namespace):
            self._take(namespace)
            return
        waiter = _Waiter(priority, namespace, self._clock(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # the slot was given in the same moment
                self._give_back(namespace)
            raise

    def _is_open(self, namespace: str) -> bool:
        return self._free > 0 and self._held[namespace] < self._per_namespace

    def _take(self, namespace: str) -> None:
        self._free -= 1
        self._held[namespace] += 1

    def _give_back(self, namespace: str) -> None:
        self._free += 1
        self._held[namespace] -= 1
        if not self._held[namespace]:
            del self._held[namespace]
        now = self._clock()
        able = [waiter for waiter in self._waiting if self._is_open(waiter.namespace)]
        if able:
            waiter = min(able, key=lambda one: rank(one.priority, now - one.since))
            self._waiting.remove(waiter)
            self._take(waiter.namespace)
            waiter.turn.set_result(None)
