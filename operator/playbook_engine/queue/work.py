"""The queue that the engine's events and passes share: a schedule with a clock that can be waited for."""

import asyncio
from collections.abc import Callable

from playbook_engine.objects import ObjectKey
from playbook_engine.queue.schedule import Due, Priority, Schedule


class WorkQueue:
    """One entry per object, at most one pass per object at a time."""

    def __init__(self, *, clock: Callable[[], float]) -> None:
        """Start empty; ``clock`` gives seconds as the event loop counts them."""
        self._schedule = Schedule()
        self._clock = clock
        self._news = asyncio.Event()

    def add(self, key: ObjectKey, priority: Priority, *, after: float = 0.0) -> None:
        """Ask for an object, now or in ``after`` seconds."""
        self._schedule.add(key, priority, self._clock() + after)
        self._news.set()

    def done(self, key: ObjectKey) -> None:
        """Say that the pass over an object has ended."""
        self._schedule.done(key)
        self._news.set()

    def forget(self, key: ObjectKey) -> None:
        """Drop what is asked for an object that is gone."""
        self._schedule.forget(key)

    async def take(self) -> Due:
        """Wait for the next object that is due."""
        while True:
            self._news.clear()
            due = self._schedule.take(self._clock())
            if due is not None:
                return due
            await self._wait()

    async def _wait(self) -> None:
        at = self._schedule.next_at()
        seconds = None if at is None else max(0.0, at - self._clock())
        try:
            await asyncio.wait_for(self._news.wait(), seconds)
        except TimeoutError:
            return
