"""Which kinds the API server serves, and where: three answers, because a failure is no absence."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from playbook_engine.cluster.errors import ClusterError, NotFoundError, UnavailableError
from playbook_engine.cluster.messages import Request
from playbook_engine.cluster.transport import Transport
from playbook_engine.objects import GroupVersionKind

ABSENT_SECONDS = 5.0
"""A kind that was absent or unknown is looked for again after this long; one that is present stays known."""

TRUSTED_SECONDS = 60.0
"""An answer that a kind is absent holds for so long when nobody answers any more; after that nobody knows."""

BUSY_SECONDS = 3.0
"""An API server that is busy, and says after how many seconds to ask again, is waited for so long in all."""


class Presence(StrEnum):
    """Whether a kind is served."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Where the objects of a kind are: ``prefix`` such as ``/apis/apps/v1``, and the plural; what can be done there."""

    prefix: str
    plural: str
    namespaced: bool
    kind: str = ""
    verbs: frozenset[str] = frozenset()

    def path(self, *, namespace: str = "", name: str = "", subresource: str = "") -> str:
        """Give the path of an object, or without a name of the collection."""
        within = ("namespaces", namespace) if self.namespaced and namespace else ()
        parts = (self.prefix, *within, self.plural, *filter(None, (name, subresource)))
        return "/".join(parts)


@dataclass(frozen=True, slots=True)
class _Known:
    presence: Presence
    resource: Resource | None
    until: float
    trusted_until: float = 0.0
    reason: str = ""


class Discovery:
    """Asks each group and version once, and again while a kind of it is not there."""

    def __init__(
        self,
        transport: Transport,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Know nothing yet."""
        self._transport = transport
        self._clock = clock
        self._sleep = sleep
        self._known: dict[GroupVersionKind, _Known] = {}
        self._asking: defaultdict[GroupVersionKind, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._named: dict[tuple[str, str], Resource] = {}

    async def presence(self, gvk: GroupVersionKind) -> Presence:
        """Say whether the kind is served; never raises ClusterError."""
        return (await self._look(gvk)).presence

    async def resource(self, gvk: GroupVersionKind) -> Resource:
        """Give where the kind is served; raises NotFoundError when it is not, UnavailableError when nobody knows."""
        found = await self._look(gvk)
        if found.resource is None:
            if found.presence is Presence.ABSENT:
                raise NotFoundError(f"kind {gvk} is absent in this cluster")
            raise UnavailableError(f"whether this cluster has the kind {gvk} is not known: {found.reason}")
        return found.resource

    async def named(self, prefix: str, plural: str) -> Resource | None:
        """Give what is served under a prefix such as ``/apis/apps/v1`` by that plural, None when nothing is.

        Raises ClusterError other than NotFoundError.
        """
        if (prefix, plural) not in self._named:
            try:
                answer = await self._answer(prefix)
            except NotFoundError:
                return None
            found = (_resource(prefix, one) for one in answer.get("resources") or ())
            self._named.update({(prefix, one.plural): one for one in found})
        return self._named.get((prefix, plural))

    def forget(self, gvk: GroupVersionKind) -> None:
        """Ask again at the next look: a request said that the kind is gone."""
        self._known.pop(gvk, None)

    async def _look(self, gvk: GroupVersionKind) -> _Known:
        """Give what is known; of many that want to know something new at once, one asks."""
        async with self._asking[gvk]:
            known = self._known.get(gvk)
            if known is None or known.until < self._clock():
                known = self._known[gvk] = await self._ask(gvk, known)
            return known

    async def _ask(self, gvk: GroupVersionKind, before: _Known | None) -> _Known:
        prefix = f"/apis/{gvk.group}/{gvk.version}" if gvk.group else f"/api/{gvk.version}"
        now = self._clock()
        absent = _Known(Presence.ABSENT, None, now + ABSENT_SECONDS, now + TRUSTED_SECONDS)
        try:
            answer = await self._answer(prefix)
        except NotFoundError:
            return absent
        except ClusterError as error:
            if before and now < before.trusted_until:
                return replace(before, until=absent.until)
            return _Known(Presence.UNKNOWN, None, absent.until, reason=str(error))
        found = _find(answer.get("resources") or (), gvk.kind)
        return _Known(Presence.PRESENT, _resource(prefix, found), float("inf")) if found else absent

    async def _answer(self, prefix: str) -> Mapping[str, Any]:
        """Ask, and again while the API server says when to; raises ClusterError."""
        until = self._clock() + BUSY_SECONDS
        while True:
            try:
                answer: Mapping[str, Any] = await self._transport.send(Request(method="GET", path=prefix))
            except UnavailableError as error:
                if not error.retry_after or self._clock() + error.retry_after > until:
                    raise
                await self._sleep(error.retry_after)
            else:
                return answer


def _resource(prefix: str, found: Mapping[str, Any]) -> Resource:
    return Resource(
        prefix=prefix,
        plural=str(found["name"]),
        namespaced=bool(found["namespaced"]),
        kind=str(found.get("kind") or ""),
        verbs=frozenset(found.get("verbs") or ()),
    )


def _find(resources: Iterable[Mapping[str, object]], kind: str) -> Mapping[str, object] | None:
    for resource in resources:
        if resource.get("kind") == kind and "/" not in str(resource.get("name")):
            return resource
    return None
