"""The global limit of runs: who waits longest among the most urgent gets the next slot.

Waiting makes urgent: after ``AGE_SECONDS`` a resync goes before a dependent that came just now, and so on, so that
nothing waits for ever behind a stream of changes.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playbook_engine.queue.schedule import Priority

AGE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class _Waiter:
    since: float
    turn: asyncio.Future[None]


class Slots:
    """A semaphore with priorities."""

    def __init__(self, limit: int, *, clock: Callable[[], float]) -> None:
        """Have ``limit`` slots; ``clock`` gives seconds."""
        self._free = limit
        self._clock = clock
        self._waiting: dict[Priority, deque[_Waiter]] = {priority: deque() for priority in Priority}

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(waiters) for waiters in self._waiting.values())

    @asynccontextmanager
    async def slot(self, priority: Priority) -> AsyncIterator[None]:
        """Hold a slot during the block."""
        await self._acquire(priority)
        try:
            yield
        finally:
            self._free += 1
            self._hand_on()

    async def _acquire(self, priority: Priority) -> None:
        if self._free:
            self._free -= 1
            return
        waiter = _Waiter(self._clock(), asyncio.get_running_loop().create_future())
        self._waiting[priority].append(waiter)
        try:
            await waiter.turn
        except asyncio.CancelledError:
            self._leave(priority, waiter)
            raise

    def _leave(self, priority: Priority, waiter: _Waiter) -> None:
        if waiter in self._waiting[priority]:
            self._waiting[priority].remove(waiter)
        else:  # the slot was given in the same moment
            self._free += 1
            self._hand_on()

    def _hand_on(self) -> None:
        while self._free and (waiters := self._next()):
            waiter = waiters.popleft()
            self._free -= 1
            waiter.turn.set_result(None)

    def _next(self) -> deque[_Waiter] | None:
        now = self._clock()
        candidates = [
            (priority * AGE_SECONDS - (now - waiters[0].since), waiters)
            for priority, waiters in self._waiting.items()
            if waiters
        ]
        return min(candidates, key=lambda candidate: candidate[0])[1] if candidates else None
