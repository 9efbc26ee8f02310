"""A resource that is left alone, and objects that only the status looks at."""

from dataclasses import replace
from typing import Any

import pytest

from playbook_engine.cluster.errors import ForbiddenError
from playbook_engine.expressions import Expression
from playbook_engine.objects import GroupVersionKind
from playbook_engine.watches.records import Case, DerivedCondition, Glimpse, OwnedKind
from tests.unit.reconcile.stage import CONFIG_MAP, KEY, WATCH, Stage, pot

PAUSE = "example.com/paused"
SHARD = GroupVersionKind(group="", version="v1", kind="Shard")
GLIMPSE = Glimpse(
    name="shards",
    gvk=SHARD,
    labels=Expression("[{pot: resource.metadata.name}]"),
    when=Expression("owned.ConfigMap[0].data.broken"),
    projection=Expression("metadata.name"),
    poll_seconds=10.0,
)
BROKEN = DerivedCondition(
    type="Broken",
    cases=(
        Case(
            when=Expression("references.shards"),
            value={
                "status": "True",
                "reason": "Shards",
                "messageFrom": Expression("join(', ', references.shards)"),
                "degrades": True,
            },
        ),
    ),
)


@pytest.fixture
def stage() -> Stage:
    stage = Stage(watch=replace(WATCH, pause_annotation=PAUSE))
    stage.put(pot(size=1))
    return stage


def pause(stage: Stage, value: str | None) -> None:
    metadata = {**stage.resource["metadata"], "annotations": {PAUSE: value} if value else {}}
    stage.put({**stage.resource, "metadata": metadata})


async def test_a_paused_resource_is_not_run_and_its_status_says_so(stage: Stage) -> None:
    await stage.settle()
    pause(stage, "true")
    runs = stage.runs
    stage.edit(size=2)
    await stage.settle()
    assert stage.runs == runs
    assert stage.condition("Paused") == ("True", "AnnotationSet")
    assert PAUSE in stage.message("Paused")
    assert stage.status["observedGeneration"] == 1, (
        "what is told is of the specification that was applied last"
    )
    assert stage.condition("Degraded")[0] == "False"


async def test_when_the_pause_ends_what_has_changed_is_run(stage: Stage) -> None:
    await stage.settle()
    pause(stage, "true")
    stage.edit(size=2)
    await stage.settle()
    pause(stage, None)
    await stage.settle()
    assert stage.runs == 2
    assert "Paused" not in {condition["type"] for condition in stage.status["conditions"]}
    assert stage.status["observedGeneration"] == 2


async def test_a_pause_in_which_nothing_changed_costs_no_run(stage: Stage) -> None:
    await stage.settle()
    for value in ("true", None, "false"):
        pause(stage, value)
        await stage.settle()
    assert stage.runs == 1


async def test_the_status_of_a_paused_resource_follows_its_dependents(stage: Stage) -> None:
    stage.playbook_makes_child()
    await stage.settle()
    pause(stage, "true")
    child = stage.make_child()
    stage.put({**child, "data": {"done": "yes"}})
    await stage.settle()
    assert (stage.condition("Available"), stage.runs) == (("True", "Done"), 1)


async def test_a_resource_that_is_paused_from_its_first_moment_is_not_touched(stage: Stage) -> None:
    pause(stage, "true")
    await stage.settle()
    assert stage.runs == 0
    assert "patch" not in {write.what for write in stage.cluster.writes}, "it does not even get its finalizer"


async def test_a_paused_resource_can_be_deleted(stage: Stage) -> None:
    await stage.settle()
    pause(stage, "true")
    stage.cluster.delete(KEY)
    stage.store.put(stage.resource)
    await stage.settle()
    assert stage.resource == {}


@pytest.fixture
def looking() -> Stage:
    """A stage whose status looks at shards while the child is broken."""
    watch = replace(WATCH, glimpses=(GLIMPSE,), conditions=(BROKEN,))
    stage = Stage(watch=watch)
    stage.playbook_makes_child()
    stage.put(pot(size=1))
    return stage


def shard(name: str, of: str = "pot") -> dict[str, Any]:
    metadata = {"namespace": "ns", "name": name, "labels": {"pot": of}}
    return {"apiVersion": "v1", "kind": "Shard", "metadata": metadata}


def set_broken(stage: Stage, broken: str) -> None:
    stage.put({**stage.make_child(), "data": {"broken": broken}})


async def test_what_only_the_status_tells_is_listed_while_it_is_wanted(looking: Stage) -> None:
    looking.cluster.put(shard("one"))
    looking.cluster.put(shard("other", of="jar"))
    await looking.settle()
    assert "Broken" not in {condition["type"] for condition in looking.status["conditions"]}
    set_broken(looking, "yes")
    assert await looking.settle() == pytest.approx(10.0), "it is looked again in a while"
    assert looking.message("Broken") == "one"
    assert looking.condition("Degraded") == ("True", "Shards")
    assert looking.runs == 1, "no run depends on it"


async def test_it_is_listed_again_after_a_period_and_not_before(looking: Stage) -> None:
    looking.cluster.put(shard("one"))
    await looking.settle()
    set_broken(looking, "yes")
    await looking.settle()
    looking.cluster.put(shard("two"))
    await looking.settle()
    assert looking.message("Broken") == "one"
    looking.seconds += 10
    await looking.settle()
    assert looking.message("Broken") == "one, two"
    set_broken(looking, "")
    await looking.settle()
    assert "Broken" not in {condition["type"] for condition in looking.status["conditions"]}


async def test_what_may_not_be_listed_is_not_told(looking: Stage) -> None:
    await looking.settle()
    looking.cluster.fail("list", ForbiddenError("no"))
    set_broken(looking, "yes")
    await looking.settle()
    assert "Broken" not in {condition["type"] for condition in looking.status["conditions"]}


async def test_an_object_of_somebody_else_says_nothing_about_the_resource() -> None:
    stage = Stage()
    metadata = {"namespace": "ns", "name": "pot", "ownerReferences": [{"uid": "another"}]}
    stage.put({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"done": "yes"}})
    stage.put(pot(size=1))
    await stage.settle()
    assert stage.condition("Available") == ("False", "Missing")
    assert stage.status["pieces"] == 0


async def test_a_run_that_depends_on_the_status_is_made_when_that_changes() -> None:
    kind = OwnedKind(gvk=CONFIG_MAP, inputs=Expression("resource.status.pieces"))
    stage = Stage(watch=replace(WATCH, owns=(kind,)))
    stage.playbook_makes_child()
    stage.put(pot(size=1))
    await stage.settle()
    await stage.settle()
    seen: list[Any] = [request.variables["resource"] for request in stage.executor.requests]
    assert [one.get("status", {}).get("pieces") for one in seen][-1] == 1
    runs = stage.runs
    await stage.settle()
    assert stage.runs == runs
