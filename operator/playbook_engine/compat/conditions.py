"""The three conditions that ansible-operator writes: Running, Successful, Failure. Pure."""

from collections.abc import Mapping

from playbook_engine.objects import Object, mapping, metadata_of
from playbook_engine.runs.records import RunOutcome, RunStatus
from playbook_engine.runs.redaction import bound
from playbook_engine.status.conditions import Conditions, Told, merged, read_conditions

RUNNING, SUCCESSFUL, FAILURE = "Running", "Successful", "Failure"
_STARTED = Told(status="True", reason="Running", message="Running reconciliation")
_IDLE = Told(status="True", reason="Successful", message="Awaiting next reconciliation")
_STOPPED = Told(status="False", reason="Failed", message="The last reconciliation failed")
_WELL = Told(status="True", reason="Successful", message="Last reconciliation succeeded")
_NO_FAILURE = Told(status="False", reason="Successful")


def begun(resource: Object) -> dict[str, Told]:
    """Tell that a run begins: what was said of the last one is not so for this one."""
    known = read_conditions(resource)
    past = {kind: _denied(known[kind]) for kind in (SUCCESSFUL, FAILURE) if kind in known}
    return {RUNNING: _STARTED, **past}


def ended(outcome: RunOutcome, *, why: str, message_bound: int, now: str) -> dict[str, Told]:
    """Tell how a run ended; ``why`` is for one that ended badly without a failed task, ``now`` is RFC 3339.

    A run that was killed or crashed has ended as well, and it has failed.
    """
    result = _result(outcome, now)
    if outcome.status is RunStatus.SUCCESSFUL:
        return {RUNNING: _with(_IDLE, result), SUCCESSFUL: _WELL, FAILURE: _NO_FAILURE}
    messages = "\n".join(failure.message for failure in outcome.failures) or why
    return failed(bound(messages, characters=message_bound), result)


def failed(message: str, result: Mapping[str, object] | None = None) -> dict[str, Told]:
    """Tell that a resource cannot be reconciled, by ``message``."""
    failure = Told(status="True", reason="Failed", message=message)
    not_well = Told(status="False", reason="Failed", message="Last reconciliation failed")
    return {RUNNING: _STOPPED, SUCCESSFUL: not_well, FAILURE: _with(failure, result)}


def with_conditions(status: Object, told: Mapping[str, Told], *, generation: object, now: str) -> Object:
    """Give a status with what is told in it; everything else in it, and conditions of others, stay as they are."""
    if not told:
        return status
    old: Conditions = read_conditions({"status": status})
    number = generation if isinstance(generation, int) else 0
    conditions = merged(old, told, generation=number, now=now, keep=old)
    return {**status, "conditions": list(conditions.values())}


def patch(resource: Object, status: Object) -> list[dict[str, object]]:
    """Give the JSON patch that writes the conditions of ``status``, if nothing has changed meanwhile."""
    metadata = metadata_of(resource)
    same = [
        {"op": "test", "path": f"/metadata/{name}", "value": metadata.get(name)}
        for name in ("uid", "resourceVersion")
    ]
    if isinstance(resource.get("status"), Mapping):
        return [*same, {"op": "add", "path": "/status/conditions", "value": status["conditions"]}]
    return [*same, {"op": "add", "path": "/status", "value": {"conditions": status["conditions"]}}]


def _denied(condition: Object) -> Told:
    """Give a condition that is not so any more, in the words that it had."""
    return Told(
        status="False",
        reason=str(condition.get("reason") or "Running"),
        message=str(condition.get("message") or ""),
        result=mapping(condition.get("ansibleResult")) or None,
    )


def _result(outcome: RunOutcome, now: str) -> dict[str, object]:
    counts = outcome.counts
    return {
        "ok": counts.ok,
        "changed": counts.changed,
        "skipped": counts.skipped,
        "failures": counts.failed + counts.unreachable,
        "completion": now,
    }


def _with(told: Told, result: Mapping[str, object] | None) -> Told:
    return Told(status=told.status, reason=told.reason, message=told.message, result=result)
