"""Watches kinds of which runs have made objects, each from the first such object on.

kopf watches what is known at the start, and cannot be told of more. Of these kinds only objects that belong to a
resource are taken in: a kind such as ConfigMap has thousands of others.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from typing import Any, Protocol

from playbook_engine.cluster.errors import ClusterError, ConflictError
from playbook_engine.events.intake import Intake
from playbook_engine.objects import GroupVersionKind, key_of, metadata_of, uid_of
from playbook_engine.observability.logs import get_logger
from playbook_engine.queue.backoff import Backoff
from playbook_engine.tasks import cancelled

log = get_logger(__name__)


class Source(Protocol):
    """Where events come from."""

    async def is_namespaced(self, gvk: GroupVersionKind) -> bool:
        """Say whether objects of a kind are in namespaces."""
        ...

    def watch(
        self, gvk: GroupVersionKind, namespace: str = "", *, since: str = ""
    ) -> AsyncIterator[Mapping[str, Any]]:
        """Give the events of a kind from a resourceVersion on, as ``RealCluster.watch``."""
        ...


class Following:
    """The kinds that are watched by and by."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        source: Source,
        intake: Intake,
        *,
        known: Iterable[GroupVersionKind],
        namespaces: tuple[str, ...] = (),
        backoff: Backoff,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Follow nothing yet; the kinds in ``known`` are watched by others."""
        self._source = source
        self._intake = intake
        self._known = frozenset(known)
        self._namespaces = namespaces
        self._backoff = backoff
        self._sleep = sleep
        self._listings: dict[GroupVersionKind, asyncio.Task[None]] = {}
        self._watches: list[asyncio.Task[None]] = []

    async def follow(self, gvk: GroupVersionKind) -> None:
        """Watch a kind from now on; returns when the objects that are there are known, or cannot be.

        A kind that cannot be watched, as for lack of rights, is tried again and again.
        """
        if gvk in self._known:
            return
        if gvk not in self._listings:
            log.info("a kind is watched, since a run has made an object of it", kind=str(gvk))
            self._listings[gvk] = asyncio.create_task(
                self._intake.compare(gvk, ours=True), name=f"list {gvk}"
            )
            self._watches.append(asyncio.create_task(self._watch_all(gvk), name=f"watch {gvk}"))
        await asyncio.shield(self._listings[gvk])

    async def compare(self) -> None:
        """List every kind, and take in what was missed."""
        for gvk in tuple(self._listings):
            await self._intake.compare(gvk, ours=True)

    async def close(self) -> None:
        """Watch nothing any more."""
        await cancelled([*self._watches, *self._listings.values()])

    async def _watch_all(self, gvk: GroupVersionKind) -> None:
        await asyncio.shield(self._listings[gvk])
        async with asyncio.TaskGroup() as group:
            for namespace in await self._places(gvk):
                group.create_task(
                    self._watch(gvk, namespace), name=f"watch {gvk} in {namespace or 'the cluster'}"
                )

    async def _places(self, gvk: GroupVersionKind) -> tuple[str, ...]:
        while self._namespaces:
            try:
                return self._namespaces if await self._source.is_namespaced(gvk) else ("",)
            except ClusterError as error:
                await self._wait(gvk, 1, error)
        return ("",)

    async def _watch(self, gvk: GroupVersionKind, namespace: str) -> None:
        since, failures = "", 0
        while True:
            try:
                async for event in self._source.watch(gvk, namespace, since=since):
                    since, failures = self._take(event), 0
            except ConflictError:  # that version is too old: what was missed meanwhile is found by a listing
                since = ""
                await self._intake.compare(gvk, ours=True)
            except ClusterError as error:
                failures += 1
                await self._wait(gvk, failures, error)

    def _take(self, event: Mapping[str, Any]) -> str:
        found = event["object"]
        if event["type"] == "DELETED":
            self._intake.gone(key_of(found), uid_of(found))
        elif event["type"] != "BOOKMARK":
            self._intake.seen(found, ours=True)
        return str(metadata_of(found).get("resourceVersion") or "")

    async def _wait(self, gvk: GroupVersionKind, failures: int, error: ClusterError) -> None:
        wait = max(self._backoff.wait(failures), error.retry_after)
        log.warning("a kind cannot be watched", kind=str(gvk), error=str(error), seconds=round(wait, 1))
        await self._sleep(wait)
