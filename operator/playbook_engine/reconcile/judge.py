"""What a run means for the resource: conditions in words that help. Pure."""

from collections.abc import Mapping

from playbook_engine.runs.records import RunOutcome, RunStatus, TaskFailure
from playbook_engine.runs.redaction import bound, redact
from playbook_engine.status.compose import RECONCILED
from playbook_engine.status.conditions import Told, read_told

_MOST_FAILURES = 3
STARTED = Told(status="Unknown", reason="Started", message="the first run has begun")
AT_REST = Told(status="True", reason="RunSucceeded", message="what the last run has left is there")


def judge(outcome: RunOutcome, *, message_bound: int, playbook: str) -> dict[str, Told]:
    """Give the conditions that a run leads to: those that it told, redacted and bounded, and ``Reconciled``."""
    told = {
        kind: Told(
            status=one.status,
            reason=one.reason,
            message=bound(redact(one.message), characters=message_bound),
            warning=one.warning,
        )
        for kind, one in read_told(outcome.custom).items()
    }
    return {**told, RECONCILED: _reconciled(outcome, playbook, message_bound)}


def restless(left: Mapping[str, object], found: Mapping[str, object]) -> Told:
    """Tell that runs succeed, and that something undoes each time what they ``left``: the next has ``found`` that."""
    moved = [name for name, seen in left.items() if found.get(name) != seen]
    names = ", ".join(moved) or "an object that another client changes"
    text = f"the run succeeds, and is undone each time: {names}. Find out who else writes there"
    return Told(status="False", reason="NotConverging", message=text)


def _reconciled(outcome: RunOutcome, playbook: str, message_bound: int) -> Told:
    counts = outcome.counts
    if outcome.status is RunStatus.SUCCESSFUL:
        message = (
            f"the run took {outcome.duration_seconds:.1f} s: {counts.ok} ok, {counts.changed} changed,"
            f" {counts.skipped} skipped, {counts.failed} failed"
        )
        return Told(status="True", reason="RunSucceeded", message=message)
    reason, text = failure_of(outcome)
    return Told(status="False", reason=reason, message=bound(f"{playbook}: {text}", characters=message_bound))


def requeue_seconds(outcome: RunOutcome) -> float | None:
    """Give in how many seconds a run that succeeded asked to be made again; None when it did not.

    It asks by ``operator_sdk.util.requeue_after``, or by ``set_stats``; the shorter time counts.
    """
    if outcome.status is not RunStatus.SUCCESSFUL:
        return None
    asked = (outcome.requeue_seconds, outcome.custom.get("requeue_after"))
    times = [one for one in asked if isinstance(one, (int, float)) and not isinstance(one, bool) and one >= 0]
    return min(times, default=None)


def failure_of(outcome: RunOutcome) -> tuple[str, str]:
    """Give why a run did not succeed: in a word, and in a sentence."""
    where = f" in task {outcome.last_task!r}" if outcome.last_task else ""
    if outcome.status is RunStatus.TIMED_OUT:
        return "RunTimedOut", f"the run was ended after {outcome.duration_seconds:.0f} s{where}"
    if outcome.status is RunStatus.DIED:
        return "RunDied", f"the run ended without a result{where}: {outcome.detail or 'no reason is known'}"
    if outcome.failures:
        told = "; ".join(_task(failure) for failure in outcome.failures[:_MOST_FAILURES])
        return outcome.failures[0].reason or "RunFailed", told
    return "RunFailed", outcome.detail or "no reason is known"


def _task(failure: TaskFailure) -> str:
    role = f"role {failure.role}, " if failure.role else ""
    return f"{role}task {failure.task!r}: {failure.message}"
