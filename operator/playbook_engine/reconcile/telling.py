"""What the status says of a run, in the form of the entry: this engine's own, or that of ansible-operator. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from playbook_engine.compat import conditions as theirs
from playbook_engine.objects import Object
from playbook_engine.reconcile.judge import AT_REST, STARTED, failure_of, judge, restless
from playbook_engine.runs.records import RunOutcome
from playbook_engine.status.compose import RECONCILED
from playbook_engine.status.conditions import Told, read_conditions
from playbook_engine.watches.records import Watch

type Says = dict[str, Told]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How is told what has happened: messages have a bound, and what is over was over at ``now`` (RFC 3339)."""

    message_bound: int
    now: str


def waits(watch: Watch, resource: Object) -> Says:
    """Tell that a run is about to be made, where nothing was told before."""
    return {} if watch.is_compatible or read_conditions(resource) else {RECONCILED: STARTED}


def begins(watch: Watch, resource: Object) -> Says:
    """Tell that a run begins."""
    return theirs.begun(resource) if watch.is_compatible else {}


def ended(watch: Watch, outcome: RunOutcome, *, playbook: str, manner: Manner) -> Says:
    """Tell how a run ended."""
    if watch.is_compatible:
        _, why = failure_of(outcome)
        return theirs.ended(outcome, why=why, message_bound=manner.message_bound, now=manner.now)
    return judge(outcome, message_bound=manner.message_bound, playbook=playbook)


def undone(watch: Watch, left: Mapping[str, object], found: Mapping[str, object]) -> Says:
    """Tell that what runs leave is undone each time."""
    return {} if watch.is_compatible else {RECONCILED: restless(left, found)}


def rests(watch: Watch) -> Says:
    """Tell that what was undone holds now."""
    return {} if watch.is_compatible else {RECONCILED: AT_REST}


def is_in_trouble(resource: Object) -> bool:
    """Whether the status says that the last run has failed, or was undone."""
    return read_conditions(resource).get(RECONCILED, {}).get("status") == "False"


def refused(message: str) -> Says:
    """Tell that nothing can be run, and why; only resources of ansible-operator can say what is wrong in itself."""
    return theirs.failed(message)
