"""The limits of runs, in all and of some group: the most urgent of those that may run gets the next slot."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playbook_engine.queue.schedule import Priority, rank


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """What a run counts for besides all runs, such as a namespace; ``most`` of it go on at once, 0 for no limit."""

    name: str
    most: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter:
    priority: Priority
    groups: tuple[Group, ...]
    since: float
    turn: asyncio.Future[None]


class Slots:
    """A semaphore with priorities."""

    def __init__(self, limit: int, *, clock: Callable[[], float]) -> None:
        """Have ``limit`` slots; ``clock`` gives seconds."""
        self._free = limit
        self._clock = clock
        self._held: Counter[str] = Counter()
        self._waiting: list[_Waiter] = []

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._waiting)

    @asynccontextmanager
    async def slot(self, priority: Priority, groups: tuple[Group, ...] = ()) -> AsyncIterator[None]:
        """Hold a slot during the block, one of each group."""
        await self._acquire(priority, groups)
        try:
            yield
        finally:
            self._give_back(groups)

    async def _acquire(self, priority: Priority, groups: tuple[Group, ...]) -> None:
        if self._is_open(groups):
            self._take(groups)
            return
        waiter = _Waiter(priority, groups, self._clock(), asyncio.get_running_loop().create_future())
        self._waiting.append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            if waiter in self._waiting:
                self._waiting.remove(waiter)
            else:  # the slot was given in the same moment
                self._give_back(groups)
            raise

    def _is_open(self, groups: tuple[Group, ...]) -> bool:
        return self._free > 0 and all(not one.most or self._held[one.name] < one.most for one in groups)

    def _take(self, groups: tuple[Group, ...]) -> None:
        self._free -= 1
        self._held.update(one.name for one in groups)

    def _give_back(self, groups: tuple[Group, ...]) -> None:
        self._free += 1
        self._held -= Counter(one.name for one in groups)  # and forget those of which none is left
        now = self._clock()
        able = [waiter for waiter in self._waiting if self._is_open(waiter.groups)]
        if able:
            waiter = min(able, key=lambda one: rank(one.priority, now - one.since))
            self._waiting.remove(waiter)
            self._take(waiter.groups)
            waiter.turn.set_result(None)
