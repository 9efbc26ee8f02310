"""Events in, outcome out: what counts as a failure, what the message is, and how a run ended."""

from collections.abc import Iterable, Mapping
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from playbook_engine.reconcile.judge import judge
from playbook_engine.runs.events import trim
from playbook_engine.runs.failures import HIDDEN_BY_NO_LOG
from playbook_engine.runs.folding import MOST_FAILURES, Cause, End, Progress, conclude, step
from playbook_engine.runs.records import RunOutcome, RunStatus, TaskCounts

Event = Mapping[str, object]

CENSORED = {"censored": "the output has been hidden due to the fact that 'no_log: true' was specified"}
PARSE_ERROR = (
    "[ERROR]: couldn't resolve module/action 'ansible.builtin.nope'.\r",
    "Origin: /playbooks/reconcile.yml:4:7\r",
    "\r",
    "2   gather_facts: false\r",
    "        ^ column 7\r",
)


def on(event: str, task: str = "Do it", **data: object) -> Event:
    return {"event": event, "event_data": {"task": task, "host": "localhost", **data}}


def failed(task: str = "Do it", **data: object) -> Event:
    data = {"res": {"msg": f"{task} failed"}, "ignore_errors": False} | data
    return on("runner_on_failed", task, **data)


def stats(**counts: object) -> Event:
    by_host = {key: {"localhost": value} for key, value in counts.items() if key != "artifact_data"}
    data = {"processed": {"localhost": 1}, "artifact_data": {}, **counts, **by_host}
    return {"event": "playbook_on_stats", "event_data": data}


def wrote(*lines: str) -> list[Event]:
    return [{"event": "verbose", "stdout": line, "event_data": {}} for line in lines]


def fold(
    events: Iterable[Event], *, code: int | None = 0, cause: Cause = Cause.ITSELF, note: str = ""
) -> RunOutcome:
    end = End(cause=cause, code=code, seconds=1.5, note=note)
    return conclude(reduce(step, events, Progress()), end, clean=lambda text: text)


def test_a_run_that_went_well_hands_back_its_counts_and_custom_statistics() -> None:
    custom = {"conditions": {"Ready": {"status": "True"}}}
    events = [on("runner_on_start"), on("runner_on_ok"), stats(ok=3, changed=1, artifact_data=custom)]
    assert fold(events) == RunOutcome(
        status=RunStatus.SUCCESSFUL,
        counts=TaskCounts(ok=3, changed=1),
        duration_seconds=1.5,
        custom=custom,
    )


def test_counts_are_summed_over_hosts() -> None:
    data = {"ok": {"a": 1, "b": 2}, "dark": {"b": 1}, "processed": {"a": 1, "b": 1}}
    outcome = fold([{"event": "playbook_on_stats", "event_data": data}], code=4)
    assert outcome.counts == TaskCounts(ok=3, unreachable=1)


def test_a_failed_task_is_named_with_role_and_message() -> None:
    outcome = fold([failed("Apply", role="pot"), stats(failures=1)], code=2)
    assert outcome.status is RunStatus.FAILED
    assert [(one.role, one.task, one.message) for one in outcome.failures] == [
        ("pot", "Apply", "Apply failed")
    ]
    assert outcome.detail == ""


@pytest.mark.parametrize(
    ("given", "reason"), [("Conflict", "Conflict"), ("Unprocessable Entity", ""), ("a\nb", ""), (7, "")]
)
def test_a_word_that_a_task_gives_as_its_reason_is_the_reason(given: object, reason: str) -> None:
    outcome = fold([failed(res={"msg": "no", "reason": given}), stats(failures=1)], code=2)
    assert outcome.failures[0].reason == reason
    told = judge(outcome, message_bound=100, playbook="pot.yml")["Reconciled"]
    assert told.reason == (reason or "RunFailed")


def test_a_failed_run_still_hands_back_its_custom_statistics() -> None:
    assert fold([failed(), stats(failures=1, artifact_data={"a": {}})], code=2).custom == {"a": {}}


def test_an_ignored_failure_is_no_failure() -> None:
    outcome = fold([failed(ignore_errors=True), stats(ok=1, ignored=1)])
    assert (outcome.status, outcome.failures, outcome.counts.ignored) == (RunStatus.SUCCESSFUL, (), 1)


def test_a_rescued_failure_is_no_failure() -> None:
    outcome = fold([failed(), on("runner_on_ok", "Rescue"), stats(ok=1, rescued=1)])
    assert (outcome.status, outcome.failures, outcome.counts.rescued) == (RunStatus.SUCCESSFUL, (), 1)


def test_of_a_rescued_and_a_later_failure_only_the_later_one_is_named() -> None:
    outcome = fold([failed("First"), failed("Last"), stats(rescued=1, failures=1)], code=2)
    assert [failure.task for failure in outcome.failures] == ["Last"]


def test_an_unreachable_host_is_a_failure() -> None:
    event = on("runner_on_unreachable", "Ping", res={"msg": "no route", "unreachable": True})
    outcome = fold([event, stats(dark=1)], code=4)
    assert outcome.status is RunStatus.FAILED
    assert [(one.task, one.message) for one in outcome.failures] == [("Ping", "no route")]


def test_an_ignored_unreachable_host_is_no_failure() -> None:
    event = on("runner_on_unreachable", "Ping", res={"msg": "no route", "unreachable": True})
    assert fold([event, stats(ok=1, ignored=1)]).status is RunStatus.SUCCESSFUL


@pytest.mark.parametrize(
    ("result", "message"),
    [
        ({"msg": "boom"}, "boom"),
        ({"msg": ["a", {"b": 1}]}, '["a", {"b": 1}]'),
        ({"msg": "", "reason": "Forbidden"}, "Forbidden"),
        ({}, "the task failed without a message"),
        ({"msg": "non-zero return code", "stderr": "one\ntwo"}, "non-zero return code one\ntwo"),
        ({"msg": "it said: oops", "stderr": "oops"}, "it said: oops"),
        (CENSORED, HIDDEN_BY_NO_LOG),
        (
            {
                "msg": "One or more items failed",
                "results": [
                    {"msg": "a", "failed": True},
                    {"msg": "fine"},
                    {"msg": "b", "failed": True},
                    {"msg": "a", "failed": True},
                ],
            },
            "a; b",
        ),
        ({"msg": "One or more items failed", "results": [CENSORED]}, HIDDEN_BY_NO_LOG),
        ({"msg": "One or more items failed", "results": []}, "One or more items failed"),
    ],
)
def test_the_message_is_what_the_task_says_for_itself(result: Event, message: str) -> None:
    outcome = fold([failed(res=result), stats(failures=1)], code=2)
    assert [failure.message for failure in outcome.failures] == [message]


def test_messages_and_details_are_cleaned() -> None:
    end = End(cause=Cause.ITSELF, code=2, seconds=1.0)
    progress = reduce(step, [failed(), stats(failures=1)], Progress())
    assert [one.message for one in conclude(progress, end, clean=str.upper).failures] == ["DO IT FAILED"]
    broken = reduce(step, wrote(*PARSE_ERROR), Progress())
    assert conclude(broken, end, clean=str.upper).detail.startswith("COULDN'T RESOLVE")


def test_a_loop_over_many_failures_keeps_a_bounded_number_of_the_last() -> None:
    events = [failed(f"Task {number}", host=f"host{number}") for number in range(100)]
    hosts = {f"host{number}": 1 for number in range(100)}
    recap = {"event": "playbook_on_stats", "event_data": {"failures": hosts, "processed": hosts}}
    assert len(fold([*events, recap], code=2).failures) == MOST_FAILURES


def test_a_playbook_that_cannot_be_parsed_failed_with_the_error_and_its_place() -> None:
    outcome = fold(wrote(*PARSE_ERROR), code=4)
    assert outcome.status is RunStatus.FAILED
    place = "/playbooks/reconcile.yml:4:7"
    assert outcome.detail == f"couldn't resolve module/action 'ansible.builtin.nope'. (at {place})"


def test_an_error_between_tasks_failed_with_the_error() -> None:
    error = {"event": "error", "stdout": "[ERROR]: 'x' is undefined", "event_data": {}}
    events = [on("runner_on_start"), on("runner_on_ok"), error]
    outcome = fold(events, code=4)
    assert (outcome.status, outcome.detail) == (RunStatus.FAILED, "'x' is undefined")


def test_a_dead_worker_in_a_task_died_with_task_and_error() -> None:
    error = {"event": "error", "stdout": "[ERROR]: A worker was found in a dead state", "event_data": {}}
    outcome = fold([on("runner_on_start", "Apply", role="pot"), error], code=1)
    assert outcome.status is RunStatus.DIED
    assert (outcome.last_task, outcome.detail) == ("pot : Apply", "A worker was found in a dead state")


def test_a_run_without_statistics_that_a_signal_ended_died() -> None:
    outcome = fold([on("runner_on_start", "Apply")], code=None)
    assert (outcome.status, outcome.last_task, outcome.detail) == (
        RunStatus.DIED,
        "Apply",
        "killed by a signal",
    )


def test_a_run_without_statistics_that_ended_silently_died_with_its_exit_code() -> None:
    outcome = fold([], code=250)
    assert (outcome.status, outcome.detail) == (RunStatus.DIED, "ansible-playbook ended with exit code 250")


def test_a_note_of_the_executor_is_the_detail() -> None:
    assert fold([], code=None, note="ansible-runner: no such file").detail == "ansible-runner: no such file"


def test_a_run_past_its_deadline_names_the_task_and_no_failures() -> None:
    events = [failed("Rescued"), on("runner_on_start", "Wait")]
    outcome = fold(events, code=None, cause=Cause.TIMEOUT)
    assert (outcome.status, outcome.last_task, outcome.failures) == (RunStatus.TIMED_OUT, "Wait", ())


def test_a_stopped_run_died() -> None:
    outcome = fold([on("runner_on_start", "Wait")], code=None, cause=Cause.STOPPED)
    assert (outcome.status, outcome.last_task, outcome.detail) == (RunStatus.DIED, "Wait", "stopped")


def test_an_exit_code_without_a_failed_task_is_a_failure_with_the_code() -> None:
    outcome = fold([stats(ok=1)], code=3)
    assert (outcome.status, outcome.detail) == (
        RunStatus.FAILED,
        "ansible-playbook ended with exit code 3",
    )


def test_a_playbook_in_which_nothing_ran_failed_and_says_why() -> None:
    recap = {"event": "playbook_on_stats", "event_data": {"processed": {}}}
    outcome = fold([{"event": "playbook_on_no_hosts_matched"}, recap])
    assert outcome.status is RunStatus.FAILED
    assert outcome.detail == "no play matched a host, so nothing ran; write 'hosts: localhost'"


def test_one_play_without_hosts_among_others_is_no_failure() -> None:
    assert fold([{"event": "playbook_on_no_hosts_matched"}, stats(ok=1)]).status is RunStatus.SUCCESSFUL


EVENTS = st.lists(
    st.sampled_from(
        [
            on("playbook_on_start"),
            on("runner_on_start"),
            on("runner_on_ok"),
            on("runner_on_skipped"),
            failed(),
            failed(ignore_errors=True),
            failed(res=CENSORED),
            on("runner_on_unreachable", res={"msg": "gone"}),
            on("something_new"),
            {"event": "verbose", "stdout": "[ERROR]: oops"},
            {"event": "playbook_on_stats", "event_data": None},
            {},
        ]
    ),
    max_size=12,
)


@given(events=EVENTS, code=st.none() | st.integers(0, 255), cause=st.sampled_from(Cause))
def test_a_run_without_statistics_is_never_successful(
    events: list[Event], code: int | None, cause: Cause
) -> None:
    without = [event for event in events if event.get("event") != "playbook_on_stats"]
    assert fold(without, code=code, cause=cause).status is not RunStatus.SUCCESSFUL


@given(events=EVENTS, code=st.none() | st.integers(0, 255), cause=st.sampled_from(Cause))
def test_every_failed_run_says_why(events: list[Event], code: int | None, cause: Cause) -> None:
    outcome = fold(events, code=code, cause=cause)
    if outcome.status in (RunStatus.FAILED, RunStatus.DIED):
        assert outcome.failures or outcome.detail


def asked(action: str, **result: object) -> Event:
    event = trim(on("runner_on_ok", task_action=action, res=result))
    assert event
    return event


@pytest.mark.parametrize(
    ("result", "seconds"),
    [
        ({"requeue_after": 30.0, "period": "30s"}, 30.0),
        ({"period": "1h30m"}, 5400.0),
        ({"results": [{"period": "5m"}, {"period": "1s", "skipped": True}, {"period": "2m"}]}, 120.0),
        ({"period": "soon"}, None),
        ({}, None),
    ],
)
def test_a_run_that_asks_to_be_made_again_says_after_how_many_seconds(
    result: dict[str, object], seconds: float | None
) -> None:
    event = asked("operator_sdk.util.requeue_after", **result)
    assert fold([event, stats(ok=1)]).requeue_seconds == seconds


def test_the_shortest_time_counts_and_only_that_of_tasks_that_went_well() -> None:
    action = "operator_sdk.util.requeue_after"
    events = [asked(action, period="1m"), asked(action, period="10s"), asked(action, period="1h")]
    assert fold([*events, stats(ok=3)]).requeue_seconds == 10.0
    other = asked("ansible.builtin.debug", period="1m")
    refused = trim(on("runner_on_failed", task_action=action, res={"period": "1m"}, ignore_errors=True))
    assert refused
    assert fold([other, refused, stats(ok=1, ignored=1)]).requeue_seconds is None
