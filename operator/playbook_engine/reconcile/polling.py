"""Reads objects of kinds that must not be watched: by name, and again when what is known of them gets old."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from playbook_engine.cluster.errors import ClusterError, ForbiddenError, NotFoundError
from playbook_engine.objects import Object, ObjectKey


@dataclass(frozen=True, slots=True)
class Polled[T]:
    """What a read found. ``reason`` says why it could not be told, and is empty for what does not exist."""

    found: T | None
    reason: str
    at: float

    def age(self, now: float) -> float:
        """Seconds since the read."""
        return now - self.at


class Poller[T]:
    """Remembers reads, by who asked and for what."""

    def __init__(self, clock: Callable[[], float]) -> None:
        """Know nothing yet; ``clock`` gives seconds."""
        self._clock = clock
        self._known: dict[tuple[str, ObjectKey], Polled[T]] = {}

    async def read(
        self,
        asker: str,
        key: ObjectKey,
        reader: Callable[[ObjectKey], Awaitable[Object]],
        *,
        cut: Callable[[Object], T],
        lasts: Callable[[Polled[T]], float],
    ) -> Polled[T]:
        """Give what is known while it ``lasts`` (seconds), else read and keep what ``cut`` leaves of the object."""
        known = self._known.get((asker, key))
        if known and known.age(self._clock()) < lasts(known):
            return known
        polled = self._known[asker, key] = await self._ask(key, reader, cut)
        return polled

    async def _ask(
        self, key: ObjectKey, reader: Callable[[ObjectKey], Awaitable[Object]], cut: Callable[[Object], T]
    ) -> Polled[T]:
        try:
            found = await reader(key)
        except NotFoundError:
            return Polled(None, "", self._clock())
        except ForbiddenError:
            return Polled(None, "Forbidden", self._clock())
        except ClusterError:
            return Polled(None, "Unavailable", self._clock())
        return Polled(cut(found), "", self._clock())
