"""Keeps the store true: it watches, lists what is not known yet, and compares now and then."""

import asyncio
from collections.abc import Iterable

from playbook_engine.events import binding
from playbook_engine.events.following import Following
from playbook_engine.events.intake import Intake
from playbook_engine.objects import GroupVersionKind, ObjectKey
from playbook_engine.observability.logs import get_logger
from playbook_engine.observability.metrics import Metrics
from playbook_engine.queue.backoff import Backoff
from playbook_engine.store import KindState, Store
from playbook_engine.tasks import cancelled

SERVED_SECONDS = (0.5, 2.0, 5.0, 15.0)
"""When a definition has come, its kind is served a moment later; it is looked for after each of these waits."""

log = get_logger(__name__)


class Watching:
    """The kinds that the engine watches; ``primaries`` are those of its resources."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        intake: Intake,
        store: Store,
        *,
        kinds: Iterable[GroupVersionKind],
        primaries: Iterable[GroupVersionKind],
        backoff: Backoff,
        metrics: Metrics,
        following: Following | None = None,
    ) -> None:
        """Ask for nothing yet; ``following`` watches further kinds by and by."""
        self._intake = intake
        self._store = store
        self._kinds = tuple(kinds)
        self._primaries = tuple(primaries)
        self._backoff = backoff
        self._metrics = metrics
        self._following = following
        self._looks: set[asyncio.Task[None]] = set()

    @property
    def primaries(self) -> tuple[GroupVersionKind, ...]:
        """Give the kinds of the resources."""
        return self._primaries

    async def list_all(self) -> None:
        """Know the world before the first pass: an object that is not known yet looks like one that is missing.

        Returns when every kind of resource could be listed; of the other kinds it is known why they could not.
        """
        await asyncio.gather(*(self._intake.compare(gvk) for gvk in self._kinds))
        absent = [str(gvk) for gvk in self._kinds if self._store.state(gvk) is KindState.ABSENT]
        if absent:
            log.info("some kinds are not served here; they are watched as soon as they are", kinds=absent)
        while unknown := [gvk for gvk in self._primaries if not self._is_known(gvk)]:
            await asyncio.sleep(self._backoff.base)
            await asyncio.gather(*(self._intake.compare(gvk) for gvk in unknown))

    async def watch(self) -> None:
        """Watch, and start again when the watching ends; what was missed is seen by a comparison."""
        failures = 0
        if len(self._intake.readable) > 1:
            # kopf would ask again and again for those that are refused, so they are found out before.
            await self.compare()
        while True:
            try:
                if await self._watch_readable():
                    await self.compare()
                    continue
                reason = "a kind is not served any more"
            except Exception as error:  # noqa: BLE001 - whatever it is, passes go on
                reason = repr(error)
            failures += 1
            self._metrics.watch_ends.inc()
            wait = self._backoff.wait(failures)
            log.warning("watching ended and starts again", reason=reason, seconds=round(wait, 1))
            await asyncio.sleep(wait)
            await self.compare()

    async def _watch_readable(self) -> bool:
        """Watch the namespaces that can be read until others can be, which is told, or the watching ends.

        One that is refused would end the watching of all; what changes in it is seen by a comparison.
        """
        self._intake.moved.clear()
        readable = self._intake.readable
        watching = asyncio.ensure_future(self._watch_in(readable))
        moving = asyncio.ensure_future(self._intake.moved.wait())
        try:
            await asyncio.wait({watching, moving}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            return not watching.done()
        finally:
            await cancelled((watching, moving))

    async def _watch_in(self, namespaces: tuple[str, ...]) -> None:
        scans = await self._intake.may_scan()
        if not scans:
            log.info(
                "kinds and namespaces that come later are found by looking for them: they cannot be watched"
            )
        while not scans and not all(map(self._is_known, self._primaries)):  # noqa: ASYNC110 - the store tells nobody
            await asyncio.sleep(self._backoff.base)
        served = self._served if scans else None
        await binding.watch(self._kinds, self._intake, namespaces=namespaces, served=served)

    async def compare(self) -> None:
        """List every kind, and take in what was missed."""
        for gvk in self._kinds:
            await self._intake.compare(gvk)
        if self._following:
            await self._following.compare()

    async def compare_every(self, seconds: float) -> None:
        """Compare again and again."""
        while True:
            await asyncio.sleep(seconds)
            await self.compare()

    def resources(self) -> list[ObjectKey]:
        """Give every resource that is known."""
        return [key for gvk in self._primaries for key in self._store.keys(gvk)]

    async def close(self) -> None:
        """End the looks for kinds that are about to be served, and the watches of further kinds."""
        await cancelled(self._looks)
        if self._following:
            await self._following.close()

    def _served(self, group: str, kind: str) -> None:
        for gvk in self._kinds:
            if (gvk.group, gvk.kind) == (group, kind) and not self._is_known(gvk):
                task = asyncio.create_task(self._look_for(gvk), name=f"look for {gvk}")
                self._looks.add(task)
                task.add_done_callback(self._looks.discard)

    async def _look_for(self, gvk: GroupVersionKind) -> None:
        for seconds in SERVED_SECONDS:
            await asyncio.sleep(seconds)
            if self._is_known(gvk):
                return
            await self._intake.compare(gvk)

    def _is_known(self, gvk: GroupVersionKind) -> bool:
        return self._store.state(gvk) is KindState.KNOWN
