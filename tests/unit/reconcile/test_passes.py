"""Passes: when a playbook runs, what is remembered of it, and what is written."""

import errno
import os
from dataclasses import replace
from typing import Any

import pytest

from playbook_engine.cluster.errors import ConflictError, UnavailableError
from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind, metadata_of, uid_of
from playbook_engine.reconcile.memory import REST_SECONDS
from playbook_engine.runs.records import RunOutcome
from playbook_engine.testing.runner import died, failed, successful
from tests.unit.reconcile.stage import CHILD, FAREWELL, FINALIZER, KEY, PLAYBOOK, SECRET, Stage, pot

LEFT_ALONE = {"objects": {str(CHILD): {"untouched": True}}}


@pytest.fixture
def stage() -> Stage:
    stage = Stage()
    stage.put(pot(size=1))
    stage.playbook_makes_child(done="yes")
    return stage


async def settled(stage: Stage) -> Stage:
    await stage.settle()
    await stage.settle()
    stage.cluster.writes.clear()
    stage.executor.requests.clear()
    return stage


async def test_the_finalizer_is_set_before_anything_is_run(stage: Stage) -> None:
    assert await stage.look() == 0.0
    assert stage.resource["metadata"]["finalizers"] == [FINALIZER]
    assert stage.runs == 0
    (write,) = stage.cluster.writes
    assert write.body[0] == {"op": "test", "path": "/metadata/uid", "value": uid_of(stage.resource)}


async def test_a_new_resource_is_run_and_its_status_tells_all(stage: Stage) -> None:
    await stage.settle()
    assert stage.runs == 1
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.condition("ClayReady") == ("True", "Soft")
    assert stage.condition("Available") == ("True", "Done")
    assert stage.condition("Degraded") == ("False", "AsWanted")
    assert (stage.status["pieces"], stage.status["observedGeneration"]) == (1, 1)
    assert [one["type"] for one in stage.status["conditions"]] == sorted(
        one["type"] for one in stage.status["conditions"]
    )


async def test_the_run_gets_the_resource_unsafe_and_what_was_observed(stage: Stage) -> None:
    await stage.settle()
    (request,) = stage.executor.requests
    assert request.unsafe == {"resource", "observed"}
    assert request.variables["operation"] == "reconcile"
    assert request.variables["field_manager"] == "potter"
    observed = request.variables["observed"]
    names = {"references", "errors", "owned", "writers", "apis", "untouched"}
    assert set(observed) == names  # type: ignore[call-overload]


def untouched(stage: Stage) -> object:
    """Return what the last run has heard of objects that are as the one before had left them."""
    return stage.executor.requests[-1].variables["observed"]["untouched"]  # type: ignore[index]


async def test_a_run_hears_what_was_applied_of_objects_that_nobody_has_touched(stage: Stage) -> None:
    await stage.settle()
    assert untouched(stage) == {}
    stage.edit(size=2)
    await stage.settle()
    assert untouched(stage) == {str(CHILD): "done"}


@pytest.mark.parametrize("how", ["edited", "taken over", "deleted", "made again"])
async def test_what_somebody_has_touched_is_not_among_it(stage: Stage, how: str) -> None:
    await settled(stage)
    child = dict(stage.cluster.look(CHILD) or {})
    metadata: dict[str, Any] = dict(metadata_of(child))
    if how in ("deleted", "made again"):
        stage.cluster.delete(CHILD)
        stage.store.remove(CHILD)
    if how == "made again":
        stage.put({**child, "metadata": {**metadata, "uid": "another"}})
    elif how == "taken over":
        entry = {"manager": "somebody", "operation": "Update", "fieldsV1": {"f:data": {"f:done": {}}}}
        stage.put({**child, "metadata": {**metadata, "managedFields": [entry]}})
    elif how == "edited":
        stage.put({**child, "data": {"done": "no"}})
    stage.edit(size=2)
    await stage.settle()
    assert untouched(stage) == {}


async def test_what_a_failed_run_has_left_is_applied_again(stage: Stage) -> None:
    await settled(stage)
    stage.executor.script(PLAYBOOK, lambda _: failed(task="Knead", message="no clay"))
    stage.edit(size=2)
    await stage.settle()
    assert untouched(stage) == {str(CHILD): "done"}
    stage.playbook_makes_child(done="yes")
    stage.edit(size=3)
    await stage.settle()
    assert untouched(stage) == {}


async def test_what_a_run_has_not_applied_again_is_still_untouched_for_the_next(stage: Stage) -> None:
    await settled(stage)
    stage.executor.script(PLAYBOOK, lambda _: successful(LEFT_ALONE))
    for size in (2, 3):
        stage.edit(size=size)
        await stage.settle()
        assert untouched(stage) == {str(CHILD): "done"}


async def test_what_goes_in_the_middle_of_a_run_that_held_it_for_untouched_is_run_for_again(
    stage: Stage,
) -> None:
    await settled(stage)

    def gone(_: object) -> Any:  # noqa: ANN401 - an outcome
        stage.cluster.delete(CHILD)
        stage.store.remove(CHILD)
        return successful(LEFT_ALONE)

    stage.executor.script(PLAYBOOK, gone)
    stage.edit(size=2)
    await stage.look()
    assert untouched(stage) == {str(CHILD): "done"}
    stage.playbook_makes_child(done="yes")
    await stage.settle()
    assert stage.cluster.look(CHILD) is not None
    assert untouched(stage) == {}
    runs = stage.runs
    await stage.settle()
    assert stage.runs == runs


async def test_what_a_run_removes_itself_is_no_reason_for_another(stage: Stage) -> None:
    await settled(stage)

    def remove(_: object) -> Any:  # noqa: ANN401 - an outcome
        stage.cluster.delete(CHILD)
        stage.store.remove(CHILD)
        return successful(changed=1)

    stage.executor.script(PLAYBOOK, remove)
    stage.edit(size=2)
    await stage.settle()
    await stage.settle()
    assert stage.runs == 1


async def test_another_process_knows_nothing_of_what_was_applied(stage: Stage) -> None:
    await settled(stage)
    stage.restart()
    stage.edit(size=2)
    await stage.settle()
    assert untouched(stage) == {}


async def test_a_full_disk_is_told_in_a_condition_and_tried_again(stage: Stage) -> None:
    def full(_: object) -> Any:  # noqa: ANN401 - an outcome
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/tmp/runs")  # noqa: S108 - no file is made

    stage.executor.script(PLAYBOOK, full)
    after = await stage.settle()
    assert stage.condition("Reconciled") == ("False", "RunDied")
    assert "No space left on device" in stage.message("Reconciled")
    assert after is not None
    stage.playbook_makes_child(done="yes")
    stage.seconds += after
    await stage.settle()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")


async def test_a_settled_resource_is_neither_run_nor_written(stage: Stage) -> None:
    await settled(stage)
    for _ in range(3):
        assert 0.0 < (await stage.look() or 0.0) <= 600.0, "its turn in the period of 600 s"
    assert (stage.runs, stage.cluster.writes) == (0, [])


async def test_a_restart_runs_nothing_because_the_status_remembers(stage: Stage) -> None:
    await settled(stage)
    stage.restart()
    await stage.look()
    assert (stage.runs, stage.cluster.writes) == (0, [])


async def test_changed_roles_or_playbooks_run_everything_again(stage: Stage) -> None:
    await settled(stage)
    stage.content = "other content"
    stage.restart()
    await stage.look()
    assert stage.runs == 1


async def test_a_changed_specification_runs(stage: Stage) -> None:
    await settled(stage)
    stage.edit(size=2)
    await stage.look()
    assert stage.runs == 1
    assert stage.status["observedGeneration"] == 2


async def test_an_annotation_runs_when_it_is_a_trigger_and_only_then(stage: Stage) -> None:
    await settled(stage)
    found = stage.resource
    stage.put({**found, "metadata": {**found["metadata"], "annotations": {"other": "1"}}})
    await stage.look()
    assert stage.runs == 0
    stage.put({**found, "metadata": {**found["metadata"], "annotations": {"example.com/again": "1"}}})
    await stage.look()
    assert stage.runs == 1


async def test_a_change_of_dependents_is_in_the_status_without_a_run(stage: Stage) -> None:
    await settled(stage)
    child = dict(stage.cluster.look(CHILD) or {})
    stage.put({**child, "data": {}})
    await stage.look()
    assert stage.runs == 0
    assert stage.condition("Available") == ("False", "Missing")


async def test_an_owned_object_that_another_client_changed_is_run_for(stage: Stage) -> None:
    await settled(stage)
    child: Any = stage.cluster.look(CHILD)
    child["metadata"]["managedFields"] = [{"manager": "potter", "operation": "Apply", "fieldsV1": {}}]
    stage.put(child)
    await stage.look()
    assert stage.runs == 1


async def test_an_owned_object_that_is_gone_is_run_for(stage: Stage) -> None:
    await settled(stage)
    stage.cluster.delete(CHILD)
    stage.store.remove(CHILD)
    await stage.look()
    assert stage.runs == 1


async def test_an_owned_object_whose_deletion_takes_long_is_run_for_when_it_is_gone(stage: Stage) -> None:
    await settled(stage)
    child: Any = stage.cluster.look(CHILD)
    child["metadata"]["finalizers"] = ["others/protection"]
    stage.put(child)
    stage.cluster.delete(CHILD)
    stage.store.put(stage.cluster.look(CHILD) or {})
    stage.executor.script(PLAYBOOK, successful())  # it can only wait
    await stage.settle()
    await stage.settle()
    before = stage.runs
    stage.store.remove(CHILD)
    await stage.look()
    assert stage.runs == before + 1


async def test_events_that_are_late_do_not_lead_to_another_run(stage: Stage) -> None:
    """The run's own writes may not have arrived when it ends: they are read instead."""
    stage.events_arrive = False
    await stage.settle()
    stage.events_arrive = True
    await stage.settle()
    assert stage.runs == 1
    assert stage.condition("Available") == ("True", "Done")


async def test_a_failed_run_is_told_and_held_back_until_its_time(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, failed(task="Burn", role="kiln", message="too hot, token=abcdefgh"))
    await stage.settle()
    assert stage.condition("Reconciled") == ("False", "RunFailed")
    assert stage.condition("Degraded") == ("True", "RunFailed")
    assert stage.message("Reconciled") == "pot.yml: role kiln, task 'Burn': too hot, token=abcdefgh"
    assert "lastGood" not in stage.status
    assert await stage.look() == 2.0
    assert stage.runs == 1, "it is held back"
    stage.seconds += 2.0
    assert await stage.look() == 4.0, "the wait doubles"
    assert stage.runs == 2


async def test_a_change_goes_before_the_wait_after_a_failure(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, failed(task="Burn", message="no"))
    await stage.settle()
    stage.playbook_makes_child(done="yes")
    stage.edit(size=2)
    await stage.look()
    assert stage.runs == 2
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.condition("Degraded") == ("False", "AsWanted")


async def test_a_run_that_died_or_took_too_long_is_told_with_its_last_task(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, died(last_task="kiln : Burn"))
    await stage.settle()
    assert stage.condition("Reconciled") == ("False", "RunDied")
    assert "kiln : Burn" in stage.message("Reconciled")
    assert stage.executor.requests[0].timeout_seconds == stage.watch.run_timeout_seconds


async def test_a_condition_that_a_run_sets_to_false_degrades(stage: Stage) -> None:
    told = {"ClayReady": {"status": "False", "reason": "Dry", "message": "no water"}}
    stage.executor.script(PLAYBOOK, successful({"conditions": told}))
    await stage.settle()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.condition("Degraded") == ("True", "Dry")
    assert stage.message("Degraded") == "ClayReady: no water"


def status_is_lost_once(stage: Stage, outcome: RunOutcome) -> None:
    """Let the next run end like this, and the API server refuse the status that tells of it."""

    def run(_: object) -> RunOutcome:
        stage.cluster.fail("apply_status", UnavailableError("too many requests"))
        return outcome

    stage.executor.script(PLAYBOOK, run)


async def test_a_success_that_could_not_be_told_is_told_by_the_next_pass(stage: Stage) -> None:
    await stage.look()  # the finalizer
    told = {"conditions": {"ClayReady": {"status": "True", "reason": "Soft", "message": "clay"}}}
    status_is_lost_once(stage, successful(told))
    with pytest.raises(UnavailableError):
        await stage.look()
    assert stage.condition("Reconciled") == ("Unknown", "Started")
    await stage.look()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.condition("ClayReady") == ("True", "Soft")
    assert stage.status["lastGood"]["observedGeneration"] == 1
    assert stage.runs == 1, "what the run did holds; it only was not told yet"


async def test_a_status_that_met_a_conflict_is_told_by_the_next_pass(stage: Stage) -> None:
    await stage.look()  # the finalizer

    def run(_: object) -> RunOutcome:
        stage.cluster.fail("apply_status", ConflictError("the object has been modified"))
        return successful()

    stage.executor.script(PLAYBOOK, run)
    with pytest.raises(ConflictError):
        await stage.look()
    assert stage.condition("Reconciled") == ("Unknown", "Started")
    await stage.look()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.runs == 1


async def test_a_failure_that_could_not_be_told_is_told_by_the_next_pass(stage: Stage) -> None:
    await settled(stage)
    status_is_lost_once(stage, failed(task="Burn", message="too hot"))
    stage.edit(size=2)
    with pytest.raises(UnavailableError):
        await stage.look()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    await stage.look()
    assert stage.condition("Reconciled") == ("False", "RunFailed")
    assert stage.runs == 1, "it is held back"


async def test_what_is_no_condition_is_told_as_such(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, successful({"conditions": {"ClayReady": {"status": "yes"}}}))
    await stage.settle()
    assert stage.condition("ClayReady") == ("Unknown", "WrongCondition")


def undo(stage: Stage) -> None:
    """Delete what the run has made."""
    stage.cluster.delete(CHILD)
    stage.store.remove(CHILD)


async def test_a_run_that_is_undone_each_time_does_not_loop_and_heals(stage: Stage) -> None:
    await settled(stage)
    for _ in range(6):
        if stage.cluster.look(CHILD):
            undo(stage)
        await stage.look()
    assert stage.runs == 4, "then it is held back"
    assert stage.condition("Reconciled") == ("False", "NotConverging")
    assert f"undone each time: {CHILD}. Find out" in stage.message("Reconciled"), "though it is undone later"
    stage.seconds += 60
    await stage.look()
    assert await stage.look() == REST_SECONDS, "whether it holds is seen in time"
    assert stage.condition("Reconciled") == ("False", "NotConverging"), "nobody knows yet"
    stage.seconds += REST_SECONDS
    await stage.look()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.runs == 5


async def test_what_is_undone_only_after_a_while_is_not_fought_over_either(stage: Stage) -> None:
    """Another operator needs some seconds, too: what it undoes has been seen as it should be before."""
    await settled(stage)
    begins = stage.seconds
    while stage.seconds < begins + 100:
        undo(stage)
        while not stage.cluster.look(CHILD):
            after = await stage.look()
            assert after is not None
            stage.seconds += after if not stage.cluster.look(CHILD) else 0
        stage.seconds += 3
        await stage.look()
    assert stage.condition("Reconciled") == ("False", "NotConverging")
    assert stage.runs <= 10, "the waits grow: 2, 4, 8, 16, 32 seconds"


async def test_what_is_undone_now_and_then_is_put_right_each_time(stage: Stage) -> None:
    await settled(stage)
    for _ in range(8):
        stage.seconds += REST_SECONDS
        undo(stage)
        await stage.look()
        assert stage.cluster.look(CHILD)
        assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.runs == 8


async def test_a_trouble_that_was_over_when_the_process_began_is_told_to_be_over(stage: Stage) -> None:
    await settled(stage)
    for _ in range(4):
        undo(stage)
        await stage.look()
    assert stage.condition("Reconciled") == ("False", "NotConverging")
    stage.restart()
    await stage.look()
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")
    assert stage.runs == 4, "nothing had to be done"


async def test_a_reference_that_is_not_watched_is_read_by_name_and_again_in_time(stage: Stage) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "ns", "name": "blue"}}
    stage.edit(glazes=["blue"])
    assert await stage.settle() == 5.0, "what is missing is looked for more often"
    stage.cluster.put(secret)
    await stage.look()
    assert stage.runs == 1, "not yet"
    stage.seconds += 5.0
    assert await stage.look() == 30.0
    assert stage.runs == 2
    assert {key.gvk for key in stage.cluster.reads} == {SECRET}


async def test_what_does_not_count_is_seen_by_runs_but_starts_none(stage: Stage) -> None:
    clays = replace(
        stage.watch.references[0], counts_when=Expression("found.data.ready == resource.spec.wants")
    )
    stage.watch = replace(stage.watch, references=(clays, *stage.watch.references[1:]))
    stage.playbook_makes_child()
    clay = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": "ns", "name": "red"}}
    stage.put(pot(clays=["red"], wants="yes"))
    await stage.settle()
    stage.put({**clay, "data": {"ready": "no"}})
    await stage.settle()
    assert stage.runs == 1
    stage.put({**clay, "data": {"ready": "yes"}})
    await stage.settle()
    assert stage.runs == 2
    observed = stage.executor.requests[-1].variables["observed"]
    assert observed["references"]["clays"] == [{"name": "red", "data": {"ready": "yes"}}]  # type: ignore[index]
    stage.put({**clay, "data": {"ready": "no"}})
    await stage.settle()
    assert stage.runs == 3, "it counted, and does not any more"


async def test_a_read_that_fails_is_seen_by_the_run(stage: Stage) -> None:
    stage.edit(glazes=["blue"])
    stage.cluster.fail("get", UnavailableError("not now"))
    await stage.settle()
    observed = stage.executor.requests[0].variables["observed"]
    assert isinstance(observed, dict)
    assert observed["errors"] == {"glazes": [{"namespace": "ns", "name": "blue", "reason": "Unavailable"}]}


async def test_a_deleted_resource_is_let_go_after_its_playbook(stage: Stage) -> None:
    await settled(stage)
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    await stage.settle()
    (request,) = stage.executor.requests
    assert (request.playbook, request.variables["operation"]) == (FAREWELL, "finalize")
    assert stage.resource == {}
    assert await stage.look() is None


async def test_a_farewell_that_fails_keeps_the_resource_and_says_why(stage: Stage) -> None:
    await settled(stage)
    stage.executor.script(FAREWELL, failed(task="Wave", message="it is loved"))
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    assert await stage.look() == 2.0
    assert stage.message("Reconciled") == "farewell.yml: task 'Wave': it is loved"
    assert await stage.look() == 2.0
    assert stage.runs == 1
    stage.executor.script(FAREWELL, successful())
    stage.seconds += 2.0
    await stage.settle()
    assert stage.resource == {}


async def test_finalizers_of_others_stay(stage: Stage) -> None:
    found = stage.resource
    stage.put({**found, "metadata": {**found["metadata"], "finalizers": ["others/one"]}})
    await settled(stage)
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    await stage.look()
    assert stage.resource["metadata"]["finalizers"] == ["others/one"]


async def test_a_finalizer_that_moved_meanwhile_is_looked_at_again(stage: Stage) -> None:
    stale = dict(stage.resource)
    stage.cluster.put({**stale, "metadata": {**stale["metadata"], "labels": {"a": "b"}}})
    assert await stage.look() == 0.5, "the patch that adds a list must not replace one that came meanwhile"
    await stage.settle()
    assert stage.resource["metadata"]["finalizers"] == [FINALIZER]


async def test_another_resource_of_the_same_name_starts_anew(stage: Stage) -> None:
    stage.without_finalizer()
    await settled(stage)
    stage.cluster.delete(KEY)
    stage.store.remove(KEY)
    stage.put(pot(size=1))
    await stage.settle()
    assert stage.runs == 1


async def test_what_a_resource_of_the_same_name_has_left_says_nothing_of_this_one(stage: Stage) -> None:
    stage.without_finalizer()
    await settled(stage)
    stage.cluster.delete(KEY)
    stage.store.remove(KEY)
    stage.put(pot(size=1))
    stage.executor.script(PLAYBOOK, failed(task="Shape", message="the old pot is still in the way"))
    await stage.settle()
    assert stage.condition("Available") == ("False", "Missing"), "the object is that of the first"
    assert stage.status["pieces"] == 0


async def test_what_it_has_left_is_run_for_again_when_it_goes_in_the_middle_of_a_run(stage: Stage) -> None:
    stage.without_finalizer()
    await settled(stage)
    stage.cluster.delete(KEY)
    stage.store.remove(KEY)
    stage.put(pot(size=1))

    def run(_: object) -> RunOutcome:
        stage.cluster.delete(CHILD)
        stage.store.remove(CHILD)
        return successful({"conditions": {"ClayReady": {"status": "False", "reason": "Conflict"}}})

    stage.executor.script(PLAYBOOK, run)
    await stage.look()
    assert stage.condition("ClayReady") == ("False", "Conflict")
    stage.playbook_makes_child(done="yes")
    await stage.look()
    assert stage.condition("ClayReady") == ("True", "Soft")


async def test_fields_that_the_server_drops_are_not_written_for_ever(stage: Stage) -> None:
    stage.cluster.dropped_status_fields.add("pieces")
    await settled(stage)
    await stage.look()
    assert stage.cluster.writes == []


async def test_a_status_that_somebody_else_changed_is_corrected(stage: Stage) -> None:
    await settled(stage)
    found = stage.resource
    stage.put({**found, "status": {**found["status"], "pieces": 7}})
    await stage.look()
    assert stage.status["pieces"] == 1


async def test_events_tell_changes_and_nothing_twice(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, failed(task="Burn", message="no"))
    await stage.settle()
    for _ in range(3):
        stage.seconds += 60.0
        await stage.look()
    told = [(event["type"], event["reason"]) for event in stage.cluster.events]
    assert told == [("Warning", "RunFailed")]
    stage.playbook_makes_child(done="yes")
    stage.seconds += 60.0
    await stage.look()
    told = [(event["type"], event["reason"]) for event in stage.cluster.events][1:]
    assert set(told) == {("Normal", "RunSucceeded"), ("Normal", "Done")}


async def test_what_depends_on_a_kind_that_nobody_knows_of_is_looked_at_again_soon(stage: Stage) -> None:
    gate = GroupVersionKind(group="example.com", version="v1", kind="Gate")
    stage.watch = replace(stage.watch, apis=(gate,))
    stage.cluster.unknown.add(gate)
    after = await stage.settle()
    assert after is not None
    assert after <= 10
    stage.cluster.unknown.clear()
    runs, stage.seconds = stage.runs, stage.seconds + after
    await stage.look()
    assert stage.runs == runs + 1, "the answer has come, and what was made without it is made again"
    observed = stage.executor.requests[-1].variables["observed"]
    assert observed["apis"][str(gate)] == "present"  # type: ignore[index]


async def test_what_was_read_a_moment_ago_holds_when_one_read_fails(stage: Stage) -> None:
    blue = {"metadata": {"namespace": "ns", "name": "blue"}}
    stage.put({"apiVersion": "v1", "kind": "Secret", **blue})
    stage.edit(glazes=["blue"])
    await settled(stage)
    stage.cluster.fail("get", *[UnavailableError("not now") for _ in range(9)])
    stage.seconds += 31.0
    after = await stage.look()
    assert stage.runs == 0, "as far as anybody knows nothing has changed"
    assert after is not None
    assert after <= 30.0 / 6, "and it is read again soon"
    stage.seconds += 61.0
    await stage.look()
    (request,) = stage.executor.requests
    observed: Any = request.variables["observed"]
    assert observed["errors"]["glazes"][0]["reason"] == "Unavailable", "but not for ever"
