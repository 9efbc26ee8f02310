"""Takes and keeps the Lease, and moves the fence with it; ``Alone`` is for an engine that has no rival."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from playbook_engine.cluster.client import Cluster
from playbook_engine.cluster.errors import ClusterError, NotFoundError
from playbook_engine.fence import ENDED, Fence, boot_seconds
from playbook_engine.leadership.leases import Record, Seen, Step, Timing, choose, lease, noticed
from playbook_engine.objects import ObjectKey
from playbook_engine.observability.logs import get_logger
from playbook_engine.queue.backoff import spread

RELEASED_SECONDS = 1.0

log = get_logger(__name__)


class Leadership(Protocol):
    """Says when passes may be made."""

    async def acquire(self) -> None:
        """Wait until this process is the leader."""
        ...

    async def hold(self) -> None:
        """Stay the leader; returns when this process is it no longer."""
        ...

    async def release(self) -> None:
        """Let another process be it; everything that this one has begun must have ended."""
        ...


class Alone:
    """An engine without a rival is always the leader."""

    async def acquire(self) -> None:
        """It is."""

    async def hold(self) -> None:
        """For ever."""
        await asyncio.Event().wait()

    async def release(self) -> None:
        """There is nobody to let it be."""


class Election:
    """A candidate for one Lease."""

    def __init__(  # noqa: PLR0913 - each is named at the one place that makes it
        self,
        cluster: Cluster,
        place: ObjectKey,
        *,
        identity: str,
        timing: Timing,
        fence: Fence,
        chance: Callable[[], float],
        clock: Callable[[], float] = boot_seconds,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """Ask ``cluster``, which must not be behind the fence; the fence is closed until the Lease is taken."""
        self._cluster = cluster
        self._place = place
        self._identity = identity
        self._timing = timing
        self._fence = fence
        self._chance = chance
        self._clock = clock
        self._sleep = sleep
        self._seen: Seen | None = None
        self._sure = False
        self._problem = ""
        fence.move(ENDED)

    async def acquire(self) -> None:
        """Look, wait while another holds it, and take it."""
        self._seen, holder = None, ""
        while True:
            self._sure = False  # a rival may have changed it
            if not (wait := await self._tried(self._timing.renew_deadline)):
                log.info("this process is the leader", identity=self._identity, lease=str(self._place))
                return
            if self._holder not in ("", holder):
                holder = self._holder
                log.info("another process is the leader", identity=holder, lease=str(self._place))
            await self._sleep(wait)

    async def hold(self) -> None:
        """Renew, until that has failed for the renew deadline or another process holds the Lease."""
        while True:
            await self._sleep(min(spread(self._timing.retry, self._chance), max(0.0, self._fence.left)))
            if self._fence.left <= 0:  # also after a sleep that took much longer: this process was frozen
                log.error("the lease could not be renewed in time", reason=self._problem)
                break
            if await self._tried(self._fence.left) and self._holder not in ("", self._identity):
                log.error("another process has taken the lease", lease=str(self._place))
                break
        self._fence.close()

    async def release(self) -> None:
        """Write the Lease without a holder, so that the next need not wait until it ends; close the connection."""
        self._fence.move(ENDED)
        before = self._seen.record if self._seen else None
        if before and before.holder == self._identity:
            body = lease(self._place, before, identity="", seconds=RELEASED_SECONDS, now=_now())
            with suppress(ClusterError, TimeoutError):
                async with asyncio.timeout(self._timing.retry):
                    await self._cluster.replace(body)
                    log.info("the lease is released")
        await self._cluster.close()

    async def _tried(self, seconds: float) -> float:
        """Try once, for so many seconds; give 0 when the Lease is ours now, else when to try again."""
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                wait = await self._try()
        except (ClusterError, TimeoutError) as error:
            self._sure = False  # the request may have been carried out all the same
            problem = str(error) or "the API server does not answer in time"
            if problem != self._problem:
                log.warning("the lease cannot be read or written", error=problem, lease=str(self._place))
            self._problem = problem
            return spread(self._timing.retry, self._chance)
        self._problem = ""
        return wait

    async def _try(self) -> float:
        if not self._sure:
            await self._look()
        choice = choose(self._seen, identity=self._identity, timing=self._timing, now=self._clock())
        if choice.step is Step.WAIT:
            return choice.wait
        before = self._seen.record if self._seen else None
        seconds = self._timing.duration
        body = lease(self._place, before, identity=self._identity, seconds=seconds, now=_now())
        began = self._clock()
        write = self._cluster.create if choice.step is Step.CREATE else self._cluster.replace
        answer = await write(body)
        self._seen, self._sure = Seen(Record.of(answer), began), True
        self._fence.move(self._timing.tenure(began))
        return 0.0

    async def _look(self) -> None:
        try:
            found = await self._cluster.get(self._place)
        except NotFoundError:
            self._seen = None
        else:
            self._seen = noticed(self._seen, Record.of(found), self._clock())

    @property
    def _holder(self) -> str:
        return self._seen.record.holder if self._seen else ""


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
