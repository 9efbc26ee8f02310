"""What the engine remembers of a resource between passes; a restart only costs what the status does not hold."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from playbook_engine.objects import Object, digest, mapping
from playbook_engine.reconcile.left import Left
from playbook_engine.status.compose import LAST_GOOD, News
from playbook_engine.watches.records import Watch

MOST_REPEATS = 3
"""A run that has to be made again this often in a row, with the same input, does not converge."""

REST_SECONDS = 10.0
"""What a run has left holds when nobody has undone it for so long. Others need their time for it, too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Good:
    """Digests of the last success: of what it depended on, and of what it left."""

    inputs: str
    objects: str

    def as_status(self, generation: object) -> dict[str, object]:
        """Give the block of the status by which another process knows it."""
        return {
            "inputDigest": self.inputs,
            "objectsDigest": self.objects,
            "observedGeneration": generation,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """The last run failed with these inputs, as one of ``count`` in a row; the next try is at ``until``.

    ``restless`` means that it succeeded, but was undone again and again.
    """

    inputs: str
    count: int
    until: float
    restless: bool = False


@dataclass(slots=True)
class Memory:
    """The state of one resource, by its uid; ``unsaid`` is what a pass found and could not write into the status.

    The last success was at ``since``; it asked for the next run after ``requeue_seconds``. ``turn`` says that the run
    which is made was due by the time alone. ``left`` is how it has left each object, by key.
    """

    uid: str
    good: Good | None = None
    objects: Mapping[str, list[str]] = field(default_factory=dict)
    left: Mapping[str, Left] = field(default_factory=dict)
    failure: Failure | None = None
    repeats: int = 0
    written: tuple[str, str] | None = None
    runs: int = 0
    unsaid: News | None = None
    since: float = -math.inf
    requeue_seconds: float | None = None
    turn: bool = False

    def due(self, watch: Watch) -> float:
        """Give from when on a run is made though nothing has changed; infinite for never.

        Entries of ansible-operator are run each period. Others only look: nothing can differ that they do not see.
        """
        period = watch.reconcile_seconds if watch.is_compatible and watch.reconcile_seconds else None
        waits = [wait for wait in (period, self.requeue_seconds) if wait is not None]
        return self.since + min(waits, default=math.inf)

    def has_written(self, wanted: Object, found: Object) -> bool:
        """Whether the status that is ``found`` is what the API server made of the one that is ``wanted``."""
        return self.written == (digest(wanted), digest(found))

    def keep_written(self, wanted: Object, found: Object) -> None:
        """Remember what the API server made of a status: what it dropped or added must not look like a difference."""
        self.written = (digest(wanted), digest(found))

    def next_try(self, watch: Watch, *, holds: bool) -> float:
        """Give when to look at the resource again for its runs; ``holds`` says that what the last one left is there."""
        if self.failure is None:
            return self.due(watch)
        return self.since + REST_SECONDS if holds else self.failure.until

    def rest(self, clock: float) -> bool:
        """Forget a failure once what the last run left holds for long enough; give whether there was one."""
        over = self.failure is not None and clock >= self.since + REST_SECONDS
        if over:
            self.failure, self.repeats = None, 0
        return over

    def succeed(
        self, inputs: str, objects: Mapping[str, list[str]], *, clock: float, retry: Callable[[int], float]
    ) -> Good:
        """Keep what the run, over at ``clock``, depended on and what it left, and give it as what is good.

        One that was made with the same inputs again and again does not converge: the next is at the time that
        ``retry`` gives for so many failures.
        """
        self._count(inputs, clock)
        if self.repeats > MOST_REPEATS:
            self._fail(inputs, retry, restless=True)
        else:
            self.failure = None
        self.objects, self.since = objects, clock
        self.good = Good(inputs=inputs, objects=digest(objects))
        return self.good

    def fail(self, inputs: str, *, clock: float, retry: Callable[[int], float]) -> None:
        """Count a run that failed; the next is at the time that ``retry`` gives for so many failures in a row."""
        self._count(inputs, clock)
        self._fail(inputs, retry)

    def _count(self, inputs: str, clock: float) -> None:
        """Count a run that was made because somebody has undone the one before."""
        again = self.good is not None and self.good.inputs == inputs and not self.turn
        held = self.failure is None and clock >= self.since + REST_SECONDS
        self.repeats = self.repeats + 1 if again and not held else 0

    def _fail(self, inputs: str, retry: Callable[[int], float], *, restless: bool = False) -> None:
        before = self.failure
        count = before.count + 1 if before and before.inputs == inputs else 1
        self.failure = Failure(inputs=inputs, count=count, until=retry(count), restless=restless)


def good_of(resource: Object) -> Good | None:
    """Read the digests from the status, as an earlier process left them."""
    found = mapping(mapping(resource.get("status")).get(LAST_GOOD))
    inputs, objects = found.get("inputDigest"), found.get("objectsDigest")
    return Good(inputs=str(inputs), objects=str(objects)) if inputs and objects else None
