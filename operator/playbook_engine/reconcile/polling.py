"""Reads objects of kinds that must not be watched: by name, and again when what is known of them gets old."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from playbook_engine.cluster.errors import ClusterError, ForbiddenError, NotFoundError
from playbook_engine.objects import Object, ObjectKey

UNAVAILABLE = "Unavailable"


@dataclass(frozen=True, slots=True)
class Polled[T]:
    """What a read found. ``reason`` says why it could not be told, and is empty for what does not exist.

    ``until`` is how long it is believed in when nobody answers any more; ``believed`` says that this is so now.
    """

    found: T | None
    reason: str
    at: float
    until: float
    believed: bool = False

    def age(self, now: float) -> float:
        """Seconds since the read."""
        return now - self.at


class Poller[T]:
    """Remembers reads, by who asked and for what."""

    def __init__(self, clock: Callable[[], float], *, trust_seconds: float = 0.0) -> None:
        """Know nothing yet; ``clock`` gives seconds. An answer is believed in for so long when there are no others."""
        self._clock = clock
        self._trust_seconds = trust_seconds
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
        now = self._clock()
        polled = await self._ask(key, reader, cut)
        if polled.reason == UNAVAILABLE and known and not known.reason and now < known.until:
            polled = replace(known, at=polled.at, believed=True)
        self._known[asker, key] = polled
        return polled

    async def _ask(
        self, key: ObjectKey, reader: Callable[[ObjectKey], Awaitable[Object]], cut: Callable[[Object], T]
    ) -> Polled[T]:
        found, reason = None, ""
        try:
            found = cut(await reader(key))
        except NotFoundError:
            pass
        except ForbiddenError:
            reason = "Forbidden"
        except ClusterError:
            reason = UNAVAILABLE
        now = self._clock()
        return Polled(found, reason, now, until=now + self._trust_seconds)


def unread(key: ObjectKey, reason: str) -> Mapping[str, str]:
    """Give what runs learn of an object that could not be read."""
    return {"namespace": key.namespace, "name": key.name, "reason": reason}
