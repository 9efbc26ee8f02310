"""However much a run says, only so much of it is kept."""

import asyncio
from functools import reduce
from typing import Any

import pytest

from playbook_engine.reconcile.judge import judge
from playbook_engine.runs.events import trim
from playbook_engine.runs.folding import Cause, End, Progress, conclude, step
from playbook_engine.runs.following import Followed, Streams, follow
from playbook_engine.runs.records import RunOutcome, RunStatus

MUCH = 1_000_000
KEPT = 20_000
ITEMS = 100
RESULT = 50_000
TOLD = 3


def failed(task: str, **result: object) -> dict[str, Any]:
    data = {"task": task, "host": "localhost", "res": {"msg": "no", **result}}
    return {"event": "runner_on_failed", "event_data": data}


def test_of_the_output_the_end_is_kept() -> None:
    lines = [{"event": "verbose", "stdout": "x" * 1000} for _ in range(MUCH // 1000)]
    progress = reduce(step, [*lines, {"event": "verbose", "stdout": "the end"}], Progress())
    assert len(progress.output) <= KEPT
    assert progress.output.endswith("the end\n")


def test_a_task_that_writes_much_hands_on_little() -> None:
    line = trim({"event": "verbose", "stdout": "x" * MUCH})
    error = trim(failed("t", stderr="x" * MUCH))
    assert line
    assert len(str(line["stdout"])) == RESULT
    assert error
    assert len(str(error)) < RESULT + 200


def test_of_a_loop_only_so_many_failed_items_are_kept() -> None:
    items = [{"failed": True, "msg": f"item {number}"} for number in range(10 * ITEMS)]
    found = trim(failed("t", results=items))
    assert found
    assert len(found["event_data"]["res"]["results"]) == ITEMS  # type: ignore[index]


async def test_of_the_standard_error_of_a_run_the_end_is_kept() -> None:
    events, errors = asyncio.StreamReader(), asyncio.StreamReader()
    events.feed_eof()
    errors.feed_data(b"x" * MUCH + b"the end")
    errors.feed_eof()
    followed = Followed()
    cause = await follow(Streams(events, errors), followed, seconds=30, closing=asyncio.Event())
    assert cause is Cause.ITSELF
    assert len(followed.stderr) == KEPT
    assert followed.stderr.endswith("the end")


@pytest.mark.parametrize("bound", [200, 1024])
def test_a_condition_tells_of_a_few_failed_tasks_and_never_more_than_its_bound(bound: int) -> None:
    outcome = outcome_of(*(f"task-{number}" for number in range(10)))
    message = judge(outcome, message_bound=bound, playbook="pot.yml")["Reconciled"].message
    assert sum(f"task-{number}" in message for number in range(10)) <= TOLD
    long = judge(outcome_of("x" * MUCH), message_bound=bound, playbook="pot.yml")["Reconciled"].message
    assert len(long) <= bound
    assert long.endswith("… (cut)")


def outcome_of(*tasks: str) -> RunOutcome:
    """Return what comes of a run in which these tasks failed, on a host each."""
    events: list[dict[str, Any]] = [failed(task) for task in tasks]
    for number, event in enumerate(events):
        event["event_data"]["host"] = f"host-{number}"
    hosts = {f"host-{number}": 1 for number in range(len(tasks))}
    recap = {"event": "playbook_on_stats", "event_data": {"failures": hosts, "processed": hosts}}
    end = End(cause=Cause.ITSELF, code=2, seconds=1.0)
    outcome = conclude(reduce(step, [*events, recap], Progress()), end, clean=lambda text: text)
    assert outcome.status is RunStatus.FAILED
    return outcome
