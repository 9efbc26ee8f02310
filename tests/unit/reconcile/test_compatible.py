"""Passes over resources of a project that was written for ansible-operator."""

from dataclasses import replace
from typing import Any

import pytest

from playbook_engine.cluster.errors import ConflictError, InvalidError
from playbook_engine.objects import GroupVersionKind, Object, ObjectKey
from playbook_engine.reconcile.judge import requeue_seconds
from playbook_engine.runs.records import RunOutcome, RunRequest
from playbook_engine.selectors import Operator, Requirement, Selector
from playbook_engine.settings.choices import Compatibility
from playbook_engine.testing.cluster import FakeCluster
from playbook_engine.testing.runner import died, failed, successful
from playbook_engine.watches.records import Finalizer, Parameters, Watch
from tests.unit.reconcile.stage import FAREWELL, FINALIZER, KEY, PLAYBOOK, POT, Stage, pot

PERIOD = "ansible.sdk.operatorframework.io/reconcile-period"
WATCH = Watch(
    gvk=POT,
    playbook=PLAYBOOK,
    field_manager="potter",
    compatibility=Compatibility.ANSIBLE_OPERATOR,
    reconcile_seconds=600.0,
    parameters=Parameters(),
    vars={"clay": "red"},
)
FINAL = Finalizer(name=FINALIZER, playbook=FAREWELL, vars={"state": "absent"})


@pytest.fixture
def stage() -> Stage:
    stage = Stage(watch=WATCH)
    stage.put(pot(potSize=1))
    return stage


def conditions(stage: Stage) -> dict[str, tuple[str, str]]:
    return {one["type"]: (one["status"], one["reason"]) for one in stage.status["conditions"]}


def annotate(stage: Stage, **annotations: str) -> None:
    resource = stage.resource
    stage.put({**resource, "metadata": {**resource["metadata"], "annotations": annotations}})


async def test_a_new_resource_is_run_with_their_variables(stage: Stage) -> None:
    await stage.settle()
    (request,) = stage.executor.requests
    assert request.variables["pot_size"] == 1
    assert request.variables["clay"] == "red"
    assert request.variables["ansible_operator_meta"] == {"name": "pot", "namespace": "ns"}
    assert "resource" not in request.variables
    assert "operation" not in request.variables


async def test_while_a_run_goes_on_it_is_told_and_then_how_it_ended(stage: Stage) -> None:
    during: dict[str, tuple[str, str]] = {}

    def run(_: RunRequest) -> RunOutcome:
        during.update(conditions(stage))
        return successful()

    stage.executor.script(PLAYBOOK, run)
    await stage.settle()
    assert during == {"Running": ("True", "Running")}
    assert conditions(stage) == {
        "Failure": ("False", "Successful"),
        "Running": ("True", "Successful"),
        "Successful": ("True", "Successful"),
    }
    assert len(stage.cluster.writes) == 2


async def test_nothing_but_the_conditions_is_written(stage: Stage) -> None:
    await stage.settle()
    assert set(stage.status) == {"conditions"}
    assert stage.cluster.events == []


async def test_the_status_that_the_engine_writes_makes_no_run(stage: Stage) -> None:
    await stage.settle()
    assert await stage.look() == pytest.approx(600.0)
    assert stage.runs == 1


async def test_a_status_that_somebody_else_writes_makes_no_run_and_is_kept(stage: Stage) -> None:
    await stage.settle()
    stage.put({**stage.resource, "status": {**stage.status, "url": "http://pot"}})
    await stage.settle()
    assert stage.runs == 1
    stage.edit(potSize=2)
    await stage.settle()
    assert stage.runs == 2
    assert stage.status["url"] == "http://pot"


async def test_what_a_role_writes_into_the_status_during_the_run_is_kept(stage: Stage) -> None:
    stage.events_arrive = False

    def run(_: RunRequest) -> RunOutcome:
        ready = {"type": "Ready", "status": "True"}
        before = [one for one in stage.status["conditions"] if one["type"] != "Ready"]
        stage.put({**stage.resource, "status": {"nodes": 3, "conditions": [ready, *before]}})
        return successful()

    stage.executor.script(PLAYBOOK, run)
    await stage.settle()
    assert stage.status["nodes"] == 3
    assert set(conditions_by_type(stage)) == {"Failure", "Ready", "Running", "Successful"}
    assert conditions_by_type(stage)["Running"]["reason"] == "Successful"
    assert stage.runs == 1, "the status is written again, and the play is not repeated"


def conditions_by_type(stage: Stage) -> dict[str, dict[str, Any]]:
    return {one["type"]: one for one in stage.status["conditions"]}


async def test_conditions_that_the_server_refuses_are_an_error(stage: Stage) -> None:
    stage.cluster.fail("patch", InvalidError("status.conditions: bad"))
    with pytest.raises(InvalidError):
        await stage.look()
    assert stage.runs == 0


async def test_a_conflict_of_the_status_is_solved_without_another_run(stage: Stage) -> None:
    def run(_: RunRequest) -> RunOutcome:
        stage.events_arrive = False
        stage.put({**stage.resource, "status": {**stage.status, "more": 1}})
        return successful()

    stage.executor.script(PLAYBOOK, run)
    await stage.settle()
    assert stage.runs == 1
    assert stage.status["more"] == 1
    assert conditions(stage)["Successful"] == ("True", "Successful")


async def test_without_the_management_of_the_status_none_is_written(stage: Stage) -> None:
    stage.watch = replace(WATCH, manage_status=False)
    await stage.settle()
    assert stage.runs == 1
    assert stage.cluster.writes == []


async def test_a_change_of_the_generation_makes_a_run(stage: Stage) -> None:
    await stage.settle()
    stage.edit(potSize=2)
    await stage.settle()
    assert stage.runs == 2


async def test_an_annotation_makes_a_run_only_where_that_is_asked_for(stage: Stage) -> None:
    await stage.settle()
    annotate(stage, any="thing")
    await stage.settle()
    assert stage.runs == 1
    stage.watch = replace(WATCH, watch_annotations=True)
    await stage.settle()
    annotate(stage, any="other")
    runs = stage.runs
    await stage.settle()
    assert stage.runs == runs + 1


async def test_after_the_period_a_run_is_made_though_nothing_has_changed(stage: Stage) -> None:
    await stage.settle()
    for expected in (2, 3, 4, 5, 6, 7):
        stage.seconds += 599.0
        assert await stage.settle() == pytest.approx(1.0)
        stage.seconds += 1.0
        await stage.settle()
        assert stage.runs == expected
    assert conditions(stage)["Successful"] == ("True", "Successful")


async def test_without_a_period_no_run_is_made_without_a_change(stage: Stage) -> None:
    stage.watch = replace(WATCH, reconcile_seconds=0.0)
    assert await stage.settle() == float("inf")
    stage.seconds += 1e6
    await stage.settle()
    assert stage.runs == 1


async def test_the_period_of_the_annotation_counts_at_once(stage: Stage) -> None:
    await stage.settle()
    stage.seconds += 20.0
    annotate(stage, **{PERIOD: "30s"})
    assert await stage.settle() == pytest.approx(10.0)
    stage.seconds += 10.0
    await stage.settle()
    assert stage.runs == 2


async def test_a_period_that_is_none_is_a_failure_until_it_is_put_right(stage: Stage) -> None:
    annotate(stage, **{PERIOD: "soon"})
    assert await stage.settle() is None
    assert stage.runs == 0
    failure = conditions_by_type(stage)["Failure"]
    assert failure["status"] == "True"
    assert PERIOD in failure["message"]
    annotate(stage)
    await stage.settle()
    assert stage.runs == 1
    assert conditions(stage)["Failure"][0] == "False"


async def test_the_verbosity_of_the_annotation_is_that_of_the_run(stage: Stage) -> None:
    annotate(stage, **{"ansible.sdk.operatorframework.io/verbosity": "4"})
    await stage.settle()
    assert stage.executor.requests[0].verbosity == 4


async def test_a_bad_verbosity_hinders_nothing(stage: Stage) -> None:
    annotate(stage, **{"ansible.sdk.operatorframework.io/verbosity": "loud"})
    await stage.settle()
    assert stage.runs == 1


async def test_a_run_that_fails_is_made_again_with_back_off(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, failed(task="bake", message="too hot", custom={"requeue_after": 500.0}))
    waits = []
    for _ in range(3):
        after = await stage.settle()
        assert after is not None
        waits.append(after)
        stage.seconds += after
    assert waits == [pytest.approx(2.0), pytest.approx(4.0), pytest.approx(8.0)]
    assert conditions_by_type(stage)["Failure"]["message"] == "too hot"


async def test_a_run_that_dies_is_a_failure(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, died())
    await stage.settle()
    found = conditions_by_type(stage)
    assert found["Running"]["status"] == "False"
    assert "killed by a signal" in found["Failure"]["message"]


async def test_a_restart_makes_a_run_of_each_resource(stage: Stage) -> None:
    await stage.settle()
    stage.restart()
    await stage.settle()
    assert stage.runs == 2


async def test_a_run_that_asks_for_it_is_made_again_after_that_time(stage: Stage) -> None:
    stage.executor.script(PLAYBOOK, successful({"requeue_after": 30.0}))
    assert await stage.settle() == pytest.approx(30.0)
    stage.executor.script(PLAYBOOK, successful())
    stage.seconds += 30.0
    assert await stage.settle() == pytest.approx(600.0)
    assert stage.runs == 2


def test_the_shorter_of_two_wishes_counts() -> None:
    assert requeue_seconds(replace(successful(), requeue_seconds=7.0)) == 7.0
    assert requeue_seconds(replace(successful({"requeue_after": 5}), requeue_seconds=7.0)) == 5
    assert requeue_seconds(replace(died(), requeue_seconds=7.0)) is None


@pytest.mark.parametrize("asked", [-1, True, "soon", None])
def test_a_wish_for_another_run_that_is_no_time_is_none(asked: object) -> None:
    assert requeue_seconds(successful({"requeue_after": asked})) is None


async def test_an_entry_in_the_form_of_this_engine_can_ask_for_another_run_too() -> None:
    stage = Stage()
    stage.without_finalizer()
    stage.put(pot(size=1))
    stage.executor.script(PLAYBOOK, successful({"requeue_after": 5.0}))
    for expected in (1, 2, 3, 4, 5, 6):
        assert await stage.settle() == pytest.approx(5.0)
        assert stage.runs == expected
        stage.seconds += 5.0
    assert stage.condition("Reconciled") == ("True", "RunSucceeded")


async def test_a_resource_that_is_not_selected_is_left_alone(stage: Stage) -> None:
    wanted = Requirement(key="app", operator=Operator.IN, values=("pots",))
    stage.watch = replace(WATCH, selector=Selector(requirements=(wanted,)), finalizer=FINAL)
    assert await stage.look() is None
    assert stage.cluster.writes == []
    resource = stage.resource
    stage.put({**resource, "metadata": {**resource["metadata"], "labels": {"app": "pots"}}})
    await stage.settle()
    assert stage.runs == 1


async def test_a_finalizer_runs_with_its_variables_and_then_the_resource_goes(stage: Stage) -> None:
    stage.watch = replace(WATCH, finalizer=FINAL)
    await stage.settle()
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    await stage.settle()
    assert stage.executor.requests[-1].playbook == FAREWELL
    assert stage.executor.requests[-1].variables["state"] == "absent"
    assert stage.cluster.look(KEY) is None


async def test_a_finalizer_that_asks_for_another_run_is_still_removed(stage: Stage) -> None:
    stage.watch = replace(WATCH, finalizer=FINAL)
    await stage.settle()
    stage.executor.script(FAREWELL, successful({"requeue_after": 30.0}))
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    await stage.settle()
    assert stage.cluster.look(KEY) is None


async def test_a_finalizer_that_fails_stays_and_is_tried_again(stage: Stage) -> None:
    stage.watch = replace(WATCH, finalizer=FINAL)
    await stage.settle()
    stage.executor.script(FAREWELL, failed(task="bury", message="too hard"))
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    assert await stage.settle() == pytest.approx(2.0)
    assert conditions_by_type(stage)["Failure"]["message"] == "too hard"
    assert stage.resource["metadata"]["finalizers"] == [FINALIZER]


async def test_a_resource_without_the_finalizer_goes_without_a_run(stage: Stage) -> None:
    await stage.settle()
    runs = stage.runs
    resource = stage.resource
    foreign = {
        **resource["metadata"],
        "finalizers": ["other/one"],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
    }
    stage.put({**resource, "metadata": foreign})
    await stage.look()
    assert stage.runs == runs


async def test_a_deletion_in_the_middle_of_a_run_is_finalized_after_it(stage: Stage) -> None:
    stage.watch = replace(WATCH, finalizer=FINAL)

    def run(_: RunRequest) -> RunOutcome:
        stage.cluster.delete(KEY)
        stage.store.put(stage.resource)
        return successful()

    stage.executor.script(PLAYBOOK, run)
    await stage.settle()
    await stage.settle()
    assert [request.playbook for request in stage.executor.requests] == [PLAYBOOK, FAREWELL]
    assert stage.cluster.look(KEY) is None


async def test_a_resource_of_a_core_kind_is_run_when_its_content_changes(stage: Stage) -> None:
    secret = GroupVersionKind(group="", version="v1", kind="Secret")
    key = ObjectKey(gvk=secret, namespace="ns", name="s")
    watch = replace(WATCH, gvk=secret, manage_status=False)

    def put(value: str) -> None:
        metadata = {"namespace": "ns", "name": "s"}
        stored = dict(
            stage.cluster.put(
                {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "data": {"a": value}}
            )
        )
        stored["metadata"] = {name: one for name, one in stored["metadata"].items() if name != "generation"}  # type: ignore[attr-defined]
        stage.store.put(stored)

    for value, runs in (("1", 1), ("1", 1), ("2", 2)):
        put(value)
        await stage.reconciler.reconcile(watch, key, 0)  # type: ignore[arg-type]
        assert stage.runs == runs
    assert stage.executor.requests[-1].variables["__secret_spec"] == {}


class Busy(FakeCluster):
    """A cluster in which somebody writes the status before each read."""

    async def get(self, key: ObjectKey) -> Object:
        """Read what has just been changed."""
        self.put({**(self.look(key) or {}), "status": {"n": len(self.reads)}})
        return await super().get(key)


async def test_somebody_who_writes_the_status_all_the_time_is_an_error_in_the_end() -> None:
    stage = Stage(watch=WATCH, cluster=Busy())
    stage.put(pot(potSize=1))
    stage.cluster.fail("patch", *(ConflictError("changed") for _ in range(50)))
    with pytest.raises(ConflictError, match="all the time"):
        await stage.look()
