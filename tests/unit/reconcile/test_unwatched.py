"""Owned objects that must not be watched: read by name, by their metadata only, and never in the store."""

from dataclasses import replace
from typing import Any

import pytest

from playbook_engine.cluster.errors import ForbiddenError
from playbook_engine.events.intake import watched_kinds
from playbook_engine.expressions import Expression
from playbook_engine.objects import ObjectKey, fingerprint, key_of, metadata_of, uid_of
from playbook_engine.reconcile.observation import Observation, input_digest
from playbook_engine.testing.runner import successful
from playbook_engine.watches.records import OwnedKind, ReadMode
from tests.unit.reconcile.stage import CONFIG_MAP, PLAYBOOK, POT, SECRET, WATCH, Stage, pot

KEY_OF_SECRET = ObjectKey(gvk=SECRET, namespace="ns", name="pot-glaze")
OWNED_SECRET = OwnedKind(
    gvk=SECRET, names=Expression("[join('-', [resource.metadata.name, 'glaze'])]"),
    mode=ReadMode.POLL, poll_seconds=30.0,
)  # fmt: skip
UNWATCHED = replace(WATCH, owns=(OwnedKind(gvk=CONFIG_MAP), OWNED_SECRET), conditions=(), fields=())


@pytest.fixture
def stage() -> Stage:
    stage = Stage(watch=UNWATCHED)
    stage.put(pot(size=1))
    return stage


def make_secret(stage: Stage, **metadata: Any) -> dict[str, Any]:  # noqa: ANN401 - any of an object
    """Let the cluster have the Secret as a run applies it; no event of it ever arrives."""
    owner = {"uid": uid_of(stage.resource), "kind": "Pot", "name": "pot"}
    entry = {"manager": "potter", "operation": "Apply", "fieldsV1": {"f:data": {"f:colour": {}}}}
    given = {"namespace": "ns", "name": "pot-glaze", "ownerReferences": [owner], "managedFields": [entry]}
    secret = {
        "apiVersion": "v1", "kind": "Secret", "metadata": {**given, **metadata}, "data": {"colour": "Ymx1ZQ=="},
    }  # fmt: skip
    return dict(stage.cluster.put(secret))


def playbook_makes_secret(stage: Stage) -> None:
    def run(_: object) -> Any:  # noqa: ANN401 - an outcome
        secret = make_secret(stage)
        told = {"uid": uid_of(secret), "fields": fingerprint(secret, "potter")}
        return successful({"objects": {str(key_of(secret)): told}}, changed=1)

    stage.executor.script(PLAYBOOK, run)


def seen_by_run(stage: Stage) -> Any:  # noqa: ANN401 - of a run variable
    observed: Any = stage.executor.requests[-1].variables["observed"]
    return observed["owned"]["Secret"]


def test_only_what_may_be_watched_is() -> None:
    assert watched_kinds([UNWATCHED]) == (POT, CONFIG_MAP)


async def test_a_run_that_made_the_object_is_not_repeated(stage: Stage) -> None:
    playbook_makes_secret(stage)
    assert await stage.settle() == 30.0, "then it is looked at again"
    for _ in range(3):
        stage.seconds += 30.0
        await stage.look()
    assert stage.runs == 1
    assert stage.store.get(KEY_OF_SECRET) is None


async def test_runs_see_the_metadata_and_nothing_of_the_content(stage: Stage) -> None:
    make_secret(stage)
    await stage.settle()
    (seen,) = seen_by_run(stage)
    assert set(seen) == {"apiVersion", "kind", "metadata"}
    assert "managedFields" not in metadata_of(seen)


async def test_the_object_is_made_again_when_it_is_gone(stage: Stage) -> None:
    playbook_makes_secret(stage)
    await stage.settle()
    stage.cluster.delete(KEY_OF_SECRET)
    await stage.look()
    assert stage.runs == 1, "not yet"
    stage.seconds += 30.0
    await stage.look()
    assert stage.runs == 2
    assert stage.cluster.look(KEY_OF_SECRET)


@pytest.mark.parametrize("change", [{"managedFields": []}, {"labels": {"a": "b"}}])
async def test_whatever_changes_of_the_object_is_run_for(stage: Stage, change: dict[str, Any]) -> None:
    playbook_makes_secret(stage)
    await stage.settle()
    make_secret(stage, **change)
    stage.seconds += 30.0
    await stage.look()
    assert stage.runs == 2


async def test_an_object_that_nobody_made_is_not_waited_for(stage: Stage) -> None:
    await stage.settle()
    after = await stage.look()
    assert after is not None
    assert after >= 500.0, "the next look is the resync"


async def test_an_object_of_somebody_else_is_seen_before_the_run_however_new_it_is(stage: Stage) -> None:
    await stage.settle()
    make_secret(stage, ownerReferences=[], managedFields=[])
    stage.edit(size=2)
    await stage.look()
    assert [metadata_of(one)["name"] for one in seen_by_run(stage)] == ["pot-glaze"]


async def test_an_object_that_cannot_be_read_is_told_by_its_kind(stage: Stage) -> None:
    await stage.settle()
    stage.cluster.fail("get", *[ForbiddenError("no")] * 3)
    stage.edit(size=2)
    await stage.look()
    observed: Any = stage.executor.requests[-1].variables["observed"]
    assert observed["errors"] == {"Secret": [{"namespace": "ns", "name": "pot-glaze", "reason": "Forbidden"}]}


async def test_a_state_of_an_owned_object_that_runs_wait_for_starts_one(stage: Stage) -> None:
    waits = Expression("resource.spec.size == `2` && object.data.done || null")
    stage.watch = replace(WATCH, owns=(OwnedKind(gvk=CONFIG_MAP, inputs=waits),), conditions=())
    stage.playbook_makes_child(done="")
    await stage.settle()
    stage.edit(size=2)
    await stage.settle()
    runs = stage.runs
    stage.make_child(done="yes")
    await stage.look()
    assert stage.runs == runs + 1


def test_a_password_of_the_specification_is_not_in_the_digest() -> None:
    def digest_of(generation: int | None, **spec: str) -> str:
        metadata = {} if generation is None else {"generation": generation}
        resource = {"metadata": {"uid": "u", **metadata}, "spec": spec}
        return input_digest(WATCH, Observation(resource=resource), operation="reconcile", content="c")

    assert digest_of(1, glaze="a") == digest_of(1, glaze="b")
    assert digest_of(1, glaze="a") != digest_of(2, glaze="a"), "the API server counts every change"
    assert digest_of(None, size="1") != digest_of(None, size="2"), "not every kind is counted"
