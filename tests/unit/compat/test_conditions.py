"""The three conditions say what ansible-operator would say, and what it should have said."""

from typing import Any

from playbook_engine.compat import conditions
from playbook_engine.runs.records import RunOutcome, RunStatus, TaskCounts, TaskFailure

NOW, LATER = "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z"
COUNTS = TaskCounts(ok=5, changed=2, skipped=1, failed=0, rescued=1, ignored=1)
RESULT = {"ok": 5, "changed": 2, "skipped": 1, "failures": 0, "completion": NOW}


def outcome(status: RunStatus = RunStatus.SUCCESSFUL, **more: Any) -> RunOutcome:  # noqa: ANN401 - fields
    return RunOutcome(status=status, **{"counts": COUNTS, "duration_seconds": 1.0, **more})


def ended(found: RunOutcome, why: str = "") -> dict[str, Any]:
    return written({}, conditions.ended(found, why=why, message_bound=1024, now=NOW))


def written(status: dict[str, Any], told: Any, *, generation: int = 1, now: str = NOW) -> dict[str, Any]:  # noqa: ANN401
    new = conditions.with_conditions(status, told, generation=generation, now=now)
    return {**new, "conditions": {one["type"]: one for one in new["conditions"]}}  # type: ignore[attr-defined]


def listed(status: dict[str, Any]) -> dict[str, Any]:
    return {**status, "conditions": list(status["conditions"].values())}


def said(condition: dict[str, Any]) -> tuple[str, str, str]:
    return condition["status"], condition["reason"], condition["message"]


def test_the_first_run_begins() -> None:
    (running,) = written({}, conditions.begun({}))["conditions"].values()
    assert said(running) == ("True", "Running", "Running reconciliation")


def test_a_run_that_succeeds_has_its_counts_in_running() -> None:
    found = ended(outcome())["conditions"]
    assert said(found["Running"]) == ("True", "Successful", "Awaiting next reconciliation")
    assert found["Running"]["ansibleResult"] == RESULT
    assert said(found["Successful"]) == ("True", "Successful", "Last reconciliation succeeded")
    assert found["Failure"]["status"] == "False"


def test_a_run_that_fails_has_the_messages_of_all_its_tasks_and_its_counts_in_failure() -> None:
    failures = tuple(TaskFailure(role="", task=f"t{n}", message=f"message {n}") for n in (1, 2))
    counts = TaskCounts(ok=1, failed=2)
    found = ended(outcome(RunStatus.FAILED, failures=failures, counts=counts))["conditions"]
    assert said(found["Failure"]) == ("True", "Failed", "message 1\nmessage 2")
    assert found["Failure"]["ansibleResult"]["failures"] == 2
    assert found["Successful"]["status"] == "False"
    assert found["Running"]["status"] == "False"


def test_unreachable_hosts_count_as_failures() -> None:
    counts = TaskCounts(ok=1, unreachable=1)
    failures = (TaskFailure(role="", task="t", message="no route"),)
    found = ended(outcome(RunStatus.FAILED, failures=failures, counts=counts))["conditions"]
    assert found["Failure"]["ansibleResult"]["failures"] == 1


def test_a_run_that_died_has_failed_and_is_not_running() -> None:
    found = ended(outcome(RunStatus.DIED, counts=TaskCounts()), "killed by a signal")["conditions"]
    assert said(found["Failure"]) == ("True", "Failed", "killed by a signal")
    assert found["Running"]["status"] == "False"


def test_while_the_next_run_goes_on_neither_success_nor_failure_is_true() -> None:
    first = listed(ended(outcome()))
    again = written(first, conditions.begun({"status": first}))["conditions"]
    assert {kind: one["status"] for kind, one in again.items()} == {
        "Running": "True",
        "Successful": "False",
        "Failure": "False",
    }


def test_the_time_of_transition_moves_with_the_status_only() -> None:
    first = listed(ended(outcome()))
    again = written(first, conditions.begun({"status": first}), now=LATER)["conditions"]
    assert again["Running"]["lastTransitionTime"] == NOW
    assert again["Successful"]["lastTransitionTime"] == LATER


def test_other_fields_and_conditions_of_others_are_kept() -> None:
    other = {"type": "Ready", "status": "True", "someField": 1}
    status = {"url": "http://x", "conditions": [other]}
    found = written(status, conditions.begun({"status": status}))
    assert found["url"] == "http://x"
    assert found["conditions"]["Ready"] == other


def test_every_condition_has_a_reason_and_the_generation_that_it_is_for() -> None:
    died = ended(outcome(RunStatus.DIED, counts=TaskCounts()), "x")
    for found in (ended(outcome()), died, written({}, conditions.begun({}))):
        assert all(one["reason"] and one["observedGeneration"] == 1 for one in found["conditions"].values())


def test_conditions_are_always_in_the_same_order() -> None:
    assert list(ended(outcome())["conditions"]) == ["Failure", "Running", "Successful"]


def test_messages_have_a_bound() -> None:
    failures = (TaskFailure(role="", task="t", message="x" * 5000),)
    found = ended(outcome(RunStatus.FAILED, failures=failures))["conditions"]
    assert len(found["Failure"]["message"]) <= 1024


def test_an_empty_reason_that_was_written_before_is_replaced() -> None:
    status = {"conditions": [{"type": "Failure", "status": "False", "reason": "", "message": ""}]}
    again = written(status, conditions.begun({"status": status}))["conditions"]
    assert again["Failure"]["reason"]


def test_nothing_told_changes_nothing() -> None:
    status = {"conditions": [{"type": "B"}, {"type": "A"}]}
    assert conditions.with_conditions(status, {}, generation=1, now=NOW) is status
