"""What a Lease says, and what a candidate does about it. Pure.

Clocks of different machines are never compared: a candidate measures by its own clock for how long a Lease has not
changed. The fields and their meaning are those of ``k8s.io/client-go/tools/leaderelection``, so that people find
what they know.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from playbook_engine.fence import Tenure
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey, mapping, metadata_of

LEASE = GroupVersionKind(group="coordination.k8s.io", version="v1", kind="Lease")


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Seconds: ``duration`` of a lease, ``renew_deadline`` for a leader that cannot renew, ``retry`` between tries."""

    duration: float
    renew_deadline: float
    retry: float

    def tenure(self, began: float) -> Tenure:
        """Give how long a renewal holds whose request was sent at ``began``.

        Another candidate sees the renewal later than that, and waits for ``duration`` from then on. Writes end at the
        deadline; what is left until the lease can pass on is for killing what has not ended.
        """
        until = began + self.renew_deadline
        return Tenure(until, (until + began + self.duration) / 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A Lease as it was read; ``version`` is its resourceVersion, ``holder`` is empty when it was released."""

    holder: str
    seconds: float
    acquired: str
    renewed: str
    transitions: int
    version: str

    @classmethod
    def of(cls, lease: Object) -> "Record":
        """Read a Lease; what is missing is empty."""
        spec = mapping(lease.get("spec"))
        return cls(
            holder=str(spec.get("holderIdentity") or ""),
            seconds=_number(spec, "leaseDurationSeconds"),
            acquired=str(spec.get("acquireTime") or ""),
            renewed=str(spec.get("renewTime") or ""),
            transitions=int(_number(spec, "leaseTransitions")),
            version=str(metadata_of(lease).get("resourceVersion") or ""),
        )


@dataclass(frozen=True, slots=True)
class Seen:
    """A record, and when this process saw it first."""

    record: Record
    at: float


class Step(Enum):
    """What a candidate does next."""

    CREATE = auto()
    TAKE = auto()
    RENEW = auto()
    WAIT = auto()


@dataclass(frozen=True, slots=True)
class Choice:
    """The next step; ``wait`` is after how many seconds to look again, for ``WAIT``."""

    step: Step
    wait: float = 0.0


def noticed(before: Seen | None, record: Record, now: float) -> Seen:
    """Take in what was read: a record that has not changed has been there since it was seen first."""
    return before if before and before.record == record else Seen(record, now)


def choose(seen: Seen | None, *, identity: str, timing: Timing, now: float) -> Choice:
    """Decide; ``seen`` is None when there is no Lease."""
    if seen is None:
        return Choice(Step.CREATE)
    if seen.record.holder == identity:
        return Choice(Step.RENEW)
    free_at = seen.at + max(seen.record.seconds, timing.duration)
    if not seen.record.holder or now >= free_at:
        return Choice(Step.TAKE)
    return Choice(Step.WAIT, min(timing.retry, free_at - now))


def lease(place: ObjectKey, before: Record | None, *, identity: str, seconds: float, now: str) -> Object:
    """Give the Lease to write; ``identity`` is empty to release it, ``now`` is a time with microseconds."""
    kept = before is not None and before.holder == identity
    transitions = before.transitions + (0 if kept or not identity else 1) if before else 0
    metadata = {"namespace": place.namespace, "name": place.name}
    return {
        "apiVersion": LEASE.api_version,
        "kind": LEASE.kind,
        "metadata": {**metadata, "resourceVersion": before.version} if before else metadata,
        "spec": {
            "holderIdentity": identity,
            "leaseDurationSeconds": max(1, round(seconds)),
            "acquireTime": before.acquired if before and (kept or not identity) else now,
            "renewTime": now,
            "leaseTransitions": transitions,
        },
    }


def _number(spec: Mapping[str, object], name: str) -> float:
    found = spec.get(name)
    return float(found) if isinstance(found, int) else 0.0
